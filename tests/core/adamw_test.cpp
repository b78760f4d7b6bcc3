// The optimiser with settings that make the answer obvious.
#include "core/train/adamw.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/train/trainer.h"
#include "tests/core/support.h"

namespace nopeek::test::adamw_test {
namespace {

const ModelConfig kConfig{.vocab = 3, .context = 2, .channels = 4, .layers = 1, .heads = 1};

/// Everything off that can be off: no warm-up, no decay, no clipping.
TrainConfig bare(double rate) {
  TrainConfig config;
  config.learning_rate = rate;
  config.warmup_steps = 0;
  config.weight_decay = 0;
  config.grad_clip = 0;
  return config;
}

struct Fixture {
  explicit Fixture(const TrainConfig& config) : weights(kConfig), gradients(kConfig), optimiser(kConfig, config) {
    weights.flat().setConstant(1);
  }
  void update(double gradient, double scale = 1) {
    gradients.flat().setConstant(gradient);
    optimiser.update(weights, gradients, scale);
  }
  Parameters<double> weights, gradients;
  AdamW<double> optimiser;
};

TEST_CASE("the first step of Adam is the learning rate, whatever the size of the gradient") {
  for (const double gradient : {1e-3, 1.0, 500.0, -2.0}) {
    Fixture f(bare(0.25));
    f.update(gradient);
    CHECK((f.weights.flat().array() - (1 - std::copysign(0.25, gradient))).abs().maxCoeff() < 1e-5);
  }
}

TEST_CASE(
    "under a constant gradient every step of Adam is the learning rate: both corrections of the start are exact") {
  TrainConfig config = bare(0.01);
  config.epsilon = 1e-15;
  Fixture f(config);
  for (int t = 1; t <= 50; ++t) {
    f.update(3.0);
    CHECK(f.optimiser.updates() == t);
    CHECK((f.weights.flat().array() - (1 - 0.01 * t)).abs().maxCoeff() < 1e-12);
  }
}

TEST_CASE("without momentum and memory a step is the sign of the newest gradient") {
  TrainConfig config = bare(0.5);
  config.beta1 = config.beta2 = 0;
  Fixture f(config);
  f.update(100);
  f.update(-0.01);
  CHECK((f.weights.flat().array() - 1).abs().maxCoeff() < 1e-5);
}

TEST_CASE("two unequal gradients: the moments as worked by hand") {
  TrainConfig config = bare(0.1);
  config.beta1 = 0.5;
  config.beta2 = 0.75;
  config.epsilon = 1e-12;
  Fixture f(config);
  f.update(1);  // m 0.5, v 0.25: corrected 1 and 1
  f.update(2);  // m 1.25, v 1.1875: corrected 1.25 / 0.75 and 1.1875 / 0.4375
  const double expected = 1 - 0.1 - 0.1 * (1.25 / 0.75) / std::sqrt(1.1875 / 0.4375);
  CHECK((f.weights.flat().array() - expected).abs().maxCoeff() < 1e-10);
}

TEST_CASE("an update in parts is the update, wherever one cuts the tensors") {
  TrainConfig config = bare(0.1);
  config.weight_decay = 0.2;
  Fixture whole(config), parts(config);
  const size_t size = whole.weights.size();
  REQUIRE(size > 100);
  for (const size_t step : {size_t{1}, size_t{7}, size_t{64}, size - 1}) {
    Rng rng(step);
    whole.gradients.flat() = parts.gradients.flat() = random_row<double>(static_cast<Eigen::Index>(size), rng);
    whole.optimiser.update(whole.weights, whole.gradients, 0.5);
    parts.optimiser.begin_update(0.5);
    for (size_t first = 0; first < size; first += step) {
      parts.optimiser.update_part(parts.weights, parts.gradients, first, std::min(first + step, size));
    }
    CHECK(parts.weights.flat().isApprox(whole.weights.flat(), 1e-14));
  }
}

TEST_CASE("epsilon stands outside of the square root") {
  TrainConfig config = bare(1);
  config.epsilon = 3;
  Fixture f(config);
  f.update(1);
  CHECK((f.weights.flat().array() - (1 - 1.0 / 4)).abs().maxCoeff() < 1e-12);
}

TEST_CASE("decay shrinks matrices and leaves biases and layer norms alone") {
  TrainConfig config = bare(0.5);
  config.weight_decay = 0.2;
  Fixture f(config);
  f.update(0);
  for (const TensorSpec& spec : f.weights.table()) {
    CAPTURE(spec.name);
    const bool is_vector = spec.name.ends_with("bias") || spec.name.find("ln_") != std::string::npos;
    CHECK((f.weights.tensor(spec).array() == (is_vector ? 1.0 : 0.9)).all());
  }
  CHECK(f.weights.table().size() == 16);
}

TEST_CASE("decay tells a matrix of one row from a bias: a vocabulary of one word, a context of one token") {
  const ModelConfig thin{.vocab = 1, .context = 1, .channels = 1, .layers = 1, .heads = 1};
  for (const TensorSpec& spec : parameter_table(thin)) {
    CAPTURE(spec.name);
    CHECK(spec.is_matrix() == !(spec.name.ends_with("bias") || spec.name.find("ln_") != std::string::npos));
  }
}

TEST_CASE("the gradient's scale acts before both moments") {
  TrainConfig config = bare(1);
  config.epsilon = 1;  // large, so that the size of the gradient shows
  Fixture scaled(config), plain(config);
  scaled.update(8, 0.25);
  plain.update(2);
  CHECK(scaled.weights.flat().isApprox(plain.weights.flat(), 1e-14));
}

TEST_CASE("the learning rate rises linearly over the warm-up and then stays") {
  TrainConfig config;
  config.learning_rate = 0.8;
  config.warmup_steps = 4;
  const double expected[] = {0.2, 0.4, 0.6, 0.8, 0.8, 0.8};
  for (int step = 1; step <= 6; ++step) CHECK(learning_rate(config, step) == doctest::Approx(expected[step - 1]));
  CHECK(learning_rate(config, 1'000'000) == 0.8);
  config.warmup_steps = 0;
  CHECK(learning_rate(config, 1) == 0.8);
}

/// One step of a trainer whose optimiser shows the gradient's size: weights move by rate * g / (|g| + 1).
RowVector<double> first_move(double grad_clip, RowVector<double>* gradient) {
  RunConfig config = small_run();
  config.model.vocab = small_corpus()->vocab_size();
  config.train = bare(1e-3);
  config.train.batch = 4;
  config.train.epsilon = 1;
  config.train.grad_clip = grad_clip;
  Trainer<double> trainer(config, Mask::causal(config.model.context));
  const RowVector<double> before = trainer.parameters().flat();
  Batcher batcher(*small_corpus(), 4, config.model.context, 1);
  ThreadPool one(1);
  trainer.step(batcher.next(), one);
  *gradient = trainer.gradients().flat();
  return (before - trainer.parameters().flat()) / 1e-3;
}

TEST_CASE("a gradient longer than the limit is cut to its length, a shorter one is left alone") {
  RowVector<double> g;
  const auto expected = [&](double scale) {
    return RowVector<double>((g.array() * scale) / ((g.array() * scale).abs() + 1));
  };
  const RowVector<double> off = first_move(0, &g);
  const double norm = g.norm();
  REQUIRE(norm > 0);
  CHECK(off.isApprox(expected(1), 1e-9));
  CHECK(first_move(norm * 1.01, &g).isApprox(expected(1), 1e-9));
  CHECK(first_move(norm / 2, &g).isApprox(expected(0.5), 1e-9));
  CHECK(first_move(norm / 100, &g).isApprox(expected(0.01), 1e-9));
}

}  // namespace
}  // namespace nopeek::test::adamw_test
