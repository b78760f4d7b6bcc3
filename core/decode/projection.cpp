#include "core/decode/projection.h"

#include <algorithm>
#include <cmath>

namespace nopeek {

ProjectedValue projected_value(const Parameters<float>& parameters, In<float> ln_1, int layer, int position,
                               Projection part, int head, int dimension) {
  const ModelConfig& config = parameters.config();
  const auto& block = parameters.block(layer);
  ProjectedValue out;
  out.row = head * (config.channels / config.heads) + dimension;
  out.column = static_cast<int>(part) * config.channels + out.row;
  out.value = out.bias = static_cast<double>(block.c_attn_bias(out.column));
  for (int c = 0; c < config.channels; ++c) {
    out.terms.push_back(
        {c, static_cast<double>(ln_1(position, c)), static_cast<double>(block.c_attn_weight(c, out.column))});
    out.value += out.terms.back().product();
  }
  std::stable_sort(out.terms.begin(), out.terms.end(),
                   [](const auto& a, const auto& b) { return std::abs(a.product()) > std::abs(b.product()); });
  return out;
}

}  // namespace nopeek
