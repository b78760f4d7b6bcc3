#pragma once
#include <imgui.h>

#include <string_view>

/// All that differs between Dear ImGui versions, or needs its internals, is behind these few names. Debian ships 1.86;
/// other systems build against newer ones.
namespace nopeek::ui {

/// ImGui::CreateContext(), after which memory that is not there is a std::bad_alloc. By itself ImGui does not ask, and
/// writes to it.
void create_context();

/// Keys by meaning. All others are asked for by their character.
enum class Key {
  kTab,
  kLeft,
  kRight,
  kUp,
  kDown,
  kPageUp,
  kPageDown,
  kHome,
  kEnd,
  kEnter,
  kSpace,
  kBackspace,
  kEscape,
  kF1,
  kF11
};

bool key_pressed(Key key, bool repeat = true);
/// A letter's key went down ('R'), or something else was typed: '1', '.', '?', '+', '-', wherever the keyboard has it,
/// the keypad included. A digit's key counts also where it types a digit with Shift alone, unless it is a sign of
/// `kSigns`.
bool character_key_pressed(char character);
/// The signs that mean something to the interface.
inline constexpr std::string_view kSigns = "+-=?.[]";

/// Of the item that was submitted last.
ImGuiID last_item_id();
bool last_item_disabled();
/// Ends whatever item is active, e.g. a text field that the Tab key leaves.
void clear_active_item();
ImGuiID active_item();
/// Some popup or modal window is open, whichever.
bool any_popup_open();
/// After an exception: ends all windows, styles and ids that were begun since NewFrame(), so that the frame can be
/// ended, or more be drawn. Throws std::bad_alloc if it cannot: nothing but abandon_frame() helps then.
void recover_frame();
/// After an exception of NewFrame(), Render(), recover_frame() or what lies between: the frame counts as ended, and the
/// next one may begin. Does nothing where there is no frame. Throws nothing.
void abandon_frame();
ImTextureID texture_id(unsigned gl_name);

/// A draw list that belongs to no window: a picture of `size` px. While a frame is built or after it.
class OffScreenList {
 public:
  explicit OffScreenList(ImVec2 size);
  OffScreenList(const OffScreenList&) = delete;
  ImDrawList* get() { return &list_; }
  /// What has been drawn, for a backend to render. Nothing more can be drawn then.
  ImDrawData& draw_data();

 private:
  ImDrawList list_;
  ImDrawList* lists_ = &list_;  // before 1.89.8 ImDrawData does not hold its array itself
  ImDrawData data_;
};

/// Advance and horizontal offset of one glyph, changed after the atlas was built.
void shift_glyph(ImFont* font, ImWchar codepoint, float new_advance, float shift_x);
/// Gives `to` the glyphs of `characters` that it lacks and `from` has, on the same line; both are of one built atlas.
void share_glyphs(const ImFont* from, ImFont* to, std::u32string_view characters);

}  // namespace nopeek::ui
