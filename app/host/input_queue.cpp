#include "app/host/input_queue.h"

#include <GLFW/glfw3.h>

#include <utility>

namespace nopeek {

namespace {

bool is_modifier(int code) { return code >= GLFW_KEY_LEFT_SHIFT && code <= GLFW_KEY_RIGHT_SUPER; }

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

}  // namespace

bool InputQueue::fits(const Event& event, const Seen& seen) const {
  return std::visit(
      Overloaded{
          [&](const Move&) { return seen.buttons.empty() && !seen.wheel; },
          // A press finds what lies under the pointer now; a release ends a drag, which needs a frame at its last
          // place.
          [&](const Button& e) { return !seen.buttons.contains(e.button) && !seen.wheel && (e.down || !seen.moved); },
          [&](const Wheel&) { return seen.buttons.empty(); },
          // Modifiers are read as they stand at the end of the queue's share: none may follow the key that it modifies.
          [&](const Key& e) {
            const bool late_modifier = is_modifier(e.code) && !seen.keys.empty();
            return !seen.keys.contains(e.code) && seen.buttons.empty() && !seen.text && !late_modifier;
          },
          // ImGui takes a frame's text before its keys, so text must not overtake Backspace or Ctrl+A.
          // What is typed with Ctrl held is a command, which ImGui keeps from text fields.
          [&](const Text&) { return seen.buttons.empty() && !seen.command_key; },
          [&](const Drop&) { return true; },
          [&](const FocusLost&) { return seen.buttons.empty() && seen.keys.empty(); },
      },
      event);
}

void InputQueue::carry_out(const Event& event, Seen& seen, ImGuiIO& io) {
  std::visit(Overloaded{
                 [&](const Move& e) {
                   pointer_ = e.to;
                   seen.moved = true;
                 },
                 [&](const Button& e) {
                   if (e.button < 0 || e.button >= static_cast<int>(buttons_.size())) return;
                   buttons_[e.button] = e.down;
                   seen.buttons.insert(e.button);
                 },
                 [&](const Wheel& e) {
                   io.MouseWheelH += e.dx;
                   io.MouseWheel += e.dy;
                   seen.wheel = true;
                 },
                 [&](const Key& e) {
                   if (e.code < 0 || e.code >= IM_ARRAYSIZE(io.KeysDown)) return;
                   io.KeysDown[e.code] = e.down;
                   seen.keys.insert(e.code);
                   seen.command_key |= e.code >= GLFW_KEY_ESCAPE && !is_modifier(e.code);
                 },
                 [&](const Text& e) {
                   io.AddInputCharacter(e.code_point);
                   seen.text = true;
                 },
                 [&](const Drop& e) { dropped_.push_back(e.file); },
                 [&](const FocusLost&) { release_all(io); },
             },
             event);
  io.KeyCtrl = io.KeysDown[GLFW_KEY_LEFT_CONTROL] || io.KeysDown[GLFW_KEY_RIGHT_CONTROL];
  io.KeyShift = io.KeysDown[GLFW_KEY_LEFT_SHIFT] || io.KeysDown[GLFW_KEY_RIGHT_SHIFT];
  io.KeyAlt = io.KeysDown[GLFW_KEY_LEFT_ALT] || io.KeysDown[GLFW_KEY_RIGHT_ALT];
  io.KeySuper = io.KeysDown[GLFW_KEY_LEFT_SUPER] || io.KeysDown[GLFW_KEY_RIGHT_SUPER];
}

void InputQueue::release_all(ImGuiIO& io) {
  buttons_.fill(false);
  for (bool& down : io.KeysDown) down = false;
}

std::optional<double> InputQueue::apply(ImGuiIO& io) {
  Seen seen;
  const std::optional<double> oldest = events_.empty() ? std::nullopt : std::optional(events_.front().at);
  while (!events_.empty() && fits(events_.front().event, seen)) {
    carry_out(events_.front().event, seen, io);
    events_.pop_front();
  }
  io.MousePos = pointer_;
  for (size_t i = 0; i < buttons_.size(); ++i) io.MouseDown[i] = buttons_[i];
  return oldest;
}

int key_as_printed(int key, const char* printed) {
  if (key < GLFW_KEY_SPACE || key > GLFW_KEY_GRAVE_ACCENT || !printed || !printed[0] || printed[1]) return key;
  if (printed[0] >= 'a' && printed[0] <= 'z') return printed[0] - 'a' + GLFW_KEY_A;
  if (key >= GLFW_KEY_0 && key <= GLFW_KEY_9) return key;
  return printed[0] >= '!' && printed[0] <= '`' ? printed[0] : key;
}

void configure_imgui(ImGuiIO& io) {
  io.IniFilename = nullptr;
  const std::pair<int, int> keys[] = {
      {ImGuiKey_Tab, GLFW_KEY_TAB},
      {ImGuiKey_LeftArrow, GLFW_KEY_LEFT},
      {ImGuiKey_RightArrow, GLFW_KEY_RIGHT},
      {ImGuiKey_UpArrow, GLFW_KEY_UP},
      {ImGuiKey_DownArrow, GLFW_KEY_DOWN},
      {ImGuiKey_PageUp, GLFW_KEY_PAGE_UP},
      {ImGuiKey_PageDown, GLFW_KEY_PAGE_DOWN},
      {ImGuiKey_Home, GLFW_KEY_HOME},
      {ImGuiKey_End, GLFW_KEY_END},
      {ImGuiKey_Insert, GLFW_KEY_INSERT},
      {ImGuiKey_Delete, GLFW_KEY_DELETE},
      {ImGuiKey_Backspace, GLFW_KEY_BACKSPACE},
      {ImGuiKey_Space, GLFW_KEY_SPACE},
      {ImGuiKey_Enter, GLFW_KEY_ENTER},
      {ImGuiKey_Escape, GLFW_KEY_ESCAPE},
      {ImGuiKey_KeyPadEnter, GLFW_KEY_KP_ENTER},
      {ImGuiKey_A, GLFW_KEY_A},
      {ImGuiKey_C, GLFW_KEY_C},
      {ImGuiKey_V, GLFW_KEY_V},
      {ImGuiKey_X, GLFW_KEY_X},
      {ImGuiKey_Y, GLFW_KEY_Y},
      {ImGuiKey_Z, GLFW_KEY_Z},
  };
  for (const auto& [key, code] : keys) io.KeyMap[key] = code;
}

}  // namespace nopeek
