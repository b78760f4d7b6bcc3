// Whatever memory Dear ImGui itself is refused, while fonts are made, a frame begins, is built or ends: the frame is
// abandoned, as the window does it, and the next ones are as ever.
#include <GLFW/glfw3.h>
#include <doctest/doctest.h>

#include <cstdlib>
#include <functional>
#include <new>

#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"
#include "tests/app/app_host.h"

#ifdef NOPEEK_SANITIZED
#include <sanitizer/lsan_interface.h>
#endif

namespace nopeek::test::imgui_memory_test {
namespace {

/// What is allocated in its life is no leak. An exception that passes FreeType's C frames leaves there what they held.
struct LeaksAllowed {
#ifdef NOPEEK_SANITIZED
  __lsan::ScopedDisabler disabler;
#endif
};

int64_t left = -1;  // ImGui's allocations that still succeed; negative: all do
bool refused = false;

/// Takes the place of the allocator of ui::create_context(): the same, but that it may refuse one.
void* allocate(size_t bytes, void*) {
  if (left == 0) {
    left = -1;
    refused = true;
    throw std::bad_alloc();
  }
  if (left > 0) --left;
  void* memory = std::malloc(bytes);
  if (memory == nullptr && bytes > 0) throw std::bad_alloc();
  return memory;
}

class PoorImGui : public AppHost {
 public:
  PoorImGui() {
    ImGui::SetAllocatorFunctions(allocate, [](void* memory, void*) { std::free(memory); });
  }

  /// Builds a frame whose n-th allocation by ImGui, from 0, is refused. False if it has not so many.
  bool frame_without(int64_t n) {
    [[maybe_unused]] const LeaksAllowed leaks;
    refused = abandoned = false;
    left = n;
    try {
      frames(1);
    } catch (const std::exception& error) {
      abandoned = true;
      ui::abandon_frame();
      app().tell(error);
    }
    left = -1;
    return refused;
  }
  bool abandoned = false;
};

/// A line for each item, messages left out.
std::string on_the_screen() {
  std::string lines;
  for (const auto& item : ui::registry::items()) {
    if (!item.scope.starts_with("Message ")) lines += item.scope + "/" + item.label + "\n";
  }
  return lines;
}

using Act = std::function<void(PoorImGui&)>;

std::string screen_after(const Act& act) {
  PoorImGui host;
  act(host);
  host.frames(4);
  return on_the_screen();
}

/// Does something and refuses an allocation of the frame that follows, over and over: each of the first forty, and some
/// beyond (under a sanitizer a few of them). The next frames look as they do where nothing was refused.
void refuse_each(const Act& act) {
  const std::string wanted = screen_after(act);
  int64_t n = 0;
  for (bool more = true; more; n += kSanitized ? n + 5 : n < 40 ? 1 : n / 4) {
    CAPTURE(n);
    PoorImGui host;
    act(host);
    more = host.frame_without(n);
    host.frames(3);
    if (host.abandoned) CHECK(host.figures()["message"].get<std::string>() == "There is not enough memory.");
    CHECK_FALSE(host.app().hopeless());
    CHECK(on_the_screen() == wanted);
  }
  CHECK(n > 3);
}

void press(PoorImGui& host, int key) {
  host.input().key(key, true);
  host.input().key(key, false);
}

}  // namespace

TEST_CASE("a frame that is interrupted with fonts pushed, in windows in windows, can be ended") {
  class Interrupted : public NullHost {
    void draw() override {
      ImGui::Begin("outer");
      ImGui::PushFont(ImGui::GetFont());
      ImGui::BeginChild("inner");
      ImGui::PushFont(ImGui::GetFont());
      ImGui::PushStyleVar(ImGuiStyleVar_Alpha, 0.5f);
      ui::recover_frame();
    }
  };
  Interrupted host;
  host.frames(3);
  CHECK(ImGui::GetStyle().Alpha == 1);
}

TEST_CASE("fonts of another size") {
  refuse_each([](PoorImGui& host) { host.app().settings().text_size = 1.5; });
}

TEST_CASE("a window that grows") {
  refuse_each([](PoorImGui& host) { host.resize(3840, 2160); });
}

TEST_CASE("a window of its own") {
  refuse_each([](PoorImGui& host) { press(host, GLFW_KEY_F1); });
}

TEST_CASE("a window with lists in it") {
  refuse_each([](PoorImGui& host) {
    host.input().key(GLFW_KEY_LEFT_CONTROL, true);
    press(host, GLFW_KEY_O);
    host.input().key(GLFW_KEY_LEFT_CONTROL, false);
  });
}

}  // namespace nopeek::test::imgui_memory_test
