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
  std::shared_ptr<const LaneHistory> history;  // may be that of a run which goes on: only so many records are of this
  int64_t history_size = 0;                    // state, of step 1 on; they end where the lane stopped
  StepStats measured;                          // of the newest step at which all was measured
  std::string stopped;                         // empty, or why it trains no more
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
  static constexpr int64_t kMostSteps = int64_t{1} << 53;  // what a JSON number holds exactly; no clock runs so long
  /// Throws Error with one line that names what does not fit together.
  void validate() const;
};

/// What is in a LaneState, where it lies.
struct LaneView {
  const std::string& name;
  const Mask& mask;
  const std::vector<MaskChange>& changes;
  Trainer<float>::StateView trainer;
  std::shared_ptr<const LaneHistory> history;
  int64_t history_size;
  const StepStats& measured;
  const std::string& stopped;
  const Parameters<float>* parameters;  // that hold `trainer.weights`; null if nothing does
};

/// What is in a RunState, where it lies: to save a run takes no second copy of it. Of a Lab it holds until its next
/// step.
struct RunView {
  RunView(const RunState& state);

  const RunConfig& config;
  const std::shared_ptr<const Corpus>& corpus;
  int64_t step = 0;
  uint64_t batcher_rng = 0;
  bool mask_changed = false;
  std::optional<int64_t> leak_suspected, leak_found;
  std::vector<LaneView> lanes;

  /// As RunState's.
  void validate() const;
  /// All of it, but for the histories, which are shared.
  RunState copy() const;

 private:
  friend class Lab;
  RunView(const RunConfig& config_, const std::shared_ptr<const Corpus>& corpus_) : config(config_), corpus(corpus_) {}
};

}  // namespace nopeek
