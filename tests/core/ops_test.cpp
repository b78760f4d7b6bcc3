// The operations at values that are known from elsewhere, and at the edges of what floats can hold.
#include "core/nn/ops.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/core/support.h"

namespace nopeek::test::ops_test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST_CASE("softmax of the worked row: [-1.9, 0, -2.7, -2.9] gives [0.1176, 0.7863, 0.0528, 0.0433]") {
  Matrix<double> row(1, 4);
  row << -1.9, 0.0, -2.7, -2.9;
  softmax_forward<double>(row);
  const double expected[] = {0.1176, 0.7863, 0.0528, 0.0433};
  for (int i = 0; i < 4; ++i) CHECK(std::abs(row(0, i) - expected[i]) < 5.1e-5);
}

TEST_CASE("softmax does not care for a constant added to a row, nor for huge scores") {
  Rng rng(41);
  const Matrix<double> scores = random_matrix<double>(3, 6, rng);
  Matrix<double> a = scores, b = scores.array() + 700.0, c = scores.array() - 1e5;
  softmax_forward<double>(a), softmax_forward<double>(b), softmax_forward<double>(c);
  CHECK(a.isApprox(b, 1e-12));
  CHECK(a.isApprox(c, 1e-9));

  Matrix<float> huge(1, 3);
  huge << 3e38f, -3e38f, 3e38f;
  softmax_forward<float>(huge);
  CHECK(huge(0, 0) == 0.5f);
  CHECK(huge(0, 1) == 0.0f);
}

TEST_CASE_TEMPLATE("softmax does not hide a number that is none", S, float, double) {
  constexpr S kNan = std::numeric_limits<S>::quiet_NaN(), kMinusInf = -std::numeric_limits<S>::infinity();
  for (const int K : {1, 2, 5, 16, 40}) {
    Matrix<S> row = Matrix<S>::Constant(1, K, kMinusInf);
    row(0, K - 1) = kNan;
    softmax_forward<S>(row);
    CHECK(row.hasNaN());
  }
}

TEST_CASE_TEMPLATE("softmax gives exactly 0 for minus infinity, and a row of nothing else is all 0", S, float, double) {
  for (const int K : {1, 3, 4, 8, 17, 24}) {
    Matrix<S> rows(2, K);
    rows.setConstant(static_cast<S>(-kInf));
    rows(0, K - 1) = S(0.25);
    softmax_forward<S>(rows);
    CHECK(rows(0, K - 1) == S(1));
    CHECK(rows.leftCols(K - 1).isZero(0));
    CHECK(rows.row(1).isZero(0));
  }
}

TEST_CASE("GELU has the values of its formula, and is 0 and the identity far out") {
  Matrix<double> x(1, 7), y(1, 7);
  x << -10, -1, -0.5, 0, 0.5, 1, 10;
  gelu_forward<double>(x, y);
  for (int i = 0; i < 7; ++i) {
    const double v = x(0, i);
    CHECK(std::abs(y(0, i) - 0.5 * v * (1 + std::tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)))) < 1e-14);
  }
  CHECK(y(0, 5) == doctest::Approx(0.8411919906082768).epsilon(1e-12));  // PyTorch, approximate="tanh"
  CHECK(std::abs(y(0, 0)) < 1e-12);
  CHECK(y(0, 6) == doctest::Approx(10).epsilon(1e-12));
}

TEST_CASE("layer norm gives mean 0 and variance 1 before weight and bias") {
  constexpr int N = 3, C = 64;
  Rng rng(42);
  const Matrix<double> x = random_matrix<double>(N, C, rng, 7).array() + 40.0;
  Matrix<double> y(N, C);
  RowVector<double> mean(N), rstd(N);
  layer_norm_forward<double>(x, RowVector<double>::Ones(C), RowVector<double>::Zero(C), 1e-5, y, mean, rstd);
  for (int n = 0; n < N; ++n) {
    CHECK(std::abs(y.row(n).mean()) < 1e-12);
    CHECK(y.row(n).squaredNorm() / C == doctest::Approx(1).epsilon(1e-6));
    CHECK(mean[n] == doctest::Approx(x.row(n).mean()));
    CHECK(1 / (rstd[n] * rstd[n]) == doctest::Approx((x.row(n).array() - mean[n]).square().mean() + 1e-5));
  }
  const RowVector<double> weight = random_row<double>(C, rng), bias = random_row<double>(C, rng);
  Matrix<double> scaled(N, C);
  layer_norm_forward<double>(x, weight, bias, 1e-5, scaled, mean, rstd);
  for (int n = 0; n < N; ++n) {
    CHECK(scaled.row(n).isApprox((y.row(n).array() * weight.array() + bias.array()).matrix(), 1e-12));
  }
}

TEST_CASE("layer norm of a constant row is its bias, not NaN") {
  const Matrix<float> x = Matrix<float>::Constant(1, 8, 3.25f);
  Matrix<float> y(1, 8);
  RowVector<float> mean(1), rstd(1);
  layer_norm_forward<float>(x, RowVector<float>::Ones(8), RowVector<float>::Constant(8, 0.5f), 1e-5, y, mean, rstd);
  CHECK((y.array() == 0.5f).all());
}

TEST_CASE("cross-entropy: uniform logits cost ln V, a sure right answer nothing, a sure wrong one its margin") {
  Matrix<float> logits(3, 5), log_probs(3, 5);
  logits.setZero();
  logits(1, 2) = 500;
  logits(2, 0) = 500;
  const auto loss = [&](int row, int32_t target) {
    std::vector<int32_t> targets(3, kIgnore);
    targets[static_cast<size_t>(row)] = target;
    return cross_entropy_forward<float>(logits, targets, log_probs);
  };
  CHECK(loss(0, 3) == doctest::Approx(std::log(5.0)).epsilon(1e-6));
  CHECK(loss(1, 2) == 0.0);
  CHECK(loss(2, 4) == 500.0);  // the log of a softmax would be infinite
  CHECK(log_probs.array().exp().rowwise().sum().isApprox(Eigen::Array3f::Ones(), 1e-5f));
}

TEST_CASE("embedding adds the row of the token and the row of the position") {
  Rng rng(43);
  const Matrix<float> wte = random_matrix<float>(4, 3, rng), wpe = random_matrix<float>(5, 3, rng);
  const std::vector<int32_t> tokens = {3, 1, 1, 0};
  Matrix<float> x(4, 3);
  embedding_forward<float>(tokens, /*T=*/2, wte, wpe, x);
  CHECK(x.row(0) == wte.row(3) + wpe.row(0));
  CHECK(x.row(1) == wte.row(1) + wpe.row(1));
  CHECK(x.row(2) == wte.row(1) + wpe.row(0));
  CHECK(x.row(3) == wte.row(0) + wpe.row(1));
}

}  // namespace
}  // namespace nopeek::test::ops_test
