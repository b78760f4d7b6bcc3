#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/live/lab.h"

namespace nopeek {

/// What a lane came to. Losses in nats, all of the lane's newest step if everything was measured at it; NaN for a lane
/// that diverged.
struct LaneReport {
  std::string name, mask;  // mask: describe()
  int64_t step = 0;
  float reported, honest, future_attention;
  double validation;
  std::string writes;   // greedy continuation of the first words of the text
  std::string stopped;  // empty, or why it diverged
};

/// What a training came to.
struct TrainReport {
  RunConfig config;
  std::shared_ptr<const Corpus> corpus;
  int64_t steps = 0;  // asked for
  int64_t step = 0;   // reached
  bool interrupted = false;
  std::optional<std::filesystem::path> saved, log;  // absolute; where the run and its log are
  std::vector<LaneReport> lanes;
};

/// Measures the validation loss, and fills in config, corpus, step and lanes.
TrainReport report_on(Lab& lab, ThreadPool& threads);

/// A row a lane.
void print_train_table(const TrainReport& report);
/// One document (docs/command-line.md). Throws Error if it could not be written.
void print_train_json(const TrainReport& report);

}  // namespace nopeek
