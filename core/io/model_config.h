#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "core/decode/model.h"

namespace nopeek {

/// What config.json says, checked.
struct SavedConfig {
  ModelConfig model;  // `tied` as the file says it; see read_model_tensors()
  Mask mask;          // (context, context); causal if it is not NoPeek's file
  std::string name;   // one that may be shown; empty if there is none
  int64_t step = 0;
  std::optional<TokenId> eos;
};

/// Reads config.json of a GPT-2 in the ecosystem's spelling. Where it is silent, the ecosystem's defaults hold. Throws
/// Error with one line if it is damaged, or describes what NoPeek would not compute faithfully.
SavedConfig read_model_config(const std::filesystem::path& path);

/// The text of config.json.
std::string model_config_json(const Model& model);

}  // namespace nopeek
