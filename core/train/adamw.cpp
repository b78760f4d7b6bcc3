#include "core/train/adamw.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/error.h"

namespace nopeek {

double learning_rate(const TrainConfig& config, int64_t step) {
  if (config.warmup_steps == 0) return config.learning_rate;
  return config.learning_rate * std::min(1.0, static_cast<double>(step) / config.warmup_steps);
}

template <class S>
AdamW<S>::AdamW(const ModelConfig& model, const TrainConfig& config) : config_(config) {
  const TensorSpec last = parameter_table(model).back();  // a copy: the table is gone behind this line
  const auto size = static_cast<Eigen::Index>(last.offset + last.size());
  state_.m = Matrix<S>::Zero(1, size);
  state_.v = Matrix<S>::Zero(1, size);
}

template <class S>
void AdamW<S>::set_state(State state) {
  const auto fits = [&](const Matrix<S>& x) { return x.rows() == 1 && x.cols() == state_.m.cols(); };
  if (!fits(state.m) || !fits(state.v) || state.t < 0) throw Error("The optimiser's state is of another model.");
  state_ = std::move(state);
}

template <class S>
void AdamW<S>::update(Parameters<S>& parameters, const Parameters<S>& gradients, double gradient_scale) {
  const auto t = static_cast<double>(++state_.t);
  const S scale = static_cast<S>(gradient_scale), b1 = static_cast<S>(config_.beta1),
          b2 = static_cast<S>(config_.beta2);
  const S rate = static_cast<S>(learning_rate(config_, state_.t)), epsilon = static_cast<S>(config_.epsilon);
  const S correction1 = static_cast<S>(1 / (1 - std::pow(config_.beta1, t)));
  const S correction2 = static_cast<S>(1 / (1 - std::pow(config_.beta2, t)));
  auto all_weights = parameters.flat();
  const auto all_gradients = gradients.flat();
  for (const TensorSpec& spec : parameters.table()) {
    const auto from = static_cast<Eigen::Index>(spec.offset), size = static_cast<Eigen::Index>(spec.size());
    auto w = all_weights.segment(from, size).array();
    auto m = state_.m.row(0).segment(from, size).array();
    auto v = state_.v.row(0).segment(from, size).array();
    const auto g = all_gradients.segment(from, size).array() * scale;
    const S decay = spec.is_matrix() ? static_cast<S>(config_.weight_decay) : S(0);
    m = b1 * m + (S(1) - b1) * g;
    v = b2 * v + (S(1) - b2) * g.square();
    w -= rate * (m * correction1 / ((v * correction2).sqrt() + epsilon) + decay * w);
  }
}

template class AdamW<float>;
template class AdamW<double>;

}  // namespace nopeek
