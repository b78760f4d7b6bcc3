// The small parts of the host: when to draw, how long it took, pictures, assets.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "app/commands/assets.h"
#include "app/host/frame_stats.h"
#include "app/host/pacer.h"
#include "app/host/png.h"
#include "app/host/work_clock.h"
#include "core/base/error.h"
#include "null_host.h"

namespace nopeek::test::host_test {

TEST_CASE("nothing is drawn without a reason") {
  Pacer p;
  for (int i = 0; i < 2; ++i) {
    CHECK(p.until_due(1, false) == 0);
    p.drawn(1, 0.03);
  }
  CHECK(std::isinf(p.until_due(1.03, false)));
  CHECK(std::isinf(p.until_due(100, false)));
}

TEST_CASE("input is drawn at once, twice; training leaves half of a core") {
  Pacer p;
  p.drawn(1, 0.03), p.drawn(1, 0.03);
  p.news();
  CHECK(p.until_due(1.03, false) == doctest::Approx(0.03));
  CHECK(p.until_due(1.07, false) == 0);
  p.input();
  CHECK(p.until_due(1.03, false) == 0);
  p.take_news();
  p.drawn(1.03, 0.001);
  p.drawn(1.05, 0.001);
  CHECK(std::isinf(p.until_due(1.06, false)));
  p.news();
  CHECK(p.until_due(1.052, false) == doctest::Approx(0.014));  // cheap frames: at most one a display's frame
  CHECK(p.until_due(1.052, true) == doctest::Approx(0.014));
}

TEST_CASE("percentiles by nearest rank") {
  CHECK(percentile({}, 0.5) == 0);
  CHECK(percentile({3}, 0.99) == 3);
  CHECK(percentile({4, 1, 3, 2}, 0.5) == 2);
  CHECK(percentile({4, 1, 3, 2}, 0.99) == 4);
  FrameStats stats;
  for (int i = 1; i <= 1000; ++i) stats.add({.whole = static_cast<double>(i), .ui = 0.5, .own = 1});
  stats.first_frame(123);
  nlohmann::json figures;
  stats.write(figures);
  CHECK(figures["frame"]["count"] == 1000);
  CHECK(figures["frame"]["ms_p50"] == 700);  // of the newest 600
  CHECK(figures["frame"]["first_ms"] == 123);
  CHECK(figures["ui"]["ms_p50"] == 0.5);
  CHECK(figures["frame"]["own_ms_p99"] == 1);
}

namespace {

nlohmann::json figures_of(const FrameStats& stats) {
  nlohmann::json figures;
  stats.write(figures);
  return figures;
}

}  // namespace

TEST_CASE("a hitch is a frame of which our own part takes longer than 33 ms, however long the driver takes") {
  FrameStats stats;
  CHECK(figures_of(stats)["frame"]["hitches"] == 0);
  stats.add({.whole = 400, .ui = 90, .own = 300});  // the start
  CHECK(figures_of(stats)["frame"]["hitches"] == 0);
  CHECK(figures_of(stats)["frame"]["own_ms_max"] == 0);
  stats.add({.whole = 500, .ui = 1, .own = 33});
  CHECK(figures_of(stats)["frame"]["hitches"] == 0);
  stats.add({.whole = 40, .ui = 1, .own = 33.1});
  stats.add({.whole = 90, .ui = 80, .own = 85});
  CHECK(figures_of(stats)["frame"]["hitches"] == 2);
  for (int i = 0; i < 1000; ++i) stats.add({.whole = 30, .ui = 1, .own = 2});
  CHECK(figures_of(stats)["frame"]["hitches"] == 2);  // they are not forgotten
  CHECK(figures_of(stats)["frame"]["own_ms_max"] == 85);
  CHECK(figures_of(stats)["frame"]["own_ms_p99"] == 2);
}

TEST_CASE("how fast input is answered: the newest ones, and the slowest of all") {
  FrameStats stats;
  CHECK(figures_of(stats)["input"]["count"] == 0);
  CHECK(figures_of(stats)["input"]["ms_max"] == 0);
  stats.answered(70);
  for (int i = 0; i < 2000; ++i) stats.answered(1 + i % 10);
  const nlohmann::json input = figures_of(stats)["input"];
  CHECK(input["count"] == 2001);
  CHECK(input["ms_p50"] == 5);
  CHECK(input["ms_p90"] == 9);
  CHECK(input["ms_max"] == 70);
}

TEST_CASE("our own time stands still while the driver is at work or there is nothing to do") {
  double wall = 10, waited = 1;  // s
  const auto pass = [&](double seconds, double without_core) {
    wall += seconds;
    waited += without_core;
  };
  WorkClock clock([&] { return wall; }, [&] { return waited; });
  const double begin = clock.now(), interrupted = clock.interrupted();
  const auto work = [&] { return clock.now() - begin; };
  const auto not_ours = [&] { return clock.interrupted() - interrupted; };

  pass(0.002, 0.0005);  // a person waits for all of it, but others had the core for a while
  CHECK(work() == doctest::Approx(0.002));
  CHECK(not_ours() == doctest::Approx(0.0005));
  clock.driver([&] { pass(0.030, 0.004); });
  CHECK(work() == doctest::Approx(0.002));
  CHECK(not_ours() == doctest::Approx(0.0005));
  // Woken after 100 ms, of which the last 3 passed until there was a core: these are in somebody's way.
  CHECK(clock.asleep([&] { return pass(0.100, 0.003), 7; }) == 7);
  CHECK(work() == doctest::Approx(0.005));
  CHECK(not_ours() == doctest::Approx(0.0035));
}

TEST_CASE("a picture is a PNG, and what cannot be written says so") {
  TemporaryFolder folder;
  const Picture picture{2, 3, std::vector<uint8_t>(2 * 3 * 3, 200)};
  CHECK(write_png_async(folder / "p.png", picture).get().empty());
  const std::string png = test::read_file(folder / "p.png");
  CHECK(png.substr(1, 3) == "PNG");
  CHECK(png.substr(16, 8) == std::string("\0\0\0\2\0\0\0\3", 8));  // width and height
  test::make_file(folder / "file", "x");
  const std::string failure = write_png_async(folder / "file/p.png", picture).get();
  CHECK(failure.find("p.png") != std::string::npos);
}

TEST_CASE("assets are found in the chosen folder first, and their absence names every folder") {
  TemporaryFolder folder;
  test::make_file(folder / "thing.txt", "x");
  setenv("NOPEEK_ASSETS", (folder / "").c_str(), 1);
  CHECK(find_asset("thing.txt") == (folder / "thing.txt"));
  CHECK(find_asset("tours/mask-lab.tour").filename() == "mask-lab.tour");  // from the source folder
  try {
    find_asset("no/such/thing");
    FAIL("no error");
  } catch (const Error& e) {
    CHECK(std::string(e.what()).find("no/such/thing") != std::string::npos);
    CHECK(std::string(e.what()).find((folder / "").string()) != std::string::npos);
  }
  unsetenv("NOPEEK_ASSETS");
}

}  // namespace nopeek::test::host_test
