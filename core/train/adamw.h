#pragma once
#include <vector>

#include "core/nn/parameters.h"
#include "core/train/run_config.h"

namespace nopeek {

/// AdamW (Loshchilov, Hutter 2019) over the flat parameter vector:
///
///   m = b1 m + (1 - b1) g          v = b2 v + (1 - b2) g^2
///   w -= rate (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + decay w)
///
/// Decay acts on matrices only: see TensorSpec::is_matrix.
template <class S>
class AdamW {
 public:
  AdamW(const ModelConfig& model, const TrainConfig& config);

  /// Update number t = 1, 2, ... The gradient is multiplied by `gradient_scale` (clipping) on the way.
  void update(Parameters<S>& parameters, const Parameters<S>& gradients, double gradient_scale);

  // The same in parts, which threads can share: begin_update(), and then each weight once.
  void begin_update(double gradient_scale);
  /// The weights `first` to `last` of the flat vector; all at hand as they are, so at the same time as others.
  void update_part(Parameters<S>& parameters, const Parameters<S>& gradients, size_t first, size_t last);
  int64_t updates() const { return state_.t; }

  /// All that it remembers from one update to the next.
  struct State {
    Matrix<S> m, v;  // (1, number of parameters)
    int64_t t = 0;
  };
  const State& state() const { return state_; }
  /// Throws Error if it is of a model of another size.
  void set_state(const ConstVectorMap<S>& m, const ConstVectorMap<S>& v, int64_t t);

 private:
  void update_tensor(Eigen::Index size, S decay, S* w, const S* gradient, S* m, S* v) const;

  TrainConfig config_;
  State state_;
  S gradient_scale_ = 1, rate_ = 0, correction1_ = 1, correction2_ = 1;  // of the update that has begun
};

/// Learning rate of step 1, 2, ...: linear warm-up, then constant.
double learning_rate(const TrainConfig& config, int64_t step);

}  // namespace nopeek
