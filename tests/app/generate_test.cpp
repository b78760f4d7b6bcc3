// The scene Generate on the whole App: the text, its branches, and the settings by which it is drawn.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "app/ui/registry.h"
#include "app_host.h"

namespace nopeek::test::generate_test {

namespace registry = nopeek::ui::registry;

namespace {

constexpr const char* kOpen = "scene Generate\nwait until generate.ready == true\nset Temperature 1.5\n";

nlohmann::json figures(AppHost& h) { return h.figures()["generate"]; }
std::string text(AppHost& h) { return figures(h)["text"]; }

void steps(AppHost& h, int count) {
  const int before = figures(h)["written"];
  for (int i = 0; i < count; ++i) PLAY(h, "click Generate/step");
  PLAY(h, "wait until generate.written == " + std::to_string(before + count) + "\nwait until generate.ready == true");
}

/// The leftmost text of these words in the scene's strip, or null.
const registry::Item* in_strip(const std::string& words) {
  const registry::Item *found = nullptr, *next = registry::find("Generate/Next");
  for (const registry::Item& item : registry::items()) {
    const bool there = item.kind == "text" && item.value == words && item.max.y < next->max.y + 40;
    if (there && (!found || item.min.x < found->min.x)) found = &item;
  }
  return found;
}

/// Names of the rows of the distribution.
std::vector<std::string> rows() {
  std::vector<std::string> names;
  for (const registry::Item& item : registry::items()) {
    if (item.scope == "Next token" && item.kind == "button") names.push_back(item.label);
  }
  return names;
}

}  // namespace

TEST_CASE("the same seed writes the same text, another one another") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "set Seed 7\nkey Enter");
  steps(h, 6);
  const std::string first = text(h);
  PLAY(h, "click \"Start over\"\nwait until generate.ready == true");
  steps(h, 6);
  CHECK(text(h) == first);
  PLAY(h, "click \"Start over\"\nset Seed 8\nkey Enter\nwait until generate.ready == true");
  steps(h, 6);
  CHECK(text(h) != first);
}

TEST_CASE("back and forth returns to the same state") {
  AppHost h;
  PLAY(h, kOpen);
  steps(h, 5);
  const nlohmann::json before = figures(h);
  PLAY(h,
       "click Generate/back\nclick Generate/back\nwait until generate.written == 3\nwait until generate.ready == true");
  steps(h, 2);
  const nlohmann::json after = figures(h);
  for (const char* name : {"text", "next", "u", "entropy", "nodes", "forks"}) CHECK(before[name] == after[name]);
}

TEST_CASE("the keyboard writes, goes back, undoes, and leaves Space to the training") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "key Right\nkey Enter\nwait until generate.written == 2\nkey Left\nkey Backspace");
  PLAY(h, "wait until generate.written == 0\nexpect step == 0\nkey D\nexpect generate.undos == 1");
  PLAY(h, "key Ctrl+Z\nexpect generate.undos == 0\nexpect generate.redos == 1\nkey Ctrl+Y\nexpect generate.undos == 1");
  PLAY(h, "key Ctrl+Z\nkey Ctrl+Shift+Z\nexpect generate.undos == 1\nkey Space\nwait until paused == false");
}

TEST_CASE("a token taken by hand makes a fork, and both stay") {
  AppHost h;
  PLAY(h, kOpen);
  steps(h, 2);
  const std::string drawn = figures(h)["next"];
  std::string other;
  for (const std::string& name : rows()) {
    if (name != drawn && other.empty()) other = name;
  }
  steps(h, 1);
  const std::string first = text(h);
  PLAY(h, "click Generate/back\nwait until generate.ready == true\nclick \"Next token/" + other + "\"");
  PLAY(h, "wait until generate.written == 3\nexpect generate.forks == 2");
  CHECK(text(h) != first);
  PLAY(h, "click \"History/Fork 1\"\nwait until generate.ready == true\nexpect generate.forks == 2");
  CHECK(text(h) == first);
  PLAY(h, "click Undo\nexpect generate.forks == 1");  // taking it is undone as a whole
}

TEST_CASE("redraw and a chosen u change the draw, and only the draw") {
  AppHost h;
  PLAY(h, kOpen);
  const nlohmann::json before = figures(h);
  PLAY(h, "click Generate/redraw");
  CHECK(figures(h)["u"] != before["u"]);
  CHECK(figures(h)["entropy"] == before["entropy"]);
  PLAY(h, "click \"The draw\" 0.9,0.5\nexpect generate.u > 0.89\nexpect generate.u < 0.91");
  PLAY(h, "drag \"The draw\" 0.9,0.5 0.2,0.5\nexpect generate.u < 0.21\nexpect generate.undos == 3");
  PLAY(h, "click Undo\nexpect generate.u > 0.89\nclick Undo\nclick Undo\nexpect generate.undos == 0");
  CHECK(figures(h)["u"] == before["u"]);
}

