#pragma once
#include <imgui.h>

#include <array>
#include <deque>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

namespace nopeek {

/// What a person, or a tour in their place, does with mouse and keyboard, in order. Dear ImGui 1.86 looks at the input
/// once a frame, so that a click which is shorter than a slow frame would be lost; this queue hands over only as much a
/// frame as can be told apart. Versions from 1.87 on do that by themselves: for them only the body of apply() changes.
///
///   queue.move(x, y); queue.button(0, true); queue.button(0, false);   // callbacks of the window, or a tour
///   queue.apply(io); ImGui::NewFrame(); ...                            // each frame: press and release need two
///
/// Each event keeps when it came, as told by set_now() before, so that it can be said how long it waited for its frame.
///
/// Keys are GLFW's codes. What a key types follows it as text(), also while Ctrl is held: then it is a command (Ctrl
/// +), which no text field takes. One thread.
class InputQueue {
 public:
  void move(float x, float y) { add(Move{{x, y}}); }
  void leave() { add(Move{{kNowhere, kNowhere}}); }
  void button(int button, bool down) { add(Button{button, down}); }
  void wheel(float dx, float dy) { add(Wheel{dx, dy}); }
  void key(int code, bool down) { add(Key{code, down}); }
  void text(unsigned code_point) { add(Text{code_point}); }
  void drop(std::filesystem::path file) { add(Drop{std::move(file)}); }
  /// The window lost the focus: what is held down will be released where we do not see it.
  void focus_lost() { add(FocusLost{}); }

  /// What is added from now on came at `seconds`, by any clock.
  void set_now(double seconds) { now_ = seconds; }

  bool empty() const { return events_.empty(); }
  /// Hands over what belongs to one frame, and returns when the oldest of it came; nothing if there was none. Call
  /// after the backend's NewFrame and before ImGui's.
  std::optional<double> apply(ImGuiIO& io);
  /// Files dropped since the last call.
  std::vector<std::filesystem::path> take_dropped() { return std::exchange(dropped_, {}); }
  ImVec2 pointer() const { return pointer_; }

 private:
  static constexpr float kNowhere = -3.4e38f;  // ImGui's sign for: the pointer is outside the window
  struct Move {
    ImVec2 to;
  };
  struct Button {
    int button;
    bool down;
  };
  struct Wheel {
    float dx, dy;
  };
  struct Key {
    int code;
    bool down;
  };
  struct Text {
    unsigned code_point;
  };
  struct Drop {
    std::filesystem::path file;
  };
  struct FocusLost {};
  using Event = std::variant<Move, Button, Wheel, Key, Text, Drop, FocusLost>;
  struct Arrival {
    Event event;
    double at;
  };
  void add(Event event) { events_.push_back({std::move(event), now_}); }

  // What this frame has seen so far; decides whether the next event has to wait for another frame.
  struct Seen {
    std::set<int> buttons, keys;
    bool moved = false, wheel = false, text = false, command_key = false;
  };
  bool fits(const Event& event, const Seen& seen) const;
  void carry_out(const Event& event, Seen& seen, ImGuiIO& io);
  void release_all(ImGuiIO& io);

  std::deque<Arrival> events_;
  double now_ = 0;
  std::vector<std::filesystem::path> dropped_;
  ImVec2 pointer_{kNowhere, kNowhere};
  std::array<bool, 5> buttons_{};
};

/// The code under which the interface knows a key of which GLFW says that it types `printed` without modifiers (null:
/// nothing). Letters are where they are printed: Ctrl+A is where A is on this layout. Digits stay where they are
/// everywhere, although a French keyboard types them with Shift alone.
int key_as_printed(int key, const char* printed);

/// What every host of the interface sets up in a fresh ImGui context: no ini file, GLFW's key codes.
void configure_imgui(ImGuiIO& io);

}  // namespace nopeek
