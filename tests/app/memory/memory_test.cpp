// Whatever memory a frame is refused, the window and the run go on. A program of its own, because it takes the place of
// operator new. (ImGui's own memory, which ui::create_context() takes from malloc, is refused nothing here.)
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <set>

#include "app/ui/registry.h"
#include "tests/app/app_host.h"
#include "tests/app/fake_camera.h"

namespace {
/// Allocations of this thread that still succeed; negative: all do.
thread_local int64_t allowed = -1;
thread_local int64_t counted = 0;
thread_local bool for_ever = false;  // what follows the first refusal is refused, too

void* allocate(size_t size) {
  ++counted;
  if (allowed == 0) {
    if (!for_ever) allowed = -1;
    throw std::bad_alloc();
  }
  if (allowed > 0) --allowed;
  if (void* memory = std::malloc(std::max<size_t>(1, size))) return memory;
  throw std::bad_alloc();
}

void* allocate_aligned(size_t size, size_t alignment) {
  ++counted;
  if (void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)) return memory;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(size_t size) { return allocate(size); }
void* operator new[](size_t size) { return allocate(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  try {
    return allocate(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new[](size_t size, const std::nothrow_t& none) noexcept { return operator new(size, none); }
void* operator new(size_t size, std::align_val_t at) { return allocate_aligned(size, static_cast<size_t>(at)); }
void* operator new[](size_t size, std::align_val_t at) { return allocate_aligned(size, static_cast<size_t>(at)); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace nopeek::test {
namespace {

/// An App whose next frame gets so many allocations and then one refusal.
class PoorHost : public AppHost {
 public:
  using AppHost::AppHost;

  /// Builds a frame; true if an allocation was refused in it.
  bool frame_with(int64_t allocations, bool and_none_after = false) {
    next_ = allocations;
    for_ever = and_none_after;
    frames(1);
    return refused_;
  }
  /// Allocations of a frame that lacks nothing.
  int64_t cost() {
    next_ = -1;
    frames(1);
    return cost_;
  }

 protected:
  void draw() override {
    counted = 0;
    allowed = next_;
    const bool poor = std::exchange(next_, -1) >= 0;
    app().frame();
    refused_ = poor && (allowed < 0 || for_ever);
    cost_ = counted;
    allowed = -1;
  }

 private:
  int64_t next_ = -1, cost_ = 0;
  bool refused_ = false;
};

/// What is on the screen of the shell, which outlives its scenes.
std::set<std::string> shell_on_the_screen() {
  std::set<std::string> names;
  for (const auto& item : ui::registry::items()) {
    if (item.scope == "Rail" || item.scope == "Top bar") names.insert(item.scope + "/" + item.label);
  }
  return names;
}

/// Some of the frame's allocations, each refused in a frame of its own; the frames after them are as ever. A scene that
/// began anew is led back to its `place`.
void refuse_some(PoorHost& host, int most, const std::string& place) {
  const int64_t cost = host.cost(), stride = std::max<int64_t>(1, cost / most);
  const std::set<std::string> before = shell_on_the_screen();
  const auto step = host.figures()["step"], page = host.figures()["microscope"]["page"];
  CHECK(cost > 0);
  for (int64_t n = 0; n < cost; n += stride) {
    CAPTURE(n);
    if (!host.frame_with(n)) continue;
    host.frames(2);
    CHECK(host.figures()["message"].get<std::string>().find("There is not enough memory.") == 0);
    CHECK(host.figures()["step"] == step);
    CHECK_FALSE(host.app().hopeless());
    CHECK(shell_on_the_screen() == before);
    if (host.figures()["microscope"]["page"] != page) REQUIRE_MESSAGE(host.play(place), host.failure());
  }
}

TEST_CASE("a frame of any scene that is refused memory is told, and the next ones are as ever") {
  PoorHost host;
  for (const char* scene : {"Mask Lab", "Generate", "Microscope"}) {
    CAPTURE(scene);
    const std::string place = "scene \"" + std::string(scene) + "\"";
    REQUIRE_MESSAGE(host.play(place), host.failure());
    refuse_some(host, 150, place);
  }
  CHECK_MESSAGE(host.play("scene Microscope\nwait until microscope.ready == true\nscene Generate\n"
                          "wait until generate.ready == true\nscene \"Mask Lab\"\nclick \"Top bar/Step\"\n"
                          "wait until step == 1"),
                host.failure());
}

TEST_CASE("the first frame of a scene, every page of the Microscope, and dialogs are refused memory") {
  const char* const places[] = {"scene Microscope",
                                "scene Microscope\nwait until microscope.ready == true\nclick \"Microscope/Mask\"",
                                "scene Microscope\nwait until microscope.ready == true\nclick \"Heads\"",
                                "scene Microscope\nwait until microscope.ready == true\nclick \"Twins\"",
                                "scene Microscope\nwait until microscope.ready == true\nclick \"Q K V\"",
                                "scene Microscope\nwait until microscope.ready == true\nclick \"Leak test\"",
                                "scene Microscope\nwait until microscope.ready == true\nclick \"What if\"",
                                "scene Microscope\nwait until microscope.ready == true\nclick \"Edit text\"",
                                "set \"Size\" \"Custom\u2026\"",
                                "key Ctrl+O",
                                "key F1"};
  for (const char* place : places) {
    CAPTURE(place);
    PoorHost host;
    REQUIRE_MESSAGE(host.play(place), host.failure());
    refuse_some(host, 25, place);
    CHECK_MESSAGE(host.play("key Escape\nscene \"Mask Lab\"\nclick \"Top bar/Step\"\nwait until step == 1"),
                  host.failure());
  }
}

TEST_CASE("memory that is lacking when a command is given leaves the run as it was") {
  PoorHost host;
  for (int64_t n = 0; n < 400; n += 9) {
    CAPTURE(n);
    host.input().key('R', true);
    host.frame_with(n);
    host.input().key('R', false);
    host.frames(2);
  }
  CHECK_MESSAGE(host.play("click \"Top bar/Step\"\nwait until step >= 1\nexpect held == masked"), host.failure());
}

TEST_CASE("frames that all fail lead home, then to an end that saves the run") {
  const TemporaryHome home;
  PoorHost host;
  REQUIRE_MESSAGE(host.play("click \"Top bar/Step\"\nwait until step == 1\nscene Generate"), host.failure());
  for (int i = 0; i < 3; ++i) host.frame_with(0, /*and_none_after=*/true);
  CHECK_FALSE(host.app().hopeless());
  host.frames(1);
  CHECK(host.figures()["scene"] == "Mask Lab");
  for (int i = 0; i < 60; ++i) host.frame_with(0, /*and_none_after=*/true);
  CHECK_FALSE(host.app().hopeless());  // a second: memory may come back
  for (int i = 0; i < 180; ++i) host.frame_with(0, /*and_none_after=*/true);
  REQUIRE(host.app().hopeless());
  const std::string words = host.app().rescue();
  CHECK(words.find("The twins were saved at step 1 to ") == 0);
  CHECK(words.find("nopeek-rescued-1") != std::string::npos);
  host.frames(1);
  CHECK_FALSE(host.app().hopeless());
  CHECK_MESSAGE(host.play("key R\nwait until run == 2\ndrop \"" + (home / "nopeek-rescued-1").string() +
                          "\"\nwait until run == 3\nexpect step == 1"),
                host.failure());
}

}  // namespace
}  // namespace nopeek::test
