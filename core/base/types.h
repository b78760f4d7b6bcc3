#pragma once
// Every Eigen alias of the project. Matrices are row-major everywhere, as in NumPy and PyTorch, so that a buffer of
// shape (B, T, C) can be seen as the matrix (B*T, C) without copying.
//
// Dimensions are named by capitals throughout: B batch, T time (positions), C channels, V vocabulary, L layers,
// NH heads, HS = C / NH head size.
#include <Eigen/Core>
#include <vector>

// The core and a program that uses it may be compiled for different instructions; they must align and free alike.
static_assert(EIGEN_MAX_ALIGN_BYTES == 64 && EIGEN_MAX_STATIC_ALIGN_BYTES == 64, "link nopeek_core: it defines them");

namespace nopeek {

template <class S>
using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class S>
using RowVector = Eigen::Matrix<S, 1, Eigen::Dynamic, Eigen::RowMajor>;

/// Memory for maps, aligned to Eigen's widest packet on any machine. Where a row begins decides in which order Eigen
/// sums it; with the allocator's 16 bytes, the bits of a loss would depend on what the program happened to allocate
/// before.
template <class S>
using AlignedVector = std::vector<S, Eigen::aligned_allocator<S>>;

template <class S>
using MatrixMap = Eigen::Map<Matrix<S>>;
template <class S>
using VectorMap = Eigen::Map<RowVector<S>>;
template <class S>
using ConstVectorMap = Eigen::Map<const RowVector<S>>;

/// Another size; what was there is gone. Without memory for it the matrix is empty, where Eigen's own resize() leaves
/// it with memory that is freed already, and that it would free once more.
template <class M>
void resize(M& matrix, Eigen::Index rows, Eigen::Index cols) {
  if (matrix.rows() == rows && matrix.cols() == cols) return;
  matrix.resize(M::RowsAtCompileTime == 1 ? 1 : 0, 0);
  matrix.resize(rows, cols);
}

/// Arguments of ops: any row-major matrix, map or block of one, without copying. Pass what matches: Eigen copies
/// silently into an In what does not (a transpose, say).
template <class S>
using In = const Eigen::Ref<const Matrix<S>>&;
template <class S>
using Out = Eigen::Ref<Matrix<S>>;
template <class S>
using VectorIn = const Eigen::Ref<const RowVector<S>>&;
template <class S>
using VectorOut = Eigen::Ref<RowVector<S>>;

}  // namespace nopeek
