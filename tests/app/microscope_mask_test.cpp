// The Microscope's pages about masks on the whole App: Mask, Leak test and What if.
#include <doctest/doctest.h>

#include <cmath>

#include "app/scenes/mask_draft.h"
#include "app/ui/registry.h"
#include "app_host.h"
#include "core/base/rng.h"
#include "core/decode/inspect.h"
#include "core/io/model_folder.h"
#include "core/text/corpus.h"
#include "core/train/leak_test.h"

namespace nopeek::test::microscope_mask_test {

namespace registry = nopeek::ui::registry;

namespace {

constexpr int T = 24;  // the context of the size that the tests start with
constexpr const char* kOpen = "scene Microscope\nwait until microscope.ready == true\nclick Microscope/Mask\n";

nlohmann::json figures(AppHost& h) { return h.figures()["microscope"]; }

/// The middle of a cell of a matrix of `size`, as a tour writes it.
std::string cell(int row, int column, int size = T) {
  return std::to_string((column + 0.5) / size) + "," + std::to_string((row + 0.5) / size);
}

std::string click_cell(int row, int column) { return "click \"Mask cells\" " + cell(row, column) + "\n"; }

std::shared_ptr<const Mask> shared(Mask mask) { return std::make_shared<const Mask>(std::move(mask)); }

/// A small model with random weights.
Model stranger(int context) {
  const auto corpus = make_corpus("s", "one two three four five six seven . one two three .", TokenizerKind::kWord);
  ModelConfig config{.vocab = corpus.vocab_size(), .context = context, .channels = 8, .layers = 2, .heads = 2};
  auto parameters = std::make_shared<Parameters<float>>(config);
  parameters->initialise(Rng(5));
  return {"stranger", std::make_shared<const Tokenizer>(corpus.tokenizer), parameters,
          std::make_shared<const Mask>(Mask::causal(context)), 12};
}

void open_stranger(AppHost& h, const TemporaryFolder& folder, const Model& model) {
  save_model(folder / "stranger", model);
  h.input().drop(folder / "stranger");
  PLAY(h, "wait until opened == stranger\nscene Microscope\nwait until microscope.ready == true");
}

}  // namespace

// The draft
// ------------------------------------------------------------------------------------------------
TEST_CASE("a stroke turns its first cell, gives all others the same, and is one step of undo") {
  MaskDraft draft;
  draft.follow(shared(Mask::causal(4)));
  CHECK(draft.mask() == nullptr);
  draft.begin_stroke({0, 2});
  for (const int key : {3, 3, 0, 1}) draft.paint({0, key});  // what is open already stays open
  draft.end_stroke();
  Mask expected = Mask::causal(4);
  for (const int key : {1, 2, 3}) expected.set(0, key, 0);
  REQUIRE(draft.mask());
  CHECK(*draft.mask() == expected);
  draft.begin_stroke({1, 0});
  draft.paint({0, 3});
  draft.end_stroke();
  expected.set(1, 0, Mask::kForbidden);
  expected.set(0, 3, Mask::kForbidden);
  CHECK(*draft.mask() == expected);
  draft.paint({3, 3});  // the brush is up
  CHECK(*draft.mask() == expected);
  draft.undo();
  draft.undo();
  CHECK(draft.mask() == nullptr);
  CHECK_FALSE(draft.can_undo());
  draft.redo();
  draft.redo();
  CHECK(*draft.mask() == expected);
  CHECK_FALSE(draft.can_redo());
}

TEST_CASE("a row keeps its last key, whatever a forbidden cell gets, and is named until the next edit") {
  for (const float strength : {Mask::kForbidden, -1.0f, 0.0f}) {
    CAPTURE(strength);
    MaskDraft draft;
    draft.follow(shared(Mask::causal(3)));
    draft.set_strength(strength, false);
    draft.begin_stroke({1, 0});
    draft.paint({1, 1});
    CHECK(draft.refused_row() == 1);
    draft.paint({2, 0});
    CHECK(draft.refused_row() == 1);
    draft.end_stroke();
    CHECK_FALSE(draft.pattern().visible(1, 0));
    CHECK(draft.pattern().visible(1, 1));
    draft.set_strength(Mask::kForbidden, false);
    CHECK_FALSE(draft.refused_row());
    CHECK_NOTHROW(draft.mask()->validate());
  }
}

TEST_CASE("no sequence of edits makes a mask that core refuses, and undo finds the way back") {
  Rng rng(3);
  for (int round = 0; round < 50; ++round) {
    const int size = 1 + static_cast<int>(rng.below(6));
    MaskDraft draft;
    draft.follow(shared(Mask::random(size, Rng(rng.next()), 0.5)));
    const auto place = [&] { return static_cast<int>(rng.below(static_cast<uint64_t>(size))); };
    for (int edit = 0; edit < 60; ++edit) {
      switch (rng.below(8)) {
        case 0:
          draft.undo();
          break;
        case 1:
          draft.redo();
          break;
        case 2:
          draft.set_strength(-static_cast<float>(rng.below(4)), rng.below(2) == 0);
          break;
        case 3:
          draft.set_strength(Mask::kForbidden, false);
          break;
        case 4:
          draft.use(Mask::random(size, Rng(rng.next()), 0.2));
          break;
        case 5:
          draft.drop();
          break;
        default:
          draft.begin_stroke({place(), place()});
          for (int i = 0; i < 8; ++i) draft.paint({place(), place()});
          draft.end_stroke();
      }
      if (draft.mask()) CHECK_NOTHROW(draft.mask()->validate());
    }
    for (int i = 0; i < 100; ++i) draft.undo();
    CHECK(draft.mask() == nullptr);
  }
}

TEST_CASE("a finite mask is drafted over with its strength; what the model trains with is no draft") {
  MaskDraft draft;
  draft.follow(shared(Mask::penalised_future(3, -5)));
  CHECK(draft.strength() == -5);
  draft.begin_stroke({0, 1});
  draft.end_stroke();
  Mask expected = Mask::penalised_future(3, -5);
  expected.set(0, 1, 0);
  CHECK(*draft.mask() == expected);
  draft.follow(shared(expected));
  CHECK(draft.mask() == nullptr);
  draft.follow(shared(Mask::full(3)));
  CHECK(draft.mask() == nullptr);
  draft.follow(shared(Mask::causal(5)));
  CHECK(draft.pattern() == Mask::causal(5));
  CHECK_FALSE(draft.can_undo());
}

TEST_CASE("a mask that penalises a whole row can be drafted over, and made hard") {
  Mask even = Mask::causal(3);
  for (int key = 0; key < 3; ++key) even.set(1, key, -2);
  MaskDraft draft;
  draft.follow(shared(even));
  draft.set_strength(Mask::kForbidden, false);
  CHECK_NOTHROW(draft.mask()->validate());
}

TEST_CASE("undo leads back to the mask before, though the model has taken the draft by then") {
  MaskDraft draft;
  draft.follow(shared(Mask::causal(4)));
  draft.use(Mask::full(4));
  draft.follow(draft.mask());  // trained with
  CHECK(draft.mask() == nullptr);
  draft.undo();
  REQUIRE(draft.mask());
  CHECK(*draft.mask() == Mask::causal(4));
  draft.redo();
  CHECK(draft.mask() == nullptr);
}

TEST_CASE("a mask of several strengths comes back as it was") {
  Mask uneven = Mask::causal(3);
  uneven.set(0, 1, -2);
  uneven.set(0, 2, -3);
  MaskDraft draft;
  draft.follow(shared(uneven));
  draft.use(Mask::full(3));
  draft.follow(shared(Mask::full(3)));
  draft.undo();
  REQUIRE(draft.mask());
  CHECK(*draft.mask() == uneven);
  CHECK(draft.value({0, 2}) == -3);
}

TEST_CASE("a picture that changes by the painted cells alone is the mask") {
  constexpr int kSize = 7;
  Rng rng(9);
  MaskDraft draft;
  draft.follow(shared(Mask::causal(kSize)));
  std::vector<float> picture(kSize * kSize);
  const auto at = [&](int query, int key) -> float& { return picture[static_cast<size_t>(query * kSize + key)]; };
  uint64_t seen = 0;
  for (int edit = 0; edit < 300; ++edit) {
    const auto place = [&] { return static_cast<int>(rng.below(kSize)); };
    if (edit % 11 == 3) draft.undo();
    if (edit % 13 == 5) draft.set_strength(-static_cast<float>(rng.below(3)), false);
    if (edit % 17 == 7) draft.use(Mask::random(kSize, Rng(rng.next()), 0.5));
    draft.begin_stroke({place(), place()});
    for (int i = 0; i < 5; ++i) draft.paint({place(), place()});
    const auto painted = draft.take_painted();
    if (seen == draft.revision()) {
      for (const ui::Cell& cell : painted) at(cell.row, cell.column) = draft.value(cell);
    } else {
      for (int q = 0; q < kSize; ++q) {
        for (int k = 0; k < kSize; ++k) at(q, k) = draft.value({q, k});
      }
    }
    seen = draft.revision();
    draft.end_stroke();
    const auto mask = draft.mask();
    const Mask shown = mask ? *mask : Mask::causal(kSize);
    for (int q = 0; q < kSize; ++q) {
      for (int k = 0; k < kSize; ++k) REQUIRE(at(q, k) == shown(q, k));
    }
  }
}

// The page Mask
// ------------------------------------------------------------------------------------------------
TEST_CASE("cells are painted by press and drag, however fast, and undone with Ctrl+Z") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "expect microscope.mask == causal\nexpect microscope.peeks == 0");
  PLAY(h, click_cell(2, 5) + "expect microscope.peeks == 1\nexpect microscope.draft == custom");
  PLAY(h, click_cell(2, 5) + "expect microscope.peeks == 0\nexpect microscope.draft == \"\"");
  PLAY(h, "drag \"Mask cells\" " + cell(0, 3) + " " + cell(0, 20) + "\nexpect microscope.peeks == 18");
  PLAY(h, "key Ctrl+Z\nexpect microscope.peeks == 0\nkey Ctrl+Y\nexpect microscope.peeks == 18");
  PLAY(h, "click \"Back to its own mask\"\nexpect microscope.draft == \"\"\nclick Undo\nexpect microscope.peeks == 18");
}

