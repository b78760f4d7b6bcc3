#include "core/train/adamw.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/error.h"
#include "core/base/simd.h"

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
void AdamW<S>::set_state(const ConstVectorMap<S>& m, const ConstVectorMap<S>& v, int64_t t) {
  if (m.size() != state_.m.size() || v.size() != state_.v.size() || t < 0) {
    throw Error("The optimiser's state is of another model.");
  }
  state_.m = m;
  state_.v = v;
  state_.t = t;
}

template <class S>
void AdamW<S>::update(Parameters<S>& parameters, const Parameters<S>& gradients, double gradient_scale) {
  begin_update(gradient_scale);
  update_part(parameters, gradients, 0, parameters.size());
}

template <class S>
void AdamW<S>::begin_update(double gradient_scale) {
  const auto t = static_cast<double>(++state_.t);
  gradient_scale_ = static_cast<S>(gradient_scale);
  rate_ = static_cast<S>(learning_rate(config_, state_.t));
  correction1_ = static_cast<S>(1 / (1 - std::pow(config_.beta1, t)));
  correction2_ = static_cast<S>(1 / (1 - std::pow(config_.beta2, t)));
}

template <class S>
void AdamW<S>::update_part(Parameters<S>& parameters, const Parameters<S>& gradients, size_t first, size_t last) {
  for (const TensorSpec& spec : parameters.table()) {
    const size_t begin = std::max(first, spec.offset), end = std::min(last, spec.offset + spec.size());
    if (begin >= end) continue;
    const auto from = static_cast<Eigen::Index>(begin);
    update_tensor(static_cast<Eigen::Index>(end - begin),
                  spec.is_matrix() ? static_cast<S>(config_.weight_decay) : S(0), parameters.flat().data() + from,
                  gradients.flat().data() + from, state_.m.data() + from, state_.v.data() + from);
  }
}

/// One pass over `size` weights of a tensor, their gradients and their moments.
template <class S>
void AdamW<S>::update_tensor(Eigen::Index size, S decay, S* w, const S* gradient, S* m, S* v) const {
  const S scale = gradient_scale_, rate = rate_, c1 = correction1_, c2 = correction2_;
  const S b1 = static_cast<S>(config_.beta1), b2 = static_cast<S>(config_.beta2);
  const S epsilon = static_cast<S>(config_.epsilon);
  simd::for_each<S>(size, [=](auto at) {
    const auto g = at.load(gradient) * scale, weight = at.load(w);
    const auto mean = b1 * at.load(m) + (S(1) - b1) * g;
    const auto square = b2 * at.load(v) + (S(1) - b2) * (g * g);
    at.store(m, mean);
    at.store(v, square);
    at.store(w, weight - rate * (mean * c1 / (simd::sqrt(square * c2) + epsilon) + decay * weight));
  });
}

template class AdamW<float>;
template class AdamW<double>;

}  // namespace nopeek
