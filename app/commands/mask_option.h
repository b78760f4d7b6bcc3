#pragma once
#include <string>

#include "core/decode/model.h"

namespace nopeek {

/// The mask that a model runs under when `--mask` says so: its own, or another in its place.
struct MaskOption {
  Mask mask;         // (context, context)
  const char* name;  // on, off, custom: neither
};

/// `word` is "on" (causal), "off" (full), or empty: the model's own.
MaskOption mask_option(const std::string& word, const Model& model);

}  // namespace nopeek
