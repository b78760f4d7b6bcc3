// The page Steps of the Microscope: each number on the screen is core's, and what is typed is worked out by core, too.
#include "app/scenes/microscope_steps.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <set>

#include "app/commands/assets.h"
#include "app/scenes/microscope_clock.h"
#include "app/ui/registry.h"
#include "app_host.h"
#include "core/decode/inspect.h"
#include "core/io/corpus_file.h"
#include "core/live/lab.h"
#include "core/live/run_folder.h"

namespace registry = nopeek::ui::registry;

namespace nopeek::test::microscope_steps_test {
namespace {

constexpr const char* kOpen = "scene Microscope\nwait until microscope.ready == true\n";

nlohmann::json figures(AppHost& h) { return h.figures()["microscope"]; }

/// A number of the worksheet, as it is written there; empty if it is not on the screen.
std::string shown(const std::string& name) {
  for (const registry::Item& item : registry::items()) {
    if (item.kind == "number" && item.label == name) return item.value;
  }
  return {};
}

std::string written(const char* format, double value) {
  char chars[48];
  std::snprintf(chars, sizeof chars, format, value);
  return chars[0] == '-' ? "\u2212" + std::string(chars + 1) : chars;
}

/// Twins that have learned a little, so that their rows differ.
RunState trained_run() {
  RunConfig config;
  config.model.context = 8;
  config.model.channels = 16;
  config.model.layers = 2;
  config.model.heads = 2;
  config.train.batch = 4;
  Lab lab(config, std::make_shared<const Corpus>(load_corpus(find_asset("corpora/toy.txt"))), Lab::twins(8));
  ThreadPool one(1);
  for (int i = 0; i < 30; ++i) lab.step(one);
  return lab.state();
}

}  // namespace

// The clock
// ------------------------------------------------------------------------------------------------
TEST_CASE("what scores are divided by is written as the model has it") {
  HeadStages<float> stages;
  stages.query = Matrix<float>::Zero(1, 8);
  const std::pair<double, const char*> cases[] = {
      {std::sqrt(8.0), "\u00F7 \u221A8"}, {3 * std::sqrt(8.0), "\u00F7 3\u221A8"}, {1, "\u00F7 1"}, {3, "\u00F7 3"}};
  for (const auto& [divisor, words] : cases) {
    stages.divisor = divisor;
    CHECK(scale_operator(stages) == words);
  }
}

TEST_CASE("the play: 1200 ms a stage, 2400 ms at + mask, 250 ms from one to the next") {
  const double begins[] = {0, 1.2, 2.4, 4.8, 6.0};
  for (int i = 0; i < kStages; ++i) {
    CHECK(StageClock::begin_of(i) == doctest::Approx(begins[i]));
    CHECK(StageClock::place_at(begins[i] + 0.3) == i);
    if (i == 0) continue;
    CHECK(StageClock::place_at(begins[i] - 1e-6) == i - 1);
    CHECK(StageClock::place_at(begins[i] + 0.125) == doctest::Approx(i - 0.5));
  }
  CHECK(StageClock::end() == doctest::Approx(7.2));
}

TEST_CASE("scrubbing, replaying and stepping come to the same pictures") {
  StageClock played;
  played.play(true);  // from + mask
  played.stop();
  played.scrub(0);
  played.play(true);
  for (int frame = 0; played.playing(); ++frame) {
    const float place = played.place();
    StageClock scrubbed;
    scrubbed.scrub(place);
    CHECK(scrubbed.place() == doctest::Approx(place).epsilon(1e-5));
    CHECK(scrubbed.stage() == played.stage());
    if (place == std::round(place)) {
      StageClock stepped;
      stepped.go_to(static_cast<Stage>(static_cast<int>(place)));
      for (int i = 0; i < 20; ++i) stepped.advance(0.016, true);
      CHECK(stepped.place() == place);
      CHECK_FALSE(stepped.moving());
    }
    played.advance(0.016, true);
    REQUIRE(frame < 1000);
  }
  CHECK(played.stage() == Stage::kOutput);
  played.play(true);  // over again
  CHECK(played.stage() == Stage::kScores);
}

TEST_CASE("steps end at both ends, take 250 ms, and no time at all with reduced motion") {
  StageClock clock;
  clock.step(-1);
  CHECK(clock.moving());
  clock.advance(0.125, true);
  CHECK(clock.place() == doctest::Approx(1.5));
  clock.advance(0.13, true);
  CHECK(clock.place() == 1);
  for (int i = 0; i < 9; ++i) clock.step(-1);
  clock.advance(0, false);
  CHECK(clock.stage() == Stage::kScores);
  for (int i = 0; i < 9; ++i) clock.step(+1), clock.advance(0, false);
  CHECK(clock.place() == 4);
  clock.scrub(2.4f);
  CHECK(clock.place() == 2);
  clock.scrub(0);
  clock.play(true);
  std::set<float> places;
  while (clock.playing()) clock.advance(0.01, false), places.insert(clock.place());
  CHECK(places == std::set<float>{0, 1, 2, 3, 4});
}

// What is typed
// ------------------------------------------------------------------------------------------------
TEST_CASE("the lesson's row to four digits") {
  const SoftmaxSteps steps = lesson_row().steps();
  const std::array<const char*, 4> exps{"0.1496", "1.0000", "0.0672", "0.0550"},
      weights{"0.1176", "0.7863", "0.0528", "0.0433"};
  for (size_t i = 0; i < 4; ++i) {
    CHECK(written("%.4f", steps.exp[i]) == exps[i]);
    CHECK(written("%.4f", steps.weights[i]) == weights[i]);
  }
  CHECK(written("%.4f", steps.sum) == "1.2718");
}

TEST_CASE("what is no score is refused, and changes nothing") {
  TypedRow typed;
  typed.open(lesson_row());
  for (const char* nonsense : {"", " ", "x", "1.5x", "0,5", "nan", "inf", "+inf", "1e9", "--1", "0x10", "1 2"}) {
    CAPTURE(std::string(nonsense));
    CHECK_FALSE(typed.type(1, nonsense).empty());
    CHECK(*typed.row() == lesson_row());
  }
  CHECK(typed.undos() == 1);
  CHECK(typed.type(1, " 1.5 ").empty());
  CHECK(typed.row()->scores[1] == 1.5);
  CHECK(typed.type(1, "\u22122").empty());
  CHECK(typed.row()->scores[1] == -2);
  for (const char* infinity : {"-inf", "\u2212\u221E", "-\u221E"}) {
    CHECK(typed.type(1, infinity).empty());
    CHECK(typed.row()->forbidden[1]);
    CHECK(typed.row()->steps().weights[1] == 0);
    typed.undo();
  }
}

TEST_CASE("the last key that a row may see cannot be forbidden") {
  TypedRow typed;
  typed.open(lesson_row());
  for (size_t i = 0; i < 3; ++i) CHECK(typed.forbid(i, true).empty());
  CHECK_FALSE(typed.forbid(3, true).empty());
  CHECK_FALSE(typed.type(3, "-inf").empty());
  CHECK(typed.row()->steps().weights == std::vector<double>{0, 0, 0, 1});
  CHECK(typed.type(0, "7").empty());  // a number lets it be seen again
  CHECK_FALSE(typed.row()->forbidden[0]);
  for (int i = 0; i < 4; ++i) typed.undo();
  CHECK(*typed.row() == lesson_row());
  typed.undo();
  CHECK(typed.row() == nullptr);
  typed.redo();
  typed.redo();
  CHECK(typed.row()->forbidden[0]);
  typed.reset();
  CHECK(*typed.row() == lesson_row());
  typed.undo();
  CHECK(typed.row()->forbidden[0]);
}

// On the screen
// ------------------------------------------------------------------------------------------------
TEST_CASE("every number on the screen is that of inspect, in several rows and heads of both twins") {
  TemporaryFolder folder;
  const RunState run = trained_run();
  save_run(folder / "run", run);
  AppHost h;
  h.input().drop(folder / "run");
  PLAY(h, std::string("wait until run == 2\n") + kOpen);
  const std::vector<TokenId> text = run.corpus->tokenizer.encode(figures(h)["text"].get<std::string>());
  const auto T = static_cast<int>(text.size());
  REQUIRE(T >= 4);
  for (int lane = 0; lane < 2; ++lane) {
    Parameters<float> parameters(run.config.model);
    parameters.flat() = run.lanes[static_cast<size_t>(lane)].trainer.weights;
    const Mask mask = lane == 0 ? Mask::causal(8) : Mask::full(8);
    const Inspection<float> truth = inspect<float>(parameters, mask, text);
    PLAY(h, std::string("scene \"Mask Lab\"\nclick ") + (lane == 0 ? "Masked" : "Unmasked") + "\n" + kOpen);
    const std::array<std::array<int, 3>, 4> looks{{{0, 0, 0}, {0, 1, T - 1}, {1, 0, 2}, {1, 1, 1}}};
    for (const auto& look : looks) {
      const int layer = look[0], head = look[1], row = look[2];
      CAPTURE(lane);
      CAPTURE(layer);
      CAPTURE(head);
      CAPTURE(row);
      const float y = (static_cast<float>(row) + 0.5f) / static_cast<float>(T);
      PLAY(h, "click \"layer " + std::to_string(layer + 1) + "\"\nclick \"head " + std::to_string(head + 1) +
                  "\"\nclick Matrix 0.01," + std::to_string(y) + "\nwait until microscope.ready == true");
      const nlohmann::json f = figures(h);
      REQUIRE(f["query"] == row);
      REQUIRE(f["key"] == 0);
      const float* weights = truth.attention.data() + ((layer * 2 + head) * T + row) * T;
      double sum = 0;
      for (int k = 0; k < T; ++k) {
        const float of_screen = f["row"]["weights"][static_cast<size_t>(k)];
        CHECK(of_screen == doctest::Approx(weights[k]).epsilon(1e-5));
        const bool forbidden = lane == 0 && k > row;
        if (forbidden) CHECK(std::bit_cast<uint32_t>(of_screen) == 0);  // exactly 0.0, and not -0.0 or nearly
        const double scaled = f["row"]["scaled"][static_cast<size_t>(k)];
        sum += forbidden ? 0 : std::exp(scaled);
        const std::string key = " " + std::to_string(k);
        CHECK(shown("weight" + key) == (forbidden ? "0" : written("%.4f", static_cast<double>(of_screen))));
        CHECK(shown("masked" + key) == (forbidden ? "\u2212\u221E" : shown("scaled" + key)));
        CHECK(shown("exp" + key) == (forbidden ? "0" : written("%.4f", f["row"]["exp"][static_cast<size_t>(k)])));
        CHECK(f["row"]["scores"][static_cast<size_t>(k)].get<double>() ==
              doctest::Approx(scaled * std::sqrt(8.0)).epsilon(1e-5));
      }
      // The softmax by hand, from the scaled scores, gives inspect's weights.
      for (int k = 0; k < T; ++k) {
        const bool forbidden = lane == 0 && k > row;
        const double scaled = f["row"]["scaled"][static_cast<size_t>(k)];
        CHECK(static_cast<double>(weights[k]) == doctest::Approx(forbidden ? 0 : std::exp(scaled) / sum).epsilon(1e-4));
      }
    }
  }
}

TEST_CASE("the mask's number has a reason that holds for that mask") {
  const auto reason = [](const Mask& mask, int query, int key) {
    const std::vector<std::string> words = mask_words(query, key, mask(query, key), mask.is_causal());
    return words.empty() ? "" : words.front();
  };
  const Mask causal = Mask::causal(8);
  CHECK(reason(causal, 3, 5) == "\u2212\u221e because key 5 > query 3");
  CHECK(reason(causal, 3, 3).empty());
  CHECK(reason(Mask::full(8), 3, 5).empty());
  // Of the future, all is hidden here, and part of the past, too: that has another reason.
  CHECK(reason(Mask::window(8, 2), 3, 5) == "\u2212\u221e because key 5 > query 3");
  CHECK(reason(Mask::window(8, 2), 3, 1) == "\u2212\u221e because the mask forbids key 1 to query 3");
  // Key 4 is later, too, and visible: to be later is no reason.
  CHECK(reason(Mask::off_by_one(8), 3, 4).empty());
  CHECK(reason(Mask::off_by_one(8), 3, 5) == "\u2212\u221e because the mask forbids key 5 to query 3");
  CHECK(reason(Mask::prefix(8, 3), 0, 5) == "\u2212\u221e because the mask forbids key 5 to query 0");
  CHECK(reason(Mask::penalised_future(8, -10), 3, 5) == "the mask adds \u221210.00, which leaks");
}

TEST_CASE("the required sentence is on the screen, whole, at 1600 x 900 and 1920 x 1080") {
  AppHost h;
  for (const char* size : {"1600x900", "1920x1080", "1280x720"}) {
    PLAY(h, std::string("resize ") + size + "\n" + kOpen);
    h.frames(3);
    const auto& items = registry::items();
    CHECK_MESSAGE(
        std::any_of(items.begin(), items.end(),
                    [](const registry::Item& item) { return item.label == "\u2212\u221e because key 5 > query 3"; }),
        size);
  }
}

TEST_CASE("below a typed row stands its own arithmetic, of the key that is chosen") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "click \"Worksheet values\"\n");
  h.frames(2);
  const auto own = [&](int key) {
    const nlohmann::json row = figures(h)["typed_row"];
    CHECK(shown("typed score") == written("%.2f", row["scores"][static_cast<size_t>(key)]));
    CHECK(shown("typed softmax") == written("%.4f", row["weights"][static_cast<size_t>(key)]));
  };
  own(1);  // the answer
  PLAY(h, "click \"Key 2\"\nexpect \"Key 2\".value == on");
  h.frames(2);
  own(2);
  PLAY(h, "type \"Score 3\" \"1.5\"\nkey Enter\nexpect \"Key 3\".value == on");
  h.frames(2);
  own(3);
  PLAY(h, "click \"Mask 3\"");
  h.frames(2);
  CHECK(shown("typed mask") == "\u2212\u221e");
  CHECK(shown("typed softmax") == "0");
}

