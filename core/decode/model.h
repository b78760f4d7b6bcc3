#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "core/nn/mask.h"
#include "core/nn/parameters.h"
#include "core/text/tokenizer.h"

namespace nopeek {

/// All that it takes to read and to write text: weights, the mask under which they run, and the words. Immutable and
/// shared, so that a lane in training, a folder that was opened and a thread that decodes can hold the same one.
struct Model {
  std::string name;  // for people: a lane's, or the folder's
  std::shared_ptr<const Tokenizer> tokenizer;
  std::shared_ptr<const Parameters<float>> parameters;
  std::shared_ptr<const Mask> mask;  // (context, context)
  int64_t step = 0;                  // training steps behind these weights; 0: unknown, or none

  const ModelConfig& config() const { return parameters->config(); }
  bool masked() const { return mask->is_causal(); }
};

/// They compute the same: the very same weights under the very same mask, not only equal ones.
inline bool same_function(const Model& a, const Model& b) { return a.parameters == b.parameters && a.mask == b.mask; }

}  // namespace nopeek
