#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "app/scenes/generate.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr double kHottest = 100;  // that can be typed
constexpr int kMostNewTokens = 100000;
constexpr SliderSpec kTemperature{.min = 0, .max = 2, .typed_max = kHottest};
constexpr SliderSpec kTopP{.min = 0.01, .max = 1};

template <class Integer>
bool parse(const std::string& text, Integer& value) {
  Integer v{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (problem != std::errc() || end != text.data() + text.size()) return false;
  value = v;
  return true;
}

/// What is under it looks disabled.
void veil(const Rect& rect) { fill(rect, faded(colors().panel, 0.6f)); }

/// A field for a whole number: `now` until one types in it, and again if what was typed is none. True once it was given
/// another one.
template <class Integer>
bool number_field(std::string_view label, const Rect& rect, std::string& text, bool& typing, Integer now,
                  Integer& entered) {
  if (!typing) text = std::to_string(now);
  Integer value{};
  const bool enter = text_field(label, rect, text, {}, typing && !parse(text, value));
  const bool active = ImGui::IsItemActive();
  const bool left = typing && !active;
  typing = active && !enter;
  return (enter || left) && parse(text, entered) && entered != now;
}

}  // namespace

Generate::SamplingLayout Generate::sampling_layout(Rect panel) const {
  SamplingLayout at;
  at.panel = panel;
  const float bottom = panel.max.y, top = panel.min.y;
  at.inline_sliders = theme().low;
  if (theme().low) {
    at.slider = top + 60, at.pitch = 32, at.seed = top + 158, at.buttons = top + 180, at.button_h = 36;
    at.toggles = top + 236, at.cost = top + 257;
    at.rule = bottom - 82, at.entropy = bottom - 62, at.number = bottom - 30;
  } else {
    at.slider = top + 60, at.pitch = 50, at.seed = top + 218, at.buttons = top + 246, at.captions = top + 300;
    at.toggles = top + 328, at.cost = top + 352;
    at.rule = bottom - 82, at.entropy = bottom - 60, at.number = bottom - 29;
  }
  return at;
}

void Generate::draw_sampling(Rect panel) {
  fill(theme().rect(panel.min.x, panel.min.y, panel.w(), panel.h()), colors().panel, 10);
  text(theme().at(panel.min.x + 20, panel.min.y + 28), "Sampling", Font::kBodyBold, colors().text);
  const SamplingLayout at = sampling_layout(panel);
  draw_sliders(at);
  draw_fields(at);
  draw_transport(at);
  draw_toggles(at);
  draw_cost(at);
  separator(px(panel.min.x + 20), px(panel.max.x - 20), px(at.rule));
  draw_entropy(at);
}

void Generate::draw_sliders(const SamplingLayout& at) {
  const SamplingConfig before = sampling_;
  const double V = std::max(2, tokenizer_->vocab_size());
  const SliderSpec top_k{.min = 1, .max = V, .logarithmic = true, .ends_at_infinity = true, .whole = true};
  const double off = std::numeric_limits<double>::infinity();
  double k = sampling_.top_k == 0 ? off : sampling_.top_k;
  const bool greedy = sampling_.temperature == 0;
  draw_slider(at, 0, "Temperature", sampling_.temperature, kTemperature,
              greedy ? fmt("greedy") : fmt(sampling_.temperature < 10 ? "%.2f" : "%.3g", sampling_.temperature), false,
              false);
  draw_slider(at, 1, "Top-k", k, top_k, sampling_.top_k == 0 ? fmt("off") : fmt("%d", sampling_.top_k),
              sampling_.top_k == 0, greedy);
  draw_slider(at, 2, "Top-p", sampling_.top_p, kTopP, sampling_.top_p >= 1 ? fmt("off") : fmt("%.2f", sampling_.top_p),
              sampling_.top_p >= 1, greedy);
  sampling_.top_k = std::isinf(k) ? 0 : static_cast<int>(std::lround(k));
  if (!(sampling_ == before)) rows_due_ = true;
}

