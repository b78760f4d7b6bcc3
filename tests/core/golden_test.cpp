// NoPeek against PyTorch: the numbers of tests/golden/make_golden.py.
#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "core/train/trainer.h"
#include "tests/core/support.h"

namespace nopeek::test::golden_test {
namespace {

using Golden = std::map<std::string, Matrix<double>>;

Golden read_golden(const std::string& file_name) {
  Golden golden;
  std::ifstream file(test::source_folder() / "tests/golden" / file_name);
  REQUIRE_MESSAGE(file, "cannot read ", file_name);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name;
    Eigen::Index rows = 0, cols = 0;
    fields >> name >> rows >> cols;
    Matrix<double> values(rows, cols);
    for (Eigen::Index i = 0; i < values.size(); ++i) fields >> values.data()[i];
    REQUIRE_MESSAGE(fields, file_name, ": ", name, " is cut short");
    golden[name] = std::move(values);
  }
  return golden;
}

const Golden& model_file() {
  static const Golden golden = read_golden("model.txt");
  return golden;
}

struct Sizes {
  int B, T, C, L, NH, V;
};
Sizes sizes() {
  const auto& s = model_file().at("B,T,C,L,NH,V");
  const auto at = [&](int i) { return static_cast<int>(s(0, i)); };
  return {at(0), at(1), at(2), at(3), at(4), at(5)};
}

RunConfig run_config() {
  const auto [B, T, C, L, NH, V] = sizes();
  const auto& s = model_file().at("steps,warmup,rate,decay,clip");
  RunConfig config;
  config.model = {.vocab = V, .context = T, .channels = C, .layers = L, .heads = NH};
  config.train.batch = B;
  config.train.warmup_steps = static_cast<int>(s(0, 1));
  config.train.learning_rate = s(0, 2);
  config.train.weight_decay = s(0, 3);
  config.train.grad_clip = s(0, 4);
  return config;
}

Batch golden_batch(int step) {
  const auto [B, T, C, L, NH, V] = sizes();
  const auto& windows = model_file().at("windows");
  Batch batch{B, T, {}, {}};
  for (int b = 0; b < B; ++b) {
    for (int t = 0; t < T; ++t) {
      batch.inputs.push_back(static_cast<TokenId>(windows(step * B + b, t)));
      batch.targets.push_back(static_cast<TokenId>(windows(step * B + b, t + 1)));
    }
  }
  return batch;
}

template <class S>
void load_weights(Parameters<S>& parameters) {
  for (const TensorSpec& spec : parameters.table()) {
    const auto& golden = model_file().at(spec.name);
    REQUIRE(golden.rows() == spec.rows);
    REQUIRE(golden.cols() == spec.cols);
    parameters.tensor(spec) = golden.cast<S>();
  }
}

/// The largest difference, relative to the largest value (or to 1, where that is larger).
template <class M>
double distance(const M& ours, const Matrix<double>& golden) {
  REQUIRE(ours.rows() == golden.rows());
  REQUIRE(ours.cols() == golden.cols());
  const Matrix<double> mine = ours.template cast<double>();
  return (mine - golden).cwiseAbs().maxCoeff() / std::max(1.0, golden.cwiseAbs().maxCoeff());
}

template <class S>
constexpr double kTolerance = sizeof(S) == 4 ? 1e-5 : 1e-12;

template <class S>
void check_pass(const Mask& mask, const Golden& golden) {
  const ModelConfig config = run_config().model;
  const Batch batch = golden_batch(0);
  SmallModel<S> model(config, batch.B, batch.T, 1);
  load_weights(model.parameters);
  model.inputs = batch.inputs;
  model.targets = batch.targets;

  const auto count = static_cast<double>(batch.targets.size());
  const double loss = model.loss(mask) / count;
  const auto& acts = model.activations.views();
  CHECK(loss == doctest::Approx(golden.at("loss")(0, 0)).epsilon(kTolerance<S>));
  CHECK(distance(acts.logits, golden.at("logits")) < kTolerance<S>);
  for (int l = 0; l < config.layers; ++l) {
    const auto& weights = acts.layers[static_cast<size_t>(l)].attention;
    CHECK(distance(weights, golden.at("attention." + std::to_string(l))) < kTolerance<S>);
  }

  model.gradients.set_zero();
  backward<S>(model.parameters, model.inputs, model.targets, static_cast<S>(1 / count), Dropout{}, model.activations,
              model.scratch, model.gradients);
  for (const TensorSpec& spec : model.parameters.table()) {
    CAPTURE(spec.name);
    CHECK(distance(model.gradients.tensor(spec), golden.at("d." + spec.name)) < kTolerance<S>);
  }
}

template <class S>
void check_training(const Mask& mask, const Golden& golden, double tolerance) {
  Trainer<S> trainer(run_config(), mask);
  load_weights(trainer.parameters());
  ThreadPool one(1);
  const auto& losses = golden.at("training");
  for (int step = 0; step < losses.cols(); ++step) {
    CAPTURE(step);
    const StepStats stats = trainer.step(golden_batch(step), one);
    CHECK(static_cast<double>(stats.reported) == doctest::Approx(losses(0, step)).epsilon(tolerance));
  }
}

TEST_CASE("PyTorch agrees on logits, attention, loss and every gradient, under the causal mask and without one") {
  const int T = sizes().T;
  const Golden causal = read_golden("causal.txt"), full = read_golden("full.txt");
  SUBCASE("in double") {
    check_pass<double>(Mask::causal(T), causal);
    check_pass<double>(Mask::full(T), full);
  }
  SUBCASE("in float") {
    check_pass<float>(Mask::causal(T), causal);
    check_pass<float>(Mask::full(T), full);
  }
}

TEST_CASE("PyTorch agrees on ten losses of training with AdamW, warm-up, decay of matrices and clipping") {
  const int T = sizes().T;
  const Golden causal = read_golden("causal.txt"), full = read_golden("full.txt");
  // StepStats are float, also in double training: 1e-7 is all they can show. PyTorch divides the clip by norm + 1e-6.
  SUBCASE("in double") {
    check_training<double>(Mask::causal(T), causal, 3e-7);
    check_training<double>(Mask::full(T), full, 3e-7);
  }
  SUBCASE("in float") {
    check_training<float>(Mask::causal(T), causal, 1e-5);
    check_training<float>(Mask::full(T), full, 1e-5);
  }
}

TEST_CASE("the golden values of both masks differ, so that neither check could pass for the other") {
  const Golden causal = read_golden("causal.txt"), full = read_golden("full.txt");
  CHECK(distance(full.at("logits"), causal.at("logits")) > 1e-3);
  CHECK(distance(full.at("training"), causal.at("training")) > 1e-3);
}

}  // namespace
}  // namespace nopeek::test::golden_test
