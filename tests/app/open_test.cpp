#include <doctest/doctest.h>

#include "app/commands/assets.h"
#include "app_host.h"
#include "core/base/rng.h"
#include "core/io/corpus_file.h"
#include "core/io/model_folder.h"
#include "core/live/lab.h"
#include "core/live/run_folder.h"

namespace nopeek::test::open_test {
namespace {

/// A model of other words than the lab's, with random weights.
Model stranger(const std::string& name) {
  const auto corpus = make_corpus(name, "one two three four five six seven . one two three .", TokenizerKind::kWord);
  ModelConfig config{.vocab = corpus.vocab_size(), .context = 6, .channels = 8, .layers = 1, .heads = 2};
  auto parameters = std::make_shared<Parameters<float>>(config);
  parameters->initialise(Rng(5));
  return {name, std::make_shared<const Tokenizer>(corpus.tokenizer), parameters,
          std::make_shared<const Mask>(Mask::causal(config.context)), 12};
}

TEST_CASE("a model folder that is dropped becomes the held model, with a mask switch of its own; the twins come back") {
  TemporaryFolder folder;
  save_model(folder / "stranger", stranger("stranger"));
  AppHost host;
  host.input().drop(folder / "stranger");
  CHECK_MESSAGE(host.play("wait until opened == stranger\nexpect held == stranger\nexpect scene == Generate\n"
                          "expect held_mask == on\nset \"Causal mask\" off\nexpect held_mask == off\n"
                          "expect masked.mask == on\nset \"Causal mask\" on\n"
                          "click \"Size\"\nclick \"Model/Twins\"\nexpect held == masked\n"
                          "click \"Size\"\nclick \"Model/stranger\"\nexpect held == stranger\n"
                          "set \"Size\" tiny\nwait until run == 2\nexpect held == masked"),
                host.failure());
}

TEST_CASE("what is no model is refused by a message, and the held model stays") {
  TemporaryFolder folder;
  save_model(folder / "broken", stranger("broken"));
  make_file(folder / "broken/model.safetensors", "not a model");
  AppHost host;
  host.input().drop(folder / "broken");
  CHECK_MESSAGE(host.play("wait until message contains model.safetensors\nexpect held == masked\nexpect run == 1"),
                host.failure());
}

TEST_CASE("the twins are saved and opened again at the same step, with their curves; then they go on") {
  TemporaryFolder folder;
  const std::string saved = folder / "twins";
  AppHost host({.paused = false});
  REQUIRE_MESSAGE(host.play("wait until step >= 12\nset \"Play\" off\nwait until paused == true\n"
                            "key Ctrl+S\ntype \"Path\" \"" +
                            saved +
                            "\"\nclick \"Save\"\n"
                            "wait until message contains saved"),
                  host.failure());
  const auto before = host.figures();
  REQUIRE_MESSAGE(host.play("click \"Reset\"\nwait until run == 2\nkey Ctrl+O\ntype \"Path\" \"" + saved +
                            "\"\nclick \"Open\"\nwait until run == 3\n"),
                  host.failure());
  const auto after = host.figures();
  for (const char* lane : {"masked", "unmasked"}) CHECK(before[lane] == after[lane]);
  CHECK(before["step"] == after["step"]);
  CHECK_MESSAGE(host.play("set \"Play\" on\nwait steps 3"), host.failure());
}

TEST_CASE("a run with masks that are neither on nor off says what they are; the switch turns one off") {
  TemporaryFolder folder;
  RunConfig config;
  config.model.context = 6;
  config.model.channels = 8;
  config.train.batch = 2;
  Lab lab(config, std::make_shared<const Corpus>(load_corpus(find_asset("corpora/toy.txt"))), Lab::twins(6));
  ThreadPool one(1);
  lab.step(one);
  lab.set_mask(1, Mask::penalised_future(6, -5));
  lab.step(one);
  lab.set_mask(0, Mask::window(6, 2));
  lab.step(one);
  save_run(folder / "run", lab.state());
  AppHost host;
  host.input().drop(folder / "run");
  CHECK_MESSAGE(host.play("wait until run == 2\nexpect step == 3\nexpect masked.mask == custom\n"
                          "expect masked.mask_name == \"window of 2\"\nexpect held_mask == on\n"
                          "expect unmasked.mask_name == \"penalty \u22125\"\nclick \"Unmasked\"\n"
                          "expect held_mask == off\nexpect held_mask_name == \"penalty \u22125\"\n"
                          "set \"Causal mask\" on\nwait until unmasked.mask == on\n"
                          "set \"Causal mask\" off\nwait until unmasked.mask_name == full"),
                host.failure());
}

TEST_CASE("what is saved is what the dialog was opened for; Enter saves; a click on a model in the list does not yet") {
  TemporaryFolder folder;
  save_model(folder / "stranger", stranger("stranger"));
  AppHost host;
  CHECK_MESSAGE(host.play("key Ctrl+S\ntype \"Path\" \"" + (folder / "twins").string() + "\"\ndrop \"" +
                          (folder / "stranger").string() +
                          "\"\nwait until opened == stranger\nkey Enter\n"
                          "wait until message contains twins\nwait until message contains saved"),
                host.failure());
  CHECK(std::filesystem::exists(folder / "twins/run.json"));
  CHECK_MESSAGE(host.play("key Ctrl+S\ntype \"Path\" \"" + (folder / ".").string() +
                          "\"\nkey Enter\nclick \"twins\"\n"
                          "expect \"Replace\".visible == true\nkey Escape"),
                host.failure());
}

TEST_CASE("a name that is typed is in the folder shown, and ~ is home") {
  TemporaryHome home;
  std::filesystem::create_directory(home / "sub");
  AppHost host;
  const std::string saved = "\nkey Enter\nwait until message contains saved\n";
  CHECK_MESSAGE(host.play("key Ctrl+S\nclick \"Files/sub\"\ntype Path bare" + saved +
                          "key Ctrl+S\ntype Path \"~/tilde\"\nkey Enter\nwait until message contains tilde"),
                host.failure());
  CHECK(std::filesystem::exists(home / "sub/bare/run.json"));
  CHECK(std::filesystem::exists(home / "tilde/run.json"));
}

TEST_CASE("opening something else does not wait for what is still being opened") {
  TemporaryFolder folder;
  save_model(folder / "stranger", stranger("stranger"));
  make_file(folder / "long.txt", std::string(20'000'000, 'x') + " y");
  AppHost host;
  CHECK_MESSAGE(host.play("drop \"" + (folder / "long.txt").string() + "\"\ndrop \"" + (folder / "stranger").string() +
                          "\"\nwait until opened == stranger\nexpect run == 1"),
                host.failure());
}

TEST_CASE("the mask switch of an opened model comes back to the mask that it was saved with") {
  TemporaryFolder folder;
  Model peeking = stranger("peeking");
  peeking.mask = std::make_shared<const Mask>(Mask::off_by_one(6));
  save_model(folder / "peeking", peeking);
  AppHost host;
  host.input().drop(folder / "peeking");
  REQUIRE_MESSAGE(host.play("wait until opened == peeking\nexpect held_mask == off\nset \"Causal mask\" on\n"
                            "expect held_mask == on\nset \"Causal mask\" off\nkey Ctrl+S\ntype \"Path\" \"" +
                            (folder / "again").string() + "\"\nclick \"Save\"\nwait until message contains saved"),
                  host.failure());
  CHECK(*load_model(folder / "again").mask == *peeking.mask);
}

}  // namespace
}  // namespace nopeek::test::open_test
