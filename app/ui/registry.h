#pragma once
#include <imgui.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What is on the screen, by name. Widgets report themselves as they are drawn, so that tours find them by their
/// visible label, tests can check the layout, and `state` can write it down. Off unless a tour or a test runs: then
/// each report costs one branch.
namespace nopeek::ui::registry {

struct Item {
  std::string scope;          // the panel or scene that it belongs to: "Mask Lab", "Top bar", ...
  std::string label;          // visible label; unique within its scope in one frame (asserted)
  std::string kind;           // button, switch, slider, combo, option, field, cell, chart, area, text, panel
  std::string value;          // what it shows now: "on", "0.7", "tiny", the text itself for kind text
  ImVec2 min, max;            // screen rectangle as laid out, in px
  ImVec2 clip_min, clip_max;  // the part of the screen that it may draw on; text that leaves it is clipped
  ImGuiID id = 0;             // ImGui's id, 0 for what takes no input
  bool enabled = true;
  bool visible = true;  // some part of it lies in its clip rectangle
};

void set_enabled(bool on);
bool enabled();
/// Nothing is reported while it lives: what is drawn is not on the screen.
class Pause {
 public:
  Pause();
  ~Pause();
  Pause(const Pause&) = delete;

 private:
  bool before_;
};
/// Forgets the last frame's items; call once before each frame is built.
void new_frame();
/// Labels given to add() belong to this scope until the matching pop.
void push_scope(std::string_view scope);
void pop_scope();
struct Scope {
  explicit Scope(std::string_view name) { push_scope(name); }
  ~Scope() { pop_scope(); }
  Scope(const Scope&) = delete;
};

/// Reports a thing that takes input, drawn at min..max, with the last ImGui item's id and enabled state.
void add(std::string_view label, std::string_view kind, std::string_view value, ImVec2 min, ImVec2 max);
/// Reports drawn text or a drawn area, which takes no input. Several texts of one scope may share a label.
void add_drawn(std::string_view label, std::string_view kind, std::string_view value, ImVec2 min, ImVec2 max);

/// "Label" where only one scope has it, or "Scope/Label". Null if it is not in the last built frame or ambiguous; `why`
/// then says which, with the nearest names.
const Item* find(std::string_view name, std::string* why = nullptr);
const std::vector<Item>& items();

}  // namespace nopeek::ui::registry
