// What is held changes as one value, between two frames: the twins come back as they were left, whatever ends the hold
// of an opened model.
#include <doctest/doctest.h>

#include "app/commands/assets.h"
#include "app_host.h"
#include "core/base/rng.h"
#include "core/io/corpus_file.h"
#include "core/io/model_folder.h"
#include "core/live/lab.h"
#include "core/live/run_folder.h"

namespace nopeek::test::held_test {
namespace {

/// As the second twin's place in its run is not the opened model's, which is alone.
Model lonely_model() {
  const auto corpus = make_corpus("lonely", "one two three four five six . one two .", TokenizerKind::kWord);
  ModelConfig config{.vocab = corpus.vocab_size(), .context = 6, .channels = 8, .layers = 1, .heads = 2};
  auto parameters = std::make_shared<Parameters<float>>(config);
  parameters->initialise(Rng(5));
  return {"lonely", std::make_shared<const Tokenizer>(corpus.tokenizer), parameters,
          std::make_shared<const Mask>(Mask::causal(config.context)), 12};
}

void save_small_run(const std::filesystem::path& folder) {
  RunConfig config;
  config.model.context = 6;
  config.model.channels = 8;
  config.train.batch = 2;
  Lab lab(config, std::make_shared<const Corpus>(load_corpus(find_asset("corpora/toy.txt"))), Lab::twins(6));
  ThreadPool one(1);
  lab.step(one);
  save_run(folder, lab.state());
}

struct WayBack {
  std::string tour;
  bool same_words_and_size;  // then the painted mask is there still
};

TEST_CASE("whatever ends the hold of an opened model, the twin that was held is back, and so is its painted mask") {
  TemporaryFolder folder;
  save_model(folder / "lonely", lonely_model());
  save_small_run(folder / "run");
  const WayBack ways[] = {
      {"key R\nwait until run == 2\n", true},
      {"click \"Size\"\nclick \"Model/Twins\"\n", true},
      {"click \"Reset with\"\nclick \"Next seed\"\nwait until run == 2\n", true},
      {"set \"Size\" tiny\nwait until run == 2\n", true},
      {"set \"Size\" small\nwait until run == 2\n", false},
      {"set \"Size\" \"Custom\u2026\"\ntype \"Layers\" 3\nclick \"Apply\"\nwait until run == 2\n", false},
      {"set \"Corpus\" toy\nwait until run == 2\n", false},
      {"drop \"" + (folder / "run").string() + "\"\nwait until run == 2\n", false},
  };
  for (const WayBack& way : ways) {
    for (const char* page : {"Mask", "Twins", "Leak test"}) {
      CAPTURE(way.tour);
      CAPTURE(page);
      AppHost host;
      REQUIRE_MESSAGE(
          host.play("click \"Unmasked\"\nscene Microscope\n"
                    "wait until microscope.ready == true\nclick \"Microscope/Mask\"\n"
                    "click \"Mask cells\" 0.2292,0.1042\nexpect microscope.draft == custom\nclick \"Microscope/" +
                    std::string(page) + "\"\ndrop \"" + (folder / "lonely").string() +
                    "\"\nwait until held == lonely\nexpect microscope.draft == \"\"\n" + way.tour +
                    "expect held == unmasked\nwait until microscope.ready == true\n"),
          host.failure());
      CHECK((host.figures()["microscope"]["draft"] == "custom") == way.same_words_and_size);
    }
  }
}

TEST_CASE("in the frame in which the hold is asked to change, all that is shown is still of one model") {
  TemporaryFolder folder;
  save_model(folder / "lonely", lonely_model());
  AppHost host;
  REQUIRE_MESSAGE(host.play("click \"Unmasked\"\nscene Generate\nwait until generate.ready == true\ndrop \"" +
                            (folder / "lonely").string() + "\"\nwait until held == lonely\nset \"Causal mask\" off"),
                  host.failure());
  const auto one_model = [&] {
    const auto now = host.figures();
    const bool full = now["held_mask_name"] == "full";
    CHECK(now["held_mask"] == (full ? "off" : "on"));
    return now["held"];
  };
  host.input().key('R', true);
  host.frames(1);
  CHECK(one_model() == "lonely");
  host.input().key('R', false);
  host.frames(1);
  CHECK(one_model() == "unmasked");
  host.input().key('M', true);
  host.frames(1);
  one_model();
}

TEST_CASE("keys of a text go on while another model opens beneath them") {
  TemporaryFolder folder;
  save_model(folder / "lonely", lonely_model());
  AppHost host;
  REQUIRE_MESSAGE(host.play("click \"Unmasked\"\nscene Generate\nwait until generate.ready == true"), host.failure());
  std::string keys = "drop \"" + (folder / "lonely").string() + "\"\n";
  for (int i = 0; i < 20; ++i) keys += "key Right\nkey D\nkey Ctrl+Z\nkey Left\nkey Ctrl+Y\n";
  CHECK_MESSAGE(
      host.play(keys +
                "wait until held == lonely\nwait until generate.ready == true\nkey Right\n"
                "wait until generate.written >= 1\nclick \"Size\"\nclick \"Model/Twins\"\nexpect held == unmasked\n"
                "wait until generate.ready == true"),
      host.failure());
}

TEST_CASE("frozen weights go on writing while training goes on, and end with a change to an opened model") {
  TemporaryFolder folder;
  save_model(folder / "lonely", lonely_model());
  AppHost host;
  REQUIRE_MESSAGE(host.play("scene Generate\nwait until generate.ready == true\nclick \"Freeze\"\n"
                            "expect generate.frozen == true\nclick \"Top bar/Step\"\nwait until step == 1\nkey Right\n"
                            "wait until generate.written == 1\nwait until generate.ready == true\n"
                            "expect generate.step == 0\nkey R\nwait until run == 2\nexpect generate.frozen == true"),
                  host.failure());
  CHECK_MESSAGE(host.play("drop \"" + (folder / "lonely").string() +
                          "\"\nwait until held == lonely\nexpect generate.frozen == false\n"
                          "wait until generate.ready == true\nexpect generate.step == 12"),
                host.failure());
}

}  // namespace
}  // namespace nopeek::test::held_test
