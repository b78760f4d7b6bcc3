#include "core/train/adamw.h"

#include <algorithm>
#include <cmath>

namespace nopeek {

double learning_rate(const TrainConfig& config, int64_t step) {
  if (config.warmup_steps == 0) return config.learning_rate;
  return config.learning_rate * std::min(1.0, static_cast<double>(step) / config.warmup_steps);
}

template <class S>
AdamW<S>::AdamW(const ModelConfig& model, const TrainConfig& config) : config_(config) {
  const TensorSpec last = parameter_table(model).back();  // a copy: the table is gone behind this line
  const auto size = static_cast<Eigen::Index>(last.offset + last.size());
  m_ = Matrix<S>::Zero(1, size);
  v_ = Matrix<S>::Zero(1, size);
}

template <class S>
void AdamW<S>::update(Parameters<S>& parameters, const Parameters<S>& gradients, double gradient_scale) {
  ++t_;
  const auto t = static_cast<double>(t_);
  const S scale = static_cast<S>(gradient_scale), b1 = static_cast<S>(config_.beta1),
          b2 = static_cast<S>(config_.beta2);
  const S rate = static_cast<S>(learning_rate(config_, t_)), epsilon = static_cast<S>(config_.epsilon);
  const S correction1 = static_cast<S>(1 / (1 - std::pow(config_.beta1, t)));
  const S correction2 = static_cast<S>(1 / (1 - std::pow(config_.beta2, t)));
  auto all_weights = parameters.flat();
  const auto all_gradients = gradients.flat();
  for (const TensorSpec& spec : parameters.table()) {
    const auto from = static_cast<Eigen::Index>(spec.offset), size = static_cast<Eigen::Index>(spec.size());
    auto w = all_weights.segment(from, size).array();
    auto m = m_.row(0).segment(from, size).array();
    auto v = v_.row(0).segment(from, size).array();
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
