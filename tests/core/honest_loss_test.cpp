// The honest loss against its definition: a pass of its own for each prefix, which holds nothing else.
#include "core/train/honest_loss.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/train/trainer.h"
#include "tests/core/support.h"

namespace nopeek::test::honest_loss_test {
namespace {

constexpr int kContext = 9;

ModelConfig config_of(int layers) {
  return {.vocab = 11, .context = kContext, .channels = 12, .layers = layers, .heads = 3};
}

/// By definition, of one position: a pass over the prefix of each sequence alone.
double by_prefixes(SmallModel<double>& model, const Mask& mask, int position) {
  const int length = position + 1;
  double sum = 0;
  for (int b = 0; b < model.B; ++b) {
    Activations<double> alone(model.config, 1, length);
    const auto first = static_cast<size_t>(b * model.T);
    forward<double>(model.parameters, std::span(model.inputs).subspan(first, static_cast<size_t>(length)), 1, length,
                    {&mask, 1}, Dropout{}, alone);
    head_forward<double>(model.parameters, alone);
    const auto logits = alone.views().logits.row(position).array();
    sum += std::log(logits.exp().sum()) - logits[model.targets[first + static_cast<size_t>(position)]];
  }
  return sum;
}

std::vector<Mask> masks() {
  std::vector<Mask> masks = {Mask::causal(kContext),
                             Mask::full(kContext),
                             Mask::off_by_one(kContext),
                             Mask::window(kContext, 3),
                             Mask::prefix(kContext, 4),
                             Mask::penalised_future(kContext, -1),
                             Mask::penalised_future(kContext, -8)};
  for (uint64_t seed = 0; seed < 12; ++seed) {
    masks.push_back(Mask::random(kContext, Rng(seed), 0.1 + 0.07 * static_cast<double>(seed)));
  }
  Mask corner = Mask::causal(kContext);  // the first row sees the last, which is there only at the end
  corner.set(0, kContext - 1, -0.5f);
  masks.push_back(corner);
  return masks;
}

TEST_CASE("the loss of a position is that of a pass over its prefix alone: all masks, depths, batches and positions") {
  for (int layers = 1; layers <= 3; ++layers) {
    for (const auto& [B, T] : {std::pair{1, 1}, {1, kContext}, {2, 5}, {3, kContext}, {4, 2}}) {
      SmallModel<double> model(config_of(layers), B, T, 81);
      HonestLoss<double> honest(model.config, B, T);
      Rng rng(82);
      for (const Mask& mask : masks()) {
        CAPTURE(describe(mask));
        // All, and some: then several tokens enter at once. The same object, which must not remember what it measured.
        for (const double share : {1.0, 0.5, 0.2}) {
          std::vector<int> positions;
          double expected = 0;
          for (int t = 0; t < T; ++t) {
            if (rng.uniform() >= share) continue;
            positions.push_back(t);
            expected += by_prefixes(model, mask, t);
          }
          const double sum = honest.sum(model.parameters, model.inputs, model.targets, mask, positions);
          CHECK(std::abs(sum - expected) <= 1e-12 * std::max(1.0, expected));
        }
      }
    }
  }
}

TEST_CASE("it equals the reported loss of causal masks, to rounding, and of no other here") {
  SmallModel<double> model(config_of(2), 3, kContext, 83);
  for (const Mask& mask : masks()) {
    CAPTURE(describe(mask));
    const double gap = std::abs(honest_loss(model, mask) - model.loss(mask));
    if (mask.is_causal()) CHECK(gap < 1e-11);
    if (!mask.is_causal()) CHECK(gap > 1e-7);
  }
}

TEST_CASE("later tokens do not move a position's loss by one bit, whatever the mask") {
  SmallModel<float> model({.vocab = 11, .context = kContext, .channels = 12, .layers = 2, .heads = 3}, 2, kContext, 84);
  HonestLoss<float> honest(model.config, 2, kContext);
  for (const Mask& mask : masks()) {
    for (int t = 0; t < kContext; ++t) {
      const std::vector<int> only = {t};
      const auto loss = [&] { return honest.sum(model.parameters, model.inputs, model.targets, mask, only); };
      const double before = loss();
      const auto kept = model.inputs;
      for (int b = 0; b < 2; ++b) {
        for (int later = t + 1; later < kContext; ++later) {
          auto& token = model.inputs[static_cast<size_t>(b * kContext + later)];
          token = (token + 1 + later) % 11;
        }
      }
      CHECK(loss() == before);
      model.inputs = kept;
      auto& own = model.inputs[static_cast<size_t>(kContext + t)];
      own = (own + 1) % 11;
      CHECK(loss() != before);
      model.inputs = kept;
    }
  }
}

TEST_CASE("a target that is ignored adds nothing") {
  SmallModel<double> model(config_of(2), 2, 4, 85);
  const Mask mask = Mask::full(kContext);
  const double all = honest_loss(model, mask);
  HonestLoss<double> honest(model.config, 2, 4);
  const double last = by_prefixes(model, mask, 3);
  model.targets[3] = model.targets[7] = kIgnore;
  CHECK(honest_loss(model, mask) == doctest::Approx(all - last).epsilon(1e-12));
}

TEST_CASE("a sample has n positions that ascend, evenly spread; over all starts each comes up n times") {
  std::vector<int> positions;
  for (const int T : {1, 2, 7, 24, 37}) {
    for (int n = 1; n <= T; ++n) {
      std::vector<int> count(static_cast<size_t>(T));
      for (int start = 0; start < T; ++start) {
        spread_positions(T, n, static_cast<uint64_t>(start), positions);
        REQUIRE(std::ssize(positions) == n);
        for (int i = 0; i < n; ++i) {
          const int here = positions[static_cast<size_t>(i)];
          const int next = i + 1 < n ? positions[static_cast<size_t>(i) + 1] : positions[0] + T;
          CHECK(next - here >= T / n);
          CHECK(next - here <= (T + n - 1) / n);
          REQUIRE(here < T);
          ++count[static_cast<size_t>(here)];
        }
      }
      CHECK(count == std::vector<int>(static_cast<size_t>(T), n));
    }
  }
}

/// The presets' shapes, as wide as a test can bear.
RunConfig narrow(const std::string& name) {
  RunConfig config = preset(name);
  config.model.vocab = 20;
  config.model.channels = 2 * config.model.heads;
  return config;
}

TEST_CASE("all positions are measured where that costs little: always under masks that let nothing back") {
  const auto chosen = [](const std::string& name, const Mask& mask) {
    const RunConfig config = narrow(name);
    const int B = config.train.batch / Trainer<float>(config, mask).shards();
    return HonestLoss<float>(config.model, B, config.model.context).choose(mask, 3).size();
  };
  CHECK(chosen("tiny", Mask::causal(24)) == 24);
  CHECK(chosen("tiny", Mask::window(24, 5)) == 24);
  CHECK(chosen("small", Mask::causal(64)) == 64);
  CHECK(chosen("medium", Mask::causal(64)) == 64);
  for (const char* name : {"tiny", "small", "large"}) {
    const int T = preset(name).model.context;
    CHECK(chosen(name, Mask::full(T)) > 0);
    CHECK(chosen(name, Mask::full(T)) < static_cast<size_t>(T));
  }
}

TEST_CASE("where only some positions are measured, the mean of honest loss over all draws is the honest loss") {
  const RunConfig config = narrow("tiny");
  const int T = config.model.context, B = config.train.batch;
  const Mask mask = Mask::full(T);
  SmallModel<double> model(config.model, B, T, 86);
  HonestLoss<double> honest(config.model, B, T);
  double mean = 0;
  for (int start = 0; start < T; ++start) {
    const auto positions = honest.choose(mask, static_cast<uint64_t>(start));
    REQUIRE(std::ssize(positions) < T);
    mean += honest.sum(model.parameters, model.inputs, model.targets, mask, positions) /
            static_cast<double>(positions.size());
  }
  CHECK(mean / T == doctest::Approx(honest_loss(model, mask) / T).epsilon(1e-12));
}

/// One batch of random tokens.
Batch batch_for(const RunConfig& config) {
  Rng rng(87);
  const int B = config.train.batch, T = config.model.context;
  return {B, T, random_tokens(B * T, config.model.vocab, rng), random_tokens(B * T, config.model.vocab, rng)};
}

TEST_CASE("a trainer's honest loss is the reported one and the lie at the sampled positions: right in the mean") {
  RunConfig config = narrow("tiny");
  config.train.learning_rate = 1e-30;  // only the draws change from step to step
  const Mask mask = Mask::full(config.model.context);
  const Batch batch = batch_for(config);
  Trainer<double> trainer(config, mask);
  SmallModel<double> whole(config.model, batch.B, batch.T, 1);
  trainer.parameters().flat() = whole.parameters.flat();
  whole.inputs = batch.inputs, whole.targets = batch.targets;
  const double expected = honest_loss(whole, mask) / static_cast<double>(batch.inputs.size());
  ThreadPool one(1);
  constexpr int kSteps = 100;
  double mean = 0, squares = 0;
  for (int i = 0; i < kSteps; ++i) {
    const double honest = static_cast<double>(trainer.step(batch, one, true).honest);
    mean += honest / kSteps;
    squares += honest * honest / kSteps;
  }
  const double deviation = std::sqrt(squares - mean * mean);
  CHECK(deviation > 1e-3);  // it is a sample
  CHECK(std::abs(mean - expected) < 4 * deviation / std::sqrt(kSteps));
}

TEST_CASE("where there is no lie, a sample finds none: honest equals reported, with no scatter") {
  RunConfig config = narrow("large");
  const int T = config.model.context;
  const Mask mask = Mask::causal(T);
  Trainer<double> trainer(config, mask);
  const int B = config.train.batch / trainer.shards();
  REQUIRE(std::ssize(HonestLoss<double>(config.model, B, T).choose(mask, 0)) < T);
  Rng rng(88);
  randomise(trainer.parameters(), rng, 0.3);
  ThreadPool one(1);
  const StepStats stats = trainer.step(batch_for(config), one, true);
  CHECK(stats.honest == stats.reported);  // to the last bit of a float
}

}  // namespace
}  // namespace nopeek::test::honest_loss_test
