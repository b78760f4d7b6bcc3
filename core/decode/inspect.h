#pragma once
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/base/progress.h"
#include "core/nn/mask.h"
#include "core/nn/parameters.h"
#include "core/text/tokenizer.h"

namespace nopeek {

/// All that a model computes of one text, in evaluation mode.
///
/// Inputs are all T tokens. Targets are the inputs shifted by one, so that the last position has none, and both losses
/// are means over the T-1 others, in nats. A text of one token has no loss.
template <class S>
struct Inspection {
  Matrix<S> logits;                         // (T, V)
  std::vector<S> attention;                 // (L, NH, T, T)
  std::optional<double> reported_loss;      // of the pass over the whole text
  std::optional<double> honest_loss;        // of passes over each prefix, none of which holds its own target
  std::unique_ptr<Parameters<S>> gradient;  // of the reported loss; null if not asked for, or without a loss
};

/// `mask` is at least as large as the text. Throws Error if the text has no token, more than the context, or one that
/// the model does not know, and Cancelled: between the passes over the whole text, and within those over its prefixes.
template <class S>
Inspection<S> inspect(const Parameters<S>& parameters, const Mask& mask, std::span<const TokenId> text,
                      bool with_gradient = false, Progress* progress = nullptr);

}  // namespace nopeek
