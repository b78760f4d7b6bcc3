#pragma once
#include <filesystem>

#include "core/decode/model.h"
#include "core/io/safetensors.h"

namespace nopeek {

// What load_model() and save_model() do, for those who read or write more than one folder at once.

/// Calls `count` with the bytes of the weights as they are read, from model.safetensors or the files of its index; once
/// with 0 before. Throws Error, and what `count` throws.
Model read_model_files(const std::filesystem::path& folder, const BytesRead& count);

/// Writes into a folder that is there, or is made, file by file: see FolderWriter for "whole". Throws Error.
void write_model_files(const std::filesystem::path& folder, const Model& model);

}  // namespace nopeek
