#pragma once
#include <span>
#include <vector>

#include "core/base/progress.h"
#include "core/nn/attention.h"
#include "core/nn/parameters.h"
#include "core/text/tokenizer.h"

namespace nopeek {

/// One head on one text, in three numbers and a picture.
struct HeadSummary {
  float future_attention = 0;  // mean over rows of the weight on later keys
  float entropy = 0;           // mean over rows of -sum p ln p, in nats
  float previous_token = 0;    // mean over rows but the first of the weight on the key before
  /// (S, S), S = min(T, kMostCells): the weights; where T is larger, the largest one of each square. -inf where the
  /// mask forbids (all of the square).
  static constexpr int kMostCells = 64;
  Matrix<float> picture;
};

/// What all heads of a model do with one text, in evaluation mode. Small enough to be kept for a published GPT-2 at its
/// full context: any head's matrices come from its layer's qkv, by head_stages().
struct AttentionTrace {
  std::vector<Matrix<float>> ln_1;  // (T, C) a layer: what the projections get
  std::vector<Matrix<float>> qkv;   // (T, 3C) a layer
  std::vector<HeadSummary> heads;   // (L, NH)
  Matrix<float> mean;               // (T, T) weights, mean over all heads; -inf where the mask forbids

  const HeadSummary& head(int layer, int head) const {
    return heads[static_cast<size_t>(layer) * (heads.size() / qkv.size()) + static_cast<size_t>(head)];
  }
};

/// `mask` is at least as large as the text. Throws Error if the text has no token, more than the context, or one that
/// the model does not know; and Cancelled, between two layers.
AttentionTrace trace_attention(const Parameters<float>& parameters, const Mask& mask, std::span<const TokenId> text,
                               Progress* progress = nullptr);

}  // namespace nopeek
