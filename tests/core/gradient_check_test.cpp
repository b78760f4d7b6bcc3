// The checker itself: it must accept what is right and catch what is wrong.
#include "tests/core/gradient_check.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "core/nn/attention.h"
#include "tests/core/support.h"

namespace nopeek::test::gradient_check_test {
namespace {

/// f(x) = sum sin(x_i) x_{i+1}, and its gradient.
struct Example {
  std::vector<double> x = {0.3, -1.2, 2.0, 0.7};
  double value() const {
    double sum = 0;
    for (size_t i = 0; i + 1 < x.size(); ++i) sum += std::sin(x[i]) * x[i + 1];
    return sum;
  }
  std::vector<double> gradient() const {
    std::vector<double> g(x.size());
    for (size_t i = 0; i + 1 < x.size(); ++i) {
      g[i] += std::cos(x[i]) * x[i + 1];
      g[i + 1] += std::sin(x[i]);
    }
    return g;
  }
};

TEST_CASE("the gradient checker accepts a right gradient and leaves x as it was") {
  Example example;
  const auto before = example.x;
  const auto gradient = example.gradient();
  CHECK_GRADIENT(check_gradient(example.x, gradient, [&] { return example.value(); }));
  CHECK(example.x == before);
}

TEST_CASE(
    "the gradient checker catches a wrong sign, a small wrong factor, a lost entry, NaN and a gradient of zeros") {
  Example example;
  const auto right = example.gradient();
  const auto caught = [&](const std::vector<double>& planted) {
    return !check_gradient(example.x, planted, [&] { return example.value(); }).agrees();
  };
  for (size_t i = 0; i < right.size(); ++i) {
    auto wrong = right;
    wrong[i] = -right[i];
    CHECK(caught(wrong));
    wrong[i] = right[i] * (1 + 3e-6);
    CHECK(caught(wrong));
    wrong[i] = 0;
    CHECK(caught(wrong));
    wrong[i] = std::nan("");
    CHECK(caught(wrong));
  }
  CHECK(caught(std::vector<double>(right.size(), 0.0)));
  CHECK(caught({right.begin(), right.end() - 1}));
  std::vector<double> x = {1.0}, nothing = {0.0};
  CHECK_FALSE(check_gradient(x, nothing, [] { return 7.0; }).agrees());
}

TEST_CASE("the gradient checker catches an attention backward that forgets 1 / sqrt(HS)") {
  constexpr int T = 4, NH = 1, C = 4;
  Rng rng(3);
  Matrix<double> qkv = random_matrix<double>(T, 3 * C, rng), weights(NH * T, T), out(T, C), dqkv(T, 3 * C);
  const Matrix<double> dout = random_matrix<double>(T, C, rng);
  const Mask mask = Mask::causal(T);
  const auto loss = [&] {
    attention_forward<double>(qkv, T, NH, 0.5, {&mask, 1}, Dropout{}, weights, out);
    return out.cwiseProduct(dout).sum();
  };
  loss();
  attention_backward<double>(dout, qkv, weights, T, NH, 0.5, Dropout{}, dqkv);
  CHECK(check_gradient(entries(qkv), entries(dqkv), loss).agrees());
  dqkv.leftCols(2 * C) *= std::sqrt(double{C});  // query and key
  CHECK_FALSE(check_gradient(entries(qkv), entries(dqkv), loss).agrees());
}

}  // namespace
}  // namespace nopeek::test::gradient_check_test
