#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/live/history.h"
#include "core/nn/mask.h"
#include "core/nn/parameters.h"
#include "core/text/corpus.h"
#include "core/train/run_config.h"

namespace nopeek {

/// A mask that was changed in the middle of a run, from the step after `step` on.
struct MaskChange {
  int64_t step;
  bool masked;            // it is causal
  std::string mask = {};  // describe()
  bool operator==(const MaskChange&) const = default;
};

/// One lane at one step, as data: all that a scene may show of it.
struct LaneSnapshot {
  std::string name;                  // "masked", "unmasked": who it was at the start of the run
  std::shared_ptr<const Mask> mask;  // (T, T) over the whole context; what it trains with now
  std::string mask_name;             // describe(*mask)
  /// The weights of this step. Null in old checkpoints of models too large to keep each step's.
  std::shared_ptr<const Parameters<float>> weights;
  bool masked = true;               // mask->is_causal()
  std::vector<MaskChange> changes;  // in order
  std::string stopped;              // empty, or why this lane trains no more; its last good weights are kept

  float reported = kNotMeasured;  // of the newest step
  StepStats measured;             // of the newest step at which all was measured: only then may losses be compared
  std::shared_ptr<const LaneHistory> history;  // of Snapshot::step records, fewer for a lane that stopped
  int64_t history_size = 0;

  // The probe: one evaluation pass over Snapshot::probe with the newest weights.
  std::vector<float> attention;  // (L, NH, T, T), T = probe length; rows sum to 1, forbidden cells are exactly 0
  std::vector<float> leak;       // (L, NH): future attention of each head on the probe
  float mean_leak = 0;           // over all heads

  std::vector<TokenId> written;  // greedy continuation of the first Snapshot::prompt_length tokens of the probe

  const float* head(int layer, int head, int heads, int T) const {
    return attention.data() + (static_cast<size_t>(layer) * heads + head) * T * T;
  }
};

/// A run that was ended by a reset or another setting: its curves stay on the chart as faint lines.
struct EarlierRun {
  std::string corpus;
  RunConfig config;
  int64_t steps = 0;
  std::vector<LaneSnapshot> lanes;
};

/// The lab at a step boundary. Immutable: all widgets of a frame read the same one, and older ones can be kept.
struct Snapshot {
  uint64_t run = 0;  // grows with each reset
  int64_t step = 0;
  bool paused = false;
  bool finished = false;                               // no lane can go on
  double target_rate = 0;                              // steps/s asked for; infinity: flat out
  double tokens_per_second = 0, steps_per_second = 0;  // measured; 0 while paused
  RunConfig config;
  std::shared_ptr<const Corpus> corpus;
  std::vector<TokenId> probe;
  int prompt_length = 0;
  std::vector<LaneSnapshot> lanes;
  /// First step whose unmasked reported loss is below half the masked one and whose honest loss then
  /// proves the gap to be a leak; empty before.
  std::optional<int64_t> leak_found;
  std::shared_ptr<const std::vector<EarlierRun>> earlier;  // oldest first
  /// Snapshots of this run at earlier steps, in order. Null in a checkpoint itself, which would else keep all others.
  std::shared_ptr<const std::vector<std::shared_ptr<const Snapshot>>> checkpoints;
};

}  // namespace nopeek
