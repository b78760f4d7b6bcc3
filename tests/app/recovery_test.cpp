// The run in the window outlives the window's process.
#include "app/host/recovery.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

#include "app/commands/assets.h"
#include "app_host.h"
#include "core/io/corpus_file.h"
#include "core/io/file.h"
#include "core/live/lab.h"
#include "core/live/run_folder.h"

namespace nopeek::test::recovery_test {
namespace {

namespace fs = std::filesystem;

Restart small_start() {
  RunConfig config;
  config.model.context = 6;
  config.model.channels = 8;
  config.train.batch = 2;
  return {config, std::make_shared<const Corpus>(load_corpus(find_asset("corpora/toy.txt")))};
}

size_t folders_in_home(const fs::path& home) {
  return fs::exists(home / "kept") ? static_cast<size_t>(std::distance(fs::directory_iterator(home / "kept"), {})) : 0;
}

/// A window's lab, and what keeps its run.
struct Window {
  explicit Window(const fs::path& home) : recovery(home) { lab.emplace(small_start(), std::function<void()>(), true); }
  void step() {
    const int64_t target = lab->snapshot()->step + 1;
    lab->post(StepOnce{});
    while (lab->snapshot()->step < target) std::this_thread::yield();
  }
  std::string tick(double now) { return recovery.tick(now, *lab->snapshot(), *lab); }
  /// Until the lab has done all that was asked of it.
  void settle() {
    std::promise<void> done;
    lab->post(VisitRun{[&](const RunView&) { done.set_value(); }});
    done.get_future().wait();
  }
  /// As by an exception that nobody expected: what is left is what a killed process leaves.
  static void die(std::unique_ptr<Window> window) {
    try {
      const std::unique_ptr<Window> dying = std::move(window);
      throw std::runtime_error("the end");
    } catch (const std::runtime_error&) {
    }
  }

