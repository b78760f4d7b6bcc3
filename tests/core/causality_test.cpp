// What the mask is for: a causal model's outputs do not depend on later tokens, and its honest loss is its reported
// one.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/core/support.h"

namespace nopeek::test::causality_test {
namespace {

constexpr int kT = 10;
const ModelConfig kConfig{.vocab = 11, .context = 12, .channels = 16, .layers = 2, .heads = 4};

/// Changes one token and tells which positions' logits keep their bits.
std::vector<bool> unmoved_by(SmallModel<float>& model, const Mask& mask, int changed) {
  const Matrix<float> before = model.logits(mask);
  auto& token = model.inputs[static_cast<size_t>(changed)];
  const TokenId original = token;
  token = (token + 1) % kConfig.vocab;
  const Matrix<float> after = model.logits(mask);
  token = original;
  std::vector<bool> unmoved;
  for (int t = 0; t < kT; ++t) unmoved.push_back(same_bits(before.row(t), after.row(t)));
  return unmoved;
}

TEST_CASE("changing token j moves no output before j of a causal model, not by one bit, and does move output j") {
  SmallModel<float> model(kConfig, 1, kT, 51);
  for (int j = 0; j < kT; ++j) {
    const auto unmoved = unmoved_by(model, Mask::causal(kT), j);
    for (int t = 0; t < kT; ++t) CHECK(unmoved[static_cast<size_t>(t)] == (t < j));
  }
}

TEST_CASE(
    "without a mask every output moves, and with one that is off by one exactly the answer leaks, layer by layer") {
  SmallModel<float> model(kConfig, 1, kT, 52);
  for (int j = 1; j < kT; ++j) {
    const auto full = unmoved_by(model, Mask::full(kT), j);
    for (int t = 0; t < kT; ++t) CHECK_FALSE(full[static_cast<size_t>(t)]);
    // Two layers, one token further each.
    const auto off = unmoved_by(model, Mask::off_by_one(kT), j);
    for (int t = 0; t < kT; ++t) CHECK(off[static_cast<size_t>(t)] == (t < j - kConfig.layers));
    const auto finite = unmoved_by(model, Mask::penalised_future(kT, -3), j);
    CHECK_FALSE(finite[static_cast<size_t>(j - 1)]);
  }
}

TEST_CASE("one sequence's outputs do not depend on the others in the batch") {
  SmallModel<float> model(kConfig, 3, kT, 53);
  const Mask mask = Mask::full(kT);
  const Matrix<float> before = model.logits(mask);
  for (int t = 0; t < kT; ++t) model.inputs[static_cast<size_t>(kT + t)] = t;  // the middle one
  const Matrix<float> after = model.logits(mask);
  CHECK(same_bits(before.topRows(kT), after.topRows(kT)));
  CHECK(same_bits(before.bottomRows(kT), after.bottomRows(kT)));
  CHECK_FALSE(same_bits(before.middleRows(kT, kT), after.middleRows(kT, kT)));
}

TEST_CASE("honest equals reported for causal masks of all kinds, not for those that leak") {
  SmallModel<double> model(kConfig, 2, kT, 56);
  const auto gap = [&](const Mask& mask) { return std::abs(honest_loss(model, mask) - model.loss(mask)); };
  Mask sparse = Mask::causal(kT);
  sparse.set(7, 2, Mask::kForbidden);
  sparse.set(9, 0, -2.5f);
  CHECK(gap(Mask::causal(kT)) < 1e-10);
  CHECK(gap(sparse) < 1e-10);
  CHECK(gap(Mask::full(kT)) > 1e-3);
  CHECK(gap(Mask::off_by_one(kT)) > 1e-3);
  CHECK(gap(Mask::penalised_future(kT, -2)) > 1e-3);
}

}  // namespace
}  // namespace nopeek::test::causality_test
