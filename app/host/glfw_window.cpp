#include "app/host/glfw_window.h"

#include <GLFW/glfw3.h>
#include <backends/imgui_impl_glfw.h>
#include <backends/imgui_impl_opengl3.h>
#include <glad/gl.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/ui/fonts.h"
#include "app/ui/imgui_compat.h"
#include "core/base/error.h"

#ifdef NOPEEK_SANITIZED
// Mesa unloads its driver before the leak check looks for the stacks of its allocations, which are then reported as
// leaks of nobody. Keeping every library loaded until the end of the process is cheaper than a list of suppressions.
extern "C" int dlclose(void*) noexcept { return 0; }
#endif

namespace nopeek {

namespace {

constexpr int kMinWidth = 1024, kMinHeight = 576, kFirstWidth = 1600, kFirstHeight = 900;

std::string last_glfw_error() {
  const char* text = nullptr;
  glfwGetError(&text);
  return text ? text : "no reason given";
}

GlfwWindow& self(GLFWwindow* window) { return *static_cast<GlfwWindow*>(glfwGetWindowUserPointer(window)); }

GLFWmonitor* monitor_under(int x, int y) {
  int count = 0;
  GLFWmonitor** monitors = glfwGetMonitors(&count);
  for (int i = 0; i < count; ++i) {
    int left = 0, top = 0;
    glfwGetMonitorPos(monitors[i], &left, &top);
    const GLFWvidmode* mode = glfwGetVideoMode(monitors[i]);
    if (mode && x >= left && y >= top && x < left + mode->width && y < top + mode->height) return monitors[i];
  }
  return glfwGetPrimaryMonitor();
}

/// Of a first start: its size is multiplied by the display's scale where the system does not do that by itself.
void fit_to_screen(GLFWwindow* window) {
  int x = 0, y = 0, room_w = 0, room_h = 0, width = 0, height = 0;
  GLFWmonitor* monitor = glfwGetPrimaryMonitor();
  if (monitor) glfwGetMonitorWorkarea(monitor, &x, &y, &room_w, &room_h);
  glfwGetWindowSize(window, &width, &height);
  if (room_w > 0 && (width > room_w || height > room_h))
    glfwSetWindowSize(window, std::min(width, room_w), std::min(height, room_h));
}

GLFWwindow* create_window(int width, int height) {
  const bool first_start = width <= 0 || height <= 0;
  glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, 3);
  glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, 3);
  glfwWindowHint(GLFW_OPENGL_PROFILE, GLFW_OPENGL_CORE_PROFILE);
  glfwWindowHint(GLFW_OPENGL_FORWARD_COMPAT, GLFW_TRUE);  // macOS gives a core context to no one else
  glfwWindowHintString(GLFW_X11_CLASS_NAME, "nopeek");
  glfwWindowHintString(GLFW_X11_INSTANCE_NAME, "nopeek");
  glfwWindowHint(GLFW_SCALE_TO_MONITOR, first_start);
  glfwWindowHint(GLFW_VISIBLE, GLFW_FALSE);  // until it has its size
  return glfwCreateWindow(first_start ? kFirstWidth : width, first_start ? kFirstHeight : height, "NoPeek", nullptr,
                          nullptr);
}

}  // namespace

GlfwWindow::GlfwWindow(int width, int height) {
  if (!glfwInit()) {
    throw Error("there is no display to open a window on (" + last_glfw_error() +
                "). Start NoPeek from a desktop session, or give it a virtual one: xvfb-run nopeek --tour FILE");
  }
  window_ = create_window(width, height);
  if (!window_) {
    const std::string reason = last_glfw_error();
    glfwTerminate();
    throw Error("NoPeek needs OpenGL 3.3, which this display does not offer (" + reason +
                "). Update the graphics driver, or install Mesa's software renderer (libgl1-mesa-dri).");
  }
  glfwMakeContextCurrent(window_);
  if (!gladLoadGL(glfwGetProcAddress)) {
    glfwTerminate();
    throw Error("the functions of OpenGL 3.3 cannot be loaded. Update the graphics driver.");
  }
  glfwSetWindowSizeLimits(window_, kMinWidth, kMinHeight, GLFW_DONT_CARE, GLFW_DONT_CARE);
  if (width <= 0 || height <= 0) fit_to_screen(window_);
  glfwShowWindow(window_);
  glfwSwapInterval(1);
  GLint texture_limit = 0;
  glGetIntegerv(GL_MAX_TEXTURE_SIZE, &texture_limit);
  ui::set_texture_limit(texture_limit);
  ui::create_context();
  ImGui_ImplGlfw_InitForOpenGL(window_, /*install_callbacks=*/false);
  ImGui_ImplOpenGL3_Init("#version 330 core");
  configure_imgui(ImGui::GetIO());
  install_callbacks();
}

