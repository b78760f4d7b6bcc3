#include <algorithm>
#include <cmath>

#include "app/scenes/generate.h"
#include "app/ui/registry.h"
#include "app/ui/stroke.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr int kMostRows = 20;                // and one for the rest
constexpr float kLow = 88, kHigh = 118;      // what the draw takes below the rows
constexpr float kDistributionFaint = 0.35f;  // an older distribution, while the pass takes its time

bool close(double a, double b) { return std::abs(a - b) < 1e-9; }

}  // namespace

Generate::DistributionLayout Generate::distribution_layout(Rect panel) const {
  DistributionLayout at;
  at.panel = panel;
  const float wider = panel.w() - 688;
  const float room = panel.h() - at.top - (theme().low ? kLow : kHigh), pitch = theme().low ? 24 : 26;
  at.lines = std::clamp(static_cast<int>(room / pitch + 0.01f), 3, kMostRows + 1);
  at.pitch = pitch;
  at.x_bar = panel.min.x + 108;
  at.w_bar = 312 + wider;
  at.x_p = panel.min.x + 508 + wider;
  at.x_sum = panel.max.x - 148;
  return at;
}

void Generate::draw_distribution(Rect panel) {
  const registry::Scope scope("Next token");
  fill(theme().rect(panel.min.x, panel.min.y, panel.w(), panel.h()), colors().panel, 10);
  text(theme().at(panel.min.x + 20, panel.min.y + 28), "Next token", Font::kBodyBold, colors().text);
  const DistributionLayout at = distribution_layout(panel);
  if (most_rows_ != at.lines - 1) {
    most_rows_ = at.lines - 1;
    update_rows();
  }
  if (!error_.empty() || rows_.empty()) return draw_waiting(at);
  draw_legend(at);
  for (size_t i = 0; i < rows_.size(); ++i) draw_row(at, i);
  draw_rest(at);
  draw_cumulative(at);
  draw_cuts(at);
  if (!ready()) draw_waiting(at);
  draw_draw(panel);
}

void Generate::draw_legend(const DistributionLayout& at) const {
  const Palette& c = colors();
  const float y = at.panel.min.y + 28;
  float x = px(at.panel.min.x + 20) + text_width(Font::kBodyBold, "Next token") + px(20);
  const float limit = px(at.x_sum - 8);
  fill({{x, px(y - 6)}, {x + px(16), px(y + 6)}}, c.hue(held().masked).fill, 2);
  const std::string name = elided(voice_name(held_), limit - x - px(24), Font::kLabel);
  text({x + px(24), px(y)}, name, Font::kLabel, c.secondary);
  x += px(24) + text_width(Font::kLabel, name) + px(16);
  if (has_other_ && other()) {
    const Hue& hue = c.hue(voices_[*other()].masked);
    const std::string words = voice_name(*other()) + ", same prompt";
    fill({{x, px(y - 2)}, {x + px(16), px(y + 2)}}, hue.fill, 2);
    text_elided({x + px(24), px(y)}, words, limit - x - px(24), Font::kLabel, c.secondary);
  }
  text(theme().at(at.x_sum + at.w_sum, y), "cumulative", Font::kLabel, c.secondary, Align::kRight);
}

