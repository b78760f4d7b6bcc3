#include "app/host/gl_camera.h"

#include <backends/imgui_impl_opengl3.h>

#include "app/gl/objects.h"

namespace nopeek {
namespace {

Picture read_back(int width, int height) { return {width, height, gl::read_rgb(width, height)}; }

}  // namespace

Picture GlCamera::window() {
  const ImVec2 size = window_.framebuffer_size();
  Picture picture;
  clock_.driver([&] { picture = read_back(static_cast<int>(size.x), static_cast<int>(size.y)); });
  return picture;
}

/// The backend puts back all of OpenGL's state that it changes, the viewport included, and leaves the framebuffer
/// alone.
Picture GlCamera::off_screen(ImDrawData& drawn) {
  heatmaps_.send();
  clock_.driver([&] { heatmaps_.flush(); });
  const int width = static_cast<int>(drawn.DisplaySize.x), height = static_cast<int>(drawn.DisplaySize.y);
  gl::Texture target;
  target.set_colors(width, height);
  const gl::Framebuffer framebuffer;
  framebuffer.bind(target);
  Picture picture;
  clock_.driver([&] {
    ImGui_ImplOpenGL3_RenderDrawData(&drawn);
    picture = read_back(width, height);
  });
  gl::Framebuffer::unbind();
  return picture;
}

}  // namespace nopeek
