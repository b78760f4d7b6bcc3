#pragma once
#include "core/nn/model.h"
#include "core/text/batcher.h"

namespace nopeek {

/// The honest (prefix-only) loss, summed over positions, in nats: for each position t feed only tokens 0..t and score
/// token t+1 from the last output. No model can peek at what is not there. For a causal mask it equals the reported
/// loss up to rounding; where it is larger, the reported loss is a lie.
///
/// Sequences `begin` to `end` of the batch; `activations` must have room for them. Costs T passes of growing length.
template <class S>
double honest_loss_sum(const Parameters<S>& parameters, const Batch& batch, int begin, int end, const Mask& mask,
                       Activations<S>& activations);

}  // namespace nopeek
