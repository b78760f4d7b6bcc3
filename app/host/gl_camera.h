#pragma once
#include "app/gl/heatmap.h"
#include "app/host/camera.h"
#include "app/host/glfw_window.h"
#include "app/host/work_clock.h"

namespace nopeek {

/// Takes pictures with OpenGL. All that it is given must live as long as it does.
class GlCamera final : public Camera {
 public:
  GlCamera(const GlfwWindow& window, gl::HeatmapRenderer& heatmaps, WorkClock& clock)
      : window_(window), heatmaps_(heatmaps), clock_(clock) {}
  Picture window() override;
  Picture off_screen(ImDrawData& drawn) override;

 private:
  const GlfwWindow& window_;
  gl::HeatmapRenderer& heatmaps_;
  WorkClock& clock_;
};

}  // namespace nopeek
