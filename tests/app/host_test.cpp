// The small parts of the host: when to draw, how long it took, pictures, assets.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "app/host/assets.h"
#include "app/host/frame_stats.h"
#include "app/host/pacer.h"
#include "app/host/png.h"
#include "core/base/error.h"
#include "null_host.h"

using namespace nopeek;
using test::TemporaryFolder;

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
  for (int i = 1; i <= 1000; ++i) stats.add(i, 0.5);
  stats.first_frame(123);
  nlohmann::json figures;
  stats.write(figures);
  CHECK(figures["frame"]["count"] == 1000);
  CHECK(figures["frame"]["ms_p50"] == 700);  // of the newest 600
  CHECK(figures["frame"]["first_ms"] == 123);
  CHECK(figures["ui"]["ms_p50"] == 0.5);
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
