#pragma once
#include <imgui.h>

#include "app/ui/theme.h"

/// Keyboard focus over all widgets, in the order in which they are drawn. Tab and Shift+Tab walk, arrows go to the
/// nearest widget in their direction, Enter and Space act on the focused one. The ring shows once a key has moved the
/// focus, and hides at the next click. While a popup or a dialog is open, only its widgets (a higher layer) are
/// reached.
///
/// (ImGui's own navigation is not used: it differs between versions, and its Space and Tab serve text fields alone.)
namespace nopeek::ui::focus {

enum Keys : unsigned { kNone = 0, kHorizontal = 1, kVertical = 2, kText = 4 };  // what a widget uses for itself

/// Reads the keys against the last frame's widgets; before anything is drawn.
void begin_frame();
/// Reports a widget; true while it is focused.
bool add(ImGuiID id, const Rect& rect, unsigned own_keys = kNone);
/// Enter or Space was pressed on widget `id`.
bool activated(ImGuiID id);
/// Enter alone.
bool entered(ImGuiID id);

/// Some widget shows the ring: then Space, Enter and arrows are its keys.
bool visible();
ImGuiID current();
/// What the focused widget, shown or not, uses for itself: after a click on a slider the arrows are its own.
unsigned current_own_keys();
void set(ImGuiID id, bool show);
void hide();
/// No widget uses the letter keys: no text field is being typed in.
bool letters_are_free();

/// Widgets drawn while it lives belong to a popup or dialog above the rest.
struct Layer {
  Layer();
  ~Layer();
  Layer(const Layer&) = delete;
};
/// Inside a popup or a dialog.
bool in_layer();
/// The last frame had a popup or dialog.
bool layer_open();

}  // namespace nopeek::ui::focus
