#pragma once
#include <span>

#include "app/ui/icons.h"
#include "app/ui/interact.h"

/// The controls: small functions over plain data. Each draws itself in `rect` (px), reports itself to the registry
/// under its label, and returns what the user did. All states of VISUAL.md 11, keyboard included, are here and nowhere
/// else.
namespace nopeek::ui {

// Buttons -------------------------------------------------------------------------------------------------------------
enum class Look { kRaised, kPlain, kPrimary };

bool button(std::string_view label, const Rect& rect, bool enabled = true, Look look = Look::kRaised,
            Icon icon = Icon::kNone);
/// `tip` is shown as a tooltip; the label is what tours call it.
bool icon_button(std::string_view label, const Rect& rect, Icon icon, std::string_view tip, bool enabled = true,
                 Look look = Look::kRaised);
/// Primary; shows pause while playing. Its label, "Play", stays; its value is on or off.
bool play_button(const Rect& rect, bool playing, bool enabled = true);
/// The same under another name, with a tooltip of its own.
bool play_button(std::string_view label, const Rect& rect, bool playing, std::string_view tip, bool enabled = true);
/// ON is blue, OFF is orange, the word always shown. True when it was clicked.
bool mask_switch(std::string_view label, const Rect& rect, bool on, bool enabled = true);
/// A small neutral switch with its words at its right; `shown` instead of the label, if given. True when it was
/// clicked. It takes the width that toggle_width() says.
bool toggle(std::string_view label, const Rect& rect, bool on, std::string_view shown = {}, std::string_view tip = {});
float toggle_width(std::string_view shown);  // px
/// Two halves, the chosen one filled. Returns the half that was clicked, or -1.
bool nav_item(std::string_view label, const Rect& rect, Icon icon, bool active, bool with_label);
bool suggestion(std::string_view label, const Rect& rect, bool done, bool enabled = true);
/// `shown` instead of the label, if given.
bool chip(std::string_view label, const Rect& rect, bool chosen, std::string_view shown = {});

// Slider --------------------------------------------------------------------------------------------------------------
struct SliderSpec {
  double min = 0, max = 1;
  bool logarithmic = false;
  bool ends_at_infinity = false;  // the last twentieth of the track stands for infinity, shown as 'max'
  bool whole = false;             // whole numbers only
  bool negated = false;           // shown and typed with a minus: 5 is -5, and infinity is -inf
  double typed_max = 0;           // a larger number than `max` can be typed, up to this one; 0: none
};
/// Drag, arrows (1 % of the track), Page Up / Down (10 %), Home, End. Ctrl+click, a double click or Enter open a field
/// for the exact number. `track` is the track's rectangle, as high as the area that takes the mouse.
bool slider(std::string_view label, const Rect& track, double& value, const SliderSpec& spec);

// Menus ---------------------------------------------------------------------------------------------------------------
struct Option {
  std::string label;
  std::string detail = {};  // to the right, secondary
  bool chosen = false;
  std::string heading = {};  // opens a group of that name above this option; the group is the option's scope
  std::string shown = {};    // instead of the label
};
/// Shows `shown`; its value is the chosen option's label. Returns the index of the option that was picked, or -1.
int combo(std::string_view label, const Rect& rect, std::string_view shown, std::span<const Option> options,
          bool enabled = true);
/// The same list, opened by a button with an icon.
int icon_menu(std::string_view label, const Rect& rect, Icon icon, std::string_view tip,
              std::span<const Option> options, Look look = Look::kRaised, bool enabled = true);

// Fields and dialogs --------------------------------------------------------------------------------------------------
/// A line of text; pasted line breaks become blanks. True when Enter was pressed in it. `error` draws it with a primary
/// outline.
bool text_field(std::string_view label, const Rect& rect, std::string& value, std::string_view hint = {},
                bool error = false);
/// Puts the caret into the field `label` that is submitted next.
void focus_next_field();

/// A dialog in the middle of the window, while `open`. Between begin and end, widgets belong to it. Returns the
/// rectangle of its content; begin is false, and end must not be called, while it is closed. Escape closes it.
bool begin_dialog(std::string_view title, ImVec2 logical_size, bool& open, Rect& content);
void end_dialog();

/// A thin neutral bar, `fraction` of it filled.
void progress_bar(const Rect& rect, float fraction);

}  // namespace nopeek::ui
