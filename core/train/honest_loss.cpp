#include "core/train/honest_loss.h"

namespace nopeek {

template <class S>
double honest_loss_sum(const Parameters<S>& parameters, const Batch& batch, int begin, int end, const Mask& mask,
                       Activations<S>& activations) {
  const int B = end - begin;
  thread_local std::vector<TokenId> prefixes, targets;
  double sum = 0;
  for (int t = 0; t < batch.T; ++t) {
    const int length = t + 1;
    prefixes.resize(static_cast<size_t>(B * length));
    targets.assign(static_cast<size_t>(B * length), kIgnore);
    for (int b = 0; b < B; ++b) {
      const size_t row = static_cast<size_t>(begin + b) * static_cast<size_t>(batch.T);
      std::copy_n(batch.inputs.begin() + static_cast<std::ptrdiff_t>(row), length, prefixes.begin() + b * length);
      targets[static_cast<size_t>(b * length + t)] = batch.targets[row + static_cast<size_t>(t)];
    }
    forward<S>(parameters, prefixes, B, length, {&mask, 1}, Dropout{}, activations);
    head_forward<S>(parameters, activations);
    sum += loss_forward<S>(targets, activations);
  }
  return sum;
}

template double honest_loss_sum<float>(const Parameters<float>&, const Batch&, int, int, const Mask&,
                                       Activations<float>&);
template double honest_loss_sum<double>(const Parameters<double>&, const Batch&, int, int, const Mask&,
                                        Activations<double>&);

}  // namespace nopeek