TEST_CASE("after a text of one token the chosen cell is where it was") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "key E\ntype Text \"the\"\nkey Enter\nwait until microscope.tokens == 1");
  PLAY(h, "wait until microscope.ready == true\nexpect microscope.query == 0\nexpect microscope.key == 0");
  PLAY(h, "key E\ntype Text \"\"\nkey Enter\nwait until microscope.tokens > 5\nwait until microscope.ready == true");
  h.frames(2);
  CHECK(figures(h)["query"] == 3);
  CHECK(figures(h)["key"] == 5);
}

TEST_CASE("the classroom's row through the fields on the screen") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "click \"Worksheet values\"\n");
  const std::array<const char*, 4> shifted{"\u22121.90", "0.00", "\u22122.70", "\u22122.90"},
      exps{"0.1496", "1.0000", "0.0672", "0.0550"}, weights{"0.1176", "0.7863", "0.0528", "0.0433"};
  h.frames(2);
  for (size_t i = 0; i < 4; ++i) {
    const std::string key = " " + std::to_string(i);
    CHECK(shown("shifted" + key) == shifted[i]);
    CHECK(shown("exp" + key) == exps[i]);
    CHECK(shown("weight" + key) == weights[i]);
  }
  CHECK(written("%.4f", figures(h)["typed_row"]["sum"]) == "1.2718");

  // The mask takes the answer away, and nothing is left of it.
  PLAY(h, "click \"Mask 1\"\nexpect \"Mask 1\".value == on");
  h.frames(2);
  CHECK(shown("weight 1") == "0");
  CHECK(figures(h)["typed_row"]["weights"][1] == 0);
  PLAY(h, "click \"Mask 0\"\nclick \"Mask 2\"\nclick \"Mask 3\"\nexpect \"Mask 3\".value == off");
  CHECK_FALSE(figures(h)["typed_row"]["refusal"].get<std::string>().empty());

  // Undo, redo, reset.
  PLAY(h, "key Ctrl+Z\nexpect \"Mask 2\".value == off\nkey Ctrl+Y\nexpect \"Mask 2\".value == on");
  PLAY(h, "click \"Reset values\"\nexpect \"Mask 1\".value == off\nexpect \"Reset values\".enabled == false");

  // A typed score works at once; nonsense does not, and says so.
  PLAY(h, "type \"Score 0\" \"0.9\"\nkey Enter\nexpect microscope.typed_row.refusal == \"\"");
  h.frames(2);
  CHECK(shown("exp 0") == "1.0000");
  CHECK(shown("weight 0") == shown("weight 1"));
  PLAY(h, "type \"Score 0\" \"much\"\nkey Enter");
  CHECK(figures(h)["typed_row"]["scores"][0] == 0.9);
  CHECK_FALSE(figures(h)["typed_row"]["refusal"].get<std::string>().empty());
  PLAY(h, "type \"Score 2\" \"-inf\"\nkey Tab\nexpect \"Mask 2\".value == on");
  PLAY(h, "click \"Back to the model\"\nexpect microscope.worksheet == model");
}

