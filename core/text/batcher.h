#pragma once
#include <vector>

#include "core/base/rng.h"
#include "core/text/corpus.h"

namespace nopeek {

/// B windows of T tokens each, and their targets: the same windows one token later (teacher forcing).
struct Batch {
  int B = 0, T = 0;
  std::vector<TokenId> inputs;   // (B, T)
  std::vector<TokenId> targets;  // (B, T); inputs shifted left by one
};

/// Draws windows from the training part, uniformly over all starts. All lanes of a lab get the same batches.
class Batcher {
 public:
  Batcher(const Corpus& corpus, int B, int T, uint64_t seed);  // keeps a reference to `corpus`
  const Batch& next();
  /// What the batches from now on depend on, beside the corpus: to save a run and to go on with it.
  uint64_t rng_state() const { return rng_.state(); }
  void set_rng_state(uint64_t state) { rng_.set_state(state); }

 private:
  const std::vector<uint16_t>& tokens_;
  Rng rng_;
  Batch batch_;
};

/// Windows of `tokens` side by side, in order, at most `max_windows` of them: for evaluation.
Batch consecutive_windows(const std::vector<uint16_t>& tokens, int T, int max_windows);

}  // namespace nopeek