TEST_CASE("with and without the cache: the same text, at another cost") {
  AppHost h;
  PLAY(h, kOpen);
  steps(h, 4);
  const std::string with = text(h);
  CHECK(figures(h)["computed"] == 1);
  PLAY(h, "click \"KV cache\"\nclick \"Start over\"\nwait until generate.ready == true");
  steps(h, 4);
  CHECK(text(h) == with);
  CHECK(figures(h)["computed"] == figures(h)["tokens"]);
}

TEST_CASE("greedy draws the likeliest whatever u is, and settings may be extreme") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "set Temperature min\nexpect generate.temperature == 0\nexpect generate.kept == 1");
  PLAY(h, "click \"The draw\" 0.99,0.5\n");
  CHECK(figures(h)["next"] == figures(h)["greedy"]);
  PLAY(h, "set Temperature 1000\nexpect generate.temperature == 100\nset Top-k 1\nexpect generate.kept == 1");
  PLAY(h, "set Top-k max\nexpect generate.top_k == 0\nset Top-p min\nexpect generate.kept == 1\nset Top-p max");
  PLAY(h, "set Seed nonsense\nkey Enter\nexpect generate.seed == 1\nset \"Max new tokens\" 0\nkey Enter\n");
  CHECK(figures(h)["max_new"] == 1);
}

TEST_CASE("play ends by itself") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "set \"Max new tokens\" 3\nkey Enter\nset Temperature 100\nclick Generate/play");
  PLAY(h, "expect generate.playing == true\nwait until generate.playing == false\nexpect generate.written <= 3");
  PLAY(h,
       "expect generate.written > 0\nkey P\nexpect generate.playing == true\nkey Escape\nexpect generate.playing == "
       "false");
}

TEST_CASE("prompts of all kinds") {
  AppHost h;
  PLAY(h, kOpen);
  PLAY(h, "type Prompt \"the zorp opened the team\"\nkey Enter\nwait until generate.ready == true");
  CHECK(figures(h)["unknown"] == 1);
  CHECK(figures(h)["tokens"] == 5);
  PLAY(h, "type Prompt \"\"\nkey Enter\nwait until generate.ready == true\nexpect generate.text == \"<eos>\"");
  std::string longest;
  for (int i = 0; i < 40; ++i) longest += "the agent . ";
  PLAY(h, "type Prompt \"" + longest +
              "\"\nkey Enter\nwait until generate.ready == true\nexpect generate.window_start > 90");
  steps(h, 3);
  PLAY(h, "click \"Edit prompt\"\nexpect generate.editing == true\nkey Escape\nexpect generate.editing == false");
}

TEST_CASE("another corpus reads a typed prompt anew, and takes its own for one that was not typed") {
  AppHost h;
  PLAY(h, kOpen);
  steps(h, 2);
  PLAY(h, "set Corpus toy\nwait until run == 2\nwait until generate.ready == true\nexpect generate.written == 0");
  PLAY(h,
       "type Prompt \"I love\"\nkey Enter\nset Corpus tales\nwait until run == 3\nwait until generate.ready == true");
  PLAY(h, "expect generate.prompt == \"I love\"\nexpect generate.tokens == 6");  // characters
}

TEST_CASE("a vocabulary that shrinks while its last words are on the screen") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "set Temperature 100\nclick \"The draw\" 0.995,0.5");
  steps(h, 2);
  PLAY(h, "click \"The draw\" 0.995,0.5\nset Corpus toy\nwait until run == 2\nwait until generate.ready == true");
  PLAY(h, "expect generate.written == 0\nexpect generate.undos == 0");
}

TEST_CASE("editing keeps what stands in the field, and the play keeps still meanwhile") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "key E\nexpect \"Prompt\".value == \"the agent opened a\"");
  PLAY(h, "key Enter\nexpect generate.editing == false\nexpect generate.undos == 0");  // nothing changed
  PLAY(h, "key P\nkey E\nexpect generate.playing == false\nclick Cancel\nexpect generate.editing == false");
}

