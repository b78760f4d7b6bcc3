#include "core/decode/decoder.h"

#include <algorithm>
#include <cassert>

#include "core/nn/attention.h"
#include "core/nn/matmul.h"

namespace nopeek {

using Eigen::Index;

template <class S>
Decoder<S>::Decoder(const Parameters<S>& parameters, const Mask& mask, bool cache, ThreadPool* threads)
    : parameters_(parameters), mask_(mask), caches_(cache && mask.is_causal()), threads_(threads) {
  const ModelConfig& config = parameters.config();
  for (int l = 0; l < config.layers; ++l) {
    keys_.emplace_back(config.context, config.channels);
    values_.emplace_back(config.context, config.channels);
  }
  logits_.resize(config.vocab);
}

template <class S>
size_t Decoder<S>::cache_bytes() const {
  return sizeof(S) * 2 * window_ * keys_.size() * static_cast<size_t>(parameters_.config().channels);
}

template <class S>
std::span<const S> Decoder<S>::next_logits(std::span<const TokenId> text, const Dropout& dropout, Progress* progress) {
  assert(!text.empty());
  const ModelConfig& config = parameters_.config();
  const auto window = text.last(std::min(text.size(), static_cast<size_t>(config.context)));
  require_known(config, window);
  const bool reuse = caches_ && dropout.p == 0;
  size_t known = 0;
  if (reuse) {
    // The last position is computed in any case: its logits are asked for.
    const size_t most = std::min(cached_.size(), window.size() - 1);
    while (known < most && cached_[known] == window[known]) ++known;
  }
  cached_.resize(known);  // what lies behind is overwritten
  pass(window, static_cast<Index>(known), dropout, progress);
  if (reuse) cached_.assign(window.begin(), window.end());
  window_ = window.size();
  computed_ = static_cast<int>(window_ - known);
  return {logits_.data(), static_cast<size_t>(logits_.size())};
}

/// part(from, count) for all columns of a result, on all threads if there is enough to do for them to be woken up.
/// Every column is summed as on one thread, so the bits are the same.
template <class S>
template <class Part>
void Decoder<S>::share_out(Index columns, Index work, const Part& part) {
  constexpr Index kWorthIt = 1 << 18;  // multiplications: some ten microseconds
  const int parts = threads_ && work >= kWorthIt ? threads_->threads() : 1;
  const auto task = [&](int p) {
    const Index from = columns * p / parts, to = columns * (p + 1) / parts;
    part(from, to - from);
  };
  parts == 1 ? task(0) : threads_->run(parts, task);
}

template <class S>
void Decoder<S>::linear(In<S> x, In<S> W, VectorIn<S> b, Out<S> y) {
  share_out(W.cols(), x.rows() * W.size(), [&](Index from, Index count) {
    linear_forward<S>(x, W.middleCols(from, count), b.segment(from, count), y.middleCols(from, count));
  });
}

/// Positions `known` to the end of the window: n of T.
template <class S>
void Decoder<S>::pass(std::span<const TokenId> window, Index known, const Dropout& drop, Progress* progress) {
  const ModelConfig& config = parameters_.config();
  const Index T = std::ssize(window), n = T - known, C = config.channels;
  for (Matrix<S>* matrix : {&x_, &ln_, &branch_}) resize(*matrix, n, C);
  resize(qkv_, n, 3 * C), resize(fc_, n, config.inner_size()), resize(weights_, config.heads * n, T);
  resize(mean_, 1, n), resize(rstd_, 1, n);

  embedding_forward<S>(window.subspan(static_cast<size_t>(known)), static_cast<int>(n), parameters_.wte(),
                       parameters_.wpe().middleRows(known, n), x_);
  dropout<S>(drop.at(0), x_);
  for (int l = 0; l < config.layers; ++l) {
    report_progress(progress, static_cast<float>(l) / static_cast<float>(config.layers));
    const auto& w = parameters_.block(l);
    auto& keys = keys_[static_cast<size_t>(l)];
    auto& values = values_[static_cast<size_t>(l)];
    const uint64_t place = 1 + 3 * static_cast<uint64_t>(l);

    layer_norm_forward<S>(x_, w.ln_1_weight, w.ln_1_bias, config.epsilon, ln_, mean_, rstd_);
    linear(ln_, w.c_attn_weight, w.c_attn_bias, qkv_);
    keys.middleRows(known, n) = qkv_.middleCols(C, C);
    values.middleRows(known, n) = qkv_.rightCols(C);

    // Behind the last block only the last position is asked for; but dropout's pattern is that of the whole pass.
    const Index m = l + 1 < config.layers || drop.p > 0 ? n : 1;
    auto x = x_.bottomRows(m), ln = ln_.bottomRows(m), branch = branch_.bottomRows(m), fc = fc_.bottomRows(m);
    cached_attention_forward<S>(qkv_.leftCols(C).bottomRows(m), keys.topRows(T), values.topRows(T), config.heads,
                                score_scale<S>(config, l), mask_, drop.at(place), weights_.topRows(config.heads * m),
                                ln);
    linear(ln, w.attn_proj_weight, w.attn_proj_bias, branch);
    dropout<S>(drop.at(place + 1), branch);
    x += branch;

    layer_norm_forward<S>(x, w.ln_2_weight, w.ln_2_bias, config.epsilon, ln, mean_.tail(m), rstd_.tail(m));
    linear(ln, w.c_fc_weight, w.c_fc_bias, fc);
    activation_forward<S>(config.activation, fc, fc);
    linear(fc, w.mlp_proj_weight, w.mlp_proj_bias, branch);
    dropout<S>(drop.at(place + 2), branch);
    x += branch;
  }
  layer_norm_forward<S>(x_.bottomRows(1), parameters_.ln_f_weight(), parameters_.ln_f_bias(), config.epsilon,
                        ln_.topRows(1), mean_.head(1), rstd_.head(1));
  const auto head = parameters_.head();
  share_out(config.vocab, head.size(), [&](Index from, Index count) {
    matmul<S>(ln_.topRows(1), head.middleRows(from, count).transpose(), logits_.middleCols(from, count));
  });
}

template class Decoder<float>;
template class Decoder<double>;

}  // namespace nopeek