TEST_CASE("the last key of a row is refused at that row") {
  AppHost h;
  PLAY(h,
       std::string(kOpen) + click_cell(0, 0) + "expect microscope.refused_row == 0\nexpect microscope.draft == \"\"");
  const registry::Item* reason = registry::find("Microscope/query 0 would see nothing: leave it one key");
  REQUIRE(reason);
  const registry::Item* cells = registry::find("Mask cells");
  REQUIRE(cells);
  CHECK(reason->min.y - cells->min.y < 60);
  // Rows further down have their reason further down, up to the last one.
  PLAY(h, "drag \"Mask cells\" " + cell(20, 0) + " " + cell(20, 20) + "\nexpect microscope.refused_row == 20");
  const registry::Item* second = registry::find("Microscope/query 20 would see nothing: leave it one key");
  REQUIRE(second);
  CHECK(second->min.y > cells->min.y + (cells->max.y - cells->min.y) * 0.6f);
  PLAY(h, click_cell(3, 4) + "wait 0.1s");
  CHECK(figures(h)["refused_row"].is_null());
}

TEST_CASE("presets and the strength") {
  AppHost h;
  PLAY(h, kOpen);
  PLAY(h, "click Microscope/Full\nexpect microscope.draft == full\nexpect microscope.peeks == 276");
  PLAY(h, "click \"Off by one\"\nexpect microscope.draft == \"off by one\"\nexpect microscope.peeks == 23");
  PLAY(h,
       "set \"Window width\" 6\nexpect microscope.draft == \"window of 6\"\nclick Microscope/Causal\n"
       "expect microscope.draft == \"\"\nclick Microscope/Window\nexpect microscope.draft == \"window of 6\"");
  PLAY(h, "set \"Prefix length\" 4\nexpect microscope.draft == \"prefix of 4\"\nexpect microscope.peeks == 6");
  PLAY(h,
       "click Microscope/Causal\nset Strength -5\nexpect microscope.strength == -5\n"
       "expect microscope.draft == \"penalty \u22125\"\nexpect microscope.peeks == 276");
  PLAY(h,
       "set Strength min\nexpect microscope.draft == full\nset Strength max\nexpect microscope.draft == \"\"\n"
       "expect microscope.strength == -inf");
  PLAY(h, "click Microscope/Random\nexpect microscope.draft == custom");
  const int first = figures(h)["peeks"];
  PLAY(h, "click Microscope/Random");
  const int second = figures(h)["peeks"];
  CHECK(first != second);  // another one; deterministic, so never by chance the same number
  PLAY(h, "key Ctrl+Z\nexpect microscope.peeks == " + std::to_string(first));
}

