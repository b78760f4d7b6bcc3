#include "core/decode/inspect.h"

#include <cmath>

#include "core/decode/decoder.h"
#include "core/nn/model.h"

namespace nopeek {

namespace {

template <class S>
double surprise(std::span<const S> logits, TokenId token) {
  const ConstVectorMap<S> row(logits.data(), std::ssize(logits));
  const auto shifted = row.template cast<double>().array() - static_cast<double>(row.maxCoeff());
  return std::log(shifted.exp().sum()) - shifted[token];
}

/// As HonestLoss, for one text: by the inference pass, which computes the last position's logits alone and,
/// under a causal mask, each key once. That is what makes it bearable for a published GPT-2.
template <class S>
double honest_loss(const Parameters<S>& parameters, const Mask& mask, std::span<const TokenId> text,
                   Progress* progress) {
  Decoder<S> decoder(parameters, mask);
  double sum = 0;
  for (size_t t = 1; t < text.size(); ++t) {
    sum += surprise<S>(decoder.next_logits(text.first(t), {}, progress), text[t]);
  }
  return sum / static_cast<double>(text.size() - 1);
}

}  // namespace

template <class S>
Inspection<S> inspect(const Parameters<S>& parameters, const Mask& mask, std::span<const TokenId> text,
                      bool with_gradient, Progress* progress) {
  const ModelConfig& config = parameters.config();
  require_fit(config, text);
  const int T = static_cast<int>(text.size());
  std::vector<TokenId> targets(text.begin() + 1, text.end());
  targets.push_back(kIgnore);

  stop_if_asked(progress);
  Activations<S> activations(config, 1, T);
  forward<S>(parameters, text, 1, T, {&mask, 1}, Dropout{}, activations);
  stop_if_asked(progress);
  head_forward<S>(parameters, activations);
  Inspection<S> result;
  result.logits = activations.views().logits;
  for (const auto& layer : activations.views().layers) {
    result.attention.insert(result.attention.end(), layer.attention.data(),
                            layer.attention.data() + layer.attention.size());
  }
  if (T == 1) return result;
  result.reported_loss = loss_forward<S>(targets, activations) / (T - 1);
  if (with_gradient) {
    stop_if_asked(progress);
    BackwardScratch<S> scratch(config, 1, T);
    result.gradient = std::make_unique<Parameters<S>>(config);
    backward<S>(parameters, text, targets, S(1) / static_cast<S>(T - 1), Dropout{}, activations, scratch,
                *result.gradient);
  }
  result.honest_loss = honest_loss<S>(parameters, mask, text, progress);
  return result;
}

template struct Inspection<float>;
template struct Inspection<double>;
template Inspection<float> inspect<float>(const Parameters<float>&, const Mask&, std::span<const TokenId>, bool,
                                          Progress*);
template Inspection<double> inspect<double>(const Parameters<double>&, const Mask&, std::span<const TokenId>, bool,
                                            Progress*);

}  // namespace nopeek
