#include "core/nn/ops.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "core/base/simd.h"
#include "core/nn/matmul.h"

namespace nopeek {

using Eigen::Index;

namespace {

template <class S>
const S* row(In<S> x, Index n) {
  return x.data() + n * x.outerStride();
}
template <class S>
S* row(Out<S>& x, Index n) {
  return x.data() + n * x.outerStride();
}

constexpr auto kSum = [](auto a, auto b) { return a + b; };

/// sum (C) += all rows of x (N, C), four at a time: they come by once, and so does the sum.
template <class S>
void add_rows(In<S> x, S* sum) {
  const auto four = [](auto total, auto a, auto b, auto c, auto d) { return total + ((a + b) + (c + d)); };
  const Index N = x.rows(), C = x.cols();
  Index n = 0;
  for (; n + 4 <= N; n += 4) {
    simd::map(C, sum, four, sum, row<S>(x, n), row<S>(x, n + 1), row<S>(x, n + 2), row<S>(x, n + 3));
  }
  for (; n < N; ++n) simd::map(C, sum, kSum, sum, row<S>(x, n));
}

}  // namespace

template <class S>
void embedding_forward(std::span<const int32_t> tokens, int T, In<S> wte, In<S> wpe, Out<S> x) {
  for (Index n = 0; n < x.rows(); ++n) {
    simd::map(x.cols(), row<S>(x, n), kSum, row<S>(wte, tokens[static_cast<size_t>(n)]), row<S>(wpe, n % T));
  }
}

template <class S>
void embedding_backward(In<S> dx, std::span<const int32_t> tokens, int T, Out<S> dwte, Out<S> dwpe) {
  // forward: x[n] = wte[token n] + wpe[n mod T]
  for (Index n = 0; n < dx.rows(); ++n) {
    S* const of_token = row<S>(dwte, tokens[static_cast<size_t>(n)]);
    S* const of_position = row<S>(dwpe, n % T);
    simd::map(dx.cols(), of_token, kSum, of_token, row<S>(dx, n));
    simd::map(dx.cols(), of_position, kSum, of_position, row<S>(dx, n));
  }
}

template <class S>
void linear_forward(In<S> x, In<S> W, VectorIn<S> b, Out<S> y) {
  matmul_bias<S>(x, W, b, y);
}

template <class S>
void linear_backward(In<S> dy, In<S> x, In<S> W, Out<S> dx, Out<S> dW, VectorOut<S> db) {
  // forward: y = x W + b
  matmul<S>(dy, W.transpose(), dx);
  matmul_add<S>(x.transpose(), dy, dW);
  add_rows<S>(dy, db.data());
}

template <class S>
void layer_norm_forward(In<S> x, VectorIn<S> weight, VectorIn<S> bias, double epsilon, Out<S> y, VectorOut<S> mean,
                        VectorOut<S> rstd) {
  const Index C = x.cols();
  for (Index n = 0; n < x.rows(); ++n) {
    const S* const in = row<S>(x, n);
    const S m = simd::sum(
                    C, [](auto a) { return a; }, in) /
                static_cast<S>(C);
    const S variance = simd::sum(
                           C, [m](auto a) { return (a - m) * (a - m); }, in) /
                       static_cast<S>(C);
    const S r = S(1) / std::sqrt(variance + static_cast<S>(epsilon));
    const auto normalised = [m, r](auto a, auto w, auto b) { return (a - m) * r * w + b; };
    simd::map(C, row<S>(y, n), normalised, in, weight.data(), bias.data());
    mean[n] = m;
    rstd[n] = r;
  }
}

template <class S>
void layer_norm_backward(In<S> dy, In<S> x, VectorIn<S> weight, VectorIn<S> mean, VectorIn<S> rstd, Out<S> dx,
                         VectorOut<S> dweight, VectorOut<S> dbias) {
  // forward: xhat = (x - mean) rstd;  y = xhat weight + bias. Mean and rstd depend on x too, hence the two sums.
  const Index C = x.cols();
  for (Index n = 0; n < x.rows(); ++n) {
    const S m = mean[n], r = rstd[n];
    auto sum_dxhat = simd::broadcast(S(0)), sum_dxhat_xhat = sum_dxhat;
    simd::for_each<S>(C, [&](auto at) {  // behind the end of the row dy is 0, and so are all its products
      const auto dy_ = at.load(row<S>(dy, n)), xhat = (at.load(row<S>(x, n)) - m) * r;
      const auto dxhat = dy_ * at.load(weight.data());
      sum_dxhat += dxhat;
      sum_dxhat_xhat += dxhat * xhat;
      at.store(dweight.data(), at.load(dweight.data()) + dy_ * xhat);
      at.store(dbias.data(), at.load(dbias.data()) + dy_);
    });
    const S mean_dxhat = simd::sum(sum_dxhat) / static_cast<S>(C);
    const S mean_dxhat_xhat = simd::sum(sum_dxhat_xhat) / static_cast<S>(C);
    const auto add = [=](auto dx_, auto dy_, auto a, auto w) {
      const auto xhat = (a - m) * r;
      return dx_ + (dy_ * w - mean_dxhat - xhat * mean_dxhat_xhat) * r;
    };
    simd::map(C, row<S>(dx, n), add, row<S>(dx, n), row<S>(dy, n), row<S>(x, n), weight.data());
  }
}

namespace {

// y = x/2 (1 + tanh u) = x sigmoid(2u), which takes one exp;  2u = x (k1 + k2 x^2)
template <class S>
constexpr S kGelu1 = S(2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
template <class S>
constexpr S kGelu2 = S(0.044715) * kGelu1<S>;

template <class V>
V gelu_gate(V x) {
  using S = simd::Scalar<V>;
  return simd::sigmoid(x * (kGelu1<S> + kGelu2<S> * x * x));
}

}  // namespace

template <class S>
void gelu_forward(In<S> x, Out<S> y) {
  for (Index n = 0; n < x.rows(); ++n) {
    simd::map(
        x.cols(), row<S>(y, n), [](auto a) { return a * gelu_gate(a); }, row<S>(x, n));
  }
}

template <class S>
void gelu_backward(In<S> dy, In<S> x, Out<S> dx) {
  // forward: y = x s, s = sigmoid(2u), 2u = x (k1 + k2 x^2);  ds/dx = s (1 - s) (k1 + 3 k2 x^2)
  const auto gradient = [](auto d, auto a) {
    const auto s = gelu_gate(a);
    return d * s * (S(1) + a * (S(1) - s) * (kGelu1<S> + S(3) * kGelu2<S> * a * a));
  };
  for (Index n = 0; n < x.rows(); ++n) simd::map(x.cols(), row<S>(dx, n), gradient, row<S>(dy, n), row<S>(x, n));
}

namespace {

/// Phi(x); by erfc, so that it does not vanish where 1 + erf(x) would, far to the left.
template <class S>
S normal_below(S x) {
  return S(0.5) * std::erfc(-x / std::numbers::sqrt2_v<S>);
}

}  // namespace

template <class S>
void gelu_erf_forward(In<S> x, Out<S> y) {
  for (Index n = 0; n < x.rows(); ++n) {
    for (Index c = 0; c < x.cols(); ++c) y(n, c) = x(n, c) * normal_below(x(n, c));
  }
}

template <class S>
void gelu_erf_backward(In<S> dy, In<S> x, Out<S> dx) {
  // forward: y = x Phi(x);  dPhi/dx = exp(-x^2 / 2) / sqrt(2 pi)
  constexpr S kDensity = std::numbers::inv_sqrtpi_v<S> / std::numbers::sqrt2_v<S>;
  for (Index n = 0; n < x.rows(); ++n) {
    for (Index c = 0; c < x.cols(); ++c) {
      const S a = x(n, c);
      dx(n, c) = dy(n, c) * (normal_below(a) + a * kDensity * std::exp(-a * a / 2));
    }
  }
}

template <class S>
void relu_forward(In<S> x, Out<S> y) {
  for (Index n = 0; n < x.rows(); ++n) {
    for (Index c = 0; c < x.cols(); ++c) y(n, c) = x(n, c) < 0 ? S(0) : x(n, c);  // NaN stays
  }
}

template <class S>
void relu_backward(In<S> dy, In<S> x, Out<S> dx) {
  // forward: y = max(x, 0)
  for (Index n = 0; n < x.rows(); ++n) {
    for (Index c = 0; c < x.cols(); ++c) dx(n, c) = x(n, c) > 0 ? dy(n, c) : S(0);
  }
}

template <class S>
void activation_forward(Activation activation, In<S> x, Out<S> y) {
  switch (activation) {
    case Activation::kGeluTanh:
      return gelu_forward<S>(x, y);
    case Activation::kGelu:
      return gelu_erf_forward<S>(x, y);
    case Activation::kRelu:
      return relu_forward<S>(x, y);
  }
}

template <class S>
void activation_backward(Activation activation, In<S> dy, In<S> x, Out<S> dx) {
  switch (activation) {
    case Activation::kGeluTanh:
      return gelu_backward<S>(dy, x, dx);
    case Activation::kGelu:
      return gelu_erf_backward<S>(dy, x, dx);
    case Activation::kRelu:
      return relu_backward<S>(dy, x, dx);
  }
}

template <class S>
void dropout(const Dropout& dropout, Out<S> x) {
  if (dropout.p == 0) return;
  const auto threshold = static_cast<uint64_t>(dropout.p * 0x1p64);
  const S scale = S(1.0 / (1.0 - dropout.p));
  for (Index n = 0; n < x.rows(); ++n) {
    for (Index c = 0; c < x.cols(); ++c) {
      const uint64_t index = static_cast<uint64_t>(n * x.cols() + c);
      const bool kept = Rng::mix(dropout.key + index * Rng::kGolden) >= threshold;
      x(n, c) = kept ? x(n, c) * scale : S(0);
    }
  }
}

template <class S>
void softmax_forward(Out<S> scores) {
  constexpr S kMinusInf = -std::numeric_limits<S>::infinity();
  const Index K = scores.cols();
  for (Index n = 0; n < scores.rows(); ++n) {
    S* const p = row<S>(scores, n);
    const S largest = simd::largest(K, p), shift = largest == kMinusInf ? S(0) : largest;  // inf - inf is no number
    const S sum = simd::map_sum(
        K, p, [shift](auto s) { return simd::exp(s - shift); }, p);
    const S scale = sum == S(0) ? S(0) : S(1) / sum;
    simd::map(
        K, p, [scale](auto e) { return e * scale; }, p);
  }
}

template <class S>
void softmax_backward(In<S> p, Out<S> dp) {
  // forward: p = exp(s) / sum exp(s)
  const Index K = p.cols();
  for (Index n = 0; n < p.rows(); ++n) {
    const S* const of = row<S>(p, n);
    S* const d = row<S>(dp, n);
    const S dot = simd::sum(
        K, [](auto a, auto b) { return a * b; }, of, d);
    simd::map(
        K, d, [dot](auto a, auto b) { return a * (b - dot); }, of, d);
  }
}

template <class S>
double cross_entropy_forward(In<S> logits, std::span<const int32_t> targets, Out<S> log_probs) {
  const Index V = logits.cols();
  double sum = 0;
  for (Index n = 0; n < logits.rows(); ++n) {
    const S* const in = row<S>(logits, n);
    const S largest = simd::largest(V, in);
    const S log_sum = largest + std::log(simd::sum(
                                    V, [=](auto x) { return simd::exp(x - largest); }, in));
    simd::map(
        V, row<S>(log_probs, n), [=](auto x) { return x - log_sum; }, in);
    const int32_t target = targets[static_cast<size_t>(n)];
    if (target != kIgnore) sum -= static_cast<double>(log_probs(n, target));
  }
  return sum;
}

template <class S>
void cross_entropy_backward(In<S> log_probs, std::span<const int32_t> targets, S scale, Out<S> dlogits) {
  // forward: loss = -log_probs[target];  d log_sum_exp / d logits = softmax
  for (Index n = 0; n < log_probs.rows(); ++n) {
    const int32_t target = targets[static_cast<size_t>(n)];
    if (target == kIgnore) {
      dlogits.row(n).setZero();
      continue;
    }
    simd::map(
        dlogits.cols(), row<S>(dlogits, n), [=](auto x) { return scale * simd::exp(x); }, row<S>(log_probs, n));
    dlogits(n, target) -= scale;
  }
}

#define NOPEEK_INSTANTIATE(S)                                                                                       \
  template void embedding_forward<S>(std::span<const int32_t>, int, In<S>, In<S>, Out<S>);                          \
  template void embedding_backward<S>(In<S>, std::span<const int32_t>, int, Out<S>, Out<S>);                        \
  template void linear_forward<S>(In<S>, In<S>, VectorIn<S>, Out<S>);                                               \
  template void linear_backward<S>(In<S>, In<S>, In<S>, Out<S>, Out<S>, VectorOut<S>);                              \
  template void layer_norm_forward<S>(In<S>, VectorIn<S>, VectorIn<S>, double, Out<S>, VectorOut<S>, VectorOut<S>); \
  template void layer_norm_backward<S>(In<S>, In<S>, VectorIn<S>, VectorIn<S>, VectorIn<S>, Out<S>, VectorOut<S>,   \
                                       VectorOut<S>);                                                               \
  template void gelu_forward<S>(In<S>, Out<S>);                                                                     \
  template void gelu_backward<S>(In<S>, In<S>, Out<S>);                                                             \
  template void gelu_erf_forward<S>(In<S>, Out<S>);                                                                 \
  template void gelu_erf_backward<S>(In<S>, In<S>, Out<S>);                                                         \
  template void relu_forward<S>(In<S>, Out<S>);                                                                     \
  template void relu_backward<S>(In<S>, In<S>, Out<S>);                                                             \
  template void activation_forward<S>(Activation, In<S>, Out<S>);                                                   \
  template void activation_backward<S>(Activation, In<S>, In<S>, Out<S>);                                           \
  template void dropout<S>(const Dropout&, Out<S>);                                                                 \
  template void softmax_forward<S>(Out<S>);                                                                         \
  template void softmax_backward<S>(In<S>, Out<S>);                                                                 \
  template double cross_entropy_forward<S>(In<S>, std::span<const int32_t>, Out<S>);                                \
  template void cross_entropy_backward<S>(In<S>, std::span<const int32_t>, S, Out<S>);
NOPEEK_INSTANTIATE(float)
NOPEEK_INSTANTIATE(double)

}  // namespace nopeek
