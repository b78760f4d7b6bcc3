#pragma once
#include <optional>
#include <span>
#include <vector>

#include "core/base/progress.h"
#include "core/nn/mask.h"
#include "core/nn/parameters.h"
#include "core/text/tokenizer.h"

namespace nopeek {

/// What weights are worth under a mask, be it the one that they were trained with or another: trained without a mask
/// and run with it, say.
struct WhatIf {
  std::optional<double> reported_loss, honest_loss;  // as in Inspection; none of a text of one token
  std::vector<TokenId> written;                      // greedy continuation of the text's first `prompt_length` tokens
};

/// `mask` is (context, context); `prompt_length` is from 1 to the length of the text. Writes until `eos`, which is not
/// returned, or `new_tokens`. Throws Error as inspect() does, and Cancelled within the passes.
WhatIf what_if(const Parameters<float>& parameters, const Mask& mask, std::span<const TokenId> text, int prompt_length,
               int new_tokens, std::optional<TokenId> eos, Progress* progress = nullptr);

}  // namespace nopeek
