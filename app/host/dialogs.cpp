#include <charconv>
#include <cstdlib>

#include "app/host/app_impl.h"
#include "app/ui/registry.h"
#include "core/base/error.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr Shortcut kShortcuts[] = {{"Space", "Play or pause"},
                                   {"Right  or  .", "Single step"},
                                   {"R", "Reset with the same seed"},
                                   {"M", "Causal mask of the held twin"},
                                   {"1 .. 9", "Scene"},
                                   {"Tab, arrows", "Move between controls; Enter acts"},
                                   {"Ctrl +  Ctrl \xE2\x88\x92", "Text size"},
                                   {"T", "Dark or light"},
                                   {"F11", "Present"},
                                   {"Ctrl O", "Open a text or a model"},
                                   {"Ctrl S", "Save the twins, or the opened model"},
                                   {"Esc", "Close, go back"},
                                   {"F1  or  ?", "This list"}};

void draw_keys(std::span<const Shortcut> shortcuts, float x, float y) {
  for (const Shortcut& s : shortcuts) {
    text({x, y}, s.keys, Font::kMonoLabel, colors().text);
    text({x + px(150), y}, s.what, Font::kLabel, colors().secondary);
    y += px(28);
  }
}

template <class T>
T parse(const std::string& text, const char* what) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) throw Error(std::string(what) + " is out of range: '" + text + "'.");
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    throw Error(std::string(what) + " must be a " + (std::is_integral_v<T> ? "whole " : "") + "number, not '" + text +
                "'.");
  }
  return value;
}

std::string number_text(double v) { return fmt("%.6g", v).chars; }

/// Label and field; `y` moves down a row.
bool row(const char* label, std::string& value, const Rect& area, float& y) {
  text({area.min.x, y + px(18)}, label, Font::kLabel, colors().text);
  const bool entered = text_field(label, {{area.max.x - px(140), y}, {area.max.x, y + px(36)}}, value);
  y += px(44);
  return entered;
}

/// 'Cancel' and `name` at the bottom right. 1: do it, -1: cancelled.
int buttons(const char* name, const Rect& area) {
  const float y = area.max.y - px(36), w = px(104), gap = px(12);
  const bool cancel = button("Cancel", {{area.max.x - 2 * w - gap, y}, {area.max.x - w - gap, area.max.y}});
  const bool apply = button(name, {{area.max.x - w, y}, {area.max.x, area.max.y}}, true, Look::kPrimary);
  return apply ? 1 : cancel ? -1 : 0;
}

/// A refusal, over several lines if it must.
void error_text(const std::string& error, const Rect& area, float y) {
  std::string_view rest = error;
  for (int line = 0; line < 3 && !rest.empty(); ++line) {
    size_t end = rest.size();
    while (end > 0 && end != std::string_view::npos && text_width(Font::kLabelBold, rest.substr(0, end)) > area.w()) {
      end = rest.rfind(' ', end - 1);
    }
    if (end == 0 || end == std::string_view::npos) end = rest.size();
    text_elided({area.min.x, y}, rest.substr(0, end), area.w(), Font::kLabelBold, colors().text);
    rest = end < rest.size() ? rest.substr(end + 1) : std::string_view();
    y += px(20);
  }
}

}  // namespace

void App::Impl::draw_dialogs() {
  if (const auto picked = file_dialog.draw()) {
    if (picked->saving) {
      save(picked->path, to_save);
    } else {
      open(picked->path.string());
    }
  }
  draw_size_dialog();
  draw_seed_dialog();
  draw_help();
}

void App::Impl::open_size_dialog() {
  const RunConfig& c = newest->config;
  size_dialog = {true,
                 std::to_string(c.model.layers),
                 std::to_string(c.model.heads),
                 std::to_string(c.model.channels),
                 std::to_string(c.model.context),
                 std::to_string(c.train.batch),
                 number_text(c.train.learning_rate),
                 number_text(c.model.dropout),
                 {}};
}

/// What was typed, as a configuration of a new run. Throws Error.
RunConfig App::Impl::typed_config() const {
  const SizeDialog& d = size_dialog;
  RunConfig config = newest->config;
  config.model.layers = parse<int>(d.layers, "Layers");
  config.model.heads = parse<int>(d.heads, "Heads");
  config.model.channels = parse<int>(d.width, "Width");
  config.model.context = parse<int>(d.context, "Context");
  config.train.batch = parse<int>(d.batch, "Batch");
  config.train.learning_rate = parse<double>(d.learning_rate, "Learning rate");
  config.model.dropout = parse<double>(d.dropout, "Dropout");
  config.model.vocab = newest->corpus->vocab_size();
  config.validate();
  return config;
}

void App::Impl::draw_size_dialog() {
  SizeDialog& d = size_dialog;
  Rect area;
  if (!begin_dialog("Custom model", {400, 520}, d.open, area)) return;
  float y = area.min.y;
  bool entered = row("Layers", d.layers, area, y);
  entered |= row("Heads", d.heads, area, y);
  entered |= row("Width", d.width, area, y);
  entered |= row("Context", d.context, area, y);
  entered |= row("Batch", d.batch, area, y);
  entered |= row("Learning rate", d.learning_rate, area, y);
  entered |= row("Dropout", d.dropout, area, y);
  error_text(d.error, area, y + px(12));
  const int choice = buttons("Apply", area);
  if (choice < 0) d.open = false;
  if (choice > 0 || entered) {
    try {
      const RunConfig config = typed_config();
      lab->post(Restart{config, newest->corpus});
      settings.run = config;
      past = nullptr;
      wish.opened = false;
      d.open = false;
    } catch (const std::exception& error) {
      d.error = words_of(error);
    }
  }
  end_dialog();
}

void App::Impl::draw_seed_dialog() {
  SeedDialog& d = seed_dialog;
  Rect area;
  if (!begin_dialog("Reset with a seed", {400, 220}, d.open, area)) return;
  float y = area.min.y;
  const bool entered = row("Seed", d.seed, area, y);
  error_text(d.error, area, y + px(8));
  const int choice = buttons("Reset", area);
  if (choice < 0) d.open = false;
  if (choice > 0 || entered) {
    try {
      reset(parse<uint64_t>(d.seed, "The seed"));
      d.open = false;
    } catch (const std::exception& error) {
      d.error = words_of(error);
    }
  }
  end_dialog();
}

void App::Impl::draw_help() {
  Rect area;
  const auto own = scene_now().shortcuts();
  if (!begin_dialog("Keys", {own.empty() ? 460.0f : 880.0f, 480}, help_open, area)) return;
  draw_keys(kShortcuts, area.min.x, area.min.y + px(8));
  const float column = area.min.x + px(440), top = area.min.y + px(8);
  if (!own.empty()) text({column, top}, scene_title(), Font::kBodyBold, colors().text);
  draw_keys(own, column, top + px(28));
  if (button("Close", {{area.max.x - px(104), area.max.y - px(36)}, area.max}, true, Look::kPrimary)) help_open = false;
  end_dialog();
}

}  // namespace nopeek
