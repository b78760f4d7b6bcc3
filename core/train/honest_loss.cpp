#include "core/train/honest_loss.h"

#include <algorithm>
#include <cassert>

#include "core/nn/matmul.h"

namespace nopeek {

using Eigen::Index;

namespace {

/// A measure may take as long as so many training steps: of every tenth step, less than 10 % also where the estimate is
/// a fifth too low.
constexpr double kBudget = 0.8;
/// A step goes forward once and backward, which is twice the work.
constexpr double kPassesOfStep = 3;
/// Every product also reads its weights, once for all rows. That takes as long as computing so many rows; and longer
/// where all weights of a pass do not stay in the cache until the next one. Measured, and no matter of correctness.
constexpr double kRowsOfCachedWeights = 4, kRowsOfWeights = 20, kCache = 8e6;

/// The first row whose output changes when keys and values from row `changed` on do, of the first `end` rows.
int first_reached(const Mask& mask, int changed, int end) {
  for (int query = 0; query < changed; ++query) {
    for (int key = changed; key < end; ++key) {
      if (mask.visible(query, key)) return query;
    }
  }
  return changed;
}

/// The head's share of a model: its weights over those of all blocks.
double head_share(const ModelConfig& config) {
  return static_cast<double>(config.vocab) * config.channels / (config.block_weights() * config.layers);
}

/// What measuring `positions` of B sequences costs, in rows of one sequence through all blocks.
template <class S>
double work(const Mask& mask, const ModelConfig& config, int B, std::span<const int> positions) {
  const double C = config.channels, head = head_share(config);
  const double qkv = 3 * C * C / config.block_weights();  // share of queries, keys and values: a quarter as published
  const double bytes = config.block_weights() * config.layers * (1 + head) * sizeof(S);
  const double rows_of_weights = bytes < kCache ? kRowsOfCachedWeights : kRowsOfWeights;
  double rows = 0;
  int from = 0;
  for (const int position : positions) {
    const int to = position + 1;
    for (int l = 0, changed = from; l < config.layers; ++l) {
      const int reached = l + 1 < config.layers ? first_reached(mask, changed, to) : position;
      rows += (B * (qkv * (to - changed) + (1 - qkv) * (to - reached)) + rows_of_weights) / config.layers;
      changed = reached;
    }
    rows += head * (B + rows_of_weights);
    from = to;
  }
  return rows;
}

}  // namespace

void spread_positions(int T, int n, uint64_t start, std::vector<int>& positions) {
  positions.clear();
  const int first = static_cast<int>(start % static_cast<uint64_t>(T));
  for (int t = 0; t < T; ++t) {
    // A step of n round a circle of T passes its beginning n times in T steps.
    if (int64_t{t + first} % T * n % T < n) positions.push_back(t);
  }
}

template <class S>
HonestLoss<S>::HonestLoss(const ModelConfig& config, int B, int T)
    : config_(config),
      B_(B),
      T_(T),
      ln_(T * B, config.channels),
      middle_(T * B, config.channels),
      fc_(T * B, config.inner_size()),
      weights_(config.heads * T, T),
      mean_(T * B),
      rstd_(T * B),
      logits_(B, config.vocab),
      log_probs_(B, config.vocab),
      tokens_(static_cast<size_t>(B)) {
  for (int l = 0; l < config.layers; ++l) qkv_.emplace_back(T * B, 3 * config.channels);
  for (int l = 0; l <= config.layers; ++l) x_.emplace_back(T * B, config.channels);
  positions_.reserve(static_cast<size_t>(T));
}

template <class S>
std::span<const int> HonestLoss<S>::choose(const Mask& mask, uint64_t draw) {
  const double budget = kBudget * kPassesOfStep * B_ * T_ * (1 + head_share(config_));
  int n = T_;
  for (;;) {
    spread_positions(T_, n, 0, positions_);  // from any start: n must not depend on the draw
    const double cost = work<S>(mask, config_, B_, positions_);
    if (cost <= budget || n == 1) break;
    n = std::clamp(static_cast<int>(n * budget / cost), 1, n - 1);
  }
  spread_positions(T_, n, draw, positions_);
  return positions_;
}

template <class S>
double HonestLoss<S>::sum(const Parameters<S>& parameters, std::span<const int32_t> inputs,
                          std::span<const int32_t> targets, const Mask& mask, std::span<const int> positions) {
  assert(mask.size() >= T_ && inputs.size() == static_cast<size_t>(B_ * T_) && targets.size() == inputs.size());
  double sum = 0;
  int from = 0;
  for (const int position : positions) {
    const int to = position + 1;
    append(parameters, inputs, from, to);
    pass(parameters, mask, from, to);
    sum += score(parameters, targets, position);
    from = to;
  }
  return sum;
}

/// Tokens `from` to `to` of each sequence enter.
template <class S>
void HonestLoss<S>::append(const Parameters<S>& parameters, std::span<const int32_t> inputs, int from, int to) {
  for (int t = from; t < to; ++t) {
    for (int b = 0; b < B_; ++b) tokens_[static_cast<size_t>(b)] = inputs[static_cast<size_t>(b * T_ + t)];
    embedding_forward<S>(tokens_, 1, parameters.wte(), parameters.wpe().row(t), x_[0].middleRows(Index{t} * B_, B_));
  }
}

/// The pass over the first `to` tokens, when that over the first `from` is at hand. Of the last block only the last row
/// is needed.
template <class S>
void HonestLoss<S>::pass(const Parameters<S>& parameters, const Mask& mask, int from, int to) {
  for (int l = 0; l < config_.layers; ++l) {
    auto changed = rows(l, from, to);
    block_qkv_forward<S>(parameters, l, changed);
    from = l + 1 < config_.layers ? first_reached(mask, from, to) : to - 1;
    attend(mask, l, from, to);
    auto reached = rows(l, from, to);
    auto& next = x_[static_cast<size_t>(l) + 1];
    block_rest_forward<S>(parameters, l, Dropout{}, reached, next.middleRows(Index{from} * B_, Index{to - from} * B_));
  }
}

/// Rows `from` to `to` look at all that are there.
template <class S>
void HonestLoss<S>::attend(const Mask& mask, int layer, int from, int to) {
  using Rows = Eigen::Map<Matrix<S>, 0, Eigen::OuterStride<>>;
  const Index C = config_.channels, n = to - from;
  S* qkv = qkv_[static_cast<size_t>(layer)].data();
  MatrixMap<S> weights(weights_.data(), config_.heads * n, to);
  for (int b = 0; b < B_; ++b) {
    const Eigen::OuterStride<> stride(B_ * 3 * C);
    const Rows query(qkv + (Index{from} * B_ + b) * 3 * C, n, C, stride);
    const Rows key(qkv + b * 3 * C + C, to, C, stride), value(qkv + b * 3 * C + 2 * C, to, C, stride);
    Rows out(ln_.data() + b * C, n, C, Eigen::OuterStride<>(B_ * C));
    cached_attention_forward<S>(query, key, value, config_.heads, score_scale<S>(config_, layer), mask, Dropout{},
                                weights, out);
  }
}

/// Positions `from` to `to` of all sequences, as a block takes them.
template <class S>
auto HonestLoss<S>::rows(int layer, int from, int to) -> typename Activations<S>::Layer {
  const Index C = config_.channels, first = Index{from} * B_, N = Index{to - from} * B_;
  const auto l = static_cast<size_t>(layer);
  const auto matrix = [N](S* data, Index cols) { return MatrixMap<S>(data, N, cols); };
  const auto ln = matrix(ln_.data(), C), fc = matrix(fc_.data(), config_.inner_size());
  const VectorMap<S> mean(mean_.data(), N), rstd(rstd_.data(), N);
  return {matrix(x_[l].row(first).data(), C),
          ln,
          matrix(qkv_[l].row(first).data(), 3 * C),
          {nullptr, 0, 0},
          ln,
          matrix(middle_.data(), C),
          ln,
          fc,
          fc,
          mean,
          rstd,
          mean,
          rstd};
}

/// The loss of the newest row of each sequence.
template <class S>
double HonestLoss<S>::score(const Parameters<S>& parameters, std::span<const int32_t> targets, int position) {
  auto ln = ln_.topRows(B_);
  layer_norm_forward<S>(x_.back().middleRows(Index{position} * B_, B_), parameters.ln_f_weight(),
                        parameters.ln_f_bias(), config_.epsilon, ln, mean_.head(B_), rstd_.head(B_));
  matmul<S>(ln, parameters.head().transpose(), logits_);
  for (int b = 0; b < B_; ++b) tokens_[static_cast<size_t>(b)] = targets[static_cast<size_t>(b * T_ + position)];
  return cross_entropy_forward<S>(logits_, tokens_, log_probs_);
}

template class HonestLoss<float>;
template class HonestLoss<double>;

}  // namespace nopeek
