#pragma once
#include <optional>
#include <span>
#include <vector>

#include "core/base/types.h"
#include "core/nn/config.h"
#include "core/nn/mask.h"
#include "core/nn/ops.h"

namespace nopeek {

/// Multi-head attention (Vaswani et al. 2017), for each sequence b and head h on its own:
///
///   S = Q K^T scale + mask           (T, T)   scores, row = query; scale = 1 / sqrt(HS), see score_scale()
///   P = softmax(S)                   (T, T)   weights; forbidden cells are exactly 0
///   O = P V                          (T, HS)  heads side by side give out
///
/// qkv (B*T, 3C) holds query, key and value side by side, each C = NH*HS wide.
/// masks: one for all sequences, or one a sequence; of any size >= T, of which the top left (T, T) corner counts.
/// -> weights (B*NH*T, T): the rows of head h of sequence b start at (b*NH + h) * T;  out (B*T, C).
/// `weights` are kept before dropout: they are what is shown, and what backward needs.
template <class S>
void attention_forward(In<S> qkv, int T, int NH, S scale, std::span<const Mask> masks, const Dropout& dropout,
                       Out<S> weights, Out<S> out);
template <class S>
void attention_backward(In<S> dout, In<S> qkv, In<S> weights, int T, int NH, S scale, const Dropout& dropout,
                        Out<S> dqkv);

/// The factor on the scores of a layer: 1 / score_divisor(layer).
template <class S>
S score_scale(const ModelConfig& config, int layer);

/// The same for the last n of T positions of one sequence, whose keys and values are all at hand, as in decoding with a
/// KV cache: query (n, C), keys and values (T, C) -> weights (NH*n, T), out (n, C).
template <class S>
void cached_attention_forward(In<S> query, In<S> keys, In<S> values, int NH, S scale, const Mask& mask,
                              const Dropout& dropout, Out<S> weights, Out<S> out);

/// One head of one sequence, step by step: what attention_forward computes, with what lies between.
template <class S>
struct HeadStages {
  Matrix<S> query, key, value;  // (T, HS)
  Matrix<S> scores;             // (T, T) Q K^T
  double divisor = 1;           // of the scores: sqrt(HS), if the model has no other
  Matrix<S> scaled;             // (T, T) scores / divisor
  Matrix<S> masked;             // (T, T) scaled + mask: -inf where it forbids
  Matrix<S> weights;            // (T, T) softmax(masked)
  Matrix<S> output;             // (T, HS) weights V
};
/// qkv (T, 3C) of one sequence, see attention_forward. `divisor`: the layer's score_divisor(), if it is not sqrt(HS).
template <class S>
HeadStages<S> head_stages(In<S> qkv, int NH, int head, const Mask& mask, std::optional<double> divisor = {});

/// How much more `a` gives than `b`, cell by cell; both (T, T) scores or weights of one text, each under its own mask.
/// Where both masks forbid: -inf, there is nothing to compare. Where only one forbids a score, the difference is
/// infinite too, and is +-kUnbounded; weights have none there: a forbidden weight is 0.
inline constexpr float kUnbounded = 1e29f;
Matrix<float> head_difference(In<float> a, const Mask& mask_a, In<float> b, const Mask& mask_b);

/// A softmax of one row written out, as one does it by hand. All (T); a forbidden score stays -inf, with weight 0.
struct SoftmaxSteps {
  double max = 0, sum = 0;  // of the scores; of exp
  std::vector<double> shifted, exp, weights;
};
SoftmaxSteps softmax_steps(std::span<const double> scores);

/// Future attention: the mean over rows of the weight on keys > query; weights (any number of T-row blocks, T).
template <class S>
double future_attention(In<S> weights, int T);

}  // namespace nopeek
