#include "core/nn/config.h"

#include <cmath>

#include "core/base/error.h"

namespace nopeek {

void ModelConfig::validate() const {
  const auto need = [](bool ok, const std::string& message) {
    if (!ok) throw Error(message);
  };
  need(vocab >= 1, "The vocabulary is empty: the text has no tokens.");
  need(context >= 1 && context <= 1024,
       "Context must be from 1 to 1024 tokens; it is " + std::to_string(context) + ".");
  need(layers >= 1 && layers <= 48, "Layers must be from 1 to 48; it is " + std::to_string(layers) + ".");
  need(heads >= 1 && heads <= 64, "Heads must be from 1 to 64; it is " + std::to_string(heads) + ".");
  need(channels >= 1 && channels <= 4096, "Width must be from 1 to 4096; it is " + std::to_string(channels) + ".");
  need(channels % heads == 0, "Width " + std::to_string(channels) + " cannot be divided by " + std::to_string(heads) +
                                  " heads. Choose a width that is a multiple of the heads, such as " +
                                  std::to_string((channels / heads + 1) * heads) + ".");
  need(dropout >= 0 && dropout < 1, "Dropout must be at least 0 and below 1.");
  need(inner >= 0 && inner <= 65536, "The MLP's width must be from 1 to 65536; it is " + std::to_string(inner) + ".");
  need(epsilon >= 0 && epsilon <= 1, "The epsilon of the layer norms must be from 0 to 1.");
}

double ModelConfig::score_divisor(int layer) const {
  return (scaled ? std::sqrt(static_cast<double>(head_size())) : 1.0) * (scaled_by_layer ? layer + 1 : 1);
}

double ModelConfig::block_weights() const {
  const double C = channels;
  return 4 * C * C + 2 * C * inner_size();  // c_attn and its projection; the two of the MLP
}

void require_known(const ModelConfig& config, std::span<const int32_t> text) {
  for (const int32_t id : text) {
    if (id >= 0 && id < config.vocab) continue;
    throw Error("The text has the token " + std::to_string(id) + ", and this model has only " +
                std::to_string(config.vocab) + ". It belongs to another tokenizer.");
  }
}

void require_fit(const ModelConfig& config, std::span<const int32_t> text) {
  if (text.empty()) throw Error("The text has no token that this model knows. Write at least one word.");
  if (text.size() > static_cast<size_t>(config.context)) {
    throw Error("The text has " + std::to_string(text.size()) + " tokens, and this model reads at most " +
                std::to_string(config.context) + ". Shorten it.");
  }
  require_known(config, text);
}

}  // namespace nopeek
