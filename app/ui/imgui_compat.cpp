#include "app/ui/imgui_compat.h"

#include <imgui_internal.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

namespace nopeek::ui {
namespace {

#if IMGUI_VERSION_NUM >= 18700
ImGuiKey native(Key key) {
  constexpr ImGuiKey kKeys[] = {ImGuiKey_Tab,       ImGuiKey_LeftArrow, ImGuiKey_RightArrow, ImGuiKey_UpArrow,
                                ImGuiKey_DownArrow, ImGuiKey_PageUp,    ImGuiKey_PageDown,   ImGuiKey_Home,
                                ImGuiKey_End,       ImGuiKey_Enter,     ImGuiKey_Space,      ImGuiKey_Backspace,
                                ImGuiKey_Escape,    ImGuiKey_F1,        ImGuiKey_F11};
  return kKeys[static_cast<int>(key)];
}
ImGuiKey native(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<ImGuiKey>(ImGuiKey_A + (c - 'A'));
  return static_cast<ImGuiKey>(ImGuiKey_0 + (c - '0'));
}
bool enter_of_keypad(bool repeat) { return ImGui::IsKeyPressed(ImGuiKey_KeypadEnter, repeat); }
#else
// Before 1.87 a key is a number of the host's: GLFW's, whose printable keys are their upper case ASCII characters.
int native(Key key) {
  constexpr int kGlfwF1 = 290, kGlfwF11 = 300;
  constexpr ImGuiKey_ kKeys[] = {ImGuiKey_Tab,       ImGuiKey_LeftArrow, ImGuiKey_RightArrow, ImGuiKey_UpArrow,
                                 ImGuiKey_DownArrow, ImGuiKey_PageUp,    ImGuiKey_PageDown,   ImGuiKey_Home,
                                 ImGuiKey_End,       ImGuiKey_Enter,     ImGuiKey_Space,      ImGuiKey_Backspace,
                                 ImGuiKey_Escape};
  if (key == Key::kF1) return kGlfwF1;
  if (key == Key::kF11) return kGlfwF11;
  return ImGui::GetKeyIndex(kKeys[static_cast<int>(key)]);
}
int native(char c) { return c; }
bool enter_of_keypad(bool repeat) { return ImGui::IsKeyPressed(ImGui::GetKeyIndex(ImGuiKey_KeyPadEnter), repeat); }
#endif

}  // namespace

bool key_pressed(Key key, bool repeat) {
  return ImGui::IsKeyPressed(native(key), repeat) || (key == Key::kEnter && enter_of_keypad(repeat));
}

bool character_key_pressed(char character) {
  const ImGuiIO& io = ImGui::GetIO();
  if (character >= 'A' && character <= 'Z') return ImGui::IsKeyPressed(native(character), false);
  const auto typed = [&](char c) { return io.InputQueueCharacters.contains(static_cast<ImWchar>(c)); };
  if (typed(character)) return true;
  const bool digit = character >= '0' && character <= '9';
  return digit && !io.KeyShift && std::none_of(kSigns.begin(), kSigns.end(), typed) &&
         ImGui::IsKeyPressed(native(character), false);
}

ImGuiID last_item_id() { return GImGui->LastItemData.ID; }

bool last_item_disabled() {
#if IMGUI_VERSION_NUM >= 18919
  return (GImGui->LastItemData.ItemFlags & ImGuiItemFlags_Disabled) != 0;
#else
  return (GImGui->LastItemData.InFlags & ImGuiItemFlags_Disabled) != 0;
#endif
}

void clear_active_item() { ImGui::ClearActiveID(); }

ImGuiID active_item() { return GImGui->ActiveId; }

bool any_popup_open() {
  return ImGui::IsPopupOpen(static_cast<const char*>(nullptr),
                            ImGuiPopupFlags_AnyPopupId | ImGuiPopupFlags_AnyPopupLevel);
}

void create_context() {
  const auto allocate = [](size_t bytes, void*) {
    void* memory = std::malloc(bytes);
    if (memory == nullptr && bytes > 0) throw std::bad_alloc();
    return memory;
  };
  // FreeType gets its memory here as well. Its C frames are passed by the exception; null would be worse: what
  // imgui_freetype reallocates, it writes to without a look.
  ImGui::SetAllocatorFunctions(allocate, [](void* memory, void*) { std::free(memory); });
  ImGui::CreateContext();
  // A window is entered in three lists; one that found room in two of them only would trip ImGui's asserts. There are
  // some thirty.
  constexpr int kMostWindows = 256;
  GImGui->Windows.reserve(kMostWindows);
  GImGui->WindowsTempSortBuffer.reserve(kMostWindows);  // takes its place after each frame
  GImGui->WindowsFocusOrder.reserve(kMostWindows);
  GImGui->WindowsById.Data.reserve(kMostWindows);
}

void recover_frame() {
  // A window that was half begun has no end yet: ImGui asserts that it has. Begun, it has its outer and its inner
  // rectangle.
  if (GImGui->CurrentWindow == nullptr || GImGui->CurrentWindow->DrawList->_ClipRectStack.Size < 2)
    throw std::bad_alloc();
#if IMGUI_VERSION_NUM >= 19130
  ImGuiIO& io = ImGui::GetIO();
  const bool asserts = std::exchange(io.ConfigErrorRecoveryEnableAssert, false);
  const bool tells = std::exchange(io.ConfigErrorRecoveryEnableTooltip, false);
  ImGui::ErrorRecoveryTryToRecoverState(&GImGui->StackSizesInNewFrame);
  io.ConfigErrorRecoveryEnableAssert = asserts;
  io.ConfigErrorRecoveryEnableTooltip = tells;
#else
  while (!GImGui->FontStack.empty()) ImGui::PopFont();  // first: at the end of a window they are asserted to be popped
  ImGui::ErrorCheckEndFrameRecover(nullptr);
#endif
}

/// Without EndFrame(): that would end windows, and half of them may have ended already. NewFrame() forgets them.
void abandon_frame() {
  ImGuiContext& g = *GImGui;
  if (!g.WithinFrameScope) return;
  ImGui::PopStyleColor(g.ColorStack.Size);
  ImGui::PopStyleVar(g.StyleVarStack.Size);
  g.FontStack.resize(0);
  if ((g.CurrentItemFlags & ImGuiItemFlags_Disabled) != 0) g.Style.Alpha = g.DisabledAlphaBackup;
  g.CurrentItemFlags = ImGuiItemFlags_None;
  g.WithinFrameScope = g.WithinFrameScopeWithImplicitWindow = false;
  g.FrameCountEnded = g.FrameCount;
}

ImTextureID texture_id(unsigned gl_name) {
  return (ImTextureID)(intptr_t)gl_name;
}  // a pointer in 1.86, a number later

OffScreenList::OffScreenList(ImVec2 size) : list_(ImGui::GetDrawListSharedData()) {
  list_._ResetForNewFrame();
#if IMGUI_VERSION_NUM >= 19200
  list_.PushTexture(ImGui::GetIO().Fonts->TexRef);
#else
  list_.PushTextureID(ImGui::GetIO().Fonts->TexID);
#endif
  list_.PushClipRect({0, 0}, size);
  data_.DisplaySize = size;
  data_.FramebufferScale = {1, 1};
}

ImDrawData& OffScreenList::draw_data() {
#if IMGUI_VERSION_NUM >= 18980
  data_.AddDrawList(&list_);
#else
  list_._PopUnusedDrawCmd();
  data_.CmdLists = &lists_;
  data_.CmdListsCount = 1;
  data_.TotalVtxCount = list_.VtxBuffer.Size;
  data_.TotalIdxCount = list_.IdxBuffer.Size;
#endif
#if IMGUI_VERSION_NUM >= 19200
  data_.Textures = &ImGui::GetPlatformIO().Textures;  // glyphs that no window has shown yet
#endif
  data_.Valid = true;
  return data_;
}

void shift_glyph(ImFont* font, ImWchar codepoint, float new_advance, float shift_x) {
#if IMGUI_VERSION_NUM < 19200
  auto* glyph = const_cast<ImFontGlyph*>(font->FindGlyphNoFallback(codepoint));
  if (!glyph) return;
  glyph->AdvanceX = new_advance;
  glyph->X0 += shift_x;
  glyph->X1 += shift_x;
  font->IndexAdvanceX[codepoint] = new_advance;
#else
  (void)font, (void)codepoint, (void)new_advance, (void)shift_x;  // fonts are loaded lazily: Inter's own digits stay
#endif
}

void share_glyphs(const ImFont* from, ImFont* to, std::u32string_view characters) {
#if IMGUI_VERSION_NUM < 19200
  const float down = std::round(to->Ascent) - std::round(from->Ascent);
  for (const char32_t c : characters) {
    const ImFontGlyph* g = from->FindGlyphNoFallback(static_cast<ImWchar>(c));
    if (!g || to->FindGlyphNoFallback(static_cast<ImWchar>(c))) continue;
    to->AddGlyph(nullptr, static_cast<ImWchar>(c), g->X0, g->Y0 + down, g->X1, g->Y1 + down, g->U0, g->V0, g->U1, g->V1,
                 g->AdvanceX);
  }
  to->BuildLookupTable();
#else
  (void)from, (void)to, (void)characters;                         // there each font rasterises what is drawn, when it is drawn
#endif
}

}  // namespace nopeek::ui
