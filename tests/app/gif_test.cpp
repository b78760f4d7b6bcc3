// Animations, read back by another decoder than the one that wrote them.
#include "app/host/gif.h"

#include <doctest/doctest.h>

#include <cstring>
#include <set>

#include "core/base/error.h"
#include "decoded_gif.h"
#include "null_host.h"

namespace nopeek::test::gif_test {
namespace {

/// `color` gives what stands at column x of row y, from the top.
template <class ColorAt>
Picture picture(int width, int height, ColorAt&& color) {
  Picture made{width, height, std::vector<uint8_t>(static_cast<size_t>(3 * width * height))};
  uint8_t* to = made.rgb.data();
  for (int y = height - 1; y >= 0; --y) {
    for (int x = 0; x < width; ++x) {
      for (const uint8_t channel : color(x, y)) *to++ = channel;
    }
  }
  return made;
}

std::string error_of(const std::filesystem::path& file, const std::vector<GifFrame>& frames) {
  try {
    write_gif(file, frames);
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

uint8_t byte(int value) { return static_cast<uint8_t>(value); }

TEST_CASE("up to 256 colours are kept as they are, the right way up, with the delays of the frames") {
  TemporaryFolder folder;
  // 256 colours in each frame, and the same ones; only the middle of the picture changes
  const auto frame = [](int n) {
    return picture(40, 30, [n](int x, int y) -> Rgb {
      const bool moves = x > 10 && x < 30 && y > 8 && y < 25;
      const int i = (y * 40 + x + (moves ? n * 7 : 0)) % 256;
      return {byte(i), byte(255 - i), byte(i / 2)};
    });
  };
  std::vector<GifFrame> frames;
  for (int n = 0; n < 5; ++n) frames.push_back({frame(n), 100 * n + 20});
  write_gif(folder / "a.gif", frames);
  const Decoded gif = decoded(folder / "a.gif");
  REQUIRE(gif.frames == 5);
  REQUIRE(gif.width == 40);
  REQUIRE(gif.height == 30);
  CHECK(gif.ms == std::vector<int>{20, 120, 220, 320, 420});
  int wrong = 0;
  for (int n = 0; n < 5; ++n) {
    for (int y = 0; y < 30; ++y) {
      for (int x = 0; x < 40; ++x) {
        const uint8_t* meant =
            &frames[static_cast<size_t>(n)].picture.rgb[static_cast<size_t>(3 * ((29 - y) * 40 + x))];
        const Rgb got = gif.at(n, x, y);
        wrong += std::memcmp(meant, got.data(), 3) != 0;
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(read_file(folder / "a.gif").find(std::string("NETSCAPE2.0\3\1\0\0\0", 16)) != std::string::npos);  // for ever
}

TEST_CASE("more colours than 256 become 256 near ones, and a plain background stays") {
  TemporaryFolder folder;
  const auto color = [](int x, int y) -> Rgb {
    if (y < 100) return {23, 27, 33};
    return {byte(2 * x), byte(2 * (y - 100)), byte(255 - x)};
  };
  write_gif(folder / "a.gif", std::vector<GifFrame>{{picture(128, 228, color), 100}});
  const Decoded gif = decoded(folder / "a.gif");
  std::set<Rgb> colors;
  int furthest = 0, background = 0;
  double sum = 0;
  for (int y = 0; y < 228; ++y) {
    for (int x = 0; x < 128; ++x) {
      const Rgb meant = color(x, y), got = gif.at(0, x, y);
      colors.insert(got);
      for (size_t c = 0; c < 3; ++c) {
        const int off = std::abs(meant[c] - got[c]);
        (y < 100 ? background : furthest) = std::max(y < 100 ? background : furthest, off);
        if (y >= 100) sum += off;
      }
    }
  }
  CHECK(colors.size() <= 256);
  CHECK(background <= 1);
  CHECK(furthest <= 24);
  CHECK(sum / (3 * 128 * 128) < 6);
}

TEST_CASE("the smallest GIFs: one pixel, one colour, frames that are equal, black") {
  TemporaryFolder folder;
  const auto plain = [](Rgb c) { return [c](int, int) { return c; }; };
  for (const Rgb c : {Rgb{0, 0, 0}, Rgb{9, 200, 31}}) {
    const GifFrame dot{picture(1, 1, plain(c)), 10}, area{picture(7, 5, plain(c)), 10};
    write_gif(folder / "dot.gif", std::vector<GifFrame>{dot});
    CHECK(decoded(folder / "dot.gif").at(0, 0, 0) == c);
    write_gif(folder / "area.gif", std::vector<GifFrame>{area, area, area});
    const Decoded gif = decoded(folder / "area.gif");
    CHECK(gif.frames == 3);
    CHECK(gif.at(2, 6, 4) == c);
  }
  // Delays that a GIF cannot express
  write_gif(folder / "long.gif",
            std::vector<GifFrame>{{picture(1, 1, plain({})), 1'000'000}, {picture(1, 1, plain({1})), -5}});
  CHECK(decoded(folder / "long.gif").ms == std::vector<int>{655'350, 0});
}

TEST_CASE("what is no animation, or cannot be written, says so") {
  TemporaryFolder folder;
  const auto black = [](int, int) { return Rgb{}; };
  const GifFrame frame{picture(3, 3, black), 10};
  CHECK(error_of(folder / "a.gif", {}).find("a.gif") != std::string::npos);
  CHECK(error_of(folder / "b.gif", {frame, {picture(3, 4, black), 10}}).find("one size") != std::string::npos);
  CHECK(error_of(folder / "c.gif", {{Picture{}, 10}}).find("c.gif") != std::string::npos);
  make_file(folder / "file", "x");
  CHECK(error_of(folder / "file/d.gif", {frame}).find("d.gif") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder / "b.gif"));
}

}  // namespace
}  // namespace nopeek::test::gif_test
