#pragma once
#include <doctest/doctest.h>
#include <stb_image.h>

#include <array>
#include <filesystem>
#include <vector>

#include "null_host.h"

namespace nopeek::test {

using Rgb = std::array<uint8_t, 3>;

/// An animation, read by another decoder than the one that writes them.
struct Decoded {
  int width = 0, height = 0, frames = 0;
  std::vector<int> ms;
  std::vector<uint8_t> rgb;  // (frames, height, width, 3), top row first

  Rgb at(int frame, int x, int y) const {
    const auto i = static_cast<size_t>(3 * ((frame * height + y) * width + x));
    return {rgb[i], rgb[i + 1], rgb[i + 2]};
  }
};

inline Decoded decoded(const std::filesystem::path& file) {
  const std::string bytes = read_file(file);
  Decoded gif;
  int* delays = nullptr;
  int channels = 0;
  stbi_uc* pixels =
      stbi_load_gif_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), static_cast<int>(bytes.size()), &delays,
                                &gif.width, &gif.height, &gif.frames, &channels, 3);
  REQUIRE(pixels);
  gif.ms.assign(delays, delays + gif.frames);
  gif.rgb.assign(pixels, pixels + 3 * gif.width * gif.height * gif.frames);
  stbi_image_free(pixels);
  stbi_image_free(delays);
  return gif;
}

}  // namespace nopeek::test
