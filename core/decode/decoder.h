#pragma once
#include <span>
#include <vector>

#include "core/base/progress.h"
#include "core/base/thread_pool.h"
#include "core/nn/mask.h"
#include "core/nn/ops.h"
#include "core/nn/parameters.h"
#include "core/text/tokenizer.h"

namespace nopeek {

/// Predicts what follows a text: the inference pass. Nothing is kept for a way back, and only the last position's
/// logits are computed.
///
/// With the KV cache, a pass computes only the positions whose keys and values are not known yet, one a step, and finds
/// those of the others where it left them. That holds as long as the beginning of the window stays the same: stepping,
/// going back and forking keep it. Once a text is longer than the context, every step moves each token to another
/// position, and all is computed anew. And it holds under a causal mask only: else a new token changes what the earlier
/// ones see, and a cached value would be of a text that is no more. Under any other mask, all is computed each time; so
/// it is with dropout, whose pattern is of one pass and not of the next.
template <class S>
class Decoder {
 public:
  /// Keeps references to both, which must stay as they are: other weights need another decoder. `mask` is at least as
  /// large as the context. With `threads`, large products are shared out over them; the results are the same.
  Decoder(const Parameters<S>& parameters, const Mask& mask, bool cache = true, ThreadPool* threads = nullptr);

  /// Logits (V) of the token behind `text`, not empty, of which the last `context` tokens are read. The span is valid
  /// until the next call. Throws Cancelled within a layer if `progress` says so; the cache then still holds what both
  /// texts begin with. Throws Error if a token is not of the model's vocabulary.
  std::span<const S> next_logits(std::span<const TokenId> text, const Dropout& dropout = {},
                                 Progress* progress = nullptr);

  bool caches() const { return caches_; }
  int computed() const { return computed_; }  // positions that the newest pass computed; the rest came from the cache
  size_t cache_bytes() const;                 // that the keys and values of the newest window take, kept or not

 private:
  void pass(std::span<const TokenId> window, Eigen::Index known, const Dropout& dropout, Progress* progress);
  void linear(In<S> x, In<S> W, VectorIn<S> b, Out<S> y);
  template <class Part>
  void share_out(Eigen::Index columns, Eigen::Index work, const Part& part);

  const Parameters<S>& parameters_;
  const Mask& mask_;
  bool caches_;
  ThreadPool* threads_;
  std::vector<TokenId> cached_;           // the window whose keys and values are known
  std::vector<Matrix<S>> keys_, values_;  // a layer: (context, C)
  size_t window_ = 0;                     // length of the newest
  int computed_ = 0;
  Matrix<S> x_, ln_, qkv_, weights_, branch_, fc_;  // of the n positions in work, used by all layers in turn
  RowVector<S> mean_, rstd_;
  RowVector<S> logits_;  // (V)
};

}  // namespace nopeek
