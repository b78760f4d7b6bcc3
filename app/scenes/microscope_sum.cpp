#include <algorithm>
#include <cmath>

#include "app/scenes/microscope_steps.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr float kWeightRight = 170, kVectors = 190, kSumBetween = 16;
constexpr double kShownWeight = 0.005;  // from which a term is written out: it is not 0.00
constexpr int kLeastTerms = 3;          // that are written out all the same

/// The two columns of vectors: the value rows, and what is left of them.
Rect vector_place(float x0, float x1, int column, float y, float height) {
  const float w = std::floor((x1 - 8 - x0 - kVectors - kSumBetween) / 2);
  const float x = x0 + kVectors + (w + kSumBetween) * static_cast<float>(column);
  return theme().rect(x, y - height * 0.5f, w, height);
}

}  // namespace

void StepsPage::draw_vector(const Rect& rect, std::span<const float> values, float largest, float factor, ImU32 color,
                            std::string_view name) const {
  const float pitch = rect.w() / static_cast<float>(values.size()), gap = pitch >= px(4) ? theme().line(1) : 0;
  const float middle = std::round(rect.cy()), half = rect.h() * 0.5f;
  canvas()->AddRectFilled({rect.min.x, middle}, {rect.max.x, middle + theme().line(1)}, colors().grid);
  for (size_t i = 0; i < values.size(); ++i) {
    const float x = rect.min.x + pitch * static_cast<float>(i);
    const float h = std::clamp(values[i] * factor / largest, -1.0f, 1.0f) * half;
    canvas()->AddRectFilled({x, std::min(middle, middle - h)}, {x + pitch - gap, std::max(middle, middle - h)}, color);
  }
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  if (!rect.contains(mouse)) return;
  const auto i = std::min(static_cast<size_t>((mouse.x - rect.min.x) / pitch), values.size() - 1);
  tooltip(ImGui::GetID("vector"), mouse,
          {{std::string(name) + fmt("[%d]", static_cast<int>(i)).chars,
            fmt("%.3f", static_cast<double>(values[i] * factor)).chars}});
}

/// The output row: each key's value row, times the weight that the query gives it, and their sum.
void StepsPage::draw_sum_table(Lens& lens, const Layout& at) {
  const Palette& c = colors();
  const HeadStages<float>& s = lens.stages();
  const int T = lens.T(), q = cell_.row;
  const float largest = lens.matrices.largest_value(), height = std::min(20.0f, at.row_pitch - 3);
  const std::string query = labels_[static_cast<size_t>(q)];
  if (button("Worksheet values", theme().rect(at.x1 - 152, at.panel.min.y + 12, 152, 32))) open_row(lesson_row());
  text_elided(theme().at(at.x0, at.panel.min.y + 28), "What " + in_quotes(query) + " takes from the values",
              px(at.x1 - 164 - at.x0), Font::kBodyBold, c.text);
  text(theme().at(at.x0, at.header), "key", Font::kMonoSmall, c.secondary);
  text(theme().at(at.x0 + kWeightRight, at.header), "weight", Font::kMonoSmall, c.secondary, Align::kRight);
  const char* const names[] = {"value row v", "weight \xC3\x97 v"};
  for (int i = 0; i < 2; ++i)
    text({vector_place(at.x0, at.x1, i, 0, 0).min.x, px(at.header)}, names[i], Font::kMonoSmall, c.secondary);

  const auto row = [](const Matrix<float>& m, int r) {
    return std::span<const float>(m.row(r).data(), static_cast<size_t>(m.cols()));
  };
  scroll_rows(at, T, cell_.column);
  for (int line = 0; line < at.rows; ++line) {
    const int k = first_key_ + line;
    const std::string& label = labels_[static_cast<size_t>(k)];
    const bool forbidden = s.masked(q, k) == Mask::kForbidden;
    const double weight = static_cast<double>(s.weights(q, k));
    const Rect area = theme().rect(at.x0 - 8, at.row_y(line), kVectors - 4, at.row_pitch);
    const Interaction it = interact(fmt("Key %d", k), area);
    registry::add(fmt("Key %d", k), "row", k == cell_.column ? "on" : "off", area.min, area.max);
    if (it.pressed) lens.cell.column = k;
    fill(area, faded(c.raised, it.hover), 4);
    const float y = px(at.middle(line));
    text_elided({px(at.x0), y}, label, px(88), Font::kLabel, forbidden ? c.secondary : c.text);
    text({px(at.x0 + kWeightRight), y}, weight_text(weight), Font::kMonoLabel,
         forbidden ? c.disabled : hue_of(q, k).text, Align::kRight);
    if (registry::enabled())
      registry::add_drawn(fmt("weight %d", k), "number", weight_text(weight), area.min, area.max);
    const Rect own = vector_place(at.x0, at.x1, 0, at.middle(line), height);
    const Rect taken = vector_place(at.x0, at.x1, 1, at.middle(line), height);
    draw_vector(own, row(s.value, k), largest, 1, forbidden ? c.disabled : c.secondary, "v(" + label + ")");
    if (forbidden) {
      hatch(taken);
    } else {
      draw_vector(taken, row(s.value, k), largest, s.weights(q, k), hue_of(q, k).fill,
                  weight_text(weight).chars + (" v(" + label + ")"));
    }
    if (it.focused) outline(area, c.text, 2, 4);
  }
  draw_scroll_bar(at, T);
  const float y = at.sum, sum_height = theme().low ? 18 : 26;
  const Rect own = vector_place(at.x0, at.x1, 0, y, sum_height);
  text({px(at.x0 + kWeightRight), px(y)}, fmt("%.4f", static_cast<double>(s.weights.row(q).cast<double>().sum())),
       Font::kMonoBold, c.text, Align::kRight);
  text({own.max.x, px(y)}, "sum = out(" + elided(query, px(70), Font::kMonoLabel) + ")", Font::kMonoLabel, c.secondary,
       Align::kRight);
  draw_vector(vector_place(at.x0, at.x1, 1, y, sum_height), row(s.output, q), largest, 1, c.text, "out(" + query + ")");
}

