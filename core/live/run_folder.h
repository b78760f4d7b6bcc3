#pragma once
#include <filesystem>

#include "core/base/progress.h"
#include "core/live/run_state.h"

namespace nopeek {

// A saved run is a folder (docs/model-folder.md): run.json, corpus.safetensors, and for each lane a folder of its name,
// which is a model that load_model() opens, with training.safetensors beside.

/// Writes the folder, whole or not at all; what may be replaced see FolderWriter. Throws Error.
void save_run(const std::filesystem::path& folder, const RunState& run);

/// Reads it back, bit for bit. Trusts nothing that the files say. Throws Error with one line, and Cancelled.
RunState load_run(const std::filesystem::path& folder, Progress* progress = nullptr);

}  // namespace nopeek
