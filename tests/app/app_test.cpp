// What a person can do, on the whole App: by mouse, by keyboard alone, and with files that are no good.
#include <GLFW/glfw3.h>
#include <doctest/doctest.h>

#include "app/ui/focus.h"
#include "app/ui/registry.h"
#include "app_host.h"

namespace nopeek::test::app_test {

namespace registry = nopeek::ui::registry;

namespace {

/// Walks with the Tab key until `name` has the focus. False if it never gets there.
bool tab_to(AppHost& host, const std::string& name) {
  for (int i = 0; i < 200; ++i) {
    const registry::Item* item = registry::find(name);
    if (item && item->id != 0 && item->id == nopeek::ui::focus::current()) return true;
    if (!host.play("key Tab")) return false;
  }
  return false;
}

}  // namespace

TEST_CASE("play, pause, step and reset") {
  AppHost h;
  PLAY(h, "expect step == 0\nexpect paused == true\nexpect \"Play\".value == off");
  PLAY(h, "click Step\nwait until step == 1\nclick Step\nwait until step == 2\nexpect paused == true");
  PLAY(h, "click Play\nwait until paused == false\nexpect \"Play\".value == on\nwait until step > 5");
  PLAY(h, "click Play\nwait until paused == true\nexpect run == 1");
  PLAY(h, "click \"Top bar/Reset\"\nwait until run == 2\nexpect seed == 1");
  PLAY(h, "click \"Reset with\"\nclick \"Next seed\"\nwait until seed == 2\nwait until run == 3");
}

TEST_CASE("the mask switch belongs to the held twin and acts from the next step on") {
  AppHost h;
  PLAY(h,
       "expect held == masked\nexpect \"Causal mask\".value == on\nset \"Causal mask\" off\nwait until masked.mask == "
       "off");
  PLAY(h, "expect unmasked.mask == off\nexpect \"Causal mask\".value == off");
  PLAY(h, "click Step\nwait until step == 1\nset \"Causal mask\" on\nwait until masked.mask == on");
  PLAY(h, "click Play\nwait until step > 21\nwait until masked.future_attention == 0");
}

TEST_CASE("speed: typed, by its ends, by dragging") {
  AppHost h;
  PLAY(h, "set Speed 120\nexpect rate == 120\nexpect \"Speed\".value == 120");
  PLAY(h, "set Speed max\nexpect rate == 0\nset Speed min\nexpect rate == 1");
  PLAY(h, "drag Speed 0.1 0.6\nexpect rate > 10\nexpect rate < 500");
  PLAY(h, "set Speed 99999\nexpect rate == 0");  // beyond the end: as fast as possible
  PLAY(h, "set Speed -5\nexpect rate == 1");
}

TEST_CASE("corpus and model size change in the middle of a run") {
  AppHost h({.paused = false});
  PLAY(h, "wait until step > 3\nset Size \"Custom…\"\ntype Heads 2\ntype Width 32\nclick Apply\nwait until run == 2");
  PLAY(h, "wait until step > 1\nset Size tiny\nwait until run == 3\nwait until step > 1");
  PLAY(h, "set Corpus toy\nwait until corpus == toy\nwait until step > 3");
}

TEST_CASE("the small preset trains" * doctest::skip(kSanitized)) {
  AppHost h({.paused = false});
  PLAY(h, "set Size small\nwait until run == 2\nwait until step > 1");
}

TEST_CASE("a custom model that cannot work is refused in the dialog") {
  AppHost h;
  PLAY(h, "set Size \"Custom…\"\ntype Heads 5\nclick Apply\nexpect \"Apply\".visible == true\nexpect run == 1");
  PLAY(h, "type Heads many\nclick Apply\nexpect run == 1\ntype Heads \"\"\nclick Apply\nexpect run == 1");
  PLAY(h, "key Esc");
  h.frames(2);
  CHECK_FALSE(registry::find("Apply"));
}

TEST_CASE("shortcuts") {
  AppHost h;
  PLAY(h, "key .\nwait until step == 1\nkey Right\nwait until step == 2");
  PLAY(h, "key Space\nwait until paused == false\nkey Space\nwait until paused == true");
  PLAY(h, "key m\nwait until masked.mask == off\nkey m\nwait until masked.mask == on");
  PLAY(h, "key t\nexpect theme == light\nkey t\nexpect theme == dark");
  PLAY(h, "key r\nwait until run == 2\nkey 1\nexpect scene == \"Mask Lab\"");
  PLAY(h, "key Ctrl+=\nexpect scale > 1.2\nkey Ctrl+-\nexpect scale == 1\nkey Ctrl+=\nkey Ctrl+0\nexpect scale == 1");
  PLAY(h, "key F1\nexpect \"Close\".visible == true\nkey Esc");
  CHECK_FALSE(h.app().fullscreen());
  PLAY(h, "key F11");
  CHECK(h.app().fullscreen());
  PLAY(h, "key Esc");
  CHECK_FALSE(h.app().fullscreen());
}

namespace {

/// As GLFW tells it: the key, what it types, and the key's release. `modifier` 0: none.
void type_key(AppHost& host, int modifier, int key, unsigned typed) {
  if (modifier) host.input().key(modifier, true);
  host.input().key(key, true);
  if (typed) host.input().text(typed);
  host.input().key(key, false);
  if (modifier) host.input().key(modifier, false);
  host.frames(5);
}

}  // namespace

TEST_CASE("shortcuts are where the keyboard has their signs: German, French, Czech, keypad") {
  AppHost h;
  const auto scale = [&] { return h.figures()["scale"].get<double>(); };
  const auto scene = [&] { return h.figures()["scene"].get<std::string>(); };
  const std::string first = scene();
  const int ctrl = GLFW_KEY_LEFT_CONTROL, shift = GLFW_KEY_LEFT_SHIFT;
  type_key(h, ctrl, GLFW_KEY_RIGHT_BRACKET, '+');  // German
  CHECK(scale() > 1.2);
  type_key(h, ctrl, GLFW_KEY_SLASH, '-');
  CHECK(scale() == 1);
  type_key(h, ctrl, GLFW_KEY_KP_ADD, '+');
  CHECK(scale() > 1.2);
  type_key(h, ctrl, GLFW_KEY_KP_0, '0');
  CHECK(scale() == 1);
  type_key(h, ctrl, GLFW_KEY_1, '+');  // Czech
  CHECK(scale() > 1.2);
  CHECK(scene() == first);
  type_key(h, ctrl, GLFW_KEY_0, 0xE0);  // French: à
  CHECK(scale() == 1);
  type_key(h, 0, GLFW_KEY_2, 0xE9);  // French, without Shift: é
  CHECK(scene() != first);
  type_key(h, 0, GLFW_KEY_1, '&');
  CHECK(scene() == first);
  type_key(h, shift, GLFW_KEY_3, '3');
  CHECK(scene() != first);
  type_key(h, 0, GLFW_KEY_KP_1, '1');
  CHECK(scene() == first);
  type_key(h, 0, GLFW_KEY_KP_2, 0);  // without NumLock it is an arrow
  CHECK(scene() == first);
  type_key(h, 0, GLFW_KEY_2, '+');  // a sign, wherever a keyboard may have it, is no digit
  CHECK(scene() == first);
  type_key(h, shift, GLFW_KEY_2, '@');  // US
  CHECK(scene() == first);
  type_key(h, shift, GLFW_KEY_MINUS, '?');  // German
  CHECK(registry::find("Close"));
}

TEST_CASE("letters typed into a field are no shortcuts") {
  AppHost h;
  PLAY(h, "set Size \"Custom…\"\nclick Heads\nkey t\nkey m\nkey r\nkey Space\nexpect theme == dark\nexpect run == 1");
  PLAY(h, "expect masked.mask == on\nexpect paused == true");
}

TEST_CASE("everything can be reached and used with the keyboard alone") {
  AppHost h;
  REQUIRE(tab_to(h, "Top bar/Play"));
  PLAY(h, "key Enter\nwait until paused == false\nkey Space\nwait until paused == true");
  REQUIRE(tab_to(h, "Causal mask"));
  PLAY(h, "key Space\nwait until masked.mask == off\nkey Enter\nwait until masked.mask == on");
  REQUIRE(tab_to(h, "Speed"));
  PLAY(h, "key Home\nexpect rate == 1\nkey Right\nexpect rate > 1\nkey End\nexpect rate == 0");
  REQUIRE(tab_to(h, "Corpus"));
  PLAY(h, "key Enter");
  h.frames(2);
  REQUIRE(registry::find("Corpus/toy"));
  REQUIRE(tab_to(h, "Corpus/toy"));
  PLAY(h, "key Enter\nwait until corpus == toy");
}

TEST_CASE("the focus reaches every control that is enabled") {
  AppHost h;
  std::vector<std::string> wanted;
  for (const registry::Item& item : registry::items()) {
    if (item.id != 0 && item.enabled && item.visible) wanted.push_back(item.scope + "/" + item.label);
  }
  REQUIRE(wanted.size() > 10);
  for (const std::string& name : wanted) CHECK_MESSAGE(tab_to(h, name), name);
}

TEST_CASE("a text that is no good leaves the running lab as it was") {
  TemporaryFolder folder;
  make_file(folder / "empty.txt", "");
  make_file(folder / "short.txt", "too short");
  make_file(folder / "not-utf8.txt", "the agent opened a pull request \xff and so on");
  AppHost h({.paused = false});
  PLAY(h, "wait until step > 2");
  for (const char* name : {"empty.txt", "short.txt", "not-utf8.txt", "missing.txt", ""}) {
    CAPTURE(name);
    PLAY(h, "drop \"" + (folder / name).string() + "\"\nwait until message != \"\"\nwait steps 5\nexpect run == 1");
    PLAY(h, "expect corpus == pull-requests");
    h.frames(600);  // until the message is gone
  }
}

TEST_CASE("a text of one's own is learned from") {
  TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 400; ++i) text += "the small cat sees the big dog .\n\n";
  make_file(folder / "cats.txt", text);
  AppHost h({.paused = false});
  PLAY(h, "drop \"" + (folder / "cats.txt").string() + "\"\nwait until corpus == cats\nwait until step > 10");
}

