#include "app/host/gif.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <unordered_map>

extern "C" {
#include <cgif.h>
}

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/shown.h"

namespace nopeek {
namespace {

constexpr size_t kMostColors = 256;
constexpr int kGreatestSide = 65535, kLongestDelay = 65535;  // px, 1/100 s: 16 bits each

struct Color {
  std::array<uint8_t, 3> rgb;
  double count;  // pixels that have it
};

uint32_t key_of(const uint8_t* rgb) { return uint32_t{rgb[0]} << 16 | uint32_t{rgb[1]} << 8 | rgb[2]; }

/// Calls visit(key) for each pixel, row by row as they are stored.
template <class Visit>
void each_pixel(const Picture& picture, Visit&& visit) {
  for (size_t i = 0; i < picture.rgb.size(); i += 3) visit(key_of(&picture.rgb[i]));
}

std::vector<Color> colors_of(std::span<const GifFrame> frames) {
  std::unordered_map<uint32_t, double> counts;
  uint32_t last = 0;
  double* count = &counts[last];  // neighbours are mostly equal: no look-up for them
  for (const GifFrame& frame : frames) {
    each_pixel(frame.picture, [&](uint32_t key) {
      if (key != last) count = &counts[last = key];
      ++*count;
    });
  }
  std::vector<Color> colors;
  for (const auto& [key, n] : counts) {
    if (n > 0)
      colors.push_back(
          {{static_cast<uint8_t>(key >> 16), static_cast<uint8_t>(key >> 8), static_cast<uint8_t>(key)}, n});
  }
  std::sort(colors.begin(), colors.end(), [](const Color& a, const Color& b) { return a.rgb < b.rgb; });
  return colors;
}

/// Colours that one entry of the palette stands for.
struct Box {
  std::span<Color> colors;
  std::array<double, 3> mean{};
  size_t axis = 0;   // the channel in which they differ most
  double error = 0;  // squared, summed over their pixels, along that axis

  explicit Box(std::span<Color> all) : colors(all) {
    double pixels = 0;
    std::array<double, 3> sum{}, squares{};
    for (const Color& color : colors) {
      pixels += color.count;
      for (size_t c = 0; c < 3; ++c) {
        sum[c] += color.count * color.rgb[c];
        squares[c] += color.count * color.rgb[c] * color.rgb[c];
      }
    }
    for (size_t c = 0; c < 3; ++c) {
      mean[c] = sum[c] / pixels;
      const double e = squares[c] - sum[c] * mean[c];
      if (e > error) axis = c, error = e;
    }
  }
};

/// Median cut (Heckbert 1982), in the variant that halves the box of the greatest error at its mean: a large plain
/// background does not draw all cuts to itself.
std::vector<Box> median_cut(std::vector<Color>& colors) {
  std::vector<Box> boxes;
  if (colors.size() <= kMostColors) {
    for (Color& color : colors) boxes.emplace_back(std::span(&color, 1));
    return boxes;
  }
  boxes.emplace_back(colors);
  while (boxes.size() < kMostColors) {
    Box& widest = *std::max_element(boxes.begin(), boxes.end(), [](auto& a, auto& b) { return a.error < b.error; });
    const size_t c = widest.axis;
    const auto all = widest.colors;
    const auto upper =
        std::partition(all.begin(), all.end(), [&](const Color& color) { return color.rgb[c] <= widest.mean[c]; });
    const auto lower_size = static_cast<size_t>(upper - all.begin());
    if (lower_size == 0 || lower_size == all.size()) break;  // every box holds one colour
    widest = Box(all.first(lower_size));
    boxes.emplace_back(all.subspan(lower_size));
  }
  return boxes;
}

struct Palette {
  std::array<uint8_t, 3 * kMostColors> rgb{};
  size_t size = 0;
  std::unordered_map<uint32_t, uint8_t> index;  // of every colour that the frames have
};

Palette palette_of(std::span<const GifFrame> frames) {
  std::vector<Color> colors = colors_of(frames);
  Palette palette;
  for (const Box& box : median_cut(colors)) {
    for (size_t c = 0; c < 3; ++c) palette.rgb[3 * palette.size + c] = static_cast<uint8_t>(std::lround(box.mean[c]));
    for (const Color& color : box.colors) palette.index[key_of(color.rgb.data())] = static_cast<uint8_t>(palette.size);
    ++palette.size;
  }
  return palette;
}

/// Rows from the top, as a GIF has them.
std::vector<uint8_t> indices_of(const Picture& picture, const Palette& palette) {
  const auto width = static_cast<size_t>(picture.width);
  std::vector<uint8_t> indices(width * static_cast<size_t>(picture.height));
  size_t row = static_cast<size_t>(picture.height), column = width;
  uint32_t last = 0;
  uint8_t index = 0;
  bool first = true;
  each_pixel(picture, [&](uint32_t key) {
    if (column == width) column = 0, --row;
    if (key != last || first) index = palette.index.at(last = key);
    first = false;
    indices[row * width + column++] = index;
  });
  return indices;
}

struct Closer {
  void operator()(CGIF* gif) const { cgif_close(gif); }
};

/// The file's bytes; empty if cgif refuses.
std::string encode(std::span<const GifFrame> frames) {
  Palette palette = palette_of(frames);
  std::string bytes;
  CGIF_Config config{};
  config.pGlobalPalette = palette.rgb.data();
  config.numGlobalPaletteEntries = static_cast<uint16_t>(palette.size);
  config.attrFlags = CGIF_ATTR_IS_ANIMATED;
  config.numLoops = CGIF_INFINITE_LOOP;
  config.width = static_cast<uint16_t>(frames[0].picture.width);
  config.height = static_cast<uint16_t>(frames[0].picture.height);
  config.pContext = &bytes;
  config.pWriteFn = [](void* to, const uint8_t* data, size_t size) {
    static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(data), size);
    return 0;
  };
  std::unique_ptr<CGIF, Closer> gif(cgif_newgif(&config));
  if (!gif) return {};
  for (const GifFrame& frame : frames) {
    std::vector<uint8_t> indices = indices_of(frame.picture, palette);
    CGIF_FrameConfig one{};
    one.pImageData = indices.data();
    one.genFlags = CGIF_FRAME_GEN_USE_DIFF_WINDOW;
    one.delay = static_cast<uint16_t>(std::clamp((frame.ms + 5) / 10, 0, kLongestDelay));
    if (cgif_addframe(gif.get(), &one) != CGIF_OK) return {};
  }
  return cgif_close(gif.release()) == CGIF_OK ? bytes : std::string();  // the last frame is written only now
}

bool can_be_one_gif(std::span<const GifFrame> frames) {
  const auto fits = [&](const GifFrame& frame) {
    const Picture& p = frame.picture;
    const bool in_bounds = p.width > 0 && p.height > 0 && p.width <= kGreatestSide && p.height <= kGreatestSide;
    return in_bounds && p.width == frames[0].picture.width && p.height == frames[0].picture.height;
  };
  return !frames.empty() && std::all_of(frames.begin(), frames.end(), fits);
}

}  // namespace

void write_gif(const std::filesystem::path& file, std::span<const GifFrame> frames) {
  if (!can_be_one_gif(frames)) {
    throw Error("Cannot write " + nopeek::shown(file) + ": a GIF needs frames of one size of at most " +
                std::to_string(kGreatestSide) + " px. Export it as single pictures.");
  }
  const std::string bytes = encode(frames);
  if (bytes.empty()) {
    throw Error("Cannot encode " + nopeek::shown(file) + ". Close other programs, as memory may be short.");
  }
  write_file(file, bytes);
}

}  // namespace nopeek
