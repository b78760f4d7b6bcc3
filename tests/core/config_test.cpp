// Settings: what is refused, with which words, and the named sizes.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "core/live/lab.h"
#include "core/train/run_config.h"
#include "tests/core/support.h"

namespace nopeek::test::config_test {
namespace {

RunConfig good() {
  RunConfig config;
  config.model.vocab = 10;
  return config;
}

TEST_CASE("the defaults and the smallest settings are accepted") {
  CHECK_NOTHROW(good().validate());
  RunConfig smallest = good();
  smallest.model = {.vocab = 1, .context = 1, .channels = 1, .layers = 1, .heads = 1};
  smallest.train.batch = 1;
  CHECK_NOTHROW(smallest.validate());
}

TEST_CASE("each setting that cannot work is refused by name") {
  struct Case {
    const char* word;
    std::function<void(RunConfig&)> spoil;
  };
  const Case cases[] = {
      {"vocabulary", [](RunConfig& c) { c.model.vocab = 0; }},
      {"Context", [](RunConfig& c) { c.model.context = 0; }},
      {"Context", [](RunConfig& c) { c.model.context = 100'000; }},
      {"Layers", [](RunConfig& c) { c.model.layers = 0; }},
      {"Heads", [](RunConfig& c) { c.model.heads = 0; }},
      {"Heads", [](RunConfig& c) { c.model.heads = -4; }},
      {"Width", [](RunConfig& c) { c.model.channels = 0; }},
      {"Dropout", [](RunConfig& c) { c.model.dropout = 1; }},
      {"Dropout", [](RunConfig& c) { c.model.dropout = -0.1; }},
      {"Dropout", [](RunConfig& c) { c.model.dropout = std::nan(""); }},
      {"Batch", [](RunConfig& c) { c.train.batch = 0; }},
      {"Learning rate", [](RunConfig& c) { c.train.learning_rate = 0; }},
      {"Learning rate", [](RunConfig& c) { c.train.learning_rate = std::nan(""); }},
      {"Learning rate", [](RunConfig& c) { c.train.learning_rate = INFINITY; }},
      {"Warm-up", [](RunConfig& c) { c.train.warmup_steps = -1; }},
      {"betas", [](RunConfig& c) { c.train.beta1 = 1; }},
      {"betas", [](RunConfig& c) { c.train.beta2 = std::nan(""); }},
      {"epsilon", [](RunConfig& c) { c.train.epsilon = 0; }},
      {"decay", [](RunConfig& c) { c.train.weight_decay = -1; }},
      {"clipping", [](RunConfig& c) { c.train.grad_clip = -1; }},
      {"measured", [](RunConfig& c) { c.train.measure_every = 0; }},
  };
  for (const auto& [word, spoil] : cases) {
    RunConfig config = good();
    spoil(config);
    const std::string message = error_of([&] { config.validate(); });
    CAPTURE(message);
    CHECK(contains(message, word));
  }
}

TEST_CASE("heads that do not divide the width: the message names both and a width that works") {
  RunConfig config = good();
  config.model.channels = 66;
  config.model.heads = 4;
  const std::string message = error_of([&] { config.validate(); });
  CHECK(contains(message, "66"));
  CHECK(contains(message, "4 heads"));
  CHECK(contains(message, "68"));
}

TEST_CASE("every preset works and knows its name; a changed one is custom") {
  for (const char* name : {"tiny", "small", "medium", "large"}) {
    RunConfig config = preset(name);
    config.model.vocab = 50;
    config.seed = 9;
    CHECK_NOTHROW(config.validate());
    CHECK(preset_name(config) == name);
    config.model.layers += 1;
    CHECK(preset_name(config) == "custom");
  }
  CHECK(preset("tiny") == RunConfig{});
  const std::string message = error_of([] { preset("huge"); });
  CHECK(contains(message, "huge"));
  CHECK(contains(message, "tiny"));
}

TEST_CASE("a model too large for any desk is refused before memory is asked for, and the message says how much") {
  const Corpus corpus =
      make_corpus("words", "a b c d e f g h i j k l m n o p q r s t u v w x y z " + std::string(4000, 'a'));
  RunConfig config;
  config.model.context = 1;
  CHECK_NOTHROW(Lab::checked(config, corpus, 2));
  config.model.channels = 4096;
  config.model.layers = 48;
  const std::string message = error_of([&] { Lab::checked(config, corpus, 2); });
  CHECK(contains(message, "GB"));
  CHECK(contains(message, "smaller width"));
}

TEST_CASE("the memory estimate covers the weights, moments and gradients, and grows with the batch") {
  RunConfig config = good();
  const Parameters<float> parameters(config.model);
  CHECK(training_memory(config) > 5.0 * sizeof(float) * static_cast<double>(parameters.size()));
  RunConfig larger = config;
  larger.train.batch *= 2;
  CHECK(training_memory(larger) > training_memory(config));
}

}  // namespace
}  // namespace nopeek::test::config_test
