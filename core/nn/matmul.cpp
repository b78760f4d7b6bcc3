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
#include "core/base/stop.h"

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
/// Elements of B that are near at hand wherever they lie: half of the first cache. And those that one tile's rows do
/// not read often enough to be worth a copy, as long as they are not as many as the pages that a core keeps in mind.
constexpr Index kSmall = 1 << 12, kRead = 1 << 20;

/// What the sums start from: nothing, a bias (stride 0), or C itself.
template <class S>
struct Start {
  const S* data;
  Index row_stride;
};

/// Columns of B, K rows of at most kWidth.
template <class S>
struct Panel {
  const S* data;
  Index row_stride;
};

/// R rows of C, `columns` wide, at most V vectors: start + A (R, K) panel.
template <class S, int R, int V>
void tile(Index K, const S* a, Index a_row, Index a_col, Panel<S> panel, Start<S> start, S* c, Index c_row,
          Index columns) {
  Vec<S> sums[R][V];
  const Index last = columns - (V - 1) * kLanes<S>;  // columns of the last vector
  const bool whole = last == kLanes<S>;
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) {
      const Index at = r * start.row_stride + v * kLanes<S>;
      sums[r][v] = !start.data          ? simd::broadcast(S(0))
                   : v + 1 < V || whole ? simd::load(start.data + at)
                                        : simd::load_first(last, start.data + at);
    }
  }
  for (Index k = 0; k < K; ++k) {
    Vec<S> b[V];
    for (int v = 0; v < V; ++v) b[v] = simd::load(panel.data + k * panel.row_stride + v * kLanes<S>);
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
    for (Index n = 0; n < kWidth<S>; ++n) panel[k * kWidth<S> + n] = n < width ? B[k + n * col_stride] : S(0);
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

/// One panel's columns of C from n on, `width` of them, in rows m0 to m0 + M: start + A B over k to k + K.
template <class S>
void multiply_panel(const Factor<S>& A, Index m0, Index M, Index k, Index K, Panel<S> panel, Index n, Index width,
                    Start<S> start, Out<S> C) {
  const auto& kernels = width > kLanes<S> ? kTiles<S, 2> : kTiles<S, 1>;
  const Index tiles = (M + kRows - 1) / kRows;
  for (Index t = 0; t < tiles; ++t) {
    // Rows are shared out evenly: two tiles of 8 do more a cycle than one of 12 and one of 4.
    const Index m = m0 + M * t / tiles, R = m0 + M * (t + 1) / tiles - m;
    const Start<S> from{start.data ? start.data + m * start.row_stride + n : nullptr, start.row_stride};
    kernels[static_cast<size_t>(R - 1)](K, A.data + m * A.row_stride + k * A.col_stride, A.row_stride, A.col_stride,
                                        panel, from, &C(m, n), C.outerStride(), width);
  }
}

/// Whether copying B would cost more than it saves: it is small, or read by few rows, and ends with a whole vector.
template <class S>
bool worth_no_copy(const Factor<S>& A, const Factor<S>& B) {
  const Index elements = B.rows * B.cols;
  return B.col_stride == 1 && B.cols % kLanes<S> == 0 &&
         ((A.rows <= 4 * kRows && elements <= kSmall) || (A.rows <= kRows && elements <= kRead));
}

template <class S>
void multiply_in_place(const Factor<S>& A, const Factor<S>& B, Start<S> start, Out<S> C) {
  for (Index n = 0; n < B.cols; n += kWidth<S>) {
    const Panel<S> panel{B.data + n, B.row_stride};
    multiply_panel<S>(A, 0, A.rows, 0, A.cols, panel, n, std::min(kWidth<S>, B.cols - n), start, C);
  }
}

template <class S>
void multiply_packed(const Factor<S>& A, const Factor<S>& B, Start<S> start, Out<S> C) {
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
        stop_if_asked();  // a block takes a millisecond
        for (Index p = 0; p < N; p += kWidth<S>) {
          multiply_panel<S>(A, m, std::min(kBlock, A.rows - m), k, K, {panels.data() + p * K, kWidth<S>}, n + p,
                            std::min(kWidth<S>, N - p), from, C);
        }
      }
    }
  }
}

// A row times a matrix is bound by memory, as in decoding with a KV cache: B is read once, several of its rows or
// columns at a time, since one stream alone does not fill the way to memory. The rows behind them are asked for ahead:
// where threads share a row, it ends before the processor has seen that it is read in order.
constexpr Index kStreams = 8;

