#pragma once
#include <limits>

namespace nopeek {

inline constexpr float kNotMeasured = std::numeric_limits<float>::quiet_NaN();

/// Nats between honest and reported loss; less may be noise.
inline constexpr float kSmallestLie = 0.3f;

/// What one training step says of itself. Losses in nats per token.
struct StepStats {
  float reported = kNotMeasured;  // under the mask, before the update
  float honest = kNotMeasured;    // same batch, same weights, prefixes only; or an estimate, see HonestLoss::choose
  float future_attention = kNotMeasured;  // mean over batch, layers, heads and rows
};

}  // namespace nopeek