TEST_CASE("the steps above run under the draft at once; training takes it with the button") {
  AppHost h;
  PLAY(h, std::string(kOpen) +
              "expect microscope.future_attention == 0\nclick Microscope/Full\n"
              "wait until microscope.future_attention > 0.3\nexpect masked.mask == on");
  PLAY(h,
       "click Microscope/Causal\nset Strength -1\nclick \"Train the masked twin with this mask\"\n"
       "wait until masked.mask == custom\nwait until microscope.mask == \"penalty \u22121\"\n"
       "expect microscope.draft == \"\"\nexpect unmasked.mask == off");
  PLAY(h,
       "click \"Top bar/Step\"\nwait until step == 1\nexpect masked.reported < 10\nexpect microscope.mask == \"penalty "
       "\u22121\"");
}

TEST_CASE("after training has taken the draft, undo has the mask before") {
  AppHost h;
  PLAY(h, std::string(kOpen) +
              "click Microscope/Full\nclick \"Train the masked twin with this mask\"\n"
              "wait until microscope.mask == full\nexpect microscope.draft == \"\"\nkey Ctrl+Z\n"
              "expect microscope.draft == causal\nkey Ctrl+Y\nexpect microscope.draft == \"\"");
}

TEST_CASE("each twin has its draft, with what can be undone") {
  AppHost h;
  PLAY(h, std::string(kOpen) +
              "click \"Off by one\"\nexpect microscope.draft == \"off by one\"\n"
              "scene \"Mask Lab\"\nclick Unmasked\nscene Microscope\nexpect microscope.draft == \"\"\n"
              "expect microscope.mask == full\nclick Microscope/Causal\nexpect microscope.draft == causal\n"
              "scene \"Mask Lab\"\nclick Masked\nscene Microscope\nexpect microscope.draft == \"off by one\"\n"
              "key Ctrl+Z\nexpect microscope.draft == \"\"");
}

