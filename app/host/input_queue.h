#pragma once
#include <imgui.h>

#include <array>
#include <deque>
#include <filesystem>
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
/// Keys are GLFW's codes. One thread.
class InputQueue {
 public:
  void move(float x, float y) { events_.push_back(Move{{x, y}}); }
  void leave() { events_.push_back(Move{{kNowhere, kNowhere}}); }
  void button(int button, bool down) { events_.push_back(Button{button, down}); }
  void wheel(float dx, float dy) { events_.push_back(Wheel{dx, dy}); }
  void key(int code, bool down) { events_.push_back(Key{code, down}); }
  void text(unsigned code_point) { events_.push_back(Text{code_point}); }
  void drop(std::filesystem::path file) { events_.push_back(Drop{std::move(file)}); }
  /// The window lost the focus: what is held down will be released where we do not see it.
  void focus_lost() { events_.push_back(FocusLost{}); }

  bool empty() const { return events_.empty(); }
  /// Hands over what belongs to one frame. Call after the backend's NewFrame and before ImGui's.
  void apply(ImGuiIO& io);
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

  // What this frame has seen so far; decides whether the next event has to wait for another frame.
  struct Seen {
    std::set<int> buttons, keys;
    bool moved = false, wheel = false, text = false, command_key = false;
  };
  bool fits(const Event& event, const Seen& seen, const ImGuiIO& io) const;
  void carry_out(const Event& event, Seen& seen, ImGuiIO& io);
  void release_all(ImGuiIO& io);

  std::deque<Event> events_;
  std::vector<std::filesystem::path> dropped_;
  ImVec2 pointer_{kNowhere, kNowhere};
  std::array<bool, 5> buttons_{};
};

/// What every host of the interface sets up in a fresh ImGui context: no ini file, GLFW's key codes.
void configure_imgui(ImGuiIO& io);

}  // namespace nopeek
