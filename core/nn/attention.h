#pragma once
#include <span>

#include "core/base/types.h"
#include "core/nn/mask.h"
#include "core/nn/ops.h"

namespace nopeek {

/// Multi-head attention (Vaswani et al. 2017), for each sequence b and head h on its own:
///
///   S = Q K^T / sqrt(HS) + mask      (T, T)   scores, row = query
///   P = softmax(S)                   (T, T)   weights; forbidden cells are exactly 0
///   O = P V                          (T, HS)  heads side by side give out
///
/// qkv (B*T, 3C) holds query, key and value side by side, each C = NH*HS wide.
/// masks: one for all sequences, or one a sequence; of any size >= T, of which the top left (T, T) corner counts.
/// -> weights (B*NH*T, T): the rows of head h of sequence b start at (b*NH + h) * T;  out (B*T, C).
/// `weights` are kept before dropout: they are what is shown, and what backward needs.
template <class S>
void attention_forward(In<S> qkv, int T, int NH, std::span<const Mask> masks, const Dropout& dropout, Out<S> weights,
                       Out<S> out);
template <class S>
void attention_backward(In<S> dout, In<S> qkv, In<S> weights, int T, int NH, const Dropout& dropout, Out<S> dqkv);

/// The same for the last n of T positions of one sequence, whose keys and values are all at hand, as in decoding with a
/// KV cache: query (n, C), keys and values (T, C) -> weights (NH*n, T), out (n, C).
template <class S>
void cached_attention_forward(In<S> query, In<S> keys, In<S> values, int NH, const Mask& mask, const Dropout& dropout,
                              Out<S> weights, Out<S> out);

/// Future attention: the mean over rows of the weight on keys > query; weights (any number of T-row blocks, T).
template <class S>
double future_attention(In<S> weights, int T);

}  // namespace nopeek
