#pragma once
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/base/types.h"
#include "core/nn/config.h"

namespace nopeek {

/// One tensor of the model: where it lies in the flat vector, and how it starts. Vectors have one row.
struct TensorSpec {
  std::string name;  // as in published GPT-2 files: "wte.weight", "h.0.attn.c_attn.weight", ...
  int rows, cols;
  enum class Init { kZero, kOne, kNormal } init;
  double deviation;  // of kNormal
  size_t offset;

  size_t size() const { return static_cast<size_t>(rows) * cols; }
  bool is_matrix() const { return rows > 1 || init == Init::kNormal; }  // what weight decay acts on
};

/// The output head, where it is not tied to the token embeddings.
inline constexpr const char* kHeadName = "lm_head.weight";

/// The table of all tensors, in order. This is the one place that describes them.
std::vector<TensorSpec> parameter_table(const ModelConfig& config);

/// All weights of a model (or all their gradients) as one flat vector with named views. The optimiser and the hash see
/// the vector; the model sees the views; the screen and the files find a tensor by its name in table().
template <class S>
class Parameters {
 public:
  struct Block {                          // of one layer; weights are (in, out) as in GPT-2, so y = x W + b
    VectorMap<S> ln_1_weight, ln_1_bias;  // (C)
    MatrixMap<S> c_attn_weight;           // (C, 3C): query, key and value side by side
    VectorMap<S> c_attn_bias;             // (3C)
    MatrixMap<S> attn_proj_weight;        // (C, C)
    VectorMap<S> attn_proj_bias;          // (C)
    VectorMap<S> ln_2_weight, ln_2_bias;  // (C)
    MatrixMap<S> c_fc_weight;             // (C, I), I = 4C unless the config says otherwise
    VectorMap<S> c_fc_bias;               // (I)
    MatrixMap<S> mlp_proj_weight;         // (I, C)
    VectorMap<S> mlp_proj_bias;           // (C)
  };

  /// All zero.
  explicit Parameters(const ModelConfig& config);
  // Copies would leave the views on the other's memory; make one of the same config and assign flat().
  Parameters(const Parameters&) = delete;
  Parameters(Parameters&&) = default;  // a moved vector keeps its memory, so the views stay right

  /// GPT-2's start: normal with deviation 0.02, residual projections 0.02 / sqrt(2 L), layer norms 1 and 0, biases 0.
  void initialise(Rng rng);
  void set_zero() { flat().setZero(); }

  const ModelConfig& config() const { return config_; }
  const std::vector<TensorSpec>& table() const { return table_; }
  VectorMap<S> flat() { return {flat_.data(), static_cast<Eigen::Index>(flat_.size())}; }
  ConstVectorMap<S> flat() const { return {flat_.data(), static_cast<Eigen::Index>(flat_.size())}; }
  size_t size() const { return flat_.size(); }
  /// A tensor by its row of the table.
  MatrixMap<S> tensor(const TensorSpec& spec) { return {flat_.data() + spec.offset, spec.rows, spec.cols}; }

  // The views are shallow, as std::span is: a const Parameters still hands out writable ones. Ops take what they only
  // read as `In`.
  MatrixMap<S> wte() const { return wte_; }    // (V, C): token embeddings
  MatrixMap<S> wpe() const { return wpe_; }    // (context, C): position embeddings
  MatrixMap<S> head() const { return head_; }  // (V, C): the output head, transposed: wte itself if it is tied to it
  const Block& block(int layer) const { return blocks_[static_cast<size_t>(layer)]; }
  VectorMap<S> ln_f_weight() const { return ln_f_weight_; }  // (C)
  VectorMap<S> ln_f_bias() const { return ln_f_bias_; }      // (C)

 private:
  ModelConfig config_;
  std::vector<TensorSpec> table_;
  AlignedVector<S> flat_;
  MatrixMap<S> wte_, wpe_, head_;
  std::vector<Block> blocks_;
  VectorMap<S> ln_f_weight_, ln_f_bias_;
};

}  // namespace nopeek
