#pragma once
#include <filesystem>

#include "core/base/progress.h"
#include "core/decode/model.h"

namespace nopeek {

/// Reads a model from a folder in the ecosystem's layout: config.json, model.safetensors (or the files that its index
/// names), and tokenizer.json or vocab.json and merges.txt; or from the folder of a model in Hugging Face's cache. A
/// published GPT-2 opens, and so does what save_model() wrote; there, the mask and the step come from the `nopeek` key
/// of config.json, else the mask is causal.
///
/// Trusts nothing that the files say. Throws Error with one line that names the file, what is wrong with it and what to
/// do, and Cancelled.
Model load_model(const std::filesystem::path& folder, Progress* progress = nullptr);

/// Writes the folder, whole or not at all. Throws Error, also if there is a folder of that name that is not a model.
void save_model(const std::filesystem::path& folder, const Model& model);

}  // namespace nopeek
