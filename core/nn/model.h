#pragma once
#include <optional>
#include <span>
#include <vector>

#include "core/nn/attention.h"
#include "core/nn/ops.h"
#include "core/nn/parameters.h"

namespace nopeek {

/// All that a forward pass computes, kept for the screen and for the way back. The caller owns it; forward() writes
/// only here. Memory is taken once, for the largest (B, T); smaller passes use its beginning.
template <class S>
class Activations {
 public:
  struct Layer {                                  // N = B*T
    MatrixMap<S> input;                           // (N, C) residual stream as it enters the block
    MatrixMap<S> ln_1;                            // (N, C)
    MatrixMap<S> qkv;                             // (N, 3C)
    MatrixMap<S> attention;                       // (B*NH*T, T) weights after the softmax
    MatrixMap<S> heads;                           // (N, C) outputs of all heads side by side
    MatrixMap<S> middle;                          // (N, C) residual stream between attention and MLP
    MatrixMap<S> ln_2;                            // (N, C)
    MatrixMap<S> fc;                              // (N, I) before the activation, I = inner_size()
    MatrixMap<S> activated;                       // (N, I)
    VectorMap<S> mean_1, rstd_1, mean_2, rstd_2;  // (N)
  };
  struct Views {
    int B, T;
    std::vector<Layer> layers;
    MatrixMap<S> output;          // (N, C) residual stream behind the last block
    MatrixMap<S> ln_f;            // (N, C)
    VectorMap<S> mean_f, rstd_f;  // (N)
    MatrixMap<S> logits;          // (N, V); filled by head_forward()
    MatrixMap<S> log_probs;       // (N, V); filled by loss_forward()
  };

  Activations(const ModelConfig& config, int max_B, int max_T);
  /// Lays the views out for a pass over (B, T); B*T must not exceed what the constructor was given.
  Views& shape(int B, int T);
  Views& views() { return *views_; }
  const Views& views() const { return *views_; }

 private:
  ModelConfig config_;
  AlignedVector<S> arena_;
  std::optional<Views> views_;
};

/// GPT-2 up to the last layer norm: inputs (B, T) -> activations. `masks`: see attention_forward. Dropout with p = 0 is
/// evaluation mode.
template <class S>
void forward(const Parameters<S>& parameters, std::span<const int32_t> inputs, int B, int T,
             std::span<const Mask> masks, const Dropout& dropout, Activations<S>& activations);

/// One block of it: a.input (N, C) -> next (N, C), which may lie on a.input. All that is between them is kept in `a`.
template <class S>
void block_forward(const Parameters<S>& parameters, int layer, int T, std::span<const Mask> masks,
                   const Dropout& dropout, typename Activations<S>::Layer& a, Out<S> next);

/// The parts of a block around its attention. Both treat every row alike, so N may be any rows of any sequences, and
/// `next` may lie on a.input. What is not kept may share memory: fc with activated, ln_1 with heads and ln_2.
/// a.input (N, C) -> a.qkv (N, 3C)
template <class S>
void block_qkv_forward(const Parameters<S>& parameters, int layer, typename Activations<S>::Layer& a);
/// a.input and a.heads (N, C) -> next (N, C)
template <class S>
void block_rest_forward(const Parameters<S>& parameters, int layer, const Dropout& dropout,
                        typename Activations<S>::Layer& a, Out<S> next);

/// logits = ln_f head^T: the token embeddings, if the head is tied to them.
template <class S>
void head_forward(const Parameters<S>& parameters, Activations<S>& activations);

/// Sum over positions of the cross-entropy in nats; targets (B, T), kIgnore where there is none.
template <class S>
double loss_forward(std::span<const int32_t> targets, Activations<S>& activations);

/// Room for one backward pass, of the same shapes as the activations.
template <class S>
struct BackwardScratch {
  BackwardScratch(const ModelConfig& config, int max_B, int max_T);
  Matrix<S> dlogits;       // (N, V)
  Matrix<S> dx;            // (N, C) gradient of the residual stream
  Matrix<S> dbranch, dln;  // (N, C)
  Matrix<S> dqkv;          // (N, 3C)
  Matrix<S> dfc;           // (N, I)
};

/// Gradient of `scale` times the summed loss, added to `gradients`. Needs forward, head_forward and loss_forward of the
/// same inputs, targets and dropout before it, in `activations`.
template <class S>
void backward(const Parameters<S>& parameters, std::span<const int32_t> inputs, std::span<const int32_t> targets,
              S scale, const Dropout& dropout, const Activations<S>& activations, BackwardScratch<S>& scratch,
              Parameters<S>& gradients);

}  // namespace nopeek
