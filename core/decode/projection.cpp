#include "core/decode/projection.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nopeek {

ProjectedValue projected_value(const Parameters<float>& parameters, In<float> ln_1, int layer, int position,
                               Projection part, int head, int dimension) {
  const ModelConfig& config = parameters.config();
  const auto& block = parameters.block(layer);
  ProjectedValue out;
  out.part_column = head * (config.channels / config.heads) + dimension;
  out.column = static_cast<int>(part) * config.channels + out.part_column;
  out.value = out.bias = static_cast<double>(block.c_attn_bias(out.column));
  for (int c = 0; c < config.channels; ++c) {
    out.terms.push_back(
        {c, static_cast<double>(ln_1(position, c)), static_cast<double>(block.c_attn_weight(c, out.column))});
    out.value += out.terms.back().product();
  }
  const auto size = [](const ProjectedValue::Term& t) {  // NaN, of a model that diverged, has a place too: the first
    const double p = std::abs(t.product());
    return std::isnan(p) ? std::numeric_limits<double>::infinity() : p;
  };
  std::stable_sort(out.terms.begin(), out.terms.end(), [&](const auto& a, const auto& b) { return size(a) > size(b); });
  return out;
}

}  // namespace nopeek