  Recovery recovery;
  std::optional<LiveLab> lab;
};

/// A process that ended after `steps` steps and did not clean up.
void leave_a_run(const fs::path& home, int steps) {
  auto window = std::make_unique<Window>(home);
  window->tick(0);
  for (int i = 0; i < steps; ++i) window->step();
  window->tick(100);
  window->settle();
  Window::die(std::move(window));
}

TEST_CASE("a run is kept after a minute and then every few, if it has gone on; a clean end removes it") {
  TemporaryFolder home;
  {
    Window window(home / "state");
    CHECK_FALSE(window.recovery.found().has_value());
    window.tick(0);
    window.step();
    window.tick(59);
    window.settle();
    CHECK_FALSE(fs::exists(home / "state"));  // nothing for short runs
    window.tick(61);
    window.settle();
    REQUIRE(folders_in_home(home / "state") == 1);
    const fs::path run = fs::directory_iterator(home / "state/kept")->path() / "run";
    CHECK(load_run(run).step == 1);
    window.step();
    CHECK(window.tick(62).empty());
    window.tick(200);
    window.settle();
    CHECK(load_run(run).step == 1);
    window.tick(300);
    window.settle();
    CHECK(load_run(run).step == 2);
    CHECK(folders_in_home(home / "state") == 1);
    window.tick(301);
    window.tick(900);  // no step since
    window.lab->post(small_start());
    while (window.lab->snapshot()->run == 1) std::this_thread::yield();
    window.tick(1000);
    window.step();
    window.tick(1059);
    window.settle();
    CHECK(load_run(run).step == 2);  // the new run is not a minute old
  }
  CHECK(folders_in_home(home / "state") == 0);
}

TEST_CASE("what a process left is found by the next, as the newest run; a process that lives keeps its own") {
  TemporaryFolder home;
  leave_a_run(home / "state", 3);
  {
    Window window(home / "state");
    REQUIRE(window.recovery.found().has_value());
    CHECK(window.recovery.found()->step == 3);
    CHECK_FALSE(Window(home / "state").recovery.found().has_value());  // the first window has it
  }
  CHECK(folders_in_home(home / "state") == 1);  // not opened: still there
  leave_a_run(home / "state", 5);
  {
    Window window(home / "state");
    REQUIRE(window.recovery.found().has_value());
    const fs::path run = window.recovery.found()->folder;
    CHECK(load_run(run).step == 5);
    window.recovery.take_over();
    CHECK_FALSE(window.recovery.found().has_value());
    CHECK(load_run(run).step == 5);  // until there is a newer one
  }
  {
    Window window(home / "state");
    REQUIRE(window.recovery.found().has_value());
    CHECK(window.recovery.found()->step == 5);  // nobody has saved it
    window.recovery.take_over();
    window.recovery.saved();
  }
  Window window(home / "state");
  REQUIRE(window.recovery.found().has_value());
  CHECK(window.recovery.found()->step == 3);
}

TEST_CASE("a copy that was taken over and written anew goes with a clean end; one that is to be kept stays") {
  TemporaryFolder home;
  leave_a_run(home / "state", 3);
  {
    Window window(home / "state");
    window.recovery.take_over();
    window.tick(0);
    window.step();
    window.tick(100);
    window.settle();
    window.tick(101);
  }
  CHECK(folders_in_home(home / "state") == 0);
  leave_a_run(home / "state", 3);
  {
    Window window(home / "state");
    window.recovery.take_over();
    window.recovery.saved();
    window.recovery.keep();
  }
  CHECK(folders_in_home(home / "state") == 1);
}

TEST_CASE("of runs that nobody opens three are kept; torn ones, files and links are no runs; no home, no copies") {
  TemporaryFolder home;
  for (int steps = 1; steps <= 5; ++steps) leave_a_run(home / "state", steps);
  fs::create_directories(home / "state/kept/torn/run.part-1-1");
  write_file(home / "state/kept/torn/lock", "");
  write_file(home / "state/kept/newer/run/run.json", "{\"version\": 1000000}");  // nobody's to remove
  write_file(home / "state/kept/newer/lock", "");
  fs::create_directories(home / "elsewhere/run");
  fs::create_directory_symlink(home / "elsewhere", home / "state/kept/link");
  Window window(home / "state");
  REQUIRE(window.recovery.found().has_value());
  CHECK(window.recovery.found()->step == 5);
  CHECK_FALSE(fs::exists(home / "state/kept/torn"));
  CHECK(fs::exists(home / "elsewhere/run"));
  CHECK(fs::exists(home / "state/kept/newer/run/run.json"));
  CHECK(folders_in_home(home / "state") == 5);  // three, the link, and what cannot be read

  Window nowhere{fs::path()};
  nowhere.tick(0);
  nowhere.step();
  CHECK(nowhere.tick(100).empty());
}

TEST_CASE("a run that cannot be kept is told once, and trains on") {
  TemporaryFolder home;
  leave_a_run(home / "state", 1);
  fs::remove_all(home / "state");
  std::string told;
  Window window(home / "state");
  // A file where the folder would be.
  save_run(home / "other", Lab(small_start().config, small_start().corpus, Lab::twins(6)).view());
  fs::rename(home / "other/run.json", home / "state");
  int times = 0;
  for (double now = 0; now < 2000; now += 61) {
    window.step();
    const std::string failure = window.tick(now);
    window.settle();
    times += failure.empty() ? 0 : 1;
    if (!failure.empty()) told = failure;
  }
  CHECK(times == 1);
  CHECK(told.find("No safety copy of this run could be written. ") == 0);
}

TEST_CASE("the window says that a run was kept, and opens it from the top bar") {
  TemporaryFolder home;
  leave_a_run(home / "state", 4);
  {
    AppHost::Options options;
    options.state_folder = home / "state";
    AppHost host(options);
    CHECK_MESSAGE(host.play("expect message contains kept\nclick \"Size\"\nclick \"Model/Open the kept run\"\n"
                            "wait until step == 4\nexpect message contains \"open at step 4\""),
                  host.failure());
    CHECK(folders_in_home(home / "state") == 1);
  }
  CHECK(folders_in_home(home / "state") == 1);  // it was neither saved nor written anew
}

}  // namespace
}  // namespace nopeek::test::recovery_test
