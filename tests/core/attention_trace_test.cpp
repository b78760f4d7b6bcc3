// The numbers that the Microscope shows are those of the model: stages, summaries and projections of its heads.
#include "core/decode/attention_trace.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "core/decode/inspect.h"
#include "core/decode/projection.h"
#include "tests/core/support.h"

namespace nopeek::test::attention_trace_test {
namespace {

constexpr int kContext = 9;
const ModelConfig kConfig{.vocab = 11, .context = kContext, .channels = 12, .layers = 2, .heads = 3};
constexpr int kHeadSize = 4;

/// Every second future key hidden, and one finite penalty: a mask that somebody painted.
Mask painted() {
  Mask mask = Mask::full(kContext);
  for (int q = 0; q < kContext; ++q) {
    for (int k = q + 1; k < kContext; k += 2) mask.set(q, k, Mask::kForbidden);
  }
  mask.set(4, 1, -2.5f);
  return mask;
}

std::vector<Mask> masks() {
  return {Mask::causal(kContext), Mask::full(kContext), Mask::off_by_one(kContext),
          Mask::penalised_future(kContext, -3), painted()};
}

/// A model without any scores: every visible key gets the same weight.
Parameters<float> without_scores() {
  SmallModel<float> model(kConfig, 1, kContext, 5);
  for (int l = 0; l < kConfig.layers; ++l) {
    auto weight = model.parameters.block(l).c_attn_weight;
    auto bias = model.parameters.block(l).c_attn_bias;
    weight.leftCols(kConfig.channels).setZero();
    bias.head(kConfig.channels).setZero();
  }
  return std::move(model.parameters);
}

TEST_CASE("a trace has the attention, future shares and mean that inspect() and its heads have, under every mask") {
  SmallModel<float> model(kConfig, 1, kContext, 72);
  for (const Mask& mask : masks()) {
    for (int T = 1; T <= kContext; ++T) {
      const auto text = std::span(model.inputs).first(static_cast<size_t>(T));
      const auto seen = inspect<float>(model.parameters, mask, text);
      const AttentionTrace trace = trace_attention(model.parameters, mask, text);
      REQUIRE(trace.heads.size() == 6);
      Matrix<float> mean = Matrix<float>::Zero(T, T);
      for (int l = 0; l < 2; ++l) {
        for (int h = 0; h < 3; ++h) {
          const MatrixMap<float> weights(const_cast<float*>(seen.attention.data()) + (l * 3 + h) * T * T, T, T);
          const auto stages = head_stages<float>(trace.qkv[static_cast<size_t>(l)], 3, h, mask);
          // Not by bits: where a row begins in memory decides in which order Eigen sums it (see core/base/types.h).
          CHECK((stages.weights - weights).cwiseAbs().maxCoeff() <= 1e-6f);
          CHECK(((stages.weights.array() == 0) == (weights.array() == 0)).all());
          CHECK(trace.head(l, h).future_attention ==
                doctest::Approx(future_attention<float>(weights, T)).epsilon(1e-6));
          mean += weights;
        }
      }
      mean /= 6;
      for (int q = 0; q < T; ++q) {
        for (int k = 0; k < T; ++k) {
          if (mask.visible(q, k)) CHECK(trace.mean(q, k) == doctest::Approx(mean(q, k)).epsilon(1e-6));
          if (!mask.visible(q, k)) CHECK(trace.mean(q, k) == Mask::kForbidden);
        }
      }
    }
  }
}

TEST_CASE("each stage of a head follows from the one before") {
  SmallModel<float> model(kConfig, 1, kContext, 73);
  for (const Mask& mask : masks()) {
    const AttentionTrace trace = trace_attention(model.parameters, mask, model.inputs);
    for (int h = 0; h < 3; ++h) {
      const auto s = head_stages<float>(trace.qkv[1], 3, h, mask);
      for (int q = 0; q < kContext; ++q) {
        std::vector<double> scores;
        for (int k = 0; k < kContext; ++k) {
          double dot = 0;
          for (int d = 0; d < kHeadSize; ++d)
            dot += static_cast<double>(s.query(q, d)) * static_cast<double>(s.key(k, d));
          CHECK(s.scores(q, k) == doctest::Approx(dot).epsilon(1e-5).scale(1));
          CHECK(s.scaled(q, k) == doctest::Approx(dot / 2).epsilon(1e-5).scale(1));  // sqrt(4)
          if (mask.visible(q, k)) CHECK(s.masked(q, k) == s.scaled(q, k) + mask(q, k));
          if (!mask.visible(q, k)) {
            CHECK(s.masked(q, k) == Mask::kForbidden);
            CHECK(std::bit_cast<uint32_t>(s.weights(q, k)) == 0u);  // 0 exactly, and not small
          }
          scores.push_back(static_cast<double>(s.masked(q, k)));
        }
        const SoftmaxSteps steps = softmax_steps(scores);
        double sum = 0;
        for (int k = 0; k < kContext; ++k) {
          const auto i = static_cast<size_t>(k);
          CHECK(static_cast<double>(s.weights(q, k)) == doctest::Approx(steps.weights[i]).epsilon(1e-5).scale(1));
          CHECK(steps.exp[i] == doctest::Approx(std::exp(scores[i] - steps.max)));
          sum += steps.exp[i];
        }
        CHECK(steps.sum == doctest::Approx(sum));
        for (int d = 0; d < kHeadSize; ++d) {
          double out = 0;
          for (int k = 0; k < kContext; ++k)
            out += static_cast<double>(s.weights(q, k)) * static_cast<double>(s.value(k, d));
          CHECK(static_cast<double>(s.output(q, d)) == doctest::Approx(out).epsilon(1e-5).scale(1));
        }
      }
    }
  }
}

TEST_CASE("softmax written out agrees with the model's softmax, also for large scores and a single visible one") {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<std::vector<double>> rows = {
      {0}, {3.5, -inf, -inf}, {-inf, -inf, 2}, {1000, 999, -1000}, {-800, -801, -inf}, {0, 0, 0, 0}};
  for (const auto& row : rows) {
    Matrix<double> scores(1, static_cast<Eigen::Index>(row.size()));
    for (size_t i = 0; i < row.size(); ++i) scores(0, static_cast<Eigen::Index>(i)) = row[i];
    softmax_forward<double>(scores);
    const SoftmaxSteps steps = softmax_steps(row);
    for (size_t i = 0; i < row.size(); ++i) {
      CHECK(steps.weights[i] == doctest::Approx(scores(0, static_cast<Eigen::Index>(i))).epsilon(1e-12));
      if (std::isinf(row[i])) {
        CHECK(steps.weights[i] == 0.0);
        CHECK(steps.shifted[i] == -inf);
      }
    }
  }
}

TEST_CASE("attention that is spread evenly has the entropy ln n") {
  const Parameters<float> parameters = without_scores();
  Rng rng(9);
  const auto text = random_tokens(kContext, kConfig.vocab, rng);
  const AttentionTrace full = trace_attention(parameters, Mask::full(kContext), text);
  const AttentionTrace causal = trace_attention(parameters, Mask::causal(kContext), text);
  double entropy = 0, previous = 0;
  for (int q = 0; q < kContext; ++q) {
    entropy += std::log(q + 1.0) / kContext;
    if (q > 0) previous += 1.0 / (q + 1) / (kContext - 1);
  }
  for (int l = 0; l < kConfig.layers; ++l) {
    for (int h = 0; h < kConfig.heads; ++h) {
      CHECK(full.head(l, h).entropy == doctest::Approx(std::log(static_cast<double>(kContext))).epsilon(1e-6));
      CHECK(full.head(l, h).previous_token == doctest::Approx(1.0 / kContext).epsilon(1e-6));
      CHECK(full.head(l, h).future_attention == doctest::Approx((kContext - 1.0) / (2 * kContext)).epsilon(1e-6));
      CHECK(causal.head(l, h).entropy == doctest::Approx(entropy).epsilon(1e-6));
      CHECK(causal.head(l, h).previous_token == doctest::Approx(previous).epsilon(1e-6));
      CHECK(causal.head(l, h).future_attention == 0.0f);
    }
  }
}

TEST_CASE("a head that can only look at the token before has the score 1, and no entropy") {
  Mask mask = Mask::full(kContext);
  for (int q = 0; q < kContext; ++q) {
    for (int k = 0; k < kContext; ++k) mask.set(q, k, k == std::max(0, q - 1) ? 0 : Mask::kForbidden);
  }
  SmallModel<float> model(kConfig, 1, kContext, 74);
  const AttentionTrace trace = trace_attention(model.parameters, mask, model.inputs);
  for (const HeadSummary& head : trace.heads) {
    CHECK(head.previous_token == 1.0f);
    CHECK(head.entropy == 0.0f);
    CHECK(head.future_attention == 0.0f);
  }
  const AttentionTrace one = trace_attention(model.parameters, mask, std::span(model.inputs).first(1));
  CHECK(one.heads.front().previous_token == 0.0f);  // there is no token before
  CHECK(one.mean(0, 0) == 1.0f);
}

TEST_CASE("a head's picture keeps the largest weight of each square, and forbids only what is forbidden as a whole") {
  constexpr int T = 150;
  const ModelConfig config{.vocab = 11, .context = T, .channels = 8, .layers = 1, .heads = 2};
  SmallModel<float> model(config, 1, T, 75);
  const Mask mask = Mask::causal(T);
  const AttentionTrace trace = trace_attention(model.parameters, mask, model.inputs);
  constexpr int S = HeadSummary::kMostCells;
  for (int h = 0; h < 2; ++h) {
    const auto s = head_stages<float>(trace.qkv[0], 2, h, mask);
    Matrix<float> largest = Matrix<float>::Constant(S, S, Mask::kForbidden);
    for (int q = 0; q < T; ++q) {
      for (int k = 0; k <= q; ++k) {
        float& cell = largest(q * S / T, k * S / T);
        cell = std::max(cell, s.weights(q, k));
      }
    }
    const Matrix<float>& picture = trace.head(0, h).picture;
    for (int q = 0; q < S; ++q) {
      for (int k = 0; k < S; ++k) {
        if (std::isinf(largest(q, k))) CHECK(picture(q, k) == Mask::kForbidden);
        // The pass and the stages may sum a dot product in another order.
        if (!std::isinf(largest(q, k))) CHECK(picture(q, k) == doctest::Approx(largest(q, k)).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("a query, key or value is the sum that it is written out as") {
  SmallModel<float> model(kConfig, 1, kContext, 76);
  const AttentionTrace trace = trace_attention(model.parameters, Mask::causal(kContext), model.inputs);
  for (int l = 0; l < kConfig.layers; ++l) {
    const Matrix<float>& x = trace.ln_1[static_cast<size_t>(l)];
    for (int h = 0; h < kConfig.heads; ++h) {
      const auto s = head_stages<float>(trace.qkv[static_cast<size_t>(l)], kConfig.heads, h, Mask::causal(kContext));
      const Matrix<float>* parts[] = {&s.query, &s.key, &s.value};
      for (int part = 0; part < 3; ++part) {
        for (int d = 0; d < kHeadSize; ++d) {
          const ProjectedValue v = projected_value(model.parameters, x, l, 5, static_cast<Projection>(part), h, d);
          CHECK(v.value == doctest::Approx((*parts[part])(5, d)).epsilon(1e-5).scale(1));
          CHECK(v.part_column == h * kHeadSize + d);
          CHECK(v.column == part * kConfig.channels + v.part_column);
          REQUIRE(v.terms.size() == static_cast<size_t>(kConfig.channels));
          double sum = v.bias;
          for (size_t i = 0; i < v.terms.size(); ++i) {
            sum += v.terms[i].product();
            if (i > 0) CHECK(std::abs(v.terms[i].product()) <= std::abs(v.terms[i - 1].product()));
          }
          CHECK(sum == doctest::Approx(v.value).epsilon(1e-12).scale(1));
        }
      }
    }
  }
}

TEST_CASE("the difference of two heads is hatched only where both masks forbid, and never NaN") {
  SmallModel<float> model(kConfig, 1, kContext, 77);
  const auto all = masks();
  for (const Mask& a : all) {
    for (const Mask& b : all) {
      const auto of = [&](const Mask& mask) {
        return head_stages<float>(trace_attention(model.parameters, mask, model.inputs).qkv[0], 3, 1, mask);
      };
      const auto x = of(a), y = of(b);
      const Matrix<float> weights = head_difference(x.weights, a, y.weights, b),
                          scores = head_difference(x.masked, a, y.masked, b);
      for (int q = 0; q < kContext; ++q) {
        for (int k = 0; k < kContext; ++k) {
          const bool va = a.visible(q, k), vb = b.visible(q, k);
          CHECK_FALSE(std::isnan(scores(q, k)));
          if (!va && !vb) {
            CHECK(weights(q, k) == Mask::kForbidden);
            CHECK(scores(q, k) == Mask::kForbidden);
            continue;
          }
          CHECK(weights(q, k) == x.weights(q, k) - y.weights(q, k));
          if (va && vb) CHECK(scores(q, k) == x.masked(q, k) - y.masked(q, k));
          if (va != vb) CHECK(scores(q, k) == (va ? kUnbounded : -kUnbounded));
        }
      }
    }
  }
}

TEST_CASE("a text that the model cannot read is refused") {
  SmallModel<float> model(kConfig, 1, kContext, 78);
  const auto trace = [&](std::vector<TokenId> text) {
    return error_of([&] { trace_attention(model.parameters, Mask::causal(kContext), text); });
  };
  CHECK_FALSE(trace({}).empty());
  CHECK_FALSE(trace(std::vector<TokenId>(kContext + 1, 0)).empty());
  CHECK_FALSE(trace({TokenId{11}}).empty());
  Progress progress;
  progress.cancelled = true;
  CHECK_THROWS_AS(trace_attention(model.parameters, Mask::causal(kContext), model.inputs, &progress), Cancelled);
}

}  // namespace
}  // namespace nopeek::test::attention_trace_test
