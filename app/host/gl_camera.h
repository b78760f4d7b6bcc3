#pragma once
#include "app/gl/heatmap.h"
#include "app/host/camera.h"
#include "app/host/glfw_window.h"

namespace nopeek {

/// Takes pictures with OpenGL. Window and heatmaps must live as long as it does.
class GlCamera final : public Camera {
 public:
  GlCamera(const GlfwWindow& window, gl::HeatmapRenderer& heatmaps) : window_(window), heatmaps_(heatmaps) {}
  Picture window() override;
  Picture off_screen(ImDrawData& drawn) override;

 private:
  const GlfwWindow& window_;
  gl::HeatmapRenderer& heatmaps_;
};

}  // namespace nopeek
