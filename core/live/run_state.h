#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/live/history.h"
#include "core/live/snapshot.h"
#include "core/train/trainer.h"

namespace nopeek {

/// Whether a lane may be called so: its name is that of its folder. Letters, digits, '_' and '-', at most 64.
bool is_lane_name(const std::string& name);

/// One lane of a run at a step boundary: all that it takes to go on.
struct LaneState {
  std::string name;
  Mask mask;                        // (context, context)
  std::vector<MaskChange> changes;  // in order
  Trainer<float>::State trainer;
  std::vector<StepRecord> history;  // of step 1 on; ends where the lane stopped
  StepStats measured;               // of the newest step at which all was measured
  std::string stopped;              // empty, or why it trains no more
};

/// A run at a step boundary, as data. Lab::state() gives it, Lab(RunState) goes on with it, bit for bit, and
/// core/live/run_folder.h puts it on the disk.
struct RunState {
  RunConfig config;
  std::shared_ptr<const Corpus> corpus;
  int64_t step = 0;
  uint64_t batcher_rng = 0;
  bool mask_changed = false;  // since the last step: the next one will be measured
  std::optional<int64_t> leak_suspected, leak_found;
  std::vector<LaneState> lanes;

  static constexpr size_t kMostLanes = 16;
  /// Throws Error with one line that names what does not fit together.
  void validate() const;
};

}  // namespace nopeek
