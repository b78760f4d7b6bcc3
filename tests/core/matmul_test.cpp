#include "core/nn/matmul.h"

#include <doctest/doctest.h>

#include "tests/core/support.h"

namespace nopeek::test::matmul_test {

using Eigen::Index;

namespace {

// Around every edge that the product is cut at: lanes, tiles, panels, blocks.
const std::vector<Index> kSizes = {1, 2, 5, 8, 12, 13, 16, 17, 31, 32, 33, 64, 100, 197};

/// The definition, in double; by pointers, which are quick in builds that are not optimised, too.
template <class S>
Matrix<S> product(const Matrix<S>& A, const Matrix<S>& B) {
  const Index N = B.cols();
  Matrix<double> C = Matrix<double>::Zero(A.rows(), N);
  for (Index m = 0; m < A.rows(); ++m) {
    double* c = C.data() + m * N;
    for (Index k = 0; k < A.cols(); ++k) {
      const auto a = static_cast<double>(A(m, k));
      const S* b = B.data() + k * N;
      for (Index n = 0; n < N; ++n) c[n] += a * static_cast<double>(b[n]);
    }
  }
  return C.template cast<S>();
}

template <class S>
void check_products(Index M, Index K, Index N) {
  CAPTURE(M);
  CAPTURE(K);
  CAPTURE(N);
  Rng rng(static_cast<uint64_t>(M * 1'000'000 + K * 1000 + N));
  const auto A = test::random_matrix<S>(M, K, rng), B = test::random_matrix<S>(K, N, rng);
  const Matrix<S> expected = product(A, B), At = A.transpose(), Bt = B.transpose();
  const S tolerance = static_cast<S>(K) * (std::is_same_v<S, float> ? S(1e-6) : S(1e-14));
  const auto near = [&](const Matrix<S>& C, const Matrix<S>& truth) {
    return (C - truth).cwiseAbs().maxCoeff() < tolerance;
  };

  Matrix<S> C = Matrix<S>::Constant(M, N, std::numeric_limits<S>::quiet_NaN());
  matmul<S>(A, B, C);
  CHECK(near(C, expected));
  matmul<S>(At.transpose(), B, C);
  CHECK(near(C, expected));
  matmul<S>(A, Bt.transpose(), C);
  CHECK(near(C, expected));
  matmul_add<S>(A, B, C);
  CHECK(near(C, 2 * expected));
  const RowVector<S> b = test::random_row<S>(N, rng);
  matmul_bias<S>(A, B, b, C);
  CHECK(near(C, expected.rowwise() + b));
}

}  // namespace

TEST_CASE_TEMPLATE("A product is its definition at every size, of matrices and of transposes", S, float, double) {
  for (const Index M : kSizes) {
    for (const Index N : kSizes) check_products<S>(M, kSizes[static_cast<size_t>(M * N) % kSizes.size()], N);
  }
  check_products<S>(3, 800, 40);  // deeper and wider than what is packed at a time
  check_products<S>(40, 5, 900);
  check_products<S>(400, 390, 390);
}

TEST_CASE("A product reads and writes blocks and leaves what lies around them") {
  Rng rng(5);
  const auto big = test::random_matrix<float>(40, 70, rng), other = test::random_matrix<float>(50, 90, rng);
  Matrix<float> C = Matrix<float>::Constant(30, 60, 7.0f);
  matmul<float>(big.block(3, 5, 20, 29), other.block(2, 1, 29, 37), C.block(4, 6, 20, 37));
  const Matrix<float> A = big.block(3, 5, 20, 29), B = other.block(2, 1, 29, 37);
  CHECK((C.block(4, 6, 20, 37) - product(A, B)).cwiseAbs().maxCoeff() < 3e-5f);
  C.block(4, 6, 20, 37).setConstant(7.0f);
  CHECK((C.array() == 7.0f).all());
}

TEST_CASE("A row of a product has the same bits wherever its memory begins, and whatever rows stand beside it") {
  Rng rng(6);
  const auto A = test::random_matrix<float>(29, 64, rng), B = test::random_matrix<float>(64, 48, rng);
  Matrix<float> all(29, 48), part(29, 48);
  matmul<float>(A, B, all);
  for (const Index from : {0, 1, 7}) {
    Matrix<float> shifted(29, 65);
    shifted.rightCols(64) = A;
    auto rows = part.topRows(29 - from);
    matmul<float>(shifted.block(from, 1, 29 - from, 64), B, rows);
    CHECK(test::same_bits(rows, all.bottomRows(29 - from)));
  }
}

}  // namespace nopeek::test::matmul_test
