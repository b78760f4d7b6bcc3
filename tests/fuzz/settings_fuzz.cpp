// settings.json: whatever it holds, the window can open.
#include "app/host/settings.h"
#include "tests/fuzz/fuzz.h"

namespace nopeek::fuzz {

void run_input(std::string_view input) {
  write_plain(folder() / "settings.json", input);
  must("settings never keep the window from opening", [&] {
    const Settings settings = Settings::load(folder() / "settings.json");
    require(settings.text_size >= 0.8 && settings.text_size <= 1.5, "the text size is one of those on offer");
    require(settings.rate >= 0, "the rate is not negative");
    const bool stored = settings.has_window_size();
    require(!stored || (settings.window_width >= 320 && settings.window_height >= 240), "the window has a size");
    require(!stored || (settings.window_width <= 16384 && settings.window_height <= 16384), "the window fits a screen");
    settings.save(folder() / "again.json");
    const Settings again = Settings::load(folder() / "again.json");
    require(is_utf8(settings.corpus), "the text's name is UTF-8");
    require(again == settings, "settings come back as they were");
  });
}

}  // namespace nopeek::fuzz