TEST_CASE("all pages say that a draft is in force, and can drop it; the twins keep their names") {
  for (const char* page : {"Steps", "Q K V", "Heads", "Twins", "Mask", "Leak test", "What if"}) {
    CAPTURE(page);
    AppHost h;
    PLAY(h, std::string(kOpen) + "set Strength -1\nclick \"Microscope/" + page + "\"\nwait 0.1s");
    CHECK(figures(h)["draft"] == "penalty \u22121");
    CHECK(registry::find("Microscope/under a draft: penalty \u22121  \u00D7") != nullptr);
    PLAY(h, "click \"Drop the draft\"\nexpect microscope.draft == \"\"\nwait 0.1s");
    CHECK(registry::find("Drop the draft") == nullptr);
    PLAY(h, "click Microscope/Mask\nkey Ctrl+Z\nexpect microscope.draft == \"penalty \u22121\"");
  }
}

TEST_CASE("another corpus or size has no draft") {
  AppHost h;
  PLAY(h, std::string(kOpen) +
              "click \"Off by one\"\nexpect microscope.draft == \"off by one\"\nset Size small\n"
              "wait until run == 2\nwait until microscope.ready == true\nexpect microscope.draft == \"\"");
}

TEST_CASE("what is forbidden at strength 0 is as good as open, and can still be painted") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "set Strength 0\nexpect microscope.draft == full\nexpect microscope.peeks == 276");
  CHECK(registry::find("Microscope/can peek: forbidden cells get 0, as if there were no mask") != nullptr);
  PLAY(h, click_cell(2, 5) + "set Strength max\nexpect microscope.peeks == 1");
}

