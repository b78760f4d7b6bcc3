#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/ui/focus.h"
#include "app/ui/motion.h"
#include "app/ui/text.h"

/// What every widget is made of: an area that takes mouse and keys, and a few ways of filling it.
namespace nopeek::ui {

struct Interaction {
  ImGuiID id = 0;
  bool hovered = false;
  bool held = false;     // the mouse button went down on it and is still down
  bool pressed = false;  // clicked, or Enter or Space while focused
  bool focused = false;  // shows the ring
  float hover = 0;       // 0..1, fading within 80 ms
};

/// An area named `label` (unique among the widgets of the current ImGui id stack). Of areas that overlap, the one
/// submitted first gets the mouse.
Interaction interact(std::string_view label, const Rect& rect, bool enabled = true, unsigned own_keys = focus::kNone);

/// The id that interact(label, ...) has here: to give the focus to a widget that is not drawn yet.
ImGuiID interaction_id(std::string_view label);

void fill(const Rect& rect, ImU32 color, float logical_radius = 0);
void outline(const Rect& rect, ImU32 color, float logical_width, float logical_radius = 0);
/// Where the keyboard is: 2 px, 2 px outside.
void focus_ring(const Rect& rect, float logical_radius);
void separator(float x0, float x1, float y);
/// Diagonal hatch whose phase is fixed to the window, so that neighbouring areas continue each other.
void hatch(const Rect& rect);

/// A line of a tooltip: a name, and a value in a column of its own.
struct TipLine {
  std::string name, value;
  ImU32 color = 0;  // of the value; 0: primary text
};
/// Shows a tooltip beside `anchor` once `owner` has asked for it in every frame of the last 150 ms. Drawn above all,
/// when the frame ends.
void tooltip(ImGuiID owner, ImVec2 anchor, std::vector<TipLine> lines);
void tooltip(const Interaction& owner, std::string_view text);

/// Once a frame, around all of it.
void begin_widgets(float seconds_since_last_frame);
void end_widgets();

}  // namespace nopeek::ui
