#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace nopeek {

/// What the command line may ask of the window. Size, scale and theme hold for this run and are not stored.
struct WindowOptions {
  int width = 0, height = 0;    // px; 0: as it was when the app was left, or as the display asks for
  std::optional<double> scale;  // text size: 0.8, 1, 1.25 or 1.5
  std::optional<bool> dark;
  std::string scene = "Mask Lab";
  uint64_t seed = 1;
  std::filesystem::path model;  // to open at once; empty: none
  std::filesystem::path tour;   // empty: none
  std::filesystem::path
      shots;  // with a tour: a picture of every caption goes into this folder, and its end ends the app
};

/// Opens the window and runs until it is closed. Returns the exit status of the program: 0, or 1 if the tour failed, or
/// 2 if it cannot be read or if there is no display or no OpenGL 3.3; why is then one line on standard error. Also 2 if
/// the window cannot go on because frame after frame fails: then the twins are saved, and a second line says where.
int run_window(const WindowOptions& options);

}  // namespace nopeek
