#include "core/nn/attention.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/base/simd.h"
#include "core/nn/matmul.h"

namespace nopeek {

using Eigen::Index;

namespace {

/// Query, key or value (part 0, 1, 2) of one head of one sequence: (T, HS) out of (B*T, 3C).
template <class M>
auto part_of_head(M& qkv, int part, int b, int h, int T, int HS) {
  const Index C = qkv.cols() / 3;
  return qkv.block(Index{b} * T, part * C + Index{h} * HS, T, HS);
}

Dropout dropout_of_head(const Dropout& dropout, int head_index) {
  return dropout.at(static_cast<uint64_t>(head_index));
}

/// The mask's row in the scalar of the model: where that is float, the row itself.
template <class S>
const S* row_of(const Mask& mask, Index query, Index T, RowVector<S>& converted) {
  const float* row = mask.row(static_cast<int>(query));
  if constexpr (std::is_same_v<S, float>) {
    return row;
  } else {
    converted = Eigen::Map<const RowVector<float>>(row, T).template cast<S>();
    return converted.data();
  }
}

/// One head of one sequence: the last n of T queries, over all T keys.
/// Q (n, HS), K and V (T, HS) -> weights P (n, T) and output O (n, HS).
template <class S>
void attend(In<S> Q, In<S> K, In<S> V, S scale, const Mask& mask, const Dropout& dropout_, Out<S> P, Out<S> O) {
  thread_local Matrix<S> dropped;
  thread_local RowVector<S> mask_row;
  const Index first = K.rows() - Q.rows(), T = K.rows();
  matmul<S>(Q, K.transpose(), P);
  for (Index n = 0; n < P.rows(); ++n) {
    const S* m = row_of(mask, first + n, T, mask_row);
    simd::map(
        T, &P(n, 0), [scale](auto score, auto mask_) { return score * scale + mask_; }, &P(n, 0), m);
  }
  softmax_forward<S>(P);
  if (dropout_.p == 0) {
    matmul<S>(P, V, O);
  } else {
    resize(dropped, P.rows(), P.cols());
    dropped = P;
    dropout<S>(dropout_, dropped);
    matmul<S>(dropped, V, O);
  }
}

}  // namespace

template <class S>
S score_scale(const ModelConfig& config, int layer) {
  return S(1) / static_cast<S>(config.score_divisor(layer));
}

template <class S>
void attention_forward(In<S> qkv, int T, int NH, S scale, std::span<const Mask> masks, const Dropout& dropout,
                       Out<S> weights, Out<S> out) {
  const int B = static_cast<int>(qkv.rows()) / T, C = static_cast<int>(out.cols()), HS = C / NH;
  for (int b = 0; b < B; ++b) {
    const Mask& mask = masks.size() == 1 ? masks[0] : masks[static_cast<size_t>(b)];
    assert(mask.size() >= T);
    for (int h = 0; h < NH; ++h) {
      attend<S>(part_of_head(qkv, 0, b, h, T, HS), part_of_head(qkv, 1, b, h, T, HS), part_of_head(qkv, 2, b, h, T, HS),
                scale, mask, dropout_of_head(dropout, b * NH + h), weights.block(Index{b * NH + h} * T, 0, T, T),
                out.block(Index{b} * T, Index{h} * HS, T, HS));
    }
  }
}

template <class S>
void cached_attention_forward(In<S> query, In<S> keys, In<S> values, int NH, S scale, const Mask& mask,
                              const Dropout& dropout, Out<S> weights, Out<S> out) {
  const Index n = query.rows(), HS = query.cols() / NH;
  assert(mask.size() >= keys.rows());
  for (int h = 0; h < NH; ++h) {
    attend<S>(query.middleCols(h * HS, HS), keys.middleCols(h * HS, HS), values.middleCols(h * HS, HS), scale, mask,
              dropout_of_head(dropout, h), weights.middleRows(h * n, n), out.middleCols(h * HS, HS));
  }
}

template <class S>
void attention_backward(In<S> dout, In<S> qkv, In<S> weights, int T, int NH, S scale, const Dropout& dropout_,
                        Out<S> dqkv) {
  const int B = static_cast<int>(qkv.rows()) / T, C = static_cast<int>(dout.cols()), HS = C / NH;
  thread_local Matrix<S> dP, dropped;  // (T, T): one head at a time stays in the cache
  for (int b = 0; b < B; ++b) {
    for (int h = 0; h < NH; ++h) {
      const auto Q = part_of_head(qkv, 0, b, h, T, HS);
      const auto K = part_of_head(qkv, 1, b, h, T, HS);
      const auto V = part_of_head(qkv, 2, b, h, T, HS);
      const auto P = weights.block(Index{b * NH + h} * T, 0, T, T);
      const auto dO = dout.block(Index{b} * T, Index{h} * HS, T, HS);
      const Dropout head_dropout = dropout_of_head(dropout_, b * NH + h);

      // forward: O = dropout(P) V
      resize(dP, T, T);
      matmul<S>(dO, V.transpose(), dP);
      if (dropout_.p == 0) {
        matmul<S>(P.transpose(), dO, part_of_head(dqkv, 2, b, h, T, HS));
      } else {
        resize(dropped, T, T);
        dropped = P;
        dropout<S>(head_dropout, dropped);
        matmul<S>(dropped.transpose(), dO, part_of_head(dqkv, 2, b, h, T, HS));
        dropout<S>(head_dropout, dP);
      }
      // forward: P = softmax(scale Q K^T + mask). A forbidden cell has P = 0, and so no gradient.
      softmax_backward<S>(P, dP);
      dP *= scale;
      matmul<S>(dP, K, part_of_head(dqkv, 0, b, h, T, HS));
      matmul<S>(dP.transpose(), Q, part_of_head(dqkv, 1, b, h, T, HS));
    }
  }
}

template <class S>
HeadStages<S> head_stages(In<S> qkv, int NH, int head, const Mask& mask, std::optional<double> divisor) {
  const int T = static_cast<int>(qkv.rows()), HS = static_cast<int>(qkv.cols()) / 3 / NH;
  HeadStages<S> h;
  h.query = part_of_head(qkv, 0, 0, head, T, HS);
  h.key = part_of_head(qkv, 1, 0, head, T, HS);
  h.value = part_of_head(qkv, 2, 0, head, T, HS);
  h.scores.noalias() = h.query * h.key.transpose();
  h.divisor = divisor.value_or(std::sqrt(static_cast<double>(HS)));
  h.scaled = h.scores / static_cast<S>(h.divisor);
  h.masked = h.scaled;
  for (int q = 0; q < T; ++q) {
    for (int k = 0; k < T; ++k) h.masked(q, k) += static_cast<S>(mask(q, k));
  }
  // By the code of the model itself, so that these are its numbers and not ours of them.
  h.weights.resize(T, T);
  h.output.resize(T, HS);
  attend<S>(part_of_head(qkv, 0, 0, head, T, HS), part_of_head(qkv, 1, 0, head, T, HS),
            part_of_head(qkv, 2, 0, head, T, HS), S(1) / static_cast<S>(h.divisor), mask, Dropout{}, h.weights,
            h.output);
  return h;
}

Matrix<float> head_difference(In<float> a, const Mask& mask_a, In<float> b, const Mask& mask_b) {
  Matrix<float> difference(a.rows(), a.cols());
  for (int q = 0; q < a.rows(); ++q) {
    for (int k = 0; k < a.cols(); ++k) {
      const bool hidden = !mask_a.visible(q, k) && !mask_b.visible(q, k);
      difference(q, k) = hidden ? Mask::kForbidden : std::clamp(a(q, k) - b(q, k), -kUnbounded, kUnbounded);
    }
  }
  return difference;
}

SoftmaxSteps softmax_steps(std::span<const double> scores) {
  SoftmaxSteps steps;
  steps.max = scores.empty() ? 0 : *std::max_element(scores.begin(), scores.end());
  for (const double score : scores) {
    steps.shifted.push_back(std::isinf(score) ? score : score - steps.max);
    steps.exp.push_back(std::exp(steps.shifted.back()));
    steps.sum += steps.exp.back();
  }
  for (const double e : steps.exp) steps.weights.push_back(e > 0 ? e / steps.sum : 0.0);
  return steps;
}

template <class S>
double future_attention(In<S> weights, int T) {
  double sum = 0;
  for (Index row = 0; row < weights.rows(); ++row) {
    const Index query = row % T;
    sum += static_cast<double>(weights.row(row).tail(T - 1 - query).sum());
  }
  return sum / static_cast<double>(weights.rows());
}

#define NOPEEK_INSTANTIATE(S)                                                                                          \
  template S score_scale<S>(const ModelConfig&, int);                                                                  \
  template void attention_forward<S>(In<S>, int, int, S, std::span<const Mask>, const Dropout&, Out<S>, Out<S>);       \
  template void cached_attention_forward<S>(In<S>, In<S>, In<S>, int, S, const Mask&, const Dropout&, Out<S>, Out<S>); \
  template void attention_backward<S>(In<S>, In<S>, In<S>, int, int, S, const Dropout&, Out<S>);                       \
  template HeadStages<S> head_stages<S>(In<S>, int, int, const Mask&, std::optional<double>);                          \
  template double future_attention<S>(In<S>, int);
NOPEEK_INSTANTIATE(float)
NOPEEK_INSTANTIATE(double)

}  // namespace nopeek
