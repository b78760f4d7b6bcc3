#include "core/decode/attention_trace.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/decode/inspect.h"
#include "core/nn/model.h"

namespace nopeek {

using Eigen::Index;

namespace {

HeadSummary summary(In<float> weights, const Mask& mask) {
  const int T = static_cast<int>(weights.rows());
  HeadSummary head;
  head.future_attention = static_cast<float>(future_attention<float>(weights, T));
  double entropy = 0, previous = 0;
  for (int q = 0; q < T; ++q) {
    for (int k = 0; k < T; ++k) {
      const double p = static_cast<double>(weights(q, k));
      if (p > 0) entropy -= p * std::log(p);
    }
    if (q > 0) previous += static_cast<double>(weights(q, q - 1));
  }
  head.entropy = static_cast<float>(entropy / T);
  head.previous_token = T > 1 ? static_cast<float>(previous / (T - 1)) : 0;

  const int S = std::min(T, HeadSummary::kMostCells);
  const auto cell = [&](int position) { return static_cast<int>(int64_t{position} * S / T); };
  head.picture = Matrix<float>::Constant(S, S, Mask::kForbidden);
  for (int q = 0; q < T; ++q) {
    for (int k = 0; k < T; ++k) {
      float& largest = head.picture(cell(q), cell(k));
      if (mask.visible(q, k)) largest = std::max(largest, weights(q, k));
    }
  }
  return head;
}

}  // namespace

AttentionTrace trace_attention(const Parameters<float>& parameters, const Mask& mask, std::span<const TokenId> text,
                               Progress* progress) {
  const ModelConfig& config = parameters.config();
  require_fit(config, text);
  const int T = static_cast<int>(text.size()), NH = config.heads;

  // The activations of one block serve for all of them: those of a whole GPT-2 would take more than its weights.
  ModelConfig one_block = config;
  one_block.layers = 1;
  one_block.vocab = 1;  // no logits
  Activations<float> activations(one_block, 1, T);
  auto& block = activations.views().layers[0];
  embedding_forward<float>(text, T, parameters.wte(), parameters.wpe(), block.input);

  AttentionTrace trace;
  trace.mean = Matrix<float>::Zero(T, T);
  for (int l = 0; l < config.layers; ++l) {
    report_progress(progress, static_cast<float>(l) / static_cast<float>(config.layers));
    block_forward<float>(parameters, l, T, {&mask, 1}, Dropout{}, block, block.input);
    trace.ln_1.emplace_back(block.ln_1);
    trace.qkv.emplace_back(block.qkv);
    for (int h = 0; h < NH; ++h) {
      const auto weights = block.attention.middleRows(Index{h} * T, T);
      trace.heads.push_back(summary(weights, mask));
      trace.mean += weights;
    }
  }
  trace.mean /= static_cast<float>(config.layers * NH);
  for (int q = 0; q < T; ++q) {
    for (int k = 0; k < T; ++k) {
      if (!mask.visible(q, k)) trace.mean(q, k) = Mask::kForbidden;
    }
  }
  return trace;
}

}  // namespace nopeek
