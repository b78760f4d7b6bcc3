#pragma once
#include <cstdint>
#include <span>

namespace nopeek {

/// The shape of a GPT-2-like decoder: pre-LN blocks, learned positions, GELU (tanh form), biases, tied output head.
struct ModelConfig {
  int vocab = 0;         // V
  int context = 24;      // T at most
  int channels = 64;     // C, GPT-2's n_embd
  int layers = 2;        // L
  int heads = 4;         // NH; must divide channels
  double dropout = 0.0;  // after the embeddings, on the attention weights and on both residual branches

  int head_size() const { return channels / heads; }
  /// Throws Error with one line that names the first setting that cannot work.
  void validate() const;
  bool operator==(const ModelConfig&) const = default;
};

/// Throws Error if a token is not of the model's vocabulary.
void require_known(const ModelConfig& config, std::span<const int32_t> text);
/// The same, and if there is no token, or more than the model reads at once.
void require_fit(const ModelConfig& config, std::span<const int32_t> text);

}  // namespace nopeek
