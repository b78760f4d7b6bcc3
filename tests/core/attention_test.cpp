// Laws of attention, and figures worked by hand.
#include "core/nn/attention.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>

#include "tests/core/support.h"

namespace nopeek::test::attention_test {
namespace {

template <class S>
struct Pass {
  Pass(int B, int T_, int NH_, int C, uint64_t seed, double scale = 1)
      : T(T_),
        NH(NH_),
        rng(seed),
        qkv(random_matrix<S>(B * T, 3 * C, rng, scale)),
        weights(B * NH * T, T),
        out(B * T, C) {}
  void run(const std::vector<Mask>& masks, const Dropout& drop = {}) {
    attention_forward<S>(qkv, T, NH, S(1) / std::sqrt(static_cast<S>(out.cols() / NH)), masks, drop, weights, out);
  }
  int T, NH;
  Rng rng;
  Matrix<S> qkv, weights, out;
};

TEST_CASE("forbidden weights are exactly 0, bit for bit, at any scale of the scores and any width") {
  for (const int T : {1, 2, 7, 16, 24, 33}) {
    for (const double scale : {1e-3, 1.0, 30.0}) {
      Pass<float> pass(2, T, 2, 8, 31, scale);
      pass.run({Mask::causal(T)});
      for (Eigen::Index row = 0; row < pass.weights.rows(); ++row) {
        for (Eigen::Index key = row % T + 1; key < T; ++key) {
          REQUIRE(std::bit_cast<uint32_t>(pass.weights(row, key)) == 0u);
        }
      }
      CHECK(future_attention<float>(pass.weights, T) == 0.0);
    }
  }
}

TEST_CASE("rows of attention are distributions: not negative, sum 1") {
  constexpr int T = 9;
  const Mask masks[] = {Mask::causal(T), Mask::full(T), Mask::off_by_one(T), Mask::penalised_future(T, -4),
                        Mask::causal(T).left_padded(3)};
  for (const Mask& mask : masks) {
    for (const double scale : {0.1, 1.0, 30.0}) {
      Pass<float> pass(2, T, 4, 8, 32, scale);
      pass.run({mask});
      CHECK(pass.weights.minCoeff() >= 0);
      for (Eigen::Index row = 0; row < pass.weights.rows(); ++row)
        CHECK(std::abs(pass.weights.row(row).sum() - 1) < 1e-5f);
    }
  }
}

TEST_CASE("attention equals its formula, head by head and key by key") {
  constexpr int B = 2, T = 4, NH = 3, C = 6, HS = C / NH;
  Pass<double> pass(B, T, NH, C, 33);
  const std::vector<Mask> masks = {Mask::penalised_future(T, -2), Mask::off_by_one(T)};
  pass.run(masks);
  for (int b = 0; b < B; ++b) {
    for (int h = 0; h < NH; ++h) {
      for (int q = 0; q < T; ++q) {
        std::vector<double> p(T);
        double sum = 0;
        for (int k = 0; k < T; ++k) {
          double score = 0;
          for (int i = 0; i < HS; ++i) score += pass.qkv(b * T + q, h * HS + i) * pass.qkv(b * T + k, C + h * HS + i);
          p[k] = std::exp(score / std::sqrt(double{HS}) + masks[static_cast<size_t>(b)](q, k));
          sum += p[k];
        }
        for (int k = 0; k < T; ++k)
          CHECK(pass.weights((b * NH + h) * T + q, k) == doctest::Approx(p[k] / sum).epsilon(1e-13));
        for (int i = 0; i < HS; ++i) {
          double value = 0;
          for (int k = 0; k < T; ++k) value += p[k] / sum * pass.qkv(b * T + k, 2 * C + h * HS + i);
          CHECK(pass.out(b * T + q, h * HS + i) == doctest::Approx(value).epsilon(1e-13));
        }
      }
    }
  }
}

TEST_CASE("a mask larger than T counts by its top left corner") {
  constexpr int T = 4;
  Pass<float> small(1, T, 2, 8, 34), large(1, T, 2, 8, 34);
  small.run({Mask::off_by_one(T)});
  large.run({Mask::off_by_one(T + 5)});
  CHECK(same_bits(small.out, large.out));
}

TEST_CASE("future attention is the mean weight on keys after the query") {
  Matrix<double> weights(6, 3);  // two heads
  weights << 0.5, 0.3, 0.2,      //
      0.1, 0.2, 0.7,             //
      0.2, 0.2, 0.6,             //
      1.0, 0.0, 0.0,             //
      0.4, 0.5, 0.1,             //
      0.0, 0.0, 1.0;
  CHECK(future_attention<double>(weights, 3) == doctest::Approx((0.5 + 0.7 + 0 + 0 + 0.1 + 0) / 6));
  CHECK(future_attention<double>(Matrix<double>::Ones(1, 1), 1) == 0.0);
}

TEST_CASE("the weights that are shown are those before dropout") {
  constexpr int T = 6;
  Pass<float> plain(1, T, 2, 8, 35), dropped(1, T, 2, 8, 35);
  plain.run({Mask::causal(T)});
  dropped.run({Mask::causal(T)}, Dropout{0.5, 3});
  CHECK(same_bits(plain.weights, dropped.weights));
  CHECK_FALSE(same_bits(plain.out, dropped.out));
}

}  // namespace
}  // namespace nopeek::test::attention_test
