#pragma once
#include <imgui.h>

#include "app/host/picture.h"

namespace nopeek {

/// Takes pictures of what is drawn. Behind an interface, as tests run the App without OpenGL.
class Camera {
 public:
  virtual ~Camera() = default;
  /// The frame of the window that has just been drawn, and is not presented yet.
  virtual Picture window() = 0;
  /// What `drawn` holds, which the window does not show, in a picture of its size. The window's frame stays as it is.
  /// Throws Error where the driver refuses, e.g. because it is too large.
  virtual Picture off_screen(ImDrawData& drawn) = 0;
};

}  // namespace nopeek
