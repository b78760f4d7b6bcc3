#include "core/decode/generate.h"

#include <algorithm>

namespace nopeek {

template <class S>
std::vector<TokenId> greedy_continuation(const Parameters<S>& parameters, const Mask& mask,
                                         std::span<const TokenId> prompt, int max_new_tokens,
                                         Activations<S>& activations) {
  std::vector<TokenId> tokens(prompt.begin(), prompt.end());
  if (tokens.empty()) tokens.push_back(Tokenizer::kEos);
  const auto context = static_cast<size_t>(parameters.config().context);
  const size_t begin = tokens.size();
  while (tokens.size() < begin + static_cast<size_t>(max_new_tokens)) {
    const auto window = std::span(tokens).last(std::min(tokens.size(), context));
    const int T = static_cast<int>(window.size());
    forward<S>(parameters, window, 1, T, {&mask, 1}, Dropout{}, activations);
    head_forward<S>(parameters, activations);
    Eigen::Index best = 0;
    activations.views().logits.row(T - 1).maxCoeff(&best);
    if (best == Tokenizer::kEos) break;
    tokens.push_back(static_cast<TokenId>(best));
  }
  return {tokens.begin() + static_cast<std::ptrdiff_t>(begin), tokens.end()};
}

template std::vector<TokenId> greedy_continuation<float>(const Parameters<float>&, const Mask&,
                                                         std::span<const TokenId>, int, Activations<float>&);
template std::vector<TokenId> greedy_continuation<double>(const Parameters<double>&, const Mask&,
                                                          std::span<const TokenId>, int, Activations<double>&);

}  // namespace nopeek
