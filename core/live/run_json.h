#pragma once
#include <filesystem>
#include <string>

#include "core/live/run_state.h"

namespace nopeek {

/// run.json: everything of a run but the long numbers (text, weights, moments, histories) and the lanes' masks.
std::string run_json(const RunView& run);

/// What it says: a run whose lanes still lack mask, weights, moments and history, and that has no corpus yet.
struct SavedRun {
  RunState run;
  std::string corpus_name, corpus_source;
};
/// Throws Error with one line.
SavedRun read_run_json(const std::filesystem::path& path);

}  // namespace nopeek
