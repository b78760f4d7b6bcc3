#include "core/train/trainer.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "core/base/error.h"

namespace nopeek {

using Eigen::Index;

namespace {

/// Guessing costs ln V. A loss so many times that is no longer learning; it will not come back.
constexpr double kRunaway = 20;

/// Enough rows a shard to keep matrix products efficient, few shards to keep the summing of gradients cheap.
int shard_count(const RunConfig& config) {
  const int rows = config.train.batch * config.model.context;
  return std::clamp(rows / 192, 1, std::min(config.train.batch, 4));
}

/// Weights that a thread sums and updates at a time: all that belongs to them stays in its cache.
constexpr size_t kChunk = 1 << 14;

/// The part of the reported loss that is of `positions`; log_probs (B*T, V).
template <class S>
double reported_at(std::span<const int> positions, In<S> log_probs, std::span<const int32_t> targets, int T) {
  double sum = 0;
  for (size_t row = 0; row < targets.size(); row += static_cast<size_t>(T)) {
    for (const int position : positions) {
      const size_t n = row + static_cast<size_t>(position);
      if (targets[n] != kIgnore) sum -= static_cast<double>(log_probs(static_cast<Eigen::Index>(n), targets[n]));
    }
  }
  return sum;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

}  // namespace

double training_memory(const RunConfig& config) {
  const ModelConfig& m = config.model;
  const TensorSpec last = parameter_table(m).back();
  const double weights = static_cast<double>(last.offset + last.size());
  const double rows = static_cast<double>(config.train.batch) * m.context;
  // What a row takes in Activations, in BackwardScratch and in HonestLoss.
  const double row = m.layers * (12.0 * m.channels + 2.0 * m.inner_size() + 1.0 * m.heads * m.context) +
                     11.0 * m.channels + 2.0 * m.inner_size() + 3.0 * m.vocab;
  return sizeof(float) * (weights * (4 + shard_count(config)) + rows * row);
}

template <class S>
Trainer<S>::Trainer(const RunConfig& config, Mask mask)
    : config_((config.validate(), config)),
      mask_(std::move(mask)),
      parameters_(config.model),
      optimiser_(config.model, config.train) {
  mask_.validate();
  parameters_.initialise(Rng(config.seed));
  last_good_ = parameters_.flat();
  squares_.resize((parameters_.size() + kChunk - 1) / kChunk);
  const int B = config.train.batch, T = config.model.context, count = shard_count(config);
  for (int s = 0; s < count; ++s) {
    const int begin = B * s / count, end = B * (s + 1) / count;
    shards_.push_back({begin, end, Parameters<S>(config.model), HonestLoss<S>(config.model, end - begin, T)});
  }
  const int most = (B + count - 1) / count;
  for (int s = 0; s < count; ++s) {
    rooms_.add(
        std::make_unique<Room>(Room{Activations<S>(config.model, most, T), BackwardScratch<S>(config.model, most, T)}));
  }
}

template <class S>
auto Trainer<S>::Rooms::take() -> std::unique_ptr<Room> {
  const std::lock_guard lock(*mutex_);
  assert(!free_.empty());
  auto room = std::move(free_.back());
  free_.pop_back();
  return room;
}

template <class S>
void Trainer<S>::Rooms::give_back(std::unique_ptr<Room> room) {
  const std::lock_guard lock(*mutex_);
  free_.push_back(std::move(room));
}

template <class S>
void Trainer<S>::set_mask(Mask mask) {
  mask.validate();
  mask_ = std::move(mask);
}

template <class S>
auto Trainer<S>::State::view() const -> StateView {
  const auto flat = [](const auto& values) { return ConstVectorMap<S>(values.data(), values.size()); };
  return {flat(weights), flat(last_good), flat(optimiser.m), flat(optimiser.v), optimiser.t};
}

template <class S>
auto Trainer<S>::view() const -> StateView {
  const auto flat = [](const auto& values) { return ConstVectorMap<S>(values.data(), values.size()); };
  const auto& [m, v, t] = optimiser_.state();
  return {flat(parameters_.flat()), flat(last_good_), flat(m), flat(v), t};
}

template <class S>
void Trainer<S>::set_state(const StateView& state) {
  if (state.weights.size() != last_good_.size() || state.last_good.size() != last_good_.size()) {
    throw Error("The weights are of another model.");
  }
  optimiser_.set_state(state.m, state.v, state.updates);
  parameters_.flat() = state.weights;
  last_good_ = state.last_good;
}

template <class S>
void Trainer<S>::run_shard(const Batch& batch, int index, bool measure) {
  Shard& shard = shards_[static_cast<size_t>(index)];
  const int B = shard.end - shard.begin;
  const auto first = static_cast<size_t>(shard.begin) * static_cast<size_t>(batch.T);
  const auto size = static_cast<size_t>(B) * static_cast<size_t>(batch.T);
  const auto inputs = std::span(batch.inputs).subspan(first, size);
  const auto targets = std::span(batch.targets).subspan(first, size);
  const uint64_t place = Rng::mix(config_.seed) + static_cast<uint64_t>(steps()) * 64 + static_cast<uint64_t>(index);
  const Dropout dropout{config_.model.dropout, Rng::mix(place)};

  const typename Rooms::Loan loan{rooms_};
  auto& [activations, scratch] = *loan.room;
  forward<S>(parameters_, inputs, B, batch.T, {&mask_, 1}, dropout, activations);
  head_forward<S>(parameters_, activations);
  shard.loss_sum = loss_forward<S>(targets, activations);
  shard.gradients.set_zero();
  const S scale = S(1) / static_cast<S>(batch.targets.size());
  backward<S>(parameters_, inputs, targets, scale, dropout, activations, scratch, shard.gradients);

  shard.measured = measure;
  if (measure) measure_shard(shard, inputs, targets, Rng::mix(~place), activations);
}

template <class S>
void Trainer<S>::measure_shard(Shard& shard, std::span<const TokenId> inputs, std::span<const TokenId> targets,
                               uint64_t draw, const Activations<S>& activations) {
  const int T = activations.views().T, B = shard.end - shard.begin;
  shard.future_attention_sum = 0;
  for (const auto& layer : activations.views().layers) {
    shard.future_attention_sum += B * nopeek::future_attention<S>(layer.attention, T);
  }
  // Where only some positions are measured, they tell the lie, honest minus reported loss, for all: at the same
  // positions, so that there is none where the two are equal.
  const auto positions = shard.honest_loss.choose(mask_, draw);
  const double lie = shard.honest_loss.sum(parameters_, inputs, targets, mask_, positions) -
                     reported_at<S>(positions, activations.views().log_probs, targets, T);
  shard.honest_sum = shard.loss_sum + lie * T / static_cast<double>(positions.size());
}

template <class S>
auto Trainer<S>::range_of(int chunk) const -> Range {
  const size_t first = static_cast<size_t>(chunk) * kChunk;
  return {first, std::min(first + kChunk, parameters_.size())};
}

template <class S>
void Trainer<S>::sum_gradients(int chunk) {
  const Range range = range_of(chunk);
  const auto part = [&](Shard& shard) { return shard.gradients.flat().segment(Index(range.first), range.size()); };
  auto sum = part(shards_[0]);
  for (size_t s = 1; s < shards_.size(); ++s) sum += part(shards_[s]);
  squares_[static_cast<size_t>(chunk)] = static_cast<double>(sum.squaredNorm());
}

template <class S>
StepStats Trainer<S>::judge() const {
  const double B = config_.train.batch, tokens = B * config_.model.context;
  double reported = 0, honest = 0, future = 0;
  for (const Shard& shard : shards_) {
    reported += shard.loss_sum / tokens;
    honest += shard.honest_sum / tokens;
    future += shard.future_attention_sum / (B * config_.model.layers);
  }
  const auto give_up = [&](const std::string& reason) {
    throw Error(reason + " at step " + std::to_string(steps() + 1) + ". Try a lower learning rate than " +
                number(config_.train.learning_rate) + ".");
  };
  if (!std::isfinite(reported)) give_up("Loss is not a finite number");
  const double guessing = std::log(static_cast<double>(config_.model.vocab));
  if (reported > kRunaway * std::max(guessing, 1.0)) {
    give_up("Loss ran away to " + number(reported) + ", while guessing costs " + number(guessing) + ",");
  }
  if (!std::isfinite(gradient_norm())) give_up("Gradient is not finite");
  StepStats stats{.reported = static_cast<float>(reported)};
  if (shards_[0].measured) {
    stats.honest = static_cast<float>(honest);
    stats.future_attention = static_cast<float>(future);
  }
  return stats;
}

template <class S>
double Trainer<S>::gradient_norm() const {
  return std::sqrt(std::accumulate(squares_.begin(), squares_.end(), 0.0));
}

template <class S>
void Trainer<S>::begin_update() {
  const double clip = config_.train.grad_clip, norm = gradient_norm();
  optimiser_.begin_update(clip > 0 && norm > clip ? clip / norm : 1.0);
}

template <class S>
void Trainer<S>::go_back() {
  parameters_.flat() = last_good_;
}

template <class S>
void Trainer<S>::update_weights(int chunk) {
  const Range range = range_of(chunk);
  const auto part = [&](auto&& all) { return all.segment(Index(range.first), range.size()); };
  part(last_good_) = part(parameters_.flat());
  optimiser_.update_part(parameters_, shards_[0].gradients, range.first, range.last);
}

template <class S>
StepStats Trainer<S>::update(ThreadPool& threads) {
  threads.run(chunks(), [&](int chunk) { sum_gradients(chunk); });
  StepStats stats;
  try {
    stats = judge();
  } catch (const Error&) {
    go_back();
    throw;
  }
  begin_update();
  threads.run(chunks(), [&](int chunk) { update_weights(chunk); });
  return stats;
}

template <class S>
StepStats Trainer<S>::step(const Batch& batch, ThreadPool& threads, bool measure) {
  threads.run(shards(), [&](int shard) { run_shard(batch, shard, measure); });
  return update(threads);
}

template <class S>
double Trainer<S>::evaluate(const Batch& batch) {
  // In pieces that fit the room of a shard.
  const typename Rooms::Loan loan{rooms_};
  auto& activations = loan.room->activations;
  const int most = shards_[0].end - shards_[0].begin;
  double sum = 0;
  for (int b = 0; b < batch.B; b += most) {
    const int count = std::min(most, batch.B - b);
    const auto first = static_cast<size_t>(b) * static_cast<size_t>(batch.T);
    const auto size = static_cast<size_t>(count) * static_cast<size_t>(batch.T);
    forward<S>(parameters_, std::span(batch.inputs).subspan(first, size), count, batch.T, {&mask_, 1}, Dropout{},
               activations);
    head_forward<S>(parameters_, activations);
    sum += loss_forward<S>(std::span(batch.targets).subspan(first, size), activations);
  }
  return sum / static_cast<double>(batch.targets.size());
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace nopeek
