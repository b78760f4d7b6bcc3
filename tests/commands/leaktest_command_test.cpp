// `nopeek leaktest`, as people and scripts start it: above all its status.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "core/io/model_folder.h"
#include "core/train/leak_test.h"
#include "tests/commands/program.h"

namespace nopeek::test::leaktest_command_test {
namespace {

using nlohmann::json;

constexpr int kContext = 8;

/// A model of the small corpus with random weights, in a folder.
struct SavedModel {
  explicit SavedModel(const Mask& mask) {
    const ModelConfig config{
        .vocab = small_corpus()->vocab_size(), .context = mask.size(), .channels = 16, .layers = 1, .heads = 2};
    auto parameters = std::make_shared<Parameters<float>>(config);
    Rng rng(3);
    randomise(*parameters, rng, 0.3);
    model = {"saved", std::make_shared<const Tokenizer>(small_corpus()->tokenizer), parameters,
             std::make_shared<const Mask>(mask), 0};
    save_model(home / "model", model);
  }
  ProgramOutcome test(std::vector<std::string> arguments = {}) const {
    arguments.insert(arguments.begin(), {"leaktest", "--model", (home / "model").string()});
    return run_program(arguments);
  }
  TemporaryFolder home;
  Model model;
};

TEST_CASE("leaktest: status 0 under the causal mask, 1 and the place without it; --mask replaces the model's own") {
  const SavedModel masked(Mask::causal(kContext)), unmasked(Mask::full(kContext));
  const auto check = [](const ProgramOutcome& outcome, int status, const std::string& says) {
    CHECK(outcome.status == status);
    CHECK(outcome.error.empty());
    CHECK(outcome.out.starts_with(says));
  };
  const std::string leak = "FAIL: leaks from the future at output 0, token 1, and at 27 more places.\n";
  check(masked.test(), 0, "PASS: no output depends on a later token.\n");
  check(unmasked.test(), 1, leak);
  check(masked.test({"--mask", "off"}), 1, leak);
  check(unmasked.test({"--mask", "on"}), 0, "PASS");
  check(masked.test({"--text", "the agent read"}), 0,
        "PASS on the first 3 of 8 positions: no output depends on a later token.\n");
  check(unmasked.test({"--text", "the agent read"}), 1,
        "FAIL on the first 3 of 8 positions: leaks from the future at output 0, token 1, and at 2 more");
}

TEST_CASE("leaktest finds a leak far behind; of a text that does not come to it, it says what it does not know") {
  Mask mask = Mask::causal(24);
  mask.set(20, 21, 0);
  const SavedModel saved(mask);
  const ProgramOutcome whole = saved.test();
  CHECK(whole.status == 1);
  CHECK(whole.out.starts_with("FAIL: leaks from the future at output 20, token 21.\n"));
  const ProgramOutcome part = saved.test({"--text", "the agent read the book"});
  CHECK(part.status == 0);
  CHECK(
      part.out.starts_with("PASS on the first 5 of 24 positions: no output depends on a later token. "
                           "The mask opens 1 future cell beyond this text.\n"));
  CHECK(contains(part.out, "tested: 5 of 24 positions\n"));
  const json document = json_of(saved.test({"--text", "the agent read the book", "--json"}).out);
  CHECK(document["tested"] == 5);
  CHECK(document["context"] == 24);
  CHECK(document["open_beyond"] == 1);
  CHECK(document["verdict"].get<std::string>().starts_with("PASS on the first 5 of 24 positions"));
  const ProgramOutcome wide = SavedModel(Mask::causal(70)).test();
  CHECK(wide.status == 0);
  CHECK(contains(wide.out, "70 tokens: grids too wide to print\ntested: 70 of 70 positions\n"));
}

TEST_CASE("leaktest: the grids show where it leaks, and the mask is named by what it is") {
  const SavedModel saved(Mask::off_by_one(kContext));
  const ProgramOutcome outcome = saved.test({"--text", "the agent read the"});
  CHECK(outcome.status == 1);
  CHECK(contains(outcome.out, "       0 ##..           ##..\n"));
  CHECK(contains(outcome.out, "       1 ###.           ###.\n"));
  CHECK(contains(outcome.out, "       3 ####           ####\n"));
  CHECK(contains(outcome.out, "mask custom: off by one"));
  const ProgramOutcome small = SavedModel(Mask::penalised_future(kContext, -11)).test();
  CHECK(small.status == 1);
  CHECK(contains(small.out, "       0 #ooooooo       #"));
  CHECK(contains(small.out, "penalty \u221211"));
}

TEST_CASE("leaktest --json is one document of both grids, to the last bit") {
  const SavedModel saved(Mask::off_by_one(kContext));
  const std::string text = "the agent read the book";
  const ProgramOutcome outcome = saved.test({"--text", text, "--json"});
  CHECK(outcome.status == 1);
  CHECK(outcome.error.empty());
  CHECK(outcome.out.ends_with("}\n"));
  const json document = json_of(outcome.out);
  const auto ids = saved.model.tokenizer->encode(text);
  const LeakTest test = leak_test(*saved.model.parameters, *saved.model.mask, ids);
  CHECK(document["ids"] == json(ids));
  CHECK(document["tokens"] == json({"the", "agent", "read", "the", "book"}));
  CHECK(document["mask"] == "custom");
  CHECK(document["leaks"] == true);
  CHECK(document["agree"] == true);
  CHECK(document["verdict"] == verdict(test));
  CHECK(document["at"] == json({{0, 1}, {1, 2}, {2, 3}, {3, 4}}));
  for (int t = 0; t < 5; ++t) {
    for (int j = 0; j < 5; ++j) {
      CHECK(document["moved"][t][j].get<float>() == test.moved(t, j));
      CHECK(document["gradient"][t][j].get<float>() == test.gradient(t, j));
    }
  }
  const json passed = json_of(saved.test({"--json", "--mask", "on"}).out);
  CHECK(passed["leaks"] == false);
  CHECK(passed["mask"] == "on");
  CHECK(passed["at"] == json::array());
  CHECK(passed["moved"][0][1] == 0.0f);
}

TEST_CASE("leaktest without --text: the whole context, in tokens at even distances in the vocabulary") {
  const int V = small_corpus()->vocab_size();
  const json few = json_of(SavedModel(Mask::causal(5)).test({"--json"}).out);
  std::vector<int> ids;
  for (int t = 0; t < 5; ++t) ids.push_back(V * t / 5);
  CHECK(few["ids"] == json(ids));
  const json whole = json_of(SavedModel(Mask::causal(40)).test({"--json"}).out);
  CHECK(whole["ids"].size() == 40);
  CHECK(whole["tested"] == 40);
  CHECK(whole["context"] == 40);
}

TEST_CASE("leaktest: bad input gives status 2 and one line; Ctrl+C gives 130") {
  const SavedModel saved(Mask::causal(kContext));
  const auto refused = [](const ProgramOutcome& outcome, std::string_view part) {
    CAPTURE(outcome.error);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.error.starts_with("nopeek: "));
    CHECK(outcome.error.find('\n') == outcome.error.size() - 1);
    CHECK(contains(outcome.error, part));
  };
  refused(run_program({"leaktest"}), "--model");
  refused(run_program({"leaktest", "--model", "/nowhere"}), "/nowhere");
  refused(saved.test({"--text", ""}), "no token");
  refused(saved.test({"--text", "Zebra"}), "at least 2 tokens");
  refused(saved.test({"--text", "the the the the the the the the the"}), "at most 8");
  refused(saved.test({"--text", "a\xff"}), "UTF-8");
  refused(saved.test({"--mask", "maybe"}), "maybe");
  refused(SavedModel(Mask::causal(1)).test(), "reads only one");
  const ProgramOutcome lacking = saved.test({"--text", "the Zebra"});
  CHECK(lacking.status == 0);
  CHECK(contains(lacking.error, "\"Zebra\""));

  // A model that takes seconds to test.
  const ModelConfig config{
      .vocab = small_corpus()->vocab_size(), .context = 256, .channels = 256, .layers = 6, .heads = 8};
  auto parameters = std::make_shared<Parameters<float>>(config);
  parameters->initialise(Rng(4));
  TemporaryFolder home;
  save_model(home / "large",
             {"large", saved.model.tokenizer, parameters, std::make_shared<const Mask>(Mask::causal(256)), 0});
  std::string text;
  for (int i = 0; i < 256; ++i) text += "the ";
  const ProgramOutcome interrupted =
      interrupt_program({"leaktest", "--model", (home / "large").string(), "--text", text});
  CHECK(interrupted.status == 130);
  CHECK(interrupted.out.empty());
  CHECK(interrupted.error.empty());
}

}  // namespace
}  // namespace nopeek::test::leaktest_command_test