TEST_CASE("the model's row is typed over, and the model does not notice") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "click \"Type over this row\"\nexpect microscope.worksheet == typed");
  nlohmann::json f = figures(h);
  for (size_t k = 0; k < f["row"]["weights"].size(); ++k) {
    CHECK(f["typed_row"]["weights"][k].get<double>() ==
          doctest::Approx(f["row"]["weights"][k].get<double>()).epsilon(1e-4));
  }
  const nlohmann::json before = f["row"];
  PLAY(h, "type \"Score 0\" \"9\"\nkey Enter\nexpect microscope.typed_row.changed == true");
  f = figures(h);
  CHECK(f["typed_row"]["weights"][0].get<double>() > 0.9);
  CHECK(f["row"] == before);
}

TEST_CASE("keys, thumbs, the scrubber and the play choose the step") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "expect microscope.stage == masked\nkey Right\nexpect microscope.stage == weights");
  PLAY(h, "key Right\nkey Right\nexpect microscope.stage == output\nkey Left\nexpect microscope.stage == weights");
  PLAY(h, "click scores\nexpect microscope.stage == scores\nclick \"Steps of the head\" 0.25,0.5");
  PLAY(h, "expect microscope.stage == scaled\ndrag \"Steps of the head\" 0.25,0.5 0.98,0.5");
  PLAY(h, "expect microscope.stage == output\nkey P\nexpect microscope.stage == scores");
  PLAY(h, "expect microscope.playing == true\nkey P\nexpect microscope.playing == false\nexpect step == 0");
  PLAY(h, "click softmax\nexpect microscope.stage == weights\nclick \"dot product\"\nexpect microscope.terms == true");
  PLAY(h, "expect microscope.stage == scores\nkey Escape\nexpect microscope.terms == false");
}

