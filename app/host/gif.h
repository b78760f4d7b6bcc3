#pragma once
#include <filesystem>
#include <span>

#include "app/host/picture.h"

namespace nopeek {

/// A picture and how long it stays.
struct GifFrame {
  Picture picture;
  int ms = 0;  // a GIF counts in 1/100 s, up to 655.35 s; viewers slow down what is shorter than 20 ms
};

/// Writes an animation that repeats for ever, to a temporary name that is then renamed. All frames are of one size and
/// share at most 256 colours: their own where they have no more, else the nearest to them. Throws Error. Takes some
/// 0.04 s a frame of the window's size.
void write_gif(const std::filesystem::path& file, std::span<const GifFrame> frames);

}  // namespace nopeek
