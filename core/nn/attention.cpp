#include "core/nn/attention.h"

#include <cassert>
#include <cmath>

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

template <class S>
void add_mask(const Mask& mask, Out<S> scores) {
  for (Index query = 0; query < scores.rows(); ++query) {
    for (Index key = 0; key < scores.cols(); ++key) {
      scores(query, key) += static_cast<S>(mask(static_cast<int>(query), static_cast<int>(key)));
    }
  }
}

}  // namespace

template <class S>
void attention_forward(In<S> qkv, int T, int NH, std::span<const Mask> masks, const Dropout& dropout_, Out<S> weights,
                       Out<S> out) {
  const int B = static_cast<int>(qkv.rows()) / T, C = static_cast<int>(out.cols()), HS = C / NH;
  const S scale = S(1) / std::sqrt(S(HS));
  thread_local Matrix<S> dropped;
  for (int b = 0; b < B; ++b) {
    const Mask& mask = masks.size() == 1 ? masks[0] : masks[static_cast<size_t>(b)];
    assert(mask.size() >= T);
    for (int h = 0; h < NH; ++h) {
      const auto Q = part_of_head(qkv, 0, b, h, T, HS);
      const auto K = part_of_head(qkv, 1, b, h, T, HS);
      const auto V = part_of_head(qkv, 2, b, h, T, HS);
      auto P = weights.block(Index{b * NH + h} * T, 0, T, T);
      auto O = out.block(Index{b} * T, Index{h} * HS, T, HS);

      P.noalias() = scale * (Q * K.transpose());
      add_mask<S>(mask, P);
      softmax_forward<S>(P);
      if (dropout_.p == 0) {
        O.noalias() = P * V;
      } else {
        dropped = P;
        dropout<S>(dropout_of_head(dropout_, b * NH + h), dropped);
        O.noalias() = dropped * V;
      }
    }
  }
}

template <class S>
void attention_backward(In<S> dout, In<S> qkv, In<S> weights, int T, int NH, const Dropout& dropout_, Out<S> dqkv) {
  const int B = static_cast<int>(qkv.rows()) / T, C = static_cast<int>(dout.cols()), HS = C / NH;
  const S scale = S(1) / std::sqrt(S(HS));
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
      dP.noalias() = dO * V.transpose();
      if (dropout_.p == 0) {
        part_of_head(dqkv, 2, b, h, T, HS).noalias() = P.transpose() * dO;
      } else {
        dropped = P;
        dropout<S>(head_dropout, dropped);
        part_of_head(dqkv, 2, b, h, T, HS).noalias() = dropped.transpose() * dO;
        dropout<S>(head_dropout, dP);
      }
      // forward: P = softmax(scale Q K^T + mask). A forbidden cell has P = 0, and so no gradient.
      softmax_backward<S>(P, dP);
      part_of_head(dqkv, 0, b, h, T, HS).noalias() = scale * (dP * K);
      part_of_head(dqkv, 1, b, h, T, HS).noalias() = scale * (dP.transpose() * Q);
    }
  }
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

#define NOPEEK_INSTANTIATE(S)                                                                                 \
  template void attention_forward<S>(In<S>, int, int, std::span<const Mask>, const Dropout&, Out<S>, Out<S>); \
  template void attention_backward<S>(In<S>, In<S>, In<S>, int, int, const Dropout&, Out<S>);                 \
  template double future_attention<S>(In<S>, int);
NOPEEK_INSTANTIATE(float)
NOPEEK_INSTANTIATE(double)

}  // namespace nopeek
