#pragma once
#include <filesystem>
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
  int threads = 0;            // 0: one a core
  std::filesystem::path log;  // run.csv; empty: none
};

/// Trains, with a progress bar where standard error is a terminal, and prints what came out. Returns 0, or 1 if every
/// lane diverged. Throws Error. Ctrl+C ends it after the step under way, with the log kept.
int run_train(const TrainCommand& command);

}  // namespace nopeek