void Generate::draw_row(const DistributionLayout& at, size_t line) {
  const Palette& c = colors();
  const Row& row = rows_[line];
  const Candidate& candidate = distribution_.candidates()[row.place];
  const float y = at.panel.min.y + at.top + at.pitch * static_cast<float>(line), middle = y + at.pitch * 0.5f;
  const Rect rect = theme().rect(at.panel.min.x + 12, y, at.panel.w() - 24, at.pitch);
  ImGui::PushID(static_cast<int>(line));
  const Interaction it = interact(row.name, rect, ready());
  registry::add(row.name, "button", fmt("%.3f", candidate.p_temperature), rect.min, rect.max);
  ImGui::PopID();
  if (it.pressed) force(candidate.id);
  const bool is_drawn = ready() && landed() && row.place == drawn_;
  fill(rect, is_drawn ? mixed(c.raised, c.hover, it.hover) : faded(c.raised, it.hover), 6);
  if (it.focused) outline(rect, c.text, 2, 6);
  const float alpha = outdated() ? kDistributionFaint : 1;
  const ImU32 ink = faded(candidate.kept ? c.text : c.disabled, alpha);
  text_elided(theme().at(at.panel.min.x + 96, middle), row.label, px(76), is_drawn ? Font::kBodyBold : Font::kBody, ink,
              Align::kRight);
  const auto bar = [&](double p, float top, float h, ImU32 color) {
    const float x = px(at.x_bar), w = static_cast<float>(p / scale_) * px(at.w_bar);
    if (p > 0) fill({{x, px(y + top)}, {x + std::max(1.0f, w), px(y + top + h)}}, faded(color, alpha), 2);
    return x + w;
  };
  const float thick = has_other_ ? 13 : 15, above = (at.pitch - (has_other_ ? 18 : 15)) * 0.5f;
  const float end = bar(candidate.p_temperature, above, thick, candidate.kept ? c.hue(held().masked).fill : c.hatch);
  if (has_other_ && other()) {
    const ImU32 hue = c.hue(voices_[*other()].masked).fill;
    bar(row.other_p, above + thick + 1, 4, faded(hue, candidate.kept ? 1 : 0.5f));
  }
  text(theme().at(at.x_p, middle), fmt("%.3f", candidate.p_temperature), Font::kMono, ink, Align::kRight);
  if (row.place == 0 && drawn_ != 0 && landed())
    draw_greedy_mark(end, theme().px(y + above + thick * 0.5f), px(at.x_p - 52));
  if (it.hovered || it.focused) describe_row(row, it.id);
}

/// Behind the first bar, where the draw took another one; in the bar where there is no room behind it.
void Generate::draw_greedy_mark(float x_end, float y, float x_limit) const {
  const float w = text_width(Font::kSmall, "greedy");
  if (x_end + px(8) + w <= x_limit) {
    text({x_end + px(8), y}, "greedy", Font::kSmall, colors().secondary);
  } else {
    text({x_end - px(8), y}, "greedy", Font::kSmallBold, colors().hue(held().masked).on_fill, Align::kRight);
  }
}

/// What has no row of its own.
void Generate::draw_rest(const DistributionLayout& at) const {
  const size_t all = distribution_.candidates().size();
  if (all <= rows_.size()) return;
  const float y = at.panel.min.y + at.top + at.pitch * (static_cast<float>(rows_.size()) + 0.5f);
  const float alpha = outdated() ? kDistributionFaint : 1;
  const ImU32 ink = faded(colors().disabled, alpha);
  const Number more = fmt("%s more", grouped_text(static_cast<long long>(all - rows_.size())).chars);
  const bool long_number = text_width(Font::kBody, more) > px(88);  // tens of thousands
  text_elided(theme().at(at.panel.min.x + 96, y), more, px(88), long_number ? Font::kSmall : Font::kBody, ink,
              Align::kRight);
  text(theme().at(at.x_p, y), fmt("%.3f", rest_p_), Font::kMono, ink, Align::kRight);
  const std::string words = rest_words();
  if (words.empty()) return;
  // A cut right above has its words at the other end.
  const bool cut_above = distribution_.kept() == rows_.size();
  const float end = px(at.x_p - 56) - (cut_above ? px(28) + text_width(Font::kLabelBold, top_p_words()) : 0);
  text_elided(theme().at(at.x_bar, y), words, end - px(at.x_bar), Font::kLabelBold, faded(colors().text, alpha));
}

/// Where the cuts lie beyond the rows.
std::string Generate::rest_words() const {
  const size_t shown = rows_.size(), all = distribution_.candidates().size(), k = distribution_.in_top_k(),
               kept = distribution_.kept();
  std::string words;
  if (sampling_.temperature == 0) return words;
  if (k > shown && k < all) words = std::string("top-k cuts after ") + grouped_text(static_cast<long long>(k)).chars;
  if (kept > shown && kept < k)
    words += std::string(words.empty() ? "" : ", ") + fmt("top-p %.2f cuts after ", sampling_.top_p).chars +
             grouped_text(static_cast<long long>(kept)).chars;
  return words;
}