void Generate::draw_slider(const SamplingLayout& at, int line, std::string_view name, double& value,
                           const SliderSpec& spec, std::string_view shown, bool off, bool idle) {
  const float y = at.slider + at.pitch * static_cast<float>(line), x = at.panel.min.x + 20, end = at.panel.max.x - 20;
  const Palette& c = colors();
  text(theme().at(x, y), name, Font::kBody, idle ? c.disabled : c.text);
  text(theme().at(end, y), shown, Font::kMono, idle ? c.disabled : off ? c.secondary : c.text, Align::kRight);
  const Rect track = at.inline_sliders ? theme().rect(x + 112, y - 16, end - 64 - 8 - x - 112, 32)
                                       : theme().rect(x + 8, y + 8, end - x - 16, 32);
  slider(name, track, value, spec);
  if (!idle) return;
  // It can be set all the same: for when the temperature is raised again.
  veil(track);
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  if (theme().rect(x, y - 12, end - x, 24).contains(mouse) || track.contains(mouse))
    tooltip(ImGui::GetID("idle"), mouse, {{"Temperature 0 takes the likeliest, whatever this says", {}}});
}

void Generate::draw_fields(const SamplingLayout& at) {
  const float x = at.panel.min.x + 20, end = at.panel.max.x - 20, y = at.seed;
  const bool roomy = at.panel.w() > 400;
  const float wide = roomy ? 96 : theme().small() ? 56 : 76, narrow = roomy ? 80 : theme().small() ? 48 : 60;
  text(theme().at(x, y), "Seed", Font::kBody, colors().text);
  uint64_t seed = 0;
  if (number_field("Seed", theme().rect(x + 48, y - 16, wide, 32), seed_text_, seed_typing_, draft_.tree.seed(), seed))
    set_seed(seed);
  int most = 0;
  text(theme().at(end - narrow - 10, y), theme().small() ? "Max new" : "Max new tokens", Font::kBody, colors().text,
       Align::kRight);
  if (number_field("Max new tokens", theme().rect(end - narrow, y - 16, narrow, 32), max_text_, max_typing_, max_new_,
                   most))
    max_new_ = std::clamp(most, 1, kMostNewTokens);
}

void Generate::draw_transport(const SamplingLayout& at) {
  const float x = at.panel.min.x + 20, w = (at.panel.w() - 40 - 24) / 4;
  const auto place = [&](int i) {
    return theme().rect(x + (w + 8) * static_cast<float>(i), at.buttons, w, at.button_h);
  };
  if (icon_button("back", place(0), Icon::kBack, "One token back (Left)", draft_.tree.current() != 0)) step_back();
  if (play_button("play", place(1), playing_, playing_ ? "Pause (P)" : "Write on (P)", error_.empty())) play(!playing_);
  if (icon_button("step", place(2), Icon::kStep, "One token (Right)", error_.empty())) step();
  if (icon_button("redraw", place(3), Icon::kDice, "Another u (D)", error_.empty())) redraw();
  if (at.captions <= 0) return;
  const char* words[] = {"back", playing_ ? "pause" : "play", "step", "redraw"};
  for (int i = 0; i < 4; ++i)
    text({place(i).cx(), px(at.captions)}, words[i], Font::kSmall, colors().secondary, Align::kCentre);
}

void Generate::draw_toggles(const SamplingLayout& at) {
  const float x = px(at.panel.min.x + 20), y = px(at.toggles);
  const float cache_w = toggle_width("KV cache");
  const Rect cache{{x, y - px(14)}, {x + cache_w, y + px(14)}};
  const bool valid = held().masked;
  if (toggle("KV cache", cache, cache_ && valid, {},
             valid ? "Keys and values of earlier tokens are kept, not computed anew"
                   : "Only under the causal mask: else each new token changes what earlier ones saw") &&
      valid)
    cache_ = !cache_;
  if (!valid) veil(cache);
  std::string shown =
      frozen_ ? std::string("Frozen, step ") + grouped_text(voices_.front().model.step).chars : "Freeze";
  const float x2 = x + cache_w + px(theme().small() ? 12 : 20), room = px(at.panel.max.x - 16) - x2;
  if (toggle_width(shown) > room) shown = "Frozen";
  if (toggle("Freeze", {{x2, y - px(14)}, {x2 + toggle_width(shown), y + px(14)}}, frozen_, shown,
             "The weights of this step go on writing while training changes them"))
    frozen_ = !frozen_;
}