TEST_CASE("a strength beyond the slider can be typed") {
  AppHost h;
  PLAY(h, std::string(kOpen) +
              "set Strength -30\nexpect microscope.strength == -30\nexpect microscope.draft == \"penalty \u221230\"\n"
              "set Strength -1000\nexpect microscope.strength == -1000\nset Strength -1001\n"
              "expect microscope.strength == -inf");
}

TEST_CASE("losses are of the mask before until they have been measured under this one") {
  AppHost h;
  PLAY(h, std::string(kOpen) +
              "click \"Top bar/Step\"\nwait until step == 1\nexpect microscope.measured_before == false\n"
              "click \"Off by one\"\nclick \"Train the masked twin with this mask\"\n"
              "wait until microscope.mask == \"off by one\"\nwait until microscope.measured_before == true\n"
              "click \"Top bar/Step\"\nwait until step == 2\nwait until microscope.measured_before == false");
}

TEST_CASE("an opened model runs under the mask that is drafted") {
  TemporaryFolder folder;
  AppHost h;
  open_stranger(h, folder, stranger(6));
  PLAY(h,
       "click Microscope/Mask\nexpect microscope.mask == causal\nclick Microscope/Full\n"
       "click \"Run stranger with this mask\"\nwait until microscope.mask == full\nexpect held_mask == off\n"
       "expect masked.mask == on");
}

TEST_CASE("a context of a single token has nothing to paint") {
  TemporaryFolder folder;
  AppHost h;
  open_stranger(h, folder, stranger(1));
  PLAY(h,
       "click Microscope/Mask\nclick \"Mask cells\" 0.5,0.5\nexpect microscope.refused_row == 0\n"
       "click Microscope/Window\nclick Microscope/Prefix\nclick Microscope/Full\nexpect microscope.draft == \"\"");
  PLAY(h,
       "click \"Leak test\"\nwait until microscope.leak_error contains \"at least 2 tokens\"\nclick \"What if\"\n"
       "wait until microscope.what_if.ready == true\nexpect microscope.what_if.stranger.error == \"\"");
}

// The page Leak test
// ------------------------------------------------------------------------------------------------
// Query 2 sees key 5, which has seen tokens 3 and 4 one layer below: it leaks them all.
TEST_CASE("the leak test finds a single painted future cell, says where, and passes after undo") {
  AppHost h;
  PLAY(h, std::string(kOpen) + click_cell(2, 5) + "click \"Leak test\"\nwait until microscope.leaks > 0");
  CHECK(figures(h)["verdict"].get<std::string>().find("at output 2, token 3") != std::string::npos);
  CHECK(figures(h)["agree"] == true);
  PLAY(h,
       "click \"Microscope/Next token\"\nexpect microscope.changed_token == 0\n"
       "click \"Microscope/Previous token\"\nexpect microscope.changed_token == 11\nkey Escape");
  CHECK(figures(h)["changed_token"].is_null());
  PLAY(h,
       "click Microscope/Mask\nkey Ctrl+Z\nclick \"Leak test\"\nwait until microscope.leaks == 0\n"
       "expect microscope.verdict contains PASS");
  PLAY(h, "click Gradient\nexpect microscope.leaks == 0\nexpect microscope.agree == true");
}