/// out(a) = 0.78 v(opened) + 0.10 v(the) + ..., the largest first, on one line or two.
void StepsPage::draw_weighted_sum(const Lens& lens, const Layout& at) const {
  struct Term {
    int key;
    Number factor;
    std::string value;
    float w_factor, w;  // px
  };
  const auto weights = lens.stages().weights.row(cell_.row);
  const float x0 = px(at.strip.min.x + 20), x1 = px(at.strip.max.x - 20), rest_room = px(160);
  const std::string begin = "out(" + elided(labels_[static_cast<size_t>(cell_.row)], px(120), Font::kMonoBold) + ") =";
  const float indent = x0 + std::ceil(text_width(Font::kMonoBold, begin)) + px(10);
  std::vector<Term> lines[2];
  float x = indent;
  size_t line = 0;
  double rest = 1;
  int written = 0;  // of the small ones
  for (const int key : largest_) {
    const double weight = static_cast<double>(weights(key));
    const bool small = weight < kShownWeight;
    if (weight == 0 || (small && written++ >= kLeastTerms)) break;
    Term term{key, fmt(small ? "%s%.4f" : "%s%.2f", key == largest_.front() ? "" : "+ ", weight), {}, 0, 0};
    term.value = "v(" + elided(labels_[static_cast<size_t>(key)], px(160), Font::kBody) + ")";
    term.w_factor = std::ceil(text_width(Font::kMono, term.factor)) + px(6);
    term.w = term.w_factor + std::ceil(text_width(Font::kBody, term.value)) + px(8);
    if (x + term.w > x1 - (line == 1 ? rest_room : 0)) {
      if (line == 1) break;
      x = indent;
      line = 1;
    }
    x += term.w;
    rest -= weight;
    lines[line].push_back(std::move(term));
  }
  for (size_t i = 0; i <= line; ++i) {
    const float y = px(at.strip.cy() + (line == 0 ? 0 : i == 0 ? -13 : 13));
    if (i == 0) text({x0, y}, begin, Font::kMonoBold, colors().text);
    x = indent;
    for (const Term& term : lines[i]) {
      text({x, y}, term.factor, Font::kMono, hue_of(cell_.row, term.key).text);
      text({x + term.w_factor, y}, term.value, Font::kBody, colors().text);
      x += term.w;
    }
    if (i == line && rest >= kShownWeight && x < x1 - rest_room)
      text({x, y}, fmt("+ %.2f of others", rest), Font::kLabel, colors().secondary);
  }
}

}  // namespace nopeek
