#pragma once
#include <cstdint>
#include <vector>

namespace nopeek {

/// Pixels as glReadPixels gives them: RGB, 8 bits, the lowest row first, rows not padded.
struct Picture {
  int width = 0, height = 0;
  std::vector<uint8_t> rgb;  // (height, width, 3)
};

}  // namespace nopeek