TEST_CASE("settings that name what is gone still open the lab") {
  Settings settings;
  settings.corpus = "/no/such/file.txt";
  settings.run.model.heads = 7;  // does not divide the width
  AppHost h({.settings = settings, .paused = false});
  PLAY(h, "wait until message contains file.txt\nexpect corpus == pull-requests\nwait until step > 2");
}

TEST_CASE("what is tried is what is said: every suggestion can be clicked") {
  AppHost h({.paused = false});
  PLAY(h, std::string("set Speed max\n") + nopeek::test::kWaitUntilTrained);
  std::vector<std::string> labels;
  for (const registry::Item& item : registry::items()) {
    if (item.scope == "Try this" && item.id != 0) labels.push_back(item.label);
  }
  CHECK(labels.size() >= 2);
  for (const std::string& label : labels) {
    CAPTURE(label);
    if (registry::find("Try this/" + label)) PLAY(h, "click \"Try this/" + label + "\"");  // some replace each other
  }
  h.frames(5);
}

TEST_CASE("a caption and a ring are shown while a tour asks for them") {
  AppHost h;
  h.app().set_caption("Both twins start equal.");
  h.app().set_pointed("Causal mask");
  h.frames(2);
  const auto& items = registry::items();
  CHECK(std::any_of(items.begin(), items.end(), [](const auto& i) { return i.value == "Both twins start equal."; }));
  h.app().set_pointed("Nowhere");
  h.frames(2);
}

TEST_CASE("the window may be tiny or huge") {
  AppHost h;
  for (const char* size : {"320x240", "1x1", "1024x576", "3840x2160", "640x2000", "2560x600"}) {
    CAPTURE(size);
    PLAY(h, std::string("resize ") + size);
    h.frames(3);
  }
}

}  // namespace nopeek::test::app_test