/// y (N) += x[0] B[0] + ... + x[R-1] B[R-1]
template <class S, Index R>
void add_rows(const S* x, Index x_stride, const S* B, Index row_stride, Index N, S* y) {
  Vec<S> factors[R];
  for (Index k = 0; k < R; ++k) factors[k] = simd::broadcast(x[k * x_stride]);
  const auto add = [&](Vec<S> sum, auto&& load) {
#pragma GCC unroll 8
    for (Index k = 0; k < R; ++k) sum = simd::fma(factors[k], load(B + k * row_stride), sum);
    return sum;
  };
  Index n = 0;
  for (; n + kLanes<S> <= N; n += kLanes<S>) {
#pragma GCC unroll 8
    for (Index k = R; k < 2 * R; ++k) __builtin_prefetch(B + k * row_stride + n, 0, 2);
    simd::store(y + n, add(simd::load(y + n), [n](const S* row) { return simd::load(row + n); }));
  }
  if (n < N) {
    const auto load = [n, N](const S* row) { return simd::load_first(N - n, row + n); };
    simd::store_first(N - n, y + n, add(load(y), load));
  }
}

/// x (K) times B in rows -> y (N), in which the start is already.
template <class S>
void row_times_rows(const Factor<S>& x, const Factor<S>& B, S* y) {
  Index k = 0;
  for (; k + kStreams <= B.rows; k += kStreams) {
    add_rows<S, kStreams>(x.data + k * x.col_stride, x.col_stride, B.data + k * B.row_stride, B.row_stride, B.cols, y);
  }
  for (; k < B.rows; ++k) {
    add_rows<S, 1>(x.data + k * x.col_stride, x.col_stride, B.data + k * B.row_stride, B.row_stride, B.cols, y);
  }
}

/// y[0] += x (K) . B[:, 0], ..., y[R-1] += x . B[:, R-1]; B in columns.
template <class S, Index R>
void add_dots(const S* x, const S* B, Index col_stride, Index K, S* y) {
  Vec<S> sums[R];
  for (Index n = 0; n < R; ++n) sums[n] = simd::broadcast(S(0));
  Index k = 0;
  for (; k + kLanes<S> <= K; k += kLanes<S>) {
    const Vec<S> factor = simd::load(x + k);
#pragma GCC unroll 8
    for (Index n = 0; n < R; ++n) sums[n] = simd::fma(factor, simd::load(B + n * col_stride + k), sums[n]);
  }
  if (k < K) {
    const Vec<S> factor = simd::load_first(K - k, x + k);
    for (Index n = 0; n < R; ++n) {
      sums[n] = simd::fma(factor, simd::load_first(K - k, B + n * col_stride + k), sums[n]);
    }
  }
  for (Index n = 0; n < R; ++n) y[n] += simd::sum(sums[n]);
}

/// x (K) times B in columns -> y (N), in which the start is already.
template <class S>
void row_times_columns(const Factor<S>& x, const Factor<S>& B, S* y) {
  Index n = 0;
  for (; n + kStreams <= B.cols; n += kStreams) {
    add_dots<S, kStreams>(x.data, B.data + n * B.col_stride, B.col_stride, B.rows, y + n);
  }
  for (; n < B.cols; ++n) add_dots<S, 1>(x.data, B.data + n * B.col_stride, B.col_stride, B.rows, y + n);
}

template <class S>
void multiply_row(const Factor<S>& x, const Factor<S>& B, Start<S> start, S* y) {
  if (!start.data) {
    std::fill_n(y, B.cols, S(0));
  } else if (start.data != y) {
    std::copy_n(start.data, B.cols, y);
  }
  B.col_stride == 1 ? row_times_rows(x, B, y) : row_times_columns(x, B, y);
}

template <class S>
void multiply(const Factor<S>& A, const Factor<S>& B, Start<S> start, Out<S> C) {
  stop_if_asked();
  assert(A.cols == B.rows && A.rows == C.rows() && B.cols == C.cols());
  assert(B.row_stride == 1 || B.col_stride == 1);
  if (A.rows == 1 && (B.col_stride == 1 || A.col_stride == 1)) {
    multiply_row<S>(A, B, start, C.data());
  } else if (worth_no_copy(A, B)) {
    multiply_in_place<S>(A, B, start, C);
  } else {
    multiply_packed<S>(A, B, start, C);
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