/// What the newest pass cost.
void Generate::draw_cost(const SamplingLayout& at) {
  const LiveNextToken::Answer::Voice* voice = held_answer();
  if (!voice || !voice->error.empty()) return;
  const auto window = static_cast<int>(shown_->question.text.size()) < held().model.config().context
                          ? static_cast<int>(shown_->question.text.size())
                          : held().model.config().context;
  const double ms = voice->milliseconds;
  const Number time = fmt(ms < 10 ? "%.2f ms" : "%.0f ms", ms);
  const bool refused = cache_ && !voice->cached;
  const float x = px(at.panel.min.x + 20), y = px(at.cost), room = px(at.panel.w() - 40);
  std::string words = fmt("%d position%s, %s", voice->computed, voice->computed == 1 ? "" : "s", time.chars).chars;
  if (voice->cached) words = fmt("%d of %d positions, %s", voice->computed, window, time.chars).chars;
  for (const char* why : {"not valid without the causal mask: ", "needs the causal mask: ", "no cache: "}) {
    if (!refused || text_width(Font::kLabel, why + words) > room) continue;
    words = why + words;
    break;
  }
  text_elided({x, y}, words, room, Font::kLabel, colors().secondary);
  const Rect area{{x, y - px(10)}, {x + room, y + px(10)}};
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  if (!area.contains(mouse)) return;
  std::vector<TipLine> lines{{"the newest pass", time.chars}};
  if (refused) {
    lines.push_back({"Without a causal mask each new token changes what earlier", {}});
    lines.push_back({"ones saw: what was kept would be of a text that is no more.", {}});
  } else if (voice->cached) {
    if (voice->computed == window && shown_->question.text.size() > static_cast<size_t>(window))
      lines.push_back({"The window moved on: each token has another place, all is new.", {}});
    lines.push_back(
        {"keys and values kept", std::string(compact_text(static_cast<double>(voice->cache_bytes)).chars) + "B"});
  }
  if (cached_ms_ >= 0)
    lines.push_back({fmt("with the cache, %d positions", cached_positions_).chars, fmt("%.2f ms", cached_ms_).chars});
  if (full_ms_ >= 0) lines.push_back({fmt("all %d positions", full_positions_).chars, fmt("%.2f ms", full_ms_).chars});
  tooltip(ImGui::GetID("cost"), mouse, std::move(lines));
}

/// Of the distribution, before the cuts and after them.
void Generate::draw_entropy(const SamplingLayout& at) const {
  if (rows_.empty() || outdated()) return;
  const double H = distribution_.temperature_entropy(), after = distribution_.entropy();
  const bool cut = sampling_.temperature > 0 && distribution_.kept() < distribution_.candidates().size();
  const bool small = theme().small();
  const float x = at.panel.min.x + 20, x2 = at.panel.min.x + at.panel.w() * 0.5f, end = at.panel.max.x - 20;
  const auto figure = [&](float from, float to, std::string_view name, const Number& value, std::string_view unit,
                          const Number& then) {
    const float y = px(at.number);
    const Font face = small ? Font::kTitle : Font::kFigure;
    const float pen = px(from) + text_width(face, value) + px(8);
    text({px(from), y}, value, face, colors().text);
    // Beside the number stands its unit, or what the cuts make of it; where there is no room for the unit, it goes
    // above.
    const bool beside = !cut && pen + text_width(Font::kLabel, unit) <= px(to);
    const std::string label = beside ? std::string(name) : std::string(name) + ", " + std::string(unit);
    text_elided(theme().at(from, at.entropy), label, px(to - from), Font::kLabel, colors().secondary);
    const float base = y + px(small ? 3 : 6);  // on the large number's line
    if (beside) text({pen, base}, unit, Font::kLabel, colors().secondary);
    if (cut) {
      const std::string arrow = std::string("\xE2\x86\x92 ") + then.chars;
      const Font second = small ? Font::kMonoLabel : Font::kMono;
      if (pen + text_width(second, arrow) <= px(to)) text({pen, base}, arrow, second, colors().text);
    }
  };
  const auto perplexity_text = [](double nats) {
    const double p = perplexity(nats);
    return p < 100 ? fmt("%.1f", p) : grouped_text(std::llround(p));
  };
  const Number of = fmt("of %s", grouped_text(static_cast<long long>(distribution_.candidates().size())).chars);
  figure(x, x2 - 4, "entropy", fmt("%.2f", H), "nats", fmt("%.2f", after));
  figure(x2, end, "perplexity", perplexity_text(H), of, perplexity_text(after));
  const Rect area = theme().rect(x, at.entropy - 10, end - x, at.number - at.entropy + 24);
  if (!area.contains(ImGui::GetIO().MousePos)) return;
  tooltip(ImGui::GetID("entropy"), ImGui::GetIO().MousePos,
          {{"the model's own, temperature 1", fmt("%.2f nats", distribution_.model_entropy()).chars},
           {"with the temperature", fmt("%.2f nats", H).chars},
           {"after the cuts", fmt("%.2f nats", after).chars},
           {"as undecided as among", fmt("%.1f tokens", perplexity(after)).chars}});
}

}  // namespace nopeek
