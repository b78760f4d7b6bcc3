#pragma once
#include "core/base/types.h"

namespace nopeek {

/// A factor of a product: any matrix, map or block, or the transpose of one, without copying.
template <class S>
struct Factor {
  const S* data;
  Eigen::Index rows, cols, row_stride, col_stride;

  template <class M>
  Factor(const Eigen::MatrixBase<M>& m)
      : data(m.derived().data()),
        rows(m.rows()),
        cols(m.cols()),
        row_stride(m.derived().rowStride()),
        col_stride(m.derived().colStride()) {}
};

/// C = A B;  A (M, K), B (K, N) -> C (M, N), which must be neither of them.
template <class S>
void matmul(const Factor<S>& A, const Factor<S>& B, Out<S> C);
/// C += A B
template <class S>
void matmul_add(const Factor<S>& A, const Factor<S>& B, Out<S> C);
/// C = A B + b, b (N) added to each row.
template <class S>
void matmul_bias(const Factor<S>& A, const Factor<S>& B, VectorIn<S> b, Out<S> C);

}  // namespace nopeek
