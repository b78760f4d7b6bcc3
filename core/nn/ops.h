#pragma once
// The operations of a transformer but for attention (attention.h), each beside its backward.
//
// N is the number of rows, B*T: these ops treat every position alike and know nothing of sequences. A gradient has the
// prefix d. Backward functions *assign* gradients of activations and *add to* gradients of parameters, because a
// parameter is used at every position (and wte twice, at both ends of the model).
//
// All are templates over the scalar: training runs in float, the gradient checks run the same code in double.
#include <cstdint>
#include <span>

#include "core/base/rng.h"
#include "core/base/types.h"
#include "core/nn/config.h"

namespace nopeek {

/// x[n] = wte[token n] + wpe[position of n];  tokens (N), position = n mod T, wte (V, C), wpe (>=T, C) -> x (N, C).
template <class S>
void embedding_forward(std::span<const int32_t> tokens, int T, In<S> wte, In<S> wpe, Out<S> x);
template <class S>
void embedding_backward(In<S> dx, std::span<const int32_t> tokens, int T, Out<S> dwte, Out<S> dwpe);

/// y = x W + b;  x (N, I), W (I, O), b (O) -> y (N, O).
template <class S>
void linear_forward(In<S> x, In<S> W, VectorIn<S> b, Out<S> y);
template <class S>
void linear_backward(In<S> dy, In<S> x, In<S> W, Out<S> dx, Out<S> dW, VectorOut<S> db);

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias over each row (Ba, Kiros, Hinton 2016).
/// x (N, C), weight and bias (C) -> y (N, C), and mean and rstd = 1/sqrt(variance + epsilon) (N) for the way back.
template <class S>
void layer_norm_forward(In<S> x, VectorIn<S> weight, VectorIn<S> bias, double epsilon, Out<S> y, VectorOut<S> mean,
                        VectorOut<S> rstd);
/// *Adds* to dx: the residual stream runs around every layer norm, so its gradient is already there.
template <class S>
void layer_norm_backward(In<S> dy, In<S> x, VectorIn<S> weight, VectorIn<S> mean, VectorIn<S> rstd, Out<S> dx,
                         VectorOut<S> dweight, VectorOut<S> dbias);

/// y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), elementwise (Hendrycks, Gimpel 2016; the form that GPT-2 uses).
template <class S>
void gelu_forward(In<S> x, Out<S> y);
/// dx may be dy.
template <class S>
void gelu_backward(In<S> dy, In<S> x, Out<S> dx);

/// y = x Phi(x), Phi the distribution function of the standard normal: the GELU that the form above comes close to.
template <class S>
void gelu_erf_forward(In<S> x, Out<S> y);
template <class S>
void gelu_erf_backward(In<S> dy, In<S> x, Out<S> dx);

/// y = max(x, 0)
template <class S>
void relu_forward(In<S> x, Out<S> y);
template <class S>
void relu_backward(In<S> dy, In<S> x, Out<S> dx);

/// That of the three which the model has; y may be x, and dx dy.
template <class S>
void activation_forward(Activation activation, In<S> x, Out<S> y);
template <class S>
void activation_backward(Activation activation, In<S> dy, In<S> x, Out<S> dx);

/// Which elements are dropped depends on (key, index) alone, not on the order in which threads come by.
struct Dropout {
  double p = 0;  // probability of being set to 0; 0 turns dropout off, as in evaluation
  uint64_t key = 0;

  /// A key of its own for each place in the model that drops. Mixed, so that at(a).at(b) is not at(b).at(a).
  Dropout at(uint64_t place) const { return {p, Rng::mix(key + Rng::kGolden * (place + 1))}; }
};
/// x *= kept / (1 - p), in place. It is linear with the pattern fixed, so backward is the same call on the gradient.
template <class S>
void dropout(const Dropout& dropout, Out<S> x);

/// Softmax over each row, in place. A score of -inf gives exactly 0; a row of nothing but -inf gives all 0.
template <class S>
void softmax_forward(Out<S> scores);
/// ds = p (dp - sum(p dp)) over each row;  p, dp (N, K) -> dp becomes ds.
template <class S>
void softmax_backward(In<S> p, Out<S> dp);

inline constexpr int32_t kIgnore = -1;  // a target that carries no loss, such as padding

/// Sum over rows of -log softmax(logits)[target], in nats;  logits (N, V), targets (N) -> log_probs (N, V).
/// Log-softmax, not the log of a softmax, which is -inf as soon as a probability underflows.
template <class S>
double cross_entropy_forward(In<S> logits, std::span<const int32_t> targets, Out<S> log_probs);
/// dlogits = scale (softmax(logits) - onehot(target)); with scale = 1 / (number of targets), the gradient of the mean.
template <class S>
void cross_entropy_backward(In<S> log_probs, std::span<const int32_t> targets, S scale, Out<S> dlogits);

}  // namespace nopeek
