#include "app/host/settings.h"

#include <doctest/doctest.h>

#include "core/base/error.h"
#include "null_host.h"

namespace nopeek::test::settings_test {

TEST_CASE("settings come back as they were stored") {
  TemporaryFolder folder;
  Settings s;
  s.dark = false;
  s.text_size = 1.25;
  s.reduce_motion = true;
  s.panel_open = false;
  s.rate = 0;
  s.window_width = 1280;
  s.window_height = 720;
  s.corpus = "tales";
  s.run = nopeek::preset("small");
  s.run.train.learning_rate = 4e-4;
  s.run.model.dropout = 0.1;
  s.save(folder / "a/new/folder/settings.json");
  CHECK(Settings::load(folder / "a/new/folder/settings.json") == s);
}

TEST_CASE("a missing or broken settings file gives the defaults") {
  TemporaryFolder folder;
  CHECK(Settings::load(folder / "missing.json") == Settings{});
  CHECK(Settings::load(folder / "") == Settings{});  // a folder
  for (const char* text : {"", "{", "[1,2]", "null", "\"x\"", "{\"dark\": \"yes\", \"corpus\": 3, \"layers\": \"\"}",
                           "{\"rate\": null, \"unknown\": {}}", "\xff\xfe"}) {
    CAPTURE(text);
    make_file(folder / "s.json", text);
    CHECK(Settings::load(folder / "s.json") == Settings{});
  }
}

TEST_CASE("settings out of range are clamped") {
  TemporaryFolder folder;
  make_file(folder / "s.json",
            R"({"text_size": 1.4, "rate": -5, "window_width": 1e30, "window_height": -3, "dark": false})");
  const Settings s = Settings::load(folder / "s.json");
  CHECK(s.text_size == 1.5);
  CHECK(s.rate == 0);
  CHECK(s.window_width == 16384);
  CHECK(s.window_height == 576);
  CHECK_FALSE(s.dark);
}

TEST_CASE("settings that cannot be stored say so") {
  TemporaryFolder folder;
  make_file(folder / "file", "x");
  CHECK_THROWS_AS(Settings{}.save(folder / "file/settings.json"), nopeek::Error);
}

}  // namespace nopeek::test::settings_test
