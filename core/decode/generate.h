#pragma once
#include <vector>

#include "core/nn/model.h"
#include "core/text/tokenizer.h"

namespace nopeek {

/// Greedy continuation of a prompt: again and again one pass over the last `context` tokens, under the model's own
/// mask, and the likeliest next token (the lower id among equals), until `<eos>`, which is not returned, or
/// `max_new_tokens`. `activations` needs room for one sequence of the whole context.
template <class S>
std::vector<TokenId> greedy_continuation(const Parameters<S>& parameters, const Mask& mask,
                                         std::span<const TokenId> prompt, int max_new_tokens,
                                         Activations<S>& activations);

}  // namespace nopeek
