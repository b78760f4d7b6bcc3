// Models that are valid and unlike all others: each scene and page shows them, and the twins come back.
#include <doctest/doctest.h>

#include "app_host.h"
#include "core/base/rng.h"
#include "core/io/model_folder.h"

namespace nopeek::test::odd_models_test {
namespace {

struct Odd {
  const char* name;
  ModelConfig config;
  std::string words;
  float weights = 1;  // times what is usual
};

void save_odd(const std::filesystem::path& folder, const Odd& odd) {
  const auto corpus = make_corpus(odd.name, odd.words + " . " + odd.words, TokenizerKind::kWord);
  ModelConfig config = odd.config;
  config.vocab = corpus.vocab_size();
  auto parameters = std::make_shared<Parameters<float>>(config);
  parameters->initialise(Rng(7));
  for (int64_t i = 0; i < parameters->flat().size(); ++i) parameters->flat()[i] *= odd.weights;
  save_model(folder, {odd.name, std::make_shared<const Tokenizer>(corpus.tokenizer), parameters,
                      std::make_shared<const Mask>(Mask::causal(config.context)), 3});
}

constexpr const char* kPages[] = {"Q K V", "Heads", "Microscope/Mask", "Leak test", "What if", "Steps"};

TEST_CASE("a model of one token's context, of most heads, of endless words or of numbers beyond all bounds is shown") {
  const Odd odds[] = {
      {"one", {.context = 1, .channels = 1, .layers = 1, .heads = 1}, "a"},
      {"many-heads", {.context = 6, .channels = 64, .layers = 48, .heads = 64}, "one two three"},
      {"long-words", {.context = 6, .channels = 8, .layers = 1, .heads = 2}, std::string(20000, 'x') + " y"},
      {"strange-words",
       {.context = 6, .channels = 8, .layers = 1, .heads = 2},
       "\u05d0\u05d1 a\u0301\u0301\u0301\u0301 \U0001F600 \u202ea %s%n ##x a##b ## Prompt Next"},
      {"nothing", {.context = 6, .channels = 8, .layers = 2, .heads = 2}, "one two", 0},
      {"beyond", {.context = 6, .channels = 8, .layers = 2, .heads = 2}, "one two", 1e30f},
  };
  for (const Odd& odd : odds) {
    CAPTURE(odd.name);
    TemporaryFolder folder;
    save_odd(folder / odd.name, odd);
    AppHost host;
    const std::string name = odd.name;
    REQUIRE_MESSAGE(host.play("click \"Unmasked\"\nscene Microscope\nwait until microscope.ready == true\n"
                              "click \"Point at another cell\"\ndrop \"" +
                              (folder / name).string() + "\"\nwait until held == " + name + "\nkey ]\nkey ["),
                    host.failure());
    for (const char* page : kPages) {
      CAPTURE(page);
      REQUIRE_MESSAGE(host.play("click \"" + std::string(page) + "\"\nwait until microscope.ready == true"),
                      host.failure());
    }
    CHECK_MESSAGE(
        host.play("scene Generate\nkey Right\nkey Right\nkey Left\nscene \"Mask Lab\"\nexpect held == " + name +
                  "\nresize 800x600\nscene Microscope\nkey P\nscene Generate\nresize 1600x900\nkey R\n"
                  "wait until run == 2\nexpect held == unmasked"),
        host.failure());
  }
}

}  // namespace
}  // namespace nopeek::test::odd_models_test
