#pragma once
// The one place for vector code: a thin layer over Eigen's packets, which are as wide as the instructions that this
// file is compiled for (16 floats with AVX-512, 8 with AVX2, 4 with SSE; one without any) and have the same functions
// on all.
//
//   simd::map(n, y, [](auto x) { return simd::exp(x); }, x);  // y[i] = exp(x[i])
//
// Loads and stores need no alignment, and lanes begin at the first element of a row: so where memory happens to lie
// changes no sum, and equal rows give equal bits.
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace nopeek::simd {

using Eigen::Index;
namespace packet = Eigen::internal;

template <class S>
using Vec = typename packet::packet_traits<S>::type;
/// Elements of a Vec<S>.
template <class S>
inline constexpr Index kLanes = packet::unpacket_traits<Vec<S>>::size;
template <class V>
using Scalar = typename packet::unpacket_traits<V>::type;

template <class S>
Vec<S> load(const S* from) {
  return packet::ploadu<Vec<S>>(from);
}
template <class S>
void store(S* to, Vec<S> x) {
  packet::pstoreu(to, x);
}
template <class S>
Vec<S> broadcast(S x) {
  return packet::pset1<Vec<S>>(x);
}

/// The first `n` elements of a vector, fewer than kLanes: where a row ends. The rest is 0.
template <class S>
Vec<S> load_first(Index n, const S* from) {
  using Traits = packet::unpacket_traits<Vec<S>>;
  if constexpr (Traits::masked_load_available) {
    return packet::ploadu<Vec<S>>(from, static_cast<typename Traits::mask_t>((1u << n) - 1));
  } else {
    S all[kLanes<S>] = {};
    std::copy_n(from, n, all);
    return load(all);
  }
}
template <class S>
void store_first(Index n, S* to, Vec<S> x) {
  using Traits = packet::unpacket_traits<Vec<S>>;
  if constexpr (Traits::masked_store_available) {
    packet::pstoreu(to, x, static_cast<typename Traits::mask_t>((1u << n) - 1));
  } else {
    S all[kLanes<S>];
    store(all, x);
    std::copy_n(all, n, to);
  }
}
/// x with `rest` behind its first n elements.
template <class S>
Vec<S> with_rest(Index n, Vec<S> x, S rest) {
  return packet::pselect(packet::pcmp_lt(packet::plset<Vec<S>>(0), broadcast(static_cast<S>(n))), x, broadcast(rest));
}

/// a b + c: rounded once where the machine can, so not for sums that must equal a scalar's.
template <class V>
V fma(V a, V b, V c) {
  return packet::pmadd(a, b, c);
}
template <class V>
V max(V a, V b) {
  return packet::pmax(a, b);
}
template <class V>
V sqrt(V x) {
  // Rounded as the standard asks, and so the same on all machines: Eigen's is an approximation, each maker's another.
  Scalar<V> all[kLanes<Scalar<V>>];
  store(all, x);
  for (auto& element : all) element = std::sqrt(element);
  return load(all);
}
/// A square of vectors; transpose() mirrors it at its diagonal.
template <class S>
using Square = packet::PacketBlock<Vec<S>, static_cast<int>(kLanes<S>)>;
template <class S>
void transpose(Square<S>& square) {
  packet::ptranspose(square);
}
/// exp, and exactly 0 where it would be below the normal numbers: exp(-inf) is 0, which Eigen's alone is not.
template <class V>
V exp(V x) {
  using S = Scalar<V>;
  const V smallest = broadcast<S>(std::is_same_v<S, float> ? S(-87) : S(-708));
  return packet::pandnot(packet::pexp(x), packet::pcmp_le(x, smallest));  // so that NaN stays
}
/// 1 / (1 + exp(-x))
template <class V>
V sigmoid(V x) {
  const V one = broadcast<Scalar<V>>(1);
  return packet::pdiv(one, packet::padd(one, packet::pexp(packet::pnegate(x))));
}
/// Over the elements of a vector.
template <class V>
Scalar<V> sum(V x) {
  return packet::predux(x);
}
template <class V>
Scalar<V> largest(V x) {
  return packet::predux_max(x);
}

/// The vector of a row that begins at element i.
template <class S>
struct Whole {
  Index i;
  Vec<S> load(const S* row) const { return simd::load(row + i); }
  void store(S* row, Vec<S> x) const { simd::store(row + i, x); }
  Vec<S> or_zero(Vec<S> x) const { return x; }
};
/// What is left of a row behind its last whole vector: n elements. Behind them it loads 0.
template <class S>
struct Rest {
  Index i, n;
  Vec<S> load(const S* row) const { return load_first(n, row + i); }
  void store(S* row, Vec<S> x) const { store_first(n, row + i, x); }
  Vec<S> or_zero(Vec<S> x) const { return with_rest(n, x, S(0)); }
};

/// Goes over rows of n elements a vector at a time: f(at), which reads a row with at.load(row), writes it with
/// at.store(row, x), and takes what it sums through at.or_zero(x), which is 0 behind the end of the row.
template <class S, class F>
EIGEN_ALWAYS_INLINE void for_each(Index n, F f) {
  Index i = 0;
  for (; i + kLanes<S> <= n; i += kLanes<S>) f(Whole<S>{i});
  if (i < n) f(Rest<S>{i, n - i});
}

/// out[i] = f(in[i]...) for i < n. `out` may be one of `in`.
template <class S, class F, class... In>
EIGEN_ALWAYS_INLINE void map(Index n, S* out, F f, const In*... in) {
  for_each<S>(n, [&](auto at) { at.store(out, f(at.load(in)...)); });
}

/// Sum of f(in[i]...) over i < n.
template <class S, class F, class... In>
EIGEN_ALWAYS_INLINE S sum(Index n, F f, const S* first, const In*... in) {
  Vec<S> total = broadcast<S>(0);
  for_each<S>(n, [&](auto at) { total = packet::padd(total, at.or_zero(f(at.load(first), at.load(in)...))); });
  return sum(total);
}

/// Both at once: writes f(in[i]...) to out[i], and returns the sum of all.
template <class S, class F, class... In>
EIGEN_ALWAYS_INLINE S map_sum(Index n, S* out, F f, const In*... in) {
  Vec<S> total = broadcast<S>(0);
  for_each<S>(n, [&](auto at) {
    const Vec<S> y = f(at.load(in)...);
    at.store(out, y);
    total = packet::padd(total, at.or_zero(y));
  });
  return sum(total);
}

/// Largest of n >= 1 elements.
template <class S>
EIGEN_ALWAYS_INLINE S largest(Index n, const S* in) {
  if (n < kLanes<S>) return *std::max_element(in, in + n);
  Vec<S> most = load(in);
  Index i = kLanes<S>;
  for (; i + kLanes<S> <= n; i += kLanes<S>) most = max(most, load(in + i));
  return largest(max(most, load(in + n - kLanes<S>)));
}

}  // namespace nopeek::simd
