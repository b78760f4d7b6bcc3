#pragma once
#include <imgui.h>

#include <exception>
#include <filesystem>
#include <functional>
#include <optional>

#include "app/host/input_queue.h"

struct GLFWwindow;

namespace nopeek {

/// A window with an OpenGL 3.3 core context and an ImGui context with its backends, for as long as it lives. What
/// people do in it goes into input(). There is one at a time, on the main thread.
class GlfwWindow {
 public:
  /// A size of 0 x 0 is that of a first start: 1600 x 900 at the scale of the display, as far as its screen has room.
  /// Throws Error where there is no display or no OpenGL 3.3.
  GlfwWindow(int width, int height);
  ~GlfwWindow();
  GlfwWindow(const GlfwWindow&) = delete;

  InputQueue& input() { return input_; }
  /// Asked before an event of a person enters the queue; false swallows it. `ends_tour`: a click, or the Esc key.
  std::function<bool(bool ends_tour)> filter;

  bool should_close() const;
  /// Handles what has happened, after waiting for `seconds` at most (infinity: until something happens). True if a
  /// person did something, or the window itself has changed.
  bool wait(double seconds);
  /// Throws what the handling of an event in wait() threw, once; nothing if all went well.
  void rethrow();
  /// Ends wait() early. Any thread.
  static void wake();

  ImVec2 framebuffer_size() const;
  /// How much larger than usual all is wished for on this display (Xft.dpi / 96, or what the system settings say).
  float display_scale() const;
  void resize(int width, int height);
  void set_fullscreen(bool on);
  /// Size of the window when it is not full screen.
  ImVec2 windowed_size() const;

  /// After the atlas was built, before begin_frame(). If it throws: is to be called again.
  void rebuild_font_texture();
  /// Before ImGui::NewFrame(): the backends' part, and this frame's share of the input. Returns what
  /// InputQueue::apply() does.
  std::optional<double> begin_frame();
  /// Draws what ImGui::Render() left, on `background`; it is on the screen after present().
  void draw(ImVec4 background);
  void present();

 private:
  void install_callbacks();
  void install_key_callbacks();
  bool admits(bool ends_tour = false);
  template <class Handle>
  static void on_event(GLFWwindow* window, const Handle& handle) noexcept;

  GLFWwindow* window_ = nullptr;
  InputQueue input_;
  bool touched_ = false;  // an event came since the last wait()
  bool repeats_ = false;  // the newest key is held down, and what it types is typed again
  bool fullscreen_ = false;
  bool has_device_objects_ = false;             // the backend's shaders and buffers
  std::exception_ptr failure_;                  // of an event
  int x_ = 0, y_ = 0, width_ = 0, height_ = 0;  // of the window before it became full screen
};

}  // namespace nopeek
