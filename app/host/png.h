#pragma once
#include <cstdint>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

namespace nopeek {

/// Pixels as glReadPixels gives them: RGB, 8 bits, the lowest row first, rows not padded.
struct Picture {
  int width = 0, height = 0;
  std::vector<uint8_t> rgb;  // (height, width, 3)
};

/// Writes `picture` as PNG, to a temporary name that is then renamed. Throws Error. Takes some 0.2 s for a window.
void write_png(const std::filesystem::path& file, const Picture& picture);

/// write_png() on a thread of its own. The result is empty, or what went wrong.
std::future<std::string> write_png_async(std::filesystem::path file, Picture picture);

}  // namespace nopeek
