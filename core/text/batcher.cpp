#include "core/text/batcher.h"

#include <algorithm>

namespace nopeek {

namespace {

/// Window `b` of the batch begins at token `start`; its targets are one token further on.
void fill_window(Batch& batch, int b, const std::vector<uint16_t>& tokens, size_t start) {
  const auto from = tokens.begin() + static_cast<std::ptrdiff_t>(start);
  const auto to = static_cast<std::ptrdiff_t>(b) * batch.T;
  std::copy_n(from, batch.T, batch.inputs.begin() + to);
  std::copy_n(from + 1, batch.T, batch.targets.begin() + to);
}

Batch make_batch(int B, int T) {
  const auto size = static_cast<size_t>(B) * static_cast<size_t>(T);
  return {B, T, std::vector<TokenId>(size), std::vector<TokenId>(size)};
}

}  // namespace

Batcher::Batcher(const Corpus& corpus, int B, int T, uint64_t seed)
    : tokens_(corpus.train), rng_(seed, /*stream=*/1), batch_(make_batch(B, T)) {}

const Batch& Batcher::next() {
  const size_t starts = tokens_.size() - static_cast<size_t>(batch_.T);  // the last window needs a target too
  for (int b = 0; b < batch_.B; ++b) fill_window(batch_, b, tokens_, rng_.below(starts));
  return batch_;
}

Batch consecutive_windows(const std::vector<uint16_t>& tokens, int T, int max_windows) {
  const auto windows = std::min<size_t>((tokens.size() - 1) / static_cast<size_t>(T), static_cast<size_t>(max_windows));
  Batch batch = make_batch(static_cast<int>(windows), T);
  for (int b = 0; b < batch.B; ++b) fill_window(batch, b, tokens, static_cast<size_t>(b) * static_cast<size_t>(T));
  return batch;
}

}  // namespace nopeek
