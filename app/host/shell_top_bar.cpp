#include <algorithm>
#include <cmath>

#include "app/host/app_impl.h"
#include "app/host/assets.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr SliderSpec kSpeed{.min = 1, .max = 1000, .logarithmic = true, .ends_at_infinity = true};
constexpr const char* kSizes[] = {"tiny", "small", "medium"};
constexpr const char* kOpen = "Open\xE2\x80\xA6";
constexpr const char* kCustom = "Custom\xE2\x80\xA6";

std::string shape_text(const RunConfig& config) {
  const auto plural = [](int n, const char* word) { return std::to_string(n) + " " + word + (n == 1 ? "" : "s"); };
  const std::string words = plural(config.model.layers, "layer") + " \xC3\x97 " + plural(config.model.heads, "head");
  if (text_width(Font::kLabelMedium, words) <= px(176 - 46)) return words;
  return std::to_string(config.model.layers) + " \xC3\x97 " + plural(config.model.heads, "head");
}

std::vector<Option> corpus_options(const Corpus& now) {
  std::vector<Option> options;
  bool known = false;
  for (const char* name : kBuiltInCorpora) {
    options.push_back({name, {}, now.name == name, {}, {}});
    known |= now.name == name;
  }
  if (!known) options.push_back({now.name, {}, true, {}, {}});
  options.push_back({kOpen, {}, false, {}, {}});
  return options;
}

std::vector<Option> size_options(const RunConfig& now) {
  std::vector<Option> options;
  const std::string name = preset_name(now);
  bool known = false;
  for (const char* size : kSizes) {
    const RunConfig config = preset(size);
    const ModelConfig& m = config.model;
    const std::string detail = std::to_string(m.layers) + " \xC3\x97 " + std::to_string(m.heads) + ", width " +
                               std::to_string(m.channels) + ", batch " + std::to_string(config.train.batch);
    options.push_back({size, detail, name == size, {}, {}});
    known |= name == size;
  }
  options.push_back({kCustom, {}, !known, {}, {}});
  return options;
}

Number speed_text(double rate) {
  if (std::isinf(rate)) return fmt("max");
  if (rate == 1) return fmt("1 step/s");
  return rate < 10 ? fmt("%.2g steps/s", rate) : fmt("%.0f steps/s", rate);
}

void figure(float right, std::string_view label, std::string_view value, float room) {
  text(theme().at(right, 18), label, Font::kSmall, colors().secondary, Align::kRight);
  text_elided(theme().at(right, 38), value, px(room), Font::kMono, colors().text, Align::kRight);
}

}  // namespace

void App::Impl::draw_top_bar() {
  const registry::Scope scope("Top bar");
  const float rail = rail_width(), w = theme().logical_w();
  fill(theme().rect(rail, 0, w - rail, 56), colors().panel);
  canvas()->AddRectFilled(theme().at(rail, 55), theme().at(w, 56), colors().sep);
  draw_transport(rail + (theme().small() ? 12 : 16));
  const bool wide = theme().wide(), small = theme().small();
  const float track = rail + (wide ? 244 : small ? 180 : 192);
  if (wide) text(theme().at(rail + 192, 28), "Speed", Font::kLabel, colors().secondary);
  double rate = settings.rate > 0 ? settings.rate : INFINITY;
  if (slider("Speed", theme().rect(track, 12, 112, 32), rate, kSpeed)) set_rate(rate);
  if (!small) text(theme().at(track + 128, 28), speed_text(rate), Font::kMonoLabel, colors().text);
  const float mask = rail + (wide ? 496 : small ? 316 : 444);
  text(theme().at(mask, 28), "Causal mask", Font::kBodyBold, colors().text);
  const LaneSnapshot& lane = newest->lanes[static_cast<size_t>(selection.lane)];
  if (mask_switch("Causal mask", theme().rect(mask + 108, 10, 80, 36), lane.masked, newest->config.model.context > 1))
    set_mask(selection.lane, !lane.masked);
  draw_setup(mask + 220);
  draw_figures();
}

void App::Impl::draw_transport(float x) {
  if (play_button(theme().rect(x, 10, 48, 36), playing() && !past, past || !newest->finished))
    set_paused(playing() && !past);
  if (icon_button("Step", theme().rect(x + 56, 10, 40, 36), Icon::kStep, "Single step (Right or .)", !newest->finished))
    step_once();
  if (icon_button("Reset", theme().rect(x + 104, 10, 40, 36), Icon::kReset, "Reset with the same seed (R)"))
    reset(newest->config.seed);
  const Option choices[] = {
      {"Same seed", fmt("%llu", static_cast<unsigned long long>(newest->config.seed)).chars, false, {}, {}},
      {"Next seed", {}, false, {}, {}},
      {"Type a seed\xE2\x80\xA6", {}, false, {}, {}}};
  const int picked = icon_menu("Reset with", theme().rect(x + 145, 14, 18, 28), Icon::kChevronDown,
                               "Reset with another seed", choices, Look::kPlain);
  if (picked == 0) reset(newest->config.seed);
  if (picked == 1) reset(newest->config.seed + 1);
  if (picked == 2) seed_dialog = {true, std::to_string(newest->config.seed), {}};
}

/// Corpus and model size: two combos, or one where there is no room for two.
void App::Impl::draw_setup(float x) {
  std::vector<Option> corpora = corpus_options(*newest->corpus), sizes = size_options(newest->config);
  int corpus = -1, size = -1;
  if (theme().wide()) {
    corpus = combo("Corpus", theme().rect(x, 10, 144, 36), newest->corpus->name, corpora);
    size = combo("Size", theme().rect(x + 152, 10, 176, 36), shape_text(newest->config), sizes);
  } else {
    const size_t split = corpora.size();
    corpora.front().heading = "Corpus";
    sizes.front().heading = "Size";
    corpora.insert(corpora.end(), sizes.begin(), sizes.end());
    const int picked = combo("Setup", theme().rect(x, 10, 112, 36), "Setup", corpora);
    if (picked >= static_cast<int>(split)) size = picked - static_cast<int>(split);
    if (picked >= 0 && size < 0) corpus = picked;
  }
  if (corpus >= 0) {
    const std::string& name = corpora[static_cast<size_t>(corpus)].label;
    if (name == kOpen) {
      file_dialog.open();
    } else if (name != newest->corpus->name) {
      open_corpus(name);
    }
  }
  if (size < 0) return;
  if (static_cast<size_t>(size) < std::size(kSizes)) {
    use_size(kSizes[size]);
  } else {
    open_size_dialog();
  }
}

void App::Impl::draw_figures() {
  const float w = theme().logical_w();
  if (theme().small()) return figure(w - 24, "step", grouped_text(numbers->step), 90);
  figure(w - 176, "step", grouped_text(numbers->step), 90);
  const bool running = numbers->tokens_per_second > 0;
  figure(w - 80, "tokens/s", running ? compact_text(numbers->tokens_per_second) : fmt("\xE2\x80\x93"), 80);
  figure(w - 24, "seed", fmt("%llu", static_cast<unsigned long long>(numbers->config.seed)), 46);
}

}  // namespace nopeek
