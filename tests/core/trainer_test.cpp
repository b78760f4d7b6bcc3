#include "core/train/trainer.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/core/support.h"

namespace nopeek::test::trainer_test {
namespace {

RunConfig config_for(const Corpus& corpus) {
  RunConfig config = small_run();
  config.model.vocab = corpus.vocab_size();
  return config;
}

/// Rows enough for four shards.
RunConfig sharded_config() {
  RunConfig config = config_for(*small_corpus());
  config.model.context = 24;
  config.train.batch = 32;
  return config;
}

TEST_CASE("the gradient of a step is that of the mean loss over the whole batch, whatever the shards") {
  const RunConfig config = sharded_config();
  const Mask mask = Mask::off_by_one(config.model.context);
  Trainer<double> trainer(config, mask);
  REQUIRE(trainer.shards() == 4);
  Batcher batcher(*small_corpus(), config.train.batch, config.model.context, 3);
  const Batch& batch = batcher.next();

  SmallModel<double> whole(config.model, batch.B, batch.T, 1);
  whole.parameters.flat() = trainer.parameters().flat();
  whole.inputs = batch.inputs, whole.targets = batch.targets;
  const double count = batch.B * batch.T, loss = whole.loss(mask) / count;
  whole.gradients.set_zero();
  backward<double>(whole.parameters, whole.inputs, whole.targets, 1 / count, Dropout{}, whole.activations,
                   whole.scratch, whole.gradients);

  ThreadPool one(1);
  const StepStats stats = trainer.step(batch, one, true);
  CHECK(stats.reported == doctest::Approx(loss).epsilon(1e-7));
  CHECK(trainer.gradients().flat().isApprox(whole.gradients.flat(), 1e-12));
  double future = 0;
  for (const auto& layer : whole.activations.views().layers) {
    future += future_attention<double>(layer.attention, batch.T) / config.model.layers;
  }
  CHECK(stats.future_attention == doctest::Approx(future).epsilon(1e-6));
}

TEST_CASE("the number of shards follows from the configuration, and no shard is empty") {
  const auto shards = [](int batch, int context) {
    RunConfig config = config_for(*small_corpus());
    config.train.batch = batch;
    config.model.context = context;
    return Trainer<float>(config, Mask::causal(context)).shards();
  };
  CHECK(shards(1, 1) == 1);
  CHECK(shards(1, 1000) == 1);
  CHECK(shards(2, 1000) == 2);
  CHECK(shards(16, 24) == 2);
  CHECK(shards(3, 512) == 3);
  CHECK(shards(64, 64) == 4);
}

TEST_CASE("reported is the loss before the update; evaluate is the same loss after it, in pieces") {
  const RunConfig config = sharded_config();
  Trainer<float> trainer(config, Mask::causal(config.model.context));
  Batcher batcher(*small_corpus(), config.train.batch, config.model.context, 3);
  const Batch batch = batcher.next();
  ThreadPool one(1);
  const double before = trainer.evaluate(batch);
  CHECK(before == doctest::Approx(std::log(config.model.vocab)).epsilon(0.05));
  CHECK(trainer.step(batch, one).reported == doctest::Approx(before).epsilon(1e-6));
  CHECK(trainer.evaluate(batch) < before);
}

TEST_CASE("evaluate takes any number of windows and changes nothing") {
  const RunConfig config = sharded_config();
  Trainer<float> trainer(config, Mask::full(config.model.context));
  const uint64_t weights = hash_of(trainer.parameters());
  const Batch windows = consecutive_windows(small_corpus()->train, config.model.context, 11);
  double sum = 0;
  for (int b = 0; b < windows.B; ++b) {
    const auto from = windows.inputs.begin() + b * windows.T, targets = windows.targets.begin() + b * windows.T;
    sum += trainer.evaluate({1, windows.T, {from, from + windows.T}, {targets, targets + windows.T}});
  }
  CHECK(trainer.evaluate(windows) == doctest::Approx(sum / windows.B).epsilon(1e-6));
  CHECK(hash_of(trainer.parameters()) == weights);
  CHECK(trainer.steps() == 0);
}

TEST_CASE("measuring honest loss changes neither the losses nor the weights") {
  const RunConfig config = config_for(*small_corpus());
  const Mask mask = Mask::full(config.model.context);
  Trainer<float> measured(config, mask), plain(config, mask);
  Batcher batcher(*small_corpus(), config.train.batch, config.model.context, 3);
  ThreadPool one(1);
  for (int i = 0; i < 10; ++i) {
    const Batch& batch = batcher.next();
    const StepStats with = measured.step(batch, one, true), without = plain.step(batch, one, false);
    CHECK(with.reported == without.reported);
    CHECK(std::isfinite(with.honest));
    CHECK(std::isnan(without.honest));
    CHECK(std::isnan(without.future_attention));
  }
  CHECK(hash_of(measured.parameters()) == hash_of(plain.parameters()));
}

TEST_CASE("a mask without a key for every query is refused, and the trainer keeps the one that it had") {
  const RunConfig config = config_for(*small_corpus());
  Mask blind = Mask::causal(config.model.context);
  blind.set(0, 0, Mask::kForbidden);
  CHECK_THROWS_AS(Trainer<float>(config, blind), Error);
  Trainer<float> trainer(config, Mask::causal(config.model.context));
  CHECK_THROWS_AS(trainer.set_mask(blind), Error);
  CHECK(trainer.mask() == Mask::causal(config.model.context));
  RunConfig bad = config;
  bad.model.heads = 3;
  CHECK_THROWS_AS(Trainer<float>(bad, Mask::causal(8)), Error);
}

/// Steps until the trainer refuses; tells why, and the hash of the weights before the step before.
struct Divergence {
  std::string reason;
  int steps = 0;
  std::vector<uint64_t> hashes;  // of the weights after 0, 1, 2, ... steps
};
Divergence diverge(Trainer<float>& trainer, int limit = 500) {
  Batcher batcher(*small_corpus(), trainer.config().train.batch, trainer.config().model.context, 3);
  ThreadPool one(1);
  Divergence result;
  result.hashes.push_back(hash_of(trainer.parameters()));
  while (result.reason.empty() && result.steps < limit) {
    result.reason = error_of([&] { trainer.step(batcher.next(), one); });
    if (!result.reason.empty()) break;
    ++result.steps;
    result.hashes.push_back(hash_of(trainer.parameters()));
  }
  return result;
}

TEST_CASE(
    "a learning rate far too high ends with a reason, and the weights go back to the last that gave a sound loss") {
  for (const double rate : {10.0, 1e6, 1e20, 1e300}) {
    CAPTURE(rate);
    RunConfig config = config_for(*small_corpus());
    config.train.learning_rate = rate;
    config.train.warmup_steps = 0;
    Trainer<float> trainer(config, Mask::causal(config.model.context));
    const Divergence end = diverge(trainer);
    REQUIRE_FALSE(end.reason.empty());
    CHECK(contains(end.reason, "at step " + std::to_string(end.steps + 1)));
    CHECK(contains(end.reason, "lower learning rate"));
    // The newest weights gave the loss that was refused; those before gave the last good one.
    REQUIRE(end.steps >= 1);
    CHECK(hash_of(trainer.parameters()) == end.hashes[static_cast<size_t>(end.steps) - 1]);
    CHECK(trainer.parameters().flat().allFinite());
    const Batch windows = consecutive_windows(small_corpus()->validation, config.model.context, 4);
    CHECK(trainer.evaluate(windows) < 20 * std::log(config.model.vocab));
  }
}

TEST_CASE("a NaN in the weights before the first step is refused with the reason, without an update") {
  const RunConfig config = config_for(*small_corpus());
  Trainer<float> trainer(config, Mask::causal(config.model.context));
  trainer.parameters().flat()[3] = std::nanf("");
  const Divergence end = diverge(trainer);
  CHECK(contains(end.reason, "not a finite number at step 1."));
  CHECK(trainer.steps() == 0);
}

TEST_CASE("batch 1, context 1, a vocabulary of one word: the smallest of everything trains") {
  RunConfig config;
  config.model = {.vocab = 3, .context = 1, .channels = 1, .layers = 1, .heads = 1};
  config.train.batch = 1;
  const Corpus corpus = make_corpus("one", "a a a a a a a a a a a a a a a a a a a a a a a a", TokenizerKind::kWord);
  REQUIRE(corpus.vocab_size() == 3);  // with <eos> and <unk>
  Trainer<float> trainer(config, Mask::causal(1));
  Batcher batcher(corpus, 1, 1, 1);
  ThreadPool one(1);
  for (int i = 0; i < 20; ++i) {
    const StepStats stats = trainer.step(batcher.next(), one, true);
    CHECK(std::isfinite(stats.reported));
    CHECK(stats.honest == doctest::Approx(stats.reported).epsilon(1e-6));
    CHECK(stats.future_attention == 0.0f);
  }
}

}  // namespace
}  // namespace nopeek::test::trainer_test
