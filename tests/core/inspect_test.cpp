// One text, and all that a model computes of it.
#include "core/decode/inspect.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "tests/core/support.h"

namespace nopeek::test::inspect_test {
namespace {

constexpr int kContext = 7;
const ModelConfig kConfig{.vocab = 9, .context = kContext, .channels = 12, .layers = 2, .heads = 3};

std::vector<Mask> masks() {
  return {Mask::causal(kContext), Mask::full(kContext), Mask::off_by_one(kContext),
          Mask::penalised_future(kContext, -1)};
}

TEST_CASE("logits and attention are the training pass's; both losses leave the last position out") {
  SmallModel<double> model(kConfig, 1, kContext, 71);
  for (const Mask& mask : masks()) {
    for (int T = 1; T <= kContext; ++T) {
      const auto text = std::span(model.inputs).first(static_cast<size_t>(T));
      const auto seen = inspect<double>(model.parameters, mask, text);
      Activations<double> activations(kConfig, 1, T);
      forward<double>(model.parameters, text, 1, T, {&mask, 1}, Dropout{}, activations);
      head_forward<double>(model.parameters, activations);
      CHECK(same_bits(seen.logits, activations.views().logits));
      REQUIRE(seen.attention.size() == static_cast<size_t>(2 * 3 * T * T));
      for (int l = 0; l < 2; ++l) {
        const MatrixMap<double> weights(const_cast<double*>(seen.attention.data()) + l * 3 * T * T, 3 * T, T);
        CHECK(same_bits(weights, activations.views().layers[static_cast<size_t>(l)].attention));
      }
      CHECK(seen.gradient == nullptr);
      CHECK(seen.reported_loss.has_value() == (T > 1));
      CHECK(seen.honest_loss.has_value() == (T > 1));
      if (T == 1) continue;
      double reported = 0;
      for (int t = 0; t + 1 < T; ++t) {
        const auto row = seen.logits.row(t).array();
        reported += std::log(row.exp().sum()) - row[text[static_cast<size_t>(t) + 1]];
      }
      CHECK(*seen.reported_loss == doctest::Approx(reported / (T - 1)).epsilon(1e-12));
      // As the trainer measures it.
      std::vector<TokenId> targets(text.begin() + 1, text.end());
      targets.push_back(kIgnore);
      std::vector<int> all(text.size());
      std::iota(all.begin(), all.end(), 0);
      const double honest = HonestLoss<double>(kConfig, 1, T).sum(model.parameters, text, targets, mask, all) / (T - 1);
      CHECK(*seen.honest_loss == doctest::Approx(honest).epsilon(1e-12));
      const double gap = std::abs(*seen.honest_loss - *seen.reported_loss);
      if (mask.is_causal()) CHECK(gap < 1e-12);
      if (!mask.is_causal()) CHECK(gap > 1e-4);
    }
  }
}

TEST_CASE("the gradient is that of the reported loss, by central differences, and 0 where a weight had no part in it") {
  SmallModel<double> model(kConfig, 1, kContext, 72);
  const std::vector<TokenId> text = {3, 1, 4, 1, 5};
  for (const Mask& mask : masks()) {
    const auto seen = inspect<double>(model.parameters, mask, text, true);
    REQUIRE(seen.gradient != nullptr);
    double worst = 0;
    for (size_t i = 0; i < model.parameters.size(); i += 7) {
      auto weights = model.parameters.flat();
      const double kept = weights[static_cast<Eigen::Index>(i)], h = 1e-4;
      const auto at = [&](double shift) {
        weights[static_cast<Eigen::Index>(i)] = kept + shift;
        return *inspect<double>(model.parameters, mask, text).reported_loss;
      };
      const double slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      weights[static_cast<Eigen::Index>(i)] = kept;
      worst = std::max(worst, std::abs(slope - seen.gradient->flat()[static_cast<Eigen::Index>(i)]));
    }
    CHECK(worst < 1e-9);
    CHECK(seen.gradient->wpe().bottomRows(kContext - 5).isZero(0));  // positions that the text did not reach
    CHECK_FALSE(seen.gradient->wpe().row(3).isZero(0));
  }
}

TEST_CASE("one token has logits and attention, and no loss and no gradient") {
  SmallModel<float> model(kConfig, 1, kContext, 73);
  const auto seen = inspect<float>(model.parameters, Mask::causal(kContext), std::vector<TokenId>{2}, true);
  CHECK(seen.logits.rows() == 1);
  CHECK(seen.attention == std::vector<float>(6, 1.0f));
  CHECK_FALSE(seen.reported_loss.has_value());
  CHECK_FALSE(seen.honest_loss.has_value());
  CHECK(seen.gradient == nullptr);
}

TEST_CASE("texts that do not fit are refused in one line that says what to do") {
  SmallModel<float> model(kConfig, 1, kContext, 74);
  const auto refused = [&](std::vector<TokenId> text) {
    return error_of([&] { inspect<float>(model.parameters, Mask::causal(kContext), text); });
  };
  CHECK(contains(refused({}), "no token"));
  CHECK(contains(refused({1, 2, 3, 4, 5, 6, 7, 8}), "8 tokens, and this model reads at most 7"));
  CHECK(contains(refused({1, 9}), "token 9"));
  CHECK(refused({1, 2, 3, 4, 5, 6, 7}).empty());
}

TEST_CASE("what was called off ends at once, also where there is no loss to work out") {
  SmallModel<float> model(kConfig, 1, kContext, 76);
  Progress progress;
  const auto look = [&](std::vector<TokenId> text) {
    inspect<float>(model.parameters, Mask::causal(kContext), text, true, &progress);
  };
  CHECK_NOTHROW(look({1, 2, 3}));
  progress.cancelled = true;
  CHECK_THROWS_AS(look({1}), Cancelled);
  CHECK_THROWS_AS(look({1, 2, 3}), Cancelled);
}

TEST_CASE("losses stay right where probabilities underflow") {
  SmallModel<float> model(kConfig, 1, kContext, 75);
  model.parameters.wte() *= 3000.0f;
  const auto seen = inspect<float>(model.parameters, Mask::causal(kContext), std::vector<TokenId>{1, 2, 3, 4});
  CHECK(*seen.reported_loss > 1000);
  CHECK(std::isfinite(*seen.reported_loss));
  CHECK(*seen.honest_loss == doctest::Approx(*seen.reported_loss).epsilon(1e-5));
}

}  // namespace
}  // namespace nopeek::test::inspect_test
