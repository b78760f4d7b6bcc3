#include "app/host/input_queue.h"

#include <GLFW/glfw3.h>
#include <doctest/doctest.h>

namespace nopeek::test::input_queue_test {

namespace {

struct Context {
  Context() { ImGui::CreateContext(), nopeek::configure_imgui(ImGui::GetIO()); }
  ~Context() { ImGui::DestroyContext(); }
  ImGuiIO& io() { return ImGui::GetIO(); }
};

}  // namespace

TEST_CASE("a click needs two frames, however fast it was") {
  Context c;
  InputQueue q;
  q.move(10, 20), q.button(0, true), q.button(0, false), q.button(0, true), q.button(0, false);
  q.apply(c.io());
  CHECK(c.io().MousePos.x == 10);
  CHECK(c.io().MouseDown[0]);
  q.apply(c.io());
  CHECK_FALSE(c.io().MouseDown[0]);
  q.apply(c.io());
  CHECK(c.io().MouseDown[0]);
  CHECK_FALSE(q.empty());
  q.apply(c.io());
  CHECK_FALSE(c.io().MouseDown[0]);
  CHECK(q.empty());
}

TEST_CASE("a drag is seen at its last place before the button goes up") {
  Context c;
  InputQueue q;
  q.move(0, 0), q.button(0, true);
  q.apply(c.io());
  q.move(50, 0), q.button(0, false);
  q.apply(c.io());
  CHECK(c.io().MousePos.x == 50);
  CHECK(c.io().MouseDown[0]);
  q.apply(c.io());
  CHECK_FALSE(c.io().MouseDown[0]);
}

TEST_CASE("a modifier holds for exactly the keys it was held for") {
  Context c;
  InputQueue q;
  for (const bool down : {true, false}) {
    q.key(GLFW_KEY_LEFT_CONTROL, down);
    q.key(GLFW_KEY_A, down);
  }
  q.apply(c.io());
  CHECK(c.io().KeyCtrl);
  CHECK(c.io().KeysDown[GLFW_KEY_A]);
  q.apply(c.io());
  CHECK_FALSE(c.io().KeyCtrl);
  q.key(GLFW_KEY_B, true), q.key(GLFW_KEY_LEFT_SHIFT, true);
  q.apply(c.io());
  CHECK_FALSE(c.io().KeyShift);  // Shift came after B
  q.apply(c.io());
  CHECK(c.io().KeyShift);
}

TEST_CASE("text does not overtake the command keys before it") {
  Context c;
  InputQueue q;
  q.key(GLFW_KEY_BACKSPACE, true), q.text('x'), q.text('y');
  q.apply(c.io());
  CHECK(c.io().InputQueueCharacters.Size == 0);
  q.apply(c.io());
  CHECK(c.io().InputQueueCharacters.Size == 2);
}

TEST_CASE("losing the focus releases what is held down") {
  Context c;
  InputQueue q;
  q.move(1, 1), q.button(0, true), q.key(GLFW_KEY_LEFT_SHIFT, true);
  q.focus_lost();
  for (int i = 0; i < 3; ++i) q.apply(c.io());
  CHECK(q.empty());
  CHECK_FALSE(c.io().MouseDown[0]);
  CHECK_FALSE(c.io().KeyShift);
}

TEST_CASE("dropped files and leaving the window") {
  Context c;
  InputQueue q;
  q.drop("a.txt"), q.drop("b.txt"), q.leave();
  q.apply(c.io());
  CHECK(q.take_dropped() == std::vector<std::filesystem::path>{"a.txt", "b.txt"});
  CHECK(q.take_dropped().empty());
  CHECK_FALSE(ImGui::IsMousePosValid(&c.io().MousePos));
}

TEST_CASE("codes that no keyboard has are ignored") {
  Context c;
  InputQueue q;
  q.key(-1, true), q.key(100000, true), q.button(99, true), q.button(-1, true);
  for (int i = 0; i < 4; ++i) q.apply(c.io());
  CHECK(q.empty());
}

TEST_CASE("an input's wait begins when it came, and ends with the frame that it is given") {
  Context c;
  InputQueue queue;
  CHECK_FALSE(queue.apply(c.io()).has_value());
  queue.set_now(1);
  queue.move(10, 10);
  queue.button(0, true);
  queue.set_now(2);
  queue.button(0, false);
  CHECK(queue.apply(c.io()) == 1);
  queue.set_now(3);
  queue.move(20, 20);
  CHECK(queue.apply(c.io()) == 2);  // the release has waited for a frame of its own
  CHECK(queue.apply(c.io()) == 3);
  CHECK_FALSE(queue.apply(c.io()).has_value());
}

TEST_CASE("what is typed with Ctrl held is seen with it, at once, and by no text field") {
  Context c;
  InputQueue q;
  q.key(GLFW_KEY_LEFT_CONTROL, true), q.key(GLFW_KEY_RIGHT_BRACKET, true), q.text('+');
  q.key(GLFW_KEY_RIGHT_BRACKET, false), q.key(GLFW_KEY_LEFT_CONTROL, false);
  q.apply(c.io());
  CHECK(c.io().KeyCtrl);
  CHECK(c.io().InputQueueCharacters.contains('+'));
}

TEST_CASE("letters are where they are printed, digits where they are everywhere") {
  using nopeek::key_as_printed;
  CHECK(key_as_printed(GLFW_KEY_Q, "a") == GLFW_KEY_A);           // French
  CHECK(key_as_printed(GLFW_KEY_Y, "z") == GLFW_KEY_Z);           // German
  CHECK(key_as_printed(GLFW_KEY_SEMICOLON, "s") == GLFW_KEY_S);   // Dvorak
  CHECK(key_as_printed(GLFW_KEY_Q, "'") == GLFW_KEY_APOSTROPHE);  // Dvorak: no Q
  CHECK(key_as_printed(GLFW_KEY_A, "\u0444") == GLFW_KEY_A);      // Russian
  CHECK(key_as_printed(GLFW_KEY_A, nullptr) == GLFW_KEY_A);
  CHECK(key_as_printed(GLFW_KEY_1, "&") == GLFW_KEY_1);  // French
  CHECK(key_as_printed(GLFW_KEY_2, "\u00E9") == GLFW_KEY_2);
  CHECK(key_as_printed(GLFW_KEY_F1, "a") == GLFW_KEY_F1);
  CHECK(key_as_printed(GLFW_KEY_KP_ADD, "+") == GLFW_KEY_KP_ADD);
}

}  // namespace nopeek::test::input_queue_test
