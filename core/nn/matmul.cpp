// Matrix products after Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008), as BLIS
// names the parts. Eigen's own product is as good for large matrices; for those of this app, of some hundred rows and
// columns, it spends a third of its time on packing both factors, and has no way to start its sums from a bias.
//
// C is cut into tiles of kRows x (kVectors vectors) that are summed in registers. For that, B is first copied into
// panels of a tile's width, so that a tile reads it in one stream: that costs one move an element, which is then used
// for every row of A. A is read in place, an element at a time, each of which is used for a whole tile's width.
#include "core/nn/matmul.h"

#include <array>
#include <cassert>
#include <utility>

#include "core/base/simd.h"

namespace nopeek {

using Eigen::Index;
using simd::kLanes;
using simd::Vec;

namespace {

// A tile's sums, a row of B's panel and an element of A have to fit the registers: 32 with AVX-512, else 16.
#ifdef __AVX512F__
constexpr int kRows = 12;
#else
constexpr int kRows = 6;
#endif
constexpr int kVectors = 2;
template <class S>
constexpr Index kWidth = kVectors* kLanes<S>;  // columns of a panel

// What is worked on at a time: of B kDepth x kColumns, packed, at most half a megabyte of floats; of A kBlock rows, as
// many as stay in the second cache while all panels pass by.
constexpr Index kDepth = 384, kColumns = 384, kBlock = 16 * kRows;

/// What the sums start from: nothing, a bias (stride 0), or C itself.
template <class S>
struct Start {
  const S* data;
  Index row_stride;
};

/// R rows of C, `columns` wide, at most V vectors: start + A (R, K) panel (K, kWidth).
template <class S, int R, int V>
void tile(Index K, const S* a, Index a_row, Index a_col, const S* panel, Start<S> start, S* c, Index c_row,
          Index columns) {
  Vec<S> sums[R][V];
  const Index last = columns - (V - 1) * kLanes<S>;  // columns of the last vector
  const bool whole = last == kLanes<S>;
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) {
      const S* from = start.data + r * start.row_stride + v * kLanes<S>;
      sums[r][v] = !start.data          ? simd::broadcast(S(0))
                   : v + 1 < V || whole ? simd::load(from)
                                        : simd::load_first(last, from);
    }
  }
  for (Index k = 0; k < K; ++k) {
    Vec<S> b[V];
    for (int v = 0; v < V; ++v) b[v] = simd::load(panel + k * kWidth<S> + v * kLanes<S>);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec<S> x = simd::broadcast(a[r * a_row + k * a_col]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sums[r][v] = simd::fma(x, b[v], sums[r][v]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) {
      S* to = c + r * c_row + v * kLanes<S>;
      v + 1 < V || whole ? simd::store(to, sums[r][v]) : simd::store_first(last, to, sums[r][v]);
    }
  }
}

/// tile() for 1 to kRows rows: [R - 1].
template <class S, int V, size_t... R>
constexpr auto tiles_of(std::index_sequence<R...>) {
  return std::array{&tile<S, static_cast<int>(R) + 1, V>...};
}
template <class S, int V>
constexpr auto kTiles = tiles_of<S, V>(std::make_index_sequence<kRows>{});

/// B (K, width) -> panel (K, kWidth), with zeros behind. B lies in rows.
template <class S>
void pack_rows(const S* B, Index row_stride, Index K, Index width, S* panel) {
  constexpr Index L = kLanes<S>;
  for (Index k = 0; k < K; ++k) {
    const S* from = B + k * row_stride;
    S* to = panel + k * kWidth<S>;
    Index n = 0;
    for (; n + L <= width; n += L) simd::store(to + n, simd::load(from + n));
    if (n < width) simd::store(to + n, simd::load_first(width - n, from + n));
  }
}

/// The same of a transpose: B lies in columns. In squares of L x L, for as long as there are such.
template <class S>
void pack_columns(const S* B, Index col_stride, Index K, Index width, S* panel) {
  constexpr Index L = kLanes<S>;
  Index k = 0;
  for (; k + L <= K; k += L) {
    for (Index n = 0; n < width; n += L) {
      simd::Square<S> square;
      for (Index i = 0; i < L; ++i) {
        square.packet[i] = n + i < width ? simd::load(B + k + (n + i) * col_stride) : simd::broadcast(S(0));
      }
      simd::transpose<S>(square);
      for (Index i = 0; i < L; ++i) simd::store(panel + (k + i) * kWidth<S> + n, square.packet[i]);
    }
  }
  for (; k < K; ++k) {
    for (Index n = 0; n < width; ++n) panel[k * kWidth<S> + n] = B[k + n * col_stride];
  }
}

/// B's rows k to k + K and columns n to n + width -> panel (K, kWidth). Behind `width`, up to the next whole vector, is
/// 0; what lies behind that is never read.
template <class S>
void pack_panel(const Factor<S>& B, Index k, Index K, Index n, Index width, S* panel) {
  const S* from = B.data + k * B.row_stride + n * B.col_stride;
  B.col_stride == 1 ? pack_rows(from, B.row_stride, K, width, panel)
                    : pack_columns(from, B.col_stride, K, width, panel);
}

/// Rows of C and columns n0 to n0 + N: start + A B over k0 to k0 + K, with B's panels at hand.
template <class S>
void multiply_block(const Factor<S>& A, Index m0, Index M, Index k0, Index K, const S* panels, Index n0, Index N,
                    Start<S> start, Out<S> C) {
  const Index count = (M + kRows - 1) / kRows;
  for (Index n = 0; n < N; n += kWidth<S>) {
    const Index width = std::min(kWidth<S>, N - n);
    for (Index t = 0; t < count; ++t) {
      // Rows are shared out evenly: two tiles of 8 do more a cycle than one of 12 and one of 4.
      const Index m = m0 + M * t / count, R = m0 + M * (t + 1) / count - m;
      const auto& kernels = width > kLanes<S> ? kTiles<S, 2> : kTiles<S, 1>;
      const Start<S> from{start.data ? start.data + m * start.row_stride + n0 + n : nullptr, start.row_stride};
      kernels[static_cast<size_t>(R - 1)](K, A.data + m * A.row_stride + k0 * A.col_stride, A.row_stride, A.col_stride,
                                          panels + n * K, from, &C(m, n0 + n), C.outerStride(), width);
    }
  }
}

template <class S>
void multiply(const Factor<S>& A, const Factor<S>& B, Start<S> start, Out<S> C) {
  assert(A.cols == B.rows && A.rows == C.rows() && B.cols == C.cols());
  thread_local AlignedVector<S> panels(kDepth * (kColumns + kWidth<S>));
  for (Index n = 0; n < B.cols; n += kColumns) {
    const Index N = std::min(kColumns, B.cols - n);
    for (Index k = 0; k < B.rows; k += kDepth) {
      const Index K = std::min(kDepth, B.rows - k);
      for (Index p = 0; p < N; p += kWidth<S>) {
        pack_panel(B, k, K, n + p, std::min(kWidth<S>, N - p), panels.data() + p * K);
      }
      const Start<S> from = k == 0 ? start : Start<S>{C.data(), C.outerStride()};
      for (Index m = 0; m < A.rows; m += kBlock) {
        multiply_block(A, m, std::min(kBlock, A.rows - m), k, K, panels.data(), n, N, from, C);
      }
    }
  }
}

}  // namespace

template <class S>
void matmul(const Factor<S>& A, const Factor<S>& B, Out<S> C) {
  multiply<S>(A, B, {nullptr, 0}, C);
}
template <class S>
void matmul_add(const Factor<S>& A, const Factor<S>& B, Out<S> C) {
  multiply<S>(A, B, {C.data(), C.outerStride()}, C);
}
template <class S>
void matmul_bias(const Factor<S>& A, const Factor<S>& B, VectorIn<S> b, Out<S> C) {
  multiply<S>(A, B, {b.data(), 0}, C);
}

#define NOPEEK_INSTANTIATE(S)                                              \
  template void matmul<S>(const Factor<S>&, const Factor<S>&, Out<S>);     \
  template void matmul_add<S>(const Factor<S>&, const Factor<S>&, Out<S>); \
  template void matmul_bias<S>(const Factor<S>&, const Factor<S>&, VectorIn<S>, Out<S>);
NOPEEK_INSTANTIATE(float)
NOPEEK_INSTANTIATE(double)

}  // namespace nopeek
