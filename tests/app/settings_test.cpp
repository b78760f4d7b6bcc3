#include "app/host/settings.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <optional>
#include <thread>

#include "core/base/error.h"
#include "null_host.h"

namespace nopeek::test::settings_test {

namespace {

/// A variable of the environment, which is at the end as it was.
class Variable {
 public:
  explicit Variable(const char* name) : name_(name) {
    if (const char* value = std::getenv(name)) before_ = value;
  }
  ~Variable() { before_ ? setenv(name_, before_->c_str(), 1) : unsetenv(name_); }
  Variable(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace

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
  // What would never end, or not begin.
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(Settings::load(folder / "pipe") == Settings{});
  std::filesystem::create_symlink("/dev/zero", folder / "zero");
  CHECK(Settings::load(folder / "zero") == Settings{});
  make_file(folder / "large", R"({"dark": false})" + std::string(2 << 20, ' '));
  CHECK(Settings::load(folder / "large") == Settings{});
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

TEST_CASE("the folder of the settings: what the environment says, unless it is relative") {
  const Variable config("XDG_CONFIG_HOME"), home("HOME");
  setenv("XDG_CONFIG_HOME", "/a/config", 1);
  setenv("HOME", "/home/me", 1);
  CHECK(Settings::default_file() == "/a/config/nopeek/settings.json");
  for (const char* relative : {"rel", "./rel", "../rel", "", "~/x"}) {
    setenv("XDG_CONFIG_HOME", relative, 1);
    CHECK(Settings::default_file() == "/home/me/.config/nopeek/settings.json");
  }
  setenv("HOME", "somewhere", 1);
  CHECK(Settings::default_file().empty());
}

TEST_CASE("settings behind a link are written where it leads, and the link stays") {
  TemporaryFolder folder;
  std::filesystem::create_directories(folder / "dot");
  make_file(folder / "dot/s.json", R"({"dark": false})");
  std::filesystem::create_symlink("dot/s.json", folder / "settings.json");
  Settings s = Settings::load(folder / "settings.json");
  CHECK_FALSE(s.dark);
  s.rate = 7;
  s.save(folder / "settings.json");
  CHECK(std::filesystem::is_symlink(folder / "settings.json"));
  CHECK(Settings::load(folder / "dot/s.json").rate == 7);
}

TEST_CASE("windows that close at once: the settings are those of one of them, whole") {
  TemporaryFolder folder;
  const auto file = folder / "settings.json";
  Settings{}.save(file);
  std::atomic<int> torn = 0, refused = 0;
  {
    std::vector<std::jthread> windows;
    for (int w = 0; w < 4; ++w) {
      windows.emplace_back([&, w] {
        Settings mine;
        mine.rate = 10 + w;
        mine.corpus = std::string(static_cast<size_t>(1 + 3000 * w), static_cast<char>('a' + w));
        for (int i = 0; i < 50; ++i) {
          try {
            mine.save(file);
          } catch (const Error&) {
            ++refused;
          }
          const Settings found = Settings::load(file);
          if (found.rate < 10 || found.corpus.size() != 1 + 3000 * (static_cast<size_t>(found.rate) - 10)) ++torn;
        }
      });
    }
  }
  CHECK(torn == 0);
  CHECK(refused == 0);
}

TEST_CASE("settings that cannot be stored say so") {
  TemporaryFolder folder;
  make_file(folder / "file", "x");
  CHECK_THROWS_AS(Settings{}.save(folder / "file/settings.json"), nopeek::Error);
}

}  // namespace nopeek::test::settings_test
