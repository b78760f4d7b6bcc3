#include <algorithm>
#include <cmath>

#include "app/commands/assets.h"
#include "app/host/app_impl.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr SliderSpec kSpeed{.min = 1, .max = 1000, .logarithmic = true, .ends_at_infinity = true};
constexpr const char* kSizes[] = {"tiny", "small", "medium"};

std::string shape_text(const ModelConfig& model) {
  const auto plural = [](int n, const char* word) { return std::to_string(n) + " " + word + (n == 1 ? "" : "s"); };
  const std::string words = plural(model.layers, "layer") + " \xC3\x97 " + plural(model.heads, "head");
  if (text_width(Font::kLabelMedium, words) <= px(176 - 46)) return words;
  return std::to_string(model.layers) + " \xC3\x97 " + plural(model.heads, "head");
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
  const int context = held_voice().model.config().context;
  if (mask_switch("Causal mask", theme().rect(mask + 108, 10, 80, 36), held_is_masked(), context > 1)) toggle_mask();
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

void App::Impl::offer_corpora(Menu& menu) {
  const std::string& now = newest->corpus->name;
  menu.heading("Corpus");
  for (const char* name : kBuiltInCorpora) {
    menu.add({.label = name, .chosen = now == name}, [this, name] {
      if (name != newest->corpus->name) open(name);
    });
  }
  if (!is_built_in_corpus(now)) menu.add({.label = now, .chosen = true}, [] {});
  menu.add({.label = "Open\xE2\x80\xA6"}, [this] { file_dialog.open(); });
}

void App::Impl::offer_sizes(Menu& menu) {
  const std::string now = held.opened ? "" : preset_name(newest->config);
  menu.heading("Size");
  for (const char* size : kSizes) {
    const RunConfig config = preset(size);
    const ModelConfig& m = config.model;
    const std::string detail = std::to_string(m.layers) + " \xC3\x97 " + std::to_string(m.heads) + ", width " +
                               std::to_string(m.channels) + ", batch " + std::to_string(config.train.batch);
    menu.add({.label = size, .detail = detail, .chosen = now == size}, [this, size] { use_size(size); });
  }
  const bool custom = !held.opened && std::find(std::begin(kSizes), std::end(kSizes), now) == std::end(kSizes);
  menu.add({.label = "Custom\xE2\x80\xA6", .chosen = custom}, [this] { open_size_dialog(); });
}

void App::Impl::offer_models(Menu& menu) {
  menu.heading("Model");
  if (opened) {
    menu.add({.label = "Twins", .chosen = !held.opened}, [this] { hold(selection.lane); });
    menu.add({.label = opened->model.name, .detail = "opened", .chosen = held.opened}, [this] { hold_opened(); });
  }
  if (const auto& kept = recovery.found()) {
    menu.add({.label = "Open the kept run", .detail = "step " + std::to_string(kept->step)},
             [this] { open(recovery.found()->folder.string()); });
  }
  menu.add({.label = "Open a model\xE2\x80\xA6"}, [this] { file_dialog.open(); });
  menu.add({.label = held.opened ? "Save the model\xE2\x80\xA6" : "Save the twins\xE2\x80\xA6"},
           [this] { open_save_dialog(); });
}

/// Corpus, model size and model folders: two combos, or one where there is no room for two.
void App::Impl::draw_setup(float x) {
  Menu corpora, models;
  offer_corpora(corpora);
  Menu& sizes = theme().wide() ? models : corpora;
  offer_sizes(sizes);
  offer_models(sizes);
  if (!theme().wide()) {
    corpora.pick(combo("Setup", theme().rect(x, 10, 112, 36), "Setup", corpora.options));
    return;
  }
  corpora.options.front().heading.clear();  // the combo's own name says it
  models.options.front().heading.clear();
  const std::string shape =
      held.opened ? elided(opened->model.name, px(176 - 46), Font::kLabelMedium) : shape_text(newest->config.model);
  corpora.pick(combo("Corpus", theme().rect(x, 10, 144, 36), newest->corpus->name, corpora.options));
  models.pick(combo("Size", theme().rect(x + 152, 10, 176, 36), shape, models.options));
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
