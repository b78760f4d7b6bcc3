#include "core/nn/model.h"

#include <cassert>

#include "core/nn/matmul.h"

namespace nopeek {

using Eigen::Index;

namespace {

/// Cuts views out of an arena, one behind the other.
template <class S>
struct Cutter {
  S* next;
  MatrixMap<S> matrix(Index rows, Index cols) {
    S* here = next;
    next += rows * cols;
    return {here, rows, cols};
  }
  VectorMap<S> vector(Index size) {
    S* here = next;
    next += size;
    return {here, size};
  }
};

size_t arena_size(const ModelConfig& c, size_t N, size_t T) {
  const size_t C = static_cast<size_t>(c.channels), I = static_cast<size_t>(c.inner_size());
  const size_t V = static_cast<size_t>(c.vocab);
  const size_t attention = N * static_cast<size_t>(c.heads) * T;
  const size_t layer =
      N * (5 * C + 3 * C + 2 * I + 4) + attention;  // input, ln_1, heads, middle, ln_2 | qkv | fc, activated
  return static_cast<size_t>(c.layers) * layer + N * (2 * C + 2 + 2 * V);
}

}  // namespace

template <class S>
Activations<S>::Activations(const ModelConfig& config, int max_B, int max_T)
    : config_(config), arena_(arena_size(config, static_cast<size_t>(max_B) * max_T, static_cast<size_t>(max_T))) {
  shape(max_B, max_T);
}

template <class S>
auto Activations<S>::shape(int B, int T) -> Views& {
  if (views_ && views_->B == B && views_->T == T) return *views_;
  assert(arena_size(config_, static_cast<size_t>(B) * T, static_cast<size_t>(T)) <= arena_.size());
  const Index N = Index{B} * T, C = config_.channels, I = config_.inner_size(), V = config_.vocab;
  const Index rows = Index{B} * config_.heads * T;
  std::vector<Layer> layers = views_ ? std::move(views_->layers) : std::vector<Layer>();  // keeps its memory
  layers.clear();
  Cutter<S> cut{arena_.data()};
  for (int l = 0; l < config_.layers; ++l) {
    // Braces: the members are initialised in order.
    layers.push_back(Layer{cut.matrix(N, C), cut.matrix(N, C), cut.matrix(N, 3 * C), cut.matrix(rows, T),
                           cut.matrix(N, C), cut.matrix(N, C), cut.matrix(N, C), cut.matrix(N, I), cut.matrix(N, I),
                           cut.vector(N), cut.vector(N), cut.vector(N), cut.vector(N)});
  }
  views_.emplace(Views{B, T, std::move(layers), cut.matrix(N, C), cut.matrix(N, C), cut.vector(N), cut.vector(N),
                       cut.matrix(N, V), cut.matrix(N, V)});
  return *views_;
}

namespace {
/// Where a layer's patterns of dropout begin: its attention weights, then its two branches.
uint64_t dropout_place(int layer) { return 1 + 3 * static_cast<uint64_t>(layer); }
}  // namespace

template <class S>
void block_qkv_forward(const Parameters<S>& parameters, int layer, typename Activations<S>::Layer& a) {
  const auto& w = parameters.block(layer);
  layer_norm_forward<S>(a.input, w.ln_1_weight, w.ln_1_bias, parameters.config().epsilon, a.ln_1, a.mean_1, a.rstd_1);
  linear_forward<S>(a.ln_1, w.c_attn_weight, w.c_attn_bias, a.qkv);
}

template <class S>
void block_rest_forward(const Parameters<S>& parameters, int layer, const Dropout& drop,
                        typename Activations<S>::Layer& a, Out<S> next) {
  const auto& w = parameters.block(layer);
  const uint64_t place = dropout_place(layer);

  // middle = input + dropout(projected heads)
  linear_forward<S>(a.heads, w.attn_proj_weight, w.attn_proj_bias, a.middle);
  dropout<S>(drop.at(place + 1), a.middle);
  a.middle += a.input;

  // next = middle + dropout(mlp(ln_2(middle)))
  layer_norm_forward<S>(a.middle, w.ln_2_weight, w.ln_2_bias, parameters.config().epsilon, a.ln_2, a.mean_2, a.rstd_2);
  linear_forward<S>(a.ln_2, w.c_fc_weight, w.c_fc_bias, a.fc);
  activation_forward<S>(parameters.config().activation, a.fc, a.activated);
  linear_forward<S>(a.activated, w.mlp_proj_weight, w.mlp_proj_bias, next);
  dropout<S>(drop.at(place + 2), next);
  next += a.middle;
}

template <class S>
void block_forward(const Parameters<S>& parameters, int layer, int T, std::span<const Mask> masks, const Dropout& drop,
                   typename Activations<S>::Layer& a, Out<S> next) {
  const ModelConfig& config = parameters.config();
  block_qkv_forward<S>(parameters, layer, a);
  attention_forward<S>(a.qkv, T, config.heads, score_scale<S>(config, layer), masks, drop.at(dropout_place(layer)),
                       a.attention, a.heads);
  block_rest_forward<S>(parameters, layer, drop, a, next);
}

template <class S>
void forward(const Parameters<S>& parameters, std::span<const int32_t> inputs, int B, int T,
             std::span<const Mask> masks, const Dropout& drop, Activations<S>& activations) {
  const auto layers = static_cast<size_t>(parameters.config().layers);
  auto& acts = activations.shape(B, T);

  embedding_forward<S>(inputs, T, parameters.wte(), parameters.wpe(), acts.layers[0].input);
  dropout<S>(drop.at(0), acts.layers[0].input);
  for (size_t l = 0; l < layers; ++l) {
    auto& next = l + 1 < layers ? acts.layers[l + 1].input : acts.output;
    block_forward<S>(parameters, static_cast<int>(l), T, masks, drop, acts.layers[l], next);
  }
  layer_norm_forward<S>(acts.output, parameters.ln_f_weight(), parameters.ln_f_bias(), parameters.config().epsilon,
                        acts.ln_f, acts.mean_f, acts.rstd_f);
}

template <class S>
void head_forward(const Parameters<S>& parameters, Activations<S>& activations) {
  auto& acts = activations.views();
  matmul<S>(acts.ln_f, parameters.head().transpose(), acts.logits);
}

template <class S>
double loss_forward(std::span<const int32_t> targets, Activations<S>& activations) {
  auto& acts = activations.views();
  return cross_entropy_forward<S>(acts.logits, targets, acts.log_probs);
}

template <class S>
BackwardScratch<S>::BackwardScratch(const ModelConfig& c, int max_B, int max_T)
    : dlogits(max_B * max_T, c.vocab),
      dx(max_B * max_T, c.channels),
      dbranch(max_B * max_T, c.channels),
      dln(max_B * max_T, c.channels),
      dqkv(max_B * max_T, 3 * c.channels),
      dfc(max_B * max_T, c.inner_size()) {}

template <class S>
void backward(const Parameters<S>& parameters, std::span<const int32_t> inputs, std::span<const int32_t> targets,
              S scale, const Dropout& drop, const Activations<S>& activations, BackwardScratch<S>& scratch,
              Parameters<S>& gradients) {
  const ModelConfig& config = parameters.config();
  const auto& acts = activations.views();
  const int N = acts.B * acts.T;
  auto dlogits = scratch.dlogits.topRows(N);
  auto dx = scratch.dx.topRows(N), dbranch = scratch.dbranch.topRows(N), dln = scratch.dln.topRows(N);
  auto dqkv = scratch.dqkv.topRows(N), dfc = scratch.dfc.topRows(N);

  // forward: logits = ln_f head^T
  cross_entropy_backward<S>(acts.log_probs, targets, scale, dlogits);
  matmul<S>(dlogits, parameters.head(), dln);
  matmul_add<S>(dlogits.transpose(), acts.ln_f, gradients.head());
  dx.setZero();
  layer_norm_backward<S>(dln, acts.output, parameters.ln_f_weight(), acts.mean_f, acts.rstd_f, dx,
                         gradients.ln_f_weight(), gradients.ln_f_bias());

  for (int l = config.layers - 1; l >= 0; --l) {
    const auto& w = parameters.block(l);
    const auto& dw = gradients.block(l);
    const auto& a = acts.layers[static_cast<size_t>(l)];
    const uint64_t place = dropout_place(l);

    // forward: next = middle + dropout(mlp(ln_2(middle))); dx holds the gradient of next, and goes on as that of middle
    dbranch = dx;
    dropout<S>(drop.at(place + 2), dbranch);
    linear_backward<S>(dbranch, a.activated, w.mlp_proj_weight, dfc, dw.mlp_proj_weight, dw.mlp_proj_bias);
    activation_backward<S>(config.activation, dfc, a.fc, dfc);
    linear_backward<S>(dfc, a.ln_2, w.c_fc_weight, dln, dw.c_fc_weight, dw.c_fc_bias);
    layer_norm_backward<S>(dln, a.middle, w.ln_2_weight, a.mean_2, a.rstd_2, dx, dw.ln_2_weight, dw.ln_2_bias);

    // forward: middle = input + dropout(attention(ln_1(input)))
    dbranch = dx;
    dropout<S>(drop.at(place + 1), dbranch);
    linear_backward<S>(dbranch, a.heads, w.attn_proj_weight, dln, dw.attn_proj_weight, dw.attn_proj_bias);
    attention_backward<S>(dln, a.qkv, a.attention, acts.T, config.heads, score_scale<S>(config, l), drop.at(place),
                          dqkv);
    linear_backward<S>(dqkv, a.ln_1, w.c_attn_weight, dln, dw.c_attn_weight, dw.c_attn_bias);
    layer_norm_backward<S>(dln, a.input, w.ln_1_weight, a.mean_1, a.rstd_1, dx, dw.ln_1_weight, dw.ln_1_bias);
  }
  dropout<S>(drop.at(0), dx);
  embedding_backward<S>(dx, inputs, acts.T, gradients.wte(), gradients.wpe());
}

#define NOPEEK_INSTANTIATE(S)                                                                                     \
  template class Activations<S>;                                                                                  \
  template struct BackwardScratch<S>;                                                                             \
  template void forward<S>(const Parameters<S>&, std::span<const int32_t>, int, int, std::span<const Mask>,       \
                           const Dropout&, Activations<S>&);                                                      \
  template void block_forward<S>(const Parameters<S>&, int, int, std::span<const Mask>, const Dropout&,           \
                                 Activations<S>::Layer&, Out<S>);                                                 \
  template void block_qkv_forward<S>(const Parameters<S>&, int, Activations<S>::Layer&);                          \
  template void block_rest_forward<S>(const Parameters<S>&, int, const Dropout&, Activations<S>::Layer&, Out<S>); \
  template void head_forward<S>(const Parameters<S>&, Activations<S>&);                                           \
  template double loss_forward<S>(std::span<const int32_t>, Activations<S>&);                                     \
  template void backward<S>(const Parameters<S>&, std::span<const int32_t>, std::span<const int32_t>, S,          \
                            const Dropout&, const Activations<S>&, BackwardScratch<S>&, Parameters<S>&);
NOPEEK_INSTANTIATE(float)
NOPEEK_INSTANTIATE(double)

}  // namespace nopeek