std::string Generate::top_p_words() const { return fmt("top-p %.2f cuts here", sampling_.top_p).chars; }

/// Each cut that acts is a line between the last token that it keeps and the first that it does not.
void Generate::draw_cuts(const DistributionLayout& at) const {
  const size_t all = distribution_.candidates().size(), k = distribution_.in_top_k(), kept = distribution_.kept();
  if (sampling_.temperature == 0) {
    if (all > 1) draw_cut(at, 1, "temperature 0 cuts here");
    return;
  }
  if (k < all && k <= rows_.size()) draw_cut(at, k, fmt("top-k %d cuts here", sampling_.top_k));
  if (kept < k && kept <= rows_.size()) draw_cut(at, kept, top_p_words());
}

void Generate::draw_cut(const DistributionLayout& at, size_t rows_above, std::string_view words) const {
  const float x0 = px(at.panel.min.x + 20), x1 = px(at.panel.max.x - 20);
  const float y = px(at.panel.min.y + at.top + at.pitch * static_cast<float>(rows_above)) - 0.5f;
  const float half = std::ceil(text_width(Font::kLabelBold, words) * 0.5f) + px(8);
  // The words stand behind the bar above them where there is room, and on it where there is none.
  const Row& above = rows_[rows_above - 1];
  const double p = std::max(distribution_.candidates()[above.place].p_temperature, above.other_p);
  const float usual = px(at.panel.min.x + 290 + (at.w_bar - 312) * 0.5f);
  const float behind = px(at.x_bar) + static_cast<float>(p / scale_) * px(at.w_bar) + half;
  float middle = behind + half <= px(at.x_p - 48) ? std::max(usual, behind) : usual;
  if (rows_above == rows_.size() && !rest_words().empty()) middle = px(at.x_p - 56) - half;
  const ImU32 color = colors().text;
  const ImVec2 left[] = {{x0, y}, {middle - half, y}}, right[] = {{middle + half, y}, {x1, y}};
  stroke_dashed(left, color, theme().line(1.5f), px(6), px(4), 0);
  stroke_dashed(right, color, theme().line(1.5f), px(6), px(4), 0);
  fill({{middle - half + px(4), y - px(7)}, {middle + half - px(4), y + px(7)}}, faded(colors().panel, 0.85f));
  text({middle, y}, words, Font::kLabelBold, color, Align::kCentre);
}

/// The sum from the top down: what top-p counts.
void Generate::draw_cumulative(const DistributionLayout& at) const {
  const Palette& c = colors();
  const float top = at.panel.min.y + at.top, rows = static_cast<float>(rows_.size());
  const bool rest = distribution_.candidates().size() > rows_.size();
  const float bottom = top + at.pitch * (rows + (rest ? 1 : 0));
  const auto x = [&](double sum) { return px(at.x_sum) + static_cast<float>(sum) * px(at.w_sum); };
  for (const double sum : {0.0, 0.5, 1.0})
    canvas()->AddRectFilled({x(sum), px(top)}, {x(sum) + theme().line(1), px(bottom + 6)}, c.grid);
  const float alpha = outdated() ? kDistributionFaint : 1;
  const ImU32 hue = faded(c.hue(held().masked).fill, alpha), grey = faded(c.disabled, alpha);
  ImVec2 before{x(0), px(top)};
  const auto to = [&](ImVec2 point, ImU32 color) {
    const ImVec2 line[] = {before, point};
    stroke(line, color, theme().line(2));
    before = point;
  };
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Candidate& candidate = distribution_.candidates()[rows_[i].place];
    const ImVec2 point{x(candidate.cumulative), px(top + at.pitch * (static_cast<float>(i) + 0.5f))};
    to(point, candidate.kept ? hue : grey);
    canvas()->AddCircleFilled(point, px(3), candidate.kept ? hue : grey, 16);
  }
  if (rest) {
    const ImVec2 point{x(1), px(top + at.pitch * (rows + 0.5f))};
    to(point, grey);
    canvas()->AddCircleFilled(point, px(3), grey, 16);
  }
  const bool cuts = sampling_.top_p < 1 && sampling_.temperature > 0;
  if (cuts) {
    const ImVec2 line[] = {{x(sampling_.top_p), px(top)}, {x(sampling_.top_p), px(bottom + 6)}};
    stroke_dashed(line, c.text, theme().line(1), px(3), px(3), 0);
  }
  if (theme().low) return;
  const float y = px(at.panel.min.y + at.top + at.pitch * static_cast<float>(at.lines) + 15);
  text({x(0), y}, "0", Font::kMonoSmall, c.secondary, Align::kCentre);
  if (cuts && sampling_.top_p > 0.25)
    text({x(sampling_.top_p), y}, fmt("%.2f", sampling_.top_p), Font::kMonoSmall, c.text, Align::kCentre);
  if (!cuts || sampling_.top_p < 0.7) text({x(1), y}, "1", Font::kMonoSmall, c.secondary, Align::kCentre);
}

