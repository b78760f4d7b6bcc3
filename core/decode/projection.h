#pragma once
#include <vector>

#include "core/base/types.h"
#include "core/nn/parameters.h"

namespace nopeek {

enum class Projection { kQuery, kKey, kValue };

/// One number of a head's query, key or value, written out as the sum that it is:
///
///   q[t, d] = sum_c x[t, c] W[c, column] + b[column],   column = part * C + head * HS + d of c_attn
///
/// That is column head * HS + d of Wq, Wk or Wv; in PyTorch's nn.Linear, where weights are (out, in), it is that row.
struct ProjectedValue {
  struct Term {
    int channel = 0;
    double x = 0, weight = 0;
    double product() const { return x * weight; }
  };
  int column = 0;           // of c_attn
  int part_column = 0;      // of Wq, Wk or Wv: a row of nn.Linear's
  std::vector<Term> terms;  // (C), the largest |product| first
  double bias = 0;
  double value = 0;  // the sum, in double
};
/// `ln_1` (T, C) of the layer, see AttentionTrace.
ProjectedValue projected_value(const Parameters<float>& parameters, In<float> ln_1, int layer, int position,
                               Projection part, int head, int dimension);

}  // namespace nopeek