TEST_CASE("cells are chosen by click and arrows, rows of keys by click") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "click Matrix 0.5,0.5");
  const int query = figures(h)["query"], key = figures(h)["key"];
  PLAY(h, "key Up\nkey Left\n");
  CHECK(figures(h)["query"] == query - 1);
  CHECK(figures(h)["key"] == key - 1);
  PLAY(h, "click \"Key 1\"\nexpect microscope.key == 1\nexpect microscope.stage == masked");
  PLAY(h, "click \"Point at another cell\"\nexpect microscope.ready == true");
  h.frames(2);
  CHECK(figures(h)["key"].get<int>() == figures(h)["query"].get<int>() + 1);
}

TEST_CASE("a text of one token, and one that fills the context") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "key E\ntype Text \"the\"\nkey Enter\nwait until microscope.tokens == 1");
  PLAY(h, "wait until microscope.ready == true\nexpect microscope.weight == 1");
  for (const char* stage : {"scores", "weights", "output"}) PLAY(h, std::string("click ") + stage);
  std::string longest = "the";
  for (int i = 0; i < 23; ++i) longest += i % 2 == 0 ? " agent" : " the";
  PLAY(h, "key E\ntype Text \"" + longest + "\"\nkey Enter\nwait until microscope.tokens == 24");
  PLAY(h, "wait until microscope.ready == true\nclick weights\nclick Matrix 0.99,0.99");
  CHECK(figures(h)["key"].get<int>() == figures(h)["tokens"].get<int>() - 1);
  CHECK_FALSE(shown("weight " + std::to_string(figures(h)["tokens"].get<int>() - 1)).empty());  // scrolled into view
}

}  // namespace nopeek::test::microscope_steps_test
