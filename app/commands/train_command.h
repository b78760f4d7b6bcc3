#pragma once
#include <filesystem>
#include <set>
#include <string>

#include "core/train/run_config.h"

namespace nopeek {

/// `nopeek train`.
struct TrainCommand {
  RunConfig config;
  std::string corpus = "pull-requests";  // name of a built-in corpus, or a file
  std::string tokenizer = "auto";        // auto, word, char, bpe
  std::string mask = "both";             // on, off, both: which lanes are trained
  int64_t steps = 600;
  int threads = 0;               // 0: one a core
  std::filesystem::path log;     // run.csv; empty: none
  std::filesystem::path save;    // folder for the run and its models; empty: none
  std::filesystem::path resume;  // folder of a saved run to go on with, to `steps` in all; empty: a new run
  std::set<std::string> given;   // options that were on the command line: with `resume`, they must agree with the run
  /// How often the run is saved on the way; both 0: only at its end.
  int64_t checkpoint_steps = 0, checkpoint_minutes = 0;
  bool json = false;
};

/// Trains, with a progress bar where standard error is a terminal, and prints what came out: a table, or with `json`
/// one document (docs/command-line.md). Returns 0, or 1 if every lane diverged. Throws Error: at once for what
/// cannot be trained, gone on with or saved, as where the log would lie in the folder that is saved; and after all else
/// if one of the two could not be written. What ends the training too early, such as bad_alloc, is thrown when the run
/// as far as it came, and its log, are kept and it was told where.
///
/// Ctrl+C, SIGTERM and SIGHUP end it after the step under way and one more, at which everything is measured; what there
/// is is saved, with its log, and the status is 128 + the signal.
///
/// A run that is saved and gone on with ends in the same weights, and the same log, as one that was not interrupted;
/// saving on the way changes neither.
int run_train(const TrainCommand& command);

}  // namespace nopeek
