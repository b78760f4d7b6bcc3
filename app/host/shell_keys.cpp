#include "app/host/app_impl.h"
#include "app/ui/imgui_compat.h"

namespace nopeek {

using namespace ui;

/// Keys that no widget uses. Space and the arrows belong to the focused widget while it shows its ring; letters belong
/// to a text field while one is typed in; a popup or a dialog keeps all of them.
void App::Impl::read_shortcuts() {
  if (key_pressed(Key::kF11, false)) presenting = !presenting;
  if (!focus::letters_are_free() || focus::layer_open()) return;
  const ImGuiIO& io = ImGui::GetIO();
  scene_at_work = scene;
  const bool taken = scene_now().key(scene_input());
  scene_at_work.reset();
  if (taken) return;
  if (key_pressed(Key::kEscape, false)) read_escape();
  if (key_pressed(Key::kF1, false) || character_key_pressed('?')) help_open = true;
  if (io.KeyCtrl) {
    if (character_key_pressed('+') || character_key_pressed('=')) set_text_size(next_text_size(+1));
    if (character_key_pressed('-')) set_text_size(next_text_size(-1));
    if (character_key_pressed('0')) set_text_size(1);
    if (character_key_pressed('O')) file_dialog.open();
    if (character_key_pressed('S')) open_save_dialog();
    return;
  }
  if (io.KeyAlt || io.KeySuper) return;
  const bool arrows_free = !focus::visible() && !(focus::current_own_keys() & focus::kHorizontal);
  if (key_pressed(Key::kSpace, false) && !focus::visible()) set_paused(playing() && !past);
  if ((key_pressed(Key::kRight) && arrows_free) || character_key_pressed('.')) step_once();
  if (character_key_pressed('R')) reset(newest->config.seed);
  if (character_key_pressed('M')) toggle_mask();
  if (character_key_pressed('T')) set_dark(!settings.dark);
  for (size_t i = 0; i < scenes.size() && i < 9; ++i) {
    if (character_key_pressed(static_cast<char>('1' + i))) scene = i;
  }
}

/// Undoes the last thing that was put over the scene.
void App::Impl::read_escape() {
  if (scene_now().escape()) return;
  if (overlay_open) {
    overlay_open = false;
  } else if (past) {
    past = nullptr;
  } else if (focus::visible()) {
    focus::hide();
  } else {
    presenting = false;
  }
}

}  // namespace nopeek