TEST_CASE("the leak test follows the mask of the held twin") {
  AppHost h;
  PLAY(h,
       "scene \"Mask Lab\"\nclick Unmasked\nscene Microscope\nclick \"Leak test\"\nwait until microscope.leaks == 66\n"
       "set \"Causal mask\" on\nwait until microscope.leaks == 0");
}

TEST_CASE("the leak test says of how many positions it speaks, and what the mask opens beyond the text") {
  AppHost h;
  PLAY(h, std::string(kOpen) + click_cell(20, 21) + "click \"Leak test\"\nwait until microscope.leaks == 0");
  CHECK(figures(h)["verdict"] ==
        "PASS on the first 12 of 24 positions: no output depends on a later token. The mask opens 1 future cell beyond "
        "this text.");
  CHECK(registry::find("Microscope/PASS on the first 12 of 24 positions"));
  CHECK(registry::find("Microscope/The mask opens 1 future cell beyond this text."));
  PLAY(h, "click Microscope/Mask\nwait until microscope.page == Mask");
  CHECK(registry::find("Microscope/Leak test: PASS on the first 12 of 24 positions"));
}

// The page What if
// ------------------------------------------------------------------------------------------------
TEST_CASE("the what-ifs are what core says of these weights under either mask") {
  TemporaryFolder folder;
  const Model model = stranger(12);
  AppHost h;
  open_stranger(h, folder, model);
  PLAY(h,
       "key E\ntype Text \"three one seven five two\"\nkey Enter\nwait until microscope.tokens == 5\n"
       "click \"What if\"\nwait until microscope.what_if.ready == true");
  const nlohmann::json row = figures(h)["what_if"]["stranger"];
  const std::string text = figures(h)["text"];
  const auto ids = model.tokenizer->encode(text);
  REQUIRE(ids.size() == figures(h)["tokens"].get<size_t>());
  for (const bool masked : {true, false}) {
    const auto seen = inspect<float>(*model.parameters, masked ? Mask::causal(12) : Mask::full(12), ids);
    const auto& shown = row[masked ? "masked" : "unmasked"];
    REQUIRE(seen.reported_loss);
    CHECK(shown["reported"].get<double>() == doctest::Approx(*seen.reported_loss).epsilon(1e-9));
    CHECK(shown["honest"].get<double>() == doctest::Approx(*seen.honest_loss).epsilon(1e-9));
  }
}

// Numbers decide, not the mask of this moment: what was learned without a mask is not forgotten in a step.
TEST_CASE("what if: a mask switched on in mid-run does not make a liar honest") {
  AppHost h;
  PLAY(h, std::string("set Speed max\nset Play on\n") + test::kWaitUntilTrained +
              "set Play off\nwait until paused == true\nscene \"Mask Lab\"\nclick Unmasked\nscene Microscope\n"
              "wait until microscope.ready == true\nclick \"What if\"\nwait until microscope.what_if.ready == true");
  const nlohmann::json before = figures(h)["what_if"];
  const auto check_lie = [](const nlohmann::json& row) {
    CHECK(row["moral"]["unmasked"] == "The bug: it reads the answer, and reports that");
    CHECK(row["moral"]["masked"].get<std::string>().starts_with("The bug, seen: no answer to copy, "));
  };
  CHECK(before["unmasked"]["trained"] == "full");
  CHECK(before["masked"]["trained"] == "causal");
  if (!test::kSanitized) check_lie(before["unmasked"]);
  CHECK(before["masked"]["moral"]["masked"] == "Honest: it earns what it reports");
  CHECK(before["masked"]["moral"]["unmasked"].get<std::string>().starts_with("It never learned to read the future"));
  PLAY(h,
       "click \"Mask the unmasked twin\"\nwait until unmasked.mask == on\nclick \"Top bar/Step\"\nwait 1s\n"
       "wait until microscope.what_if.ready == true");
  const nlohmann::json after = figures(h)["what_if"]["unmasked"];
  CHECK(after["trained"].get<std::string>().starts_with("full, causal since step "));
  if (!test::kSanitized) check_lie(after);
}

}  // namespace nopeek::test::microscope_mask_test