TEST_CASE("frozen weights go on while training changes the others") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "click Freeze\nexpect generate.frozen == true");
  const nlohmann::json before = figures(h);
  PLAY(h, "click \"Top bar/Step\"\nwait until step == 1\nclick \"Top bar/Step\"\nwait until step == 2");
  CHECK(figures(h)["entropy"] == before["entropy"]);
  CHECK(figures(h)["step"] == 0);
  PLAY(h, "click Freeze\nwait until generate.step == 2");
  CHECK(figures(h)["entropy"] != before["entropy"]);
}

TEST_CASE("the distribution follows the training, and the held twin") {
  AppHost h({.paused = false});
  PLAY(h, std::string(kOpen) + "wait until generate.step > 3\nset Play off\nwait until paused == true");
  PLAY(h, "scene \"Mask Lab\"\nclick Unmasked\nscene Generate\nwait until generate.ready == true");
  CHECK(figures(h)["cached"] == false);  // no causal mask, no cache
}

TEST_CASE("the strip shows what has just left the window, and the window's two ends") {
  AppHost h;
  PLAY(h, kOpen);
  for (const std::string word : {"a", "engineer"}) {
    CAPTURE(word);
    std::string prompt = "the the the the student window";
    for (int i = 0; i < 22; ++i) prompt += " " + word;
    PLAY(h, "type Prompt \"" + prompt + " new\"\nkey Enter\nwait until generate.ready == true");
    REQUIRE(figures(h)["window_start"] == 5);
    for (const char* words : {"dropped: 5", "the", "student", "window", "new"}) REQUIRE_MESSAGE(in_strip(words), words);
    CHECK(in_strip("the")->min.x < in_strip("student")->min.x);
    CHECK(in_strip("student")->max.x < in_strip("window")->min.x);
    CHECK(in_strip("window")->max.x < in_strip("new")->min.x);
    CHECK(in_strip("new")->max.x < registry::find("Generate/Next")->min.x);
    const auto& items = registry::items();
    const bool parted = std::any_of(items.begin(), items.end(), [](const auto& item) {
      return item.kind == "text" && item.value.starts_with("+");
    });
    CHECK(parted);
  }
}

TEST_CASE("a token that cannot be can still be taken") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "set Temperature 0");
  const std::string greedy = figures(h)["greedy"];
  std::string other;
  for (const std::string& name : rows()) {
    if (name != greedy && other.empty()) other = name;
  }
  PLAY(h, "click \"Next token/" + other + "\"\nwait until generate.written == 1\nwait until generate.ready == true");
  h.frames(3);
  const auto& items = registry::items();
  CHECK(std::any_of(items.begin(), items.end(), [](const auto& item) { return item.value == "\xE2\x88\x9E"; }));
}

TEST_CASE("without the causal mask the cache is off, and says so") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "expect \"KV cache\".value == on\nclick \"Causal mask\"");
  PLAY(h, "wait until generate.cached == false\nexpect \"KV cache\".value == off\nclick \"KV cache\"");
  CHECK(figures(h)["cache"] == true);  // it is still wished for
  PLAY(h, "click \"Causal mask\"\nwait until generate.cached == true\nexpect \"KV cache\".value == on");
}

TEST_CASE("a pasted prompt is one line") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "key E");
  ImGui::SetClipboardText("the agent\nopened a\r\n\tticket");
  PLAY(h, "key Ctrl+A\nkey Ctrl+V\nkey Enter\nwait until generate.ready == true");
  CHECK(figures(h)["unknown"] == 0);
  CHECK(figures(h)["tokens"] == 5);
}

TEST_CASE("a new run while the text is written") {
  AppHost h({.paused = false});
  PLAY(h, std::string(kOpen) + "set \"Max new tokens\" 200\nkey Enter\nclick Generate/play\nwait 1s");
  PLAY(h, "click Reset\nwait until run == 2\nwait until generate.ready == true\nexpect generate.error == \"\"");
  PLAY(h, "set Corpus toy\nwait until run == 3\nwait until generate.ready == true\nexpect generate.written == 0");
  PLAY(h, "expect generate.playing == false");
}

TEST_CASE("frozen weights keep their words when the corpus changes") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "click Freeze");
  steps(h, 2);
  const std::string before = text(h);
  PLAY(h, "set Corpus toy\nwait until run == 2\nwait until generate.ready == true");
  CHECK(text(h) == before);
  steps(h, 1);
  PLAY(h, "click Freeze\nwait until generate.written == 0\nwait until generate.ready == true");
  CHECK(text(h) != before);
}

}  // namespace nopeek::test::generate_test