GlfwWindow::~GlfwWindow() {
  ImGui_ImplOpenGL3_Shutdown();
  ImGui_ImplGlfw_Shutdown();
  ImGui::DestroyContext();
  glfwTerminate();
}

bool GlfwWindow::admits(bool ends_tour) {
  touched_ = true;
  return !filter || filter(ends_tour);
}

/// Handles an event: what that throws is kept for rethrow(), since GLFW is written in C and lets no exception through.
template <class Handle>
void GlfwWindow::on_event(GLFWwindow* window, const Handle& handle) noexcept {
  GlfwWindow& owner = self(window);
  try {
    handle(owner);
  } catch (...) {
    if (!owner.failure_) owner.failure_ = std::current_exception();
  }
}

void GlfwWindow::rethrow() {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

/// GLFW tells of a key first, and then of what it types.
void GlfwWindow::install_key_callbacks() {
  glfwSetKeyCallback(window_, [](GLFWwindow* w, int key, int scancode, int action, int) {
    on_event(w, [=](GlfwWindow& self) {
      self.repeats_ = action == GLFW_REPEAT;
      if (action == GLFW_REPEAT || key == GLFW_KEY_UNKNOWN) return;  // ImGui repeats keys by its own clock
      if (!self.admits(key == GLFW_KEY_ESCAPE && action == GLFW_PRESS)) return;
      self.input_.key(key_as_printed(key, glfwGetKeyName(key, scancode)), action == GLFW_PRESS);
    });
  });
  glfwSetCharCallback(window_, [](GLFWwindow* w, unsigned code_point) {
    on_event(w, [=](GlfwWindow& self) {
      if (self.admits()) self.input_.text(code_point);
    });
  });
  // With Ctrl held only this one tells what is typed: on which key + is, differs from keyboard to keyboard.
  glfwSetCharModsCallback(window_, [](GLFWwindow* w, unsigned code_point, int modifiers) {
    const bool command = (modifiers & GLFW_MOD_CONTROL) && !(modifiers & GLFW_MOD_ALT);
    on_event(w, [=](GlfwWindow& self) {
      if (command && !self.repeats_ && self.admits()) self.input_.text(code_point);
    });
  });
}

void GlfwWindow::install_callbacks() {
  glfwSetWindowUserPointer(window_, this);
  install_key_callbacks();
  glfwSetCursorPosCallback(window_, [](GLFWwindow* w, double x, double y) {
    on_event(w, [=](GlfwWindow& self) {
      if (self.admits()) self.input_.move(static_cast<float>(x), static_cast<float>(y));
    });
  });
  glfwSetCursorEnterCallback(window_, [](GLFWwindow* w, int entered) {
    on_event(w, [=](GlfwWindow& self) {
      if (self.admits() && !entered) self.input_.leave();
    });
  });
  glfwSetMouseButtonCallback(window_, [](GLFWwindow* w, int button, int action, int) {
    on_event(w, [=](GlfwWindow& self) {
      if (self.admits(action == GLFW_PRESS)) self.input_.button(button, action == GLFW_PRESS);
    });
  });
  glfwSetScrollCallback(window_, [](GLFWwindow* w, double dx, double dy) {
    on_event(w, [=](GlfwWindow& self) {
      if (self.admits()) self.input_.wheel(static_cast<float>(dx), static_cast<float>(dy));
    });
  });
  glfwSetDropCallback(window_, [](GLFWwindow* w, int count, const char** files) {
    on_event(w, [=](GlfwWindow& self) {
      if (!self.admits()) return;
      for (int i = 0; i < count; ++i) self.input_.drop(std::filesystem::path(files[i]));
    });
  });
  glfwSetWindowFocusCallback(window_, [](GLFWwindow* w, int focused) {
    on_event(w, [=](GlfwWindow& self) {
      if (self.admits() && !focused) self.input_.focus_lost();
    });
  });
  // These change what is drawn, but are no input.
  glfwSetFramebufferSizeCallback(window_, [](GLFWwindow* w, int, int) { self(w).touched_ = true; });
  glfwSetWindowContentScaleCallback(window_, [](GLFWwindow* w, float, float) { self(w).touched_ = true; });
  glfwSetWindowRefreshCallback(window_, [](GLFWwindow* w) { self(w).touched_ = true; });
  glfwSetWindowCloseCallback(window_, [](GLFWwindow* w) { self(w).touched_ = true; });
}

bool GlfwWindow::should_close() const { return glfwWindowShouldClose(window_); }

bool GlfwWindow::wait(double seconds) {
  touched_ = false;
  if (seconds <= 0) {
    glfwPollEvents();
  } else if (std::isinf(seconds)) {
    glfwWaitEvents();
  } else {
    glfwWaitEventsTimeout(seconds);
  }
  return touched_;
}

void GlfwWindow::wake() { glfwPostEmptyEvent(); }

ImVec2 GlfwWindow::framebuffer_size() const {
  int width = 0, height = 0;
  glfwGetFramebufferSize(window_, &width, &height);
  return {static_cast<float>(width), static_cast<float>(height)};
}

float GlfwWindow::display_scale() const {
  float across = 1, down = 1;
  glfwGetWindowContentScale(window_, &across, &down);
  return std::max(across, down);
}

void GlfwWindow::resize(int width, int height) { glfwSetWindowSize(window_, width, height); }

void GlfwWindow::set_fullscreen(bool on) {
  if (on == fullscreen_) return;
  fullscreen_ = on;
  if (!on) return glfwSetWindowMonitor(window_, nullptr, x_, y_, width_, height_, GLFW_DONT_CARE);
  glfwGetWindowPos(window_, &x_, &y_);
  glfwGetWindowSize(window_, &width_, &height_);
  GLFWmonitor* monitor = monitor_under(x_ + width_ / 2, y_ + height_ / 2);
  const GLFWvidmode* mode = monitor ? glfwGetVideoMode(monitor) : nullptr;
  if (mode) glfwSetWindowMonitor(window_, monitor, 0, 0, mode->width, mode->height, mode->refreshRate);
}

ImVec2 GlfwWindow::windowed_size() const {
  int width = width_, height = height_;
  if (!fullscreen_) glfwGetWindowSize(window_, &width, &height);
  return {static_cast<float>(width), static_cast<float>(height)};
}

// The backend makes its texture together with its shaders, and again only after both are gone.
// The texture alone: after DestroyDeviceObjects() ImGui 1.86 still believes in the size of its old vertex buffers, and
// nothing is drawn any more. The first time the texture comes with all the rest; if that fails for want of memory, it
// is the texture that is missing.
void GlfwWindow::rebuild_font_texture() {
  if (!std::exchange(has_device_objects_, true)) return ImGui_ImplOpenGL3_NewFrame();
  ImGui_ImplOpenGL3_DestroyFontsTexture();
  ImGui_ImplOpenGL3_CreateFontsTexture();
}

std::optional<double> GlfwWindow::begin_frame() {
  has_device_objects_ = true;
  ImGui_ImplOpenGL3_NewFrame();
  ImGui_ImplGlfw_NewFrame();
  return input_.apply(ImGui::GetIO());  // in place of what the backend believes of mouse and keyboard
}

void GlfwWindow::draw(ImVec4 background) {
  const ImVec2 size = framebuffer_size();
  glViewport(0, 0, static_cast<int>(size.x), static_cast<int>(size.y));
  glClearColor(background.x, background.y, background.z, 1);
  glClear(GL_COLOR_BUFFER_BIT);
  ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
  glFinish();  // so that the cost of drawing is not counted as waiting for the display, or the other way round
}

void GlfwWindow::present() { glfwSwapBuffers(window_); }

}  // namespace nopeek