/// Instead of a distribution: why there is none, or how far the pass is.
void Generate::draw_waiting(const DistributionLayout& at) const {
  const float x = at.panel.min.x + 20, y = at.panel.min.y + 36;
  if (!error_.empty()) {
    text(theme().at(x, at.panel.min.y + 76), "There is no next token.", Font::kBody, colors().text);
    text_elided(theme().at(x, at.panel.min.y + 104), error_, px(at.panel.w() - 40), Font::kLabel, colors().secondary);
  } else if (outdated()) {
    progress_bar(theme().rect(x, y + 8, at.panel.w() - 40, 4), std::max(0.0f, next_->progress()));
    keep_moving();
  } else {
    keep_moving();
  }
}

/// The arithmetic of one bar, with its numbers.
void Generate::describe_row(const Row& row, ImGuiID owner) const {
  const Candidate& c = distribution_.candidates()[row.place];
  const double best = static_cast<double>(distribution_.best().logit), T = sampling_.temperature;
  std::vector<TipLine> lines{{row.label + fmt(", rank %d", static_cast<int>(row.place) + 1).chars, {}},
                             {"logit", fmt("%.3f", static_cast<double>(c.logit)).chars}};
  const auto add = [&](const char* name, const Number& value) { lines.push_back({name, value.chars}); };
  if (T == 0) {
    lines.push_back({row.place == 0 ? "temperature 0: the best takes all" : "temperature 0: nothing is left", {}});
  } else {
    add("minus the best", fmt("%.3f", static_cast<double>(c.logit) - best));
    if (!close(T, 1)) add(fmt("/ T = %.4g", T).chars, fmt("%.3f", (static_cast<double>(c.logit) - best) / T));
    add("exp", fmt("%.4f", c.exp));
    add(fmt("/ sum %.4f", distribution_.exp_sum()).chars, fmt("%.3f", c.p_temperature));
    const bool k_acts = distribution_.in_top_k() < distribution_.candidates().size();
    if (k_acts && row.place >= distribution_.in_top_k()) {
      add(fmt("top-k %d", sampling_.top_k).chars, fmt("cut"));
    } else {
      if (k_acts)
        add(fmt("top-k %d: / %.4f", sampling_.top_k, distribution_.top_k_exp_sum()).chars, fmt("%.3f", c.p_top_k));
      if (distribution_.kept() < distribution_.in_top_k())
        add(fmt("top-p %.2f: %.3f before it", sampling_.top_p, c.cumulative - c.p_top_k).chars,
            fmt(c.kept ? "kept" : "cut"));
    }
    if (c.kept && !close(c.p, c.p_top_k))
      add(fmt("renormalised, / %.3f", distribution_.kept_mass()).chars, fmt("%.3f", c.p));
  }
  if (row.other_p >= 0 && other())
    lines.push_back(
        {voice_name(*other()), fmt("%.3f", row.other_p).chars, colors().hue(voices_[*other()].masked).text});
  tooltip(owner, ImGui::GetIO().MousePos, std::move(lines));
}

}  // namespace nopeek
