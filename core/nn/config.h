#pragma once
#include <cstdint>
#include <span>

namespace nopeek {

/// What stands between the two products of an MLP. All three are GPT-2's in published models; kGeluTanh is GPT-2's own.
enum class Activation { kGeluTanh, kGelu, kRelu };

/// A GPT-2: pre-LN blocks, learned positions, biases. What is trained here has the defaults of all that is behind
/// `dropout`; a model that was opened may have others.
struct ModelConfig {
  int vocab = 0;         // V
  int context = 24;      // T at most
  int channels = 64;     // C, GPT-2's n_embd
  int layers = 2;        // L
  int heads = 4;         // NH; must divide channels
  double dropout = 0.0;  // after the embeddings, on the attention weights and on both residual branches

  int inner = 0;  // width of the MLP, GPT-2's n_inner; 0: 4 C
  Activation activation = Activation::kGeluTanh;
  double epsilon = 1e-5;         // of the layer norms
  bool tied = true;              // the output head is the token embeddings; else it is a tensor of its own
  bool scaled = true;            // scores are divided by sqrt(HS) (scale_attn_weights)
  bool scaled_by_layer = false;  // and by layer + 1 (scale_attn_by_inverse_layer_idx)

  int head_size() const { return channels / heads; }
  int inner_size() const { return inner > 0 ? inner : 4 * channels; }  // I
  /// What the attention scores of a layer are divided by: sqrt(HS) in GPT-2 as published.
  double score_divisor(int layer) const;
  /// Weights of the four matrices of a block, 12 C^2 as published: what a pass multiplies each position with.
  double block_weights() const;
  /// Throws Error with one line that names the first setting that cannot work.
  void validate() const;
  bool operator==(const ModelConfig&) const = default;
};

/// Throws Error if a token is not of the model's vocabulary.
void require_known(const ModelConfig& config, std::span<const int32_t> text);
/// The same, and if there is no token, or more than the model reads at once.
void require_fit(const ModelConfig& config, std::span<const int32_t> text);

}  // namespace nopeek
