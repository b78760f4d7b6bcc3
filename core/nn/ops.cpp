#include "core/nn/ops.h"

#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/nn/matmul.h"

namespace nopeek {

using Eigen::Index;

template <class S>
void embedding_forward(std::span<const int32_t> tokens, int T, In<S> wte, In<S> wpe, Out<S> x) {
  for (Index n = 0; n < x.rows(); ++n) x.row(n) = wte.row(tokens[static_cast<size_t>(n)]) + wpe.row(n % T);
}

template <class S>
void embedding_backward(In<S> dx, std::span<const int32_t> tokens, int T, Out<S> dwte, Out<S> dwpe) {
  // forward: x[n] = wte[token n] + wpe[n mod T]
  for (Index n = 0; n < dx.rows(); ++n) {
    dwte.row(tokens[static_cast<size_t>(n)]) += dx.row(n);
    dwpe.row(n % T) += dx.row(n);
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
  for (Index n = 0; n < dy.rows(); ++n) db += dy.row(n);  // colwise().sum() would stride down a row-major matrix
}

template <class S>
void layer_norm_forward(In<S> x, VectorIn<S> weight, VectorIn<S> bias, Out<S> y, VectorOut<S> mean, VectorOut<S> rstd) {
  for (Index n = 0; n < x.rows(); ++n) {
    const S m = x.row(n).mean();
    const S variance = (x.row(n).array() - m).square().mean();
    const S r = S(1) / std::sqrt(variance + S(1e-5));
    y.row(n) = (x.row(n).array() - m) * r * weight.array() + bias.array();
    mean[n] = m;
    rstd[n] = r;
  }
}

template <class S>
void layer_norm_backward(In<S> dy, In<S> x, VectorIn<S> weight, VectorIn<S> mean, VectorIn<S> rstd, Out<S> dx,
                         VectorOut<S> dweight, VectorOut<S> dbias) {
  // forward: xhat = (x - mean) rstd;  y = xhat weight + bias. Mean and rstd depend on x too, hence the two sums.
  for (Index n = 0; n < x.rows(); ++n) {
    const auto xhat = (x.row(n).array() - mean[n]) * rstd[n];
    const auto dxhat = dy.row(n).array() * weight.array();
    const S mean_dxhat = dxhat.mean();
    const S mean_dxhat_xhat = (dxhat * xhat).mean();
    dweight.array() += dy.row(n).array() * xhat;
    dbias += dy.row(n);
    dx.row(n).array() += (dxhat - mean_dxhat - xhat * mean_dxhat_xhat) * rstd[n];
  }
}

namespace {
template <class S>
constexpr S kGeluScale = S(std::numbers::sqrt2* std::numbers::inv_sqrtpi);  // sqrt(2/pi)
template <class S>
constexpr S kGeluCubic = S(0.044715);
}  // namespace

template <class S>
void gelu_forward(In<S> x, Out<S> y) {
  const auto a = x.array();
  y.array() = S(0.5) * a * (S(1) + (kGeluScale<S> * (a + kGeluCubic<S> * a.cube())).tanh());
}

template <class S>
void gelu_backward(In<S> dy, In<S> x, Out<S> dx) {
  // forward: y = x/2 (1 + t), t = tanh(u), u = k (x + c x^3);  dt/dx = (1 - t^2) k (1 + 3 c x^2)
  // Row by row, so that t is computed once and stays in the cache.
  thread_local RowVector<S> t;
  for (Index n = 0; n < x.rows(); ++n) {
    const auto a = x.row(n).array();
    t = (kGeluScale<S> * (a + kGeluCubic<S> * a.cube())).tanh();
    const auto du = kGeluScale<S> * (S(1) + S(3) * kGeluCubic<S> * a.square());
    dx.row(n).array() = dy.row(n).array() * S(0.5) * (S(1) + t.array() + a * (S(1) - t.array().square()) * du);
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
  for (Index n = 0; n < scores.rows(); ++n) {
    auto row = scores.row(n).array();
    const S max = row.maxCoeff();
    if (max == kMinusInf) {
      row.setZero();
      continue;
    }
    row = (row - max).exp();
    // Eigen's vectorised exp gives about its least number for -inf, where the mask promises exactly 0.
    constexpr S kNothing = 16 * std::numeric_limits<S>::min();
    S* p = &row.coeffRef(0);
    for (Index k = 0; k < row.size(); ++k) p[k] = p[k] < kNothing ? S(0) : p[k];
    row *= S(1) / row.sum();
  }
}

template <class S>
void softmax_backward(In<S> p, Out<S> dp) {
  // forward: p = exp(s) / sum exp(s)
  for (Index n = 0; n < p.rows(); ++n) {
    const S dot = p.row(n).dot(dp.row(n));
    dp.row(n).array() = p.row(n).array() * (dp.row(n).array() - dot);
  }
}

template <class S>
double cross_entropy_forward(In<S> logits, std::span<const int32_t> targets, Out<S> log_probs) {
  double sum = 0;
  for (Index n = 0; n < logits.rows(); ++n) {
    const S max = logits.row(n).maxCoeff();
    const S log_sum = std::log((logits.row(n).array() - max).exp().sum()) + max;
    log_probs.row(n) = logits.row(n).array() - log_sum;
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
    dlogits.row(n) = scale * log_probs.row(n).array().exp();
    dlogits(n, target) -= scale;
  }
}

#define NOPEEK_INSTANTIATE(S)                                                                                     \
  template void embedding_forward<S>(std::span<const int32_t>, int, In<S>, In<S>, Out<S>);                        \
  template void embedding_backward<S>(In<S>, std::span<const int32_t>, int, Out<S>, Out<S>);                      \
  template void linear_forward<S>(In<S>, In<S>, VectorIn<S>, Out<S>);                                             \
  template void linear_backward<S>(In<S>, In<S>, In<S>, Out<S>, Out<S>, VectorOut<S>);                            \
  template void layer_norm_forward<S>(In<S>, VectorIn<S>, VectorIn<S>, Out<S>, VectorOut<S>, VectorOut<S>);       \
  template void layer_norm_backward<S>(In<S>, In<S>, VectorIn<S>, VectorIn<S>, VectorIn<S>, Out<S>, VectorOut<S>, \
                                       VectorOut<S>);                                                             \
  template void gelu_forward<S>(In<S>, Out<S>);                                                                   \
  template void gelu_backward<S>(In<S>, In<S>, Out<S>);                                                           \
  template void dropout<S>(const Dropout&, Out<S>);                                                               \
  template void softmax_forward<S>(Out<S>);                                                                       \
  template void softmax_backward<S>(In<S>, Out<S>);                                                               \
  template double cross_entropy_forward<S>(In<S>, std::span<const int32_t>, Out<S>);                              \
  template void cross_entropy_backward<S>(In<S>, std::span<const int32_t>, S, Out<S>);
NOPEEK_INSTANTIATE(float)
NOPEEK_INSTANTIATE(double)

}  // namespace nopeek
