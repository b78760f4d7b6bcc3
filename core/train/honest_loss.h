#pragma once
#include <span>
#include <vector>

#include "core/nn/model.h"

namespace nopeek {

/// The honest (prefix-only) loss: for each position t feed only tokens 0..t and score token t+1 from the last output.
/// No model can peek at what is not there. For a causal mask it equals the reported loss up to rounding; where it is
/// larger, the reported loss is a lie.
///
/// The prefixes of a text differ by a token at their end, so they are not run one by one: the pass over a prefix is
/// kept and the next token appended to it. Each layer then computes anew from the first row (position) on that sees, by
/// the mask, a row that is new or has changed. Under a causal mask that is the new row itself, and all prefixes
/// together cost one pass over the text; under a full mask each token changes all rows behind the first layer's keys
/// and values. The tokens that come later are not part of the pass by then: they are not hidden, they are not there.
///
/// Takes its memory once. Rows lie by position, those of all sequences side by side: row t*B + b. So the rows from some
/// position on are one matrix, whatever the number of sequences.
template <class S>
class HonestLoss {
 public:
  /// For B sequences of T tokens.
  HonestLoss(const ModelConfig& config, int B, int T);

  /// The summed loss of `positions`, which ascend, over all sequences, in nats; without dropout. inputs, targets (B,
  /// T), kIgnore where there is no target. `mask` is of any size >= T.
  double sum(const Parameters<S>& parameters, std::span<const int32_t> inputs, std::span<const int32_t> targets,
             const Mask& mask, std::span<const int> positions);

  /// Positions for one measure, ascending: all, if that takes no longer than a training step; else as many as one can
  /// afford for that, n of T. They are then spread evenly round the circle of positions, from a start that `draw`
  /// picks: over all starts each position is chosen equally often, so a mean over them is without bias.
  std::span<const int> choose(const Mask& mask, uint64_t draw);

 private:
  void append(const Parameters<S>& parameters, std::span<const int32_t> inputs, int from, int to);
  void pass(const Parameters<S>& parameters, const Mask& mask, int from, int to);
  void attend(const Mask& mask, int layer, int from, int to);
  typename Activations<S>::Layer rows(int layer, int from, int to);
  double score(const Parameters<S>& parameters, std::span<const int32_t> targets, int position);

  ModelConfig config_;
  int B_, T_;
  std::vector<Matrix<S>> x_;      // (T*B, C): the residual stream before each block and behind the last
  std::vector<Matrix<S>> qkv_;    // (T*B, 3C) of each block
  Matrix<S> ln_, middle_, fc_;    // (T*B, C) and fc (T*B, I), used by all blocks in turn; ln is also what heads give
  Matrix<S> weights_;             // (NH*T, T), by all sequences in turn
  RowVector<S> mean_, rstd_;      // (T*B)
  Matrix<S> logits_, log_probs_;  // (B, V)
  std::vector<int32_t> tokens_;   // (B) of one position
  std::vector<int> positions_;
};

/// Positions of `T` that are measured if n of them are, see HonestLoss::choose(). Clears `positions` first.
void spread_positions(int T, int n, uint64_t start, std::vector<int>& positions);

}  // namespace nopeek
