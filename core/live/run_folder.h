#pragma once
#include <filesystem>
#include <string>

#include "core/base/progress.h"
#include "core/live/run_state.h"

namespace nopeek {

// A saved run is a folder (docs/model-folder.md): run.json, corpus.safetensors, and for each lane a folder of its name,
// which is a model that load_model() opens, with training.safetensors beside.

/// Writes the folder, whole or not at all; what may be replaced see FolderWriter. Throws Error. Straight from where the
/// run lies, a Lab::view() or a RunState: a run that fits into memory can be saved.
void save_run(const std::filesystem::path& folder, const RunView& run);

/// Where a run went that could not be lost.
struct SavedRunPlace {
  std::filesystem::path folder;
  std::string refused;  // empty, or why it is not where it was meant to be
  /// For people: why, and where it is instead. Empty if all is well.
  std::string warning() const;
};
/// Saves a run that somebody has waited for: if `folder` is refused, under a free name beside it, else in
/// state_folder(), else among the temporary files. Throws Error if all of them are refused, and Cancelled.
SavedRunPlace save_run_somewhere(const std::filesystem::path& folder, const RunView& run);

/// Reads it back, bit for bit. Trusts nothing that the files say. Throws Error with one line, and Cancelled.
RunState load_run(const std::filesystem::path& folder, Progress* progress = nullptr);

}  // namespace nopeek
