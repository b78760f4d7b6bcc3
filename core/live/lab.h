#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/live/run_state.h"
#include "core/live/snapshot.h"
#include "core/train/trainer.h"

namespace nopeek {

/// Lanes in lockstep: models that start from the same weights and get the same batches, and differ only in their masks.
/// Knows no clock and no screen; `nopeek train` runs it to the end, LiveLab runs it under one's eyes.
class Lab {
 public:
  struct LaneStart {
    std::string name;
    Mask mask;  // (context, context)
  };
  /// The two lanes that the app starts with: "masked" (causal) and "unmasked" (full).
  static std::vector<LaneStart> twins(int context);

  /// Throws Error, with advice, if so many models in training would take more memory than is free now.
  static void require_memory(const RunConfig& config, size_t lanes);
  /// `config` with the vocabulary of the corpus. Throws Error if it cannot work, be it for the text or because it would
  /// take more memory than a desk has. What is free now is another question: of a run that is there already, no more
  /// is needed.
  static RunConfig checked(RunConfig config, const Corpus& corpus, size_t lanes);

  /// Throws Error if configuration, corpus and masks do not fit. `config.model.vocab` is taken from the corpus.
  Lab(RunConfig config, std::shared_ptr<const Corpus> corpus, std::vector<LaneStart> lanes);

  /// Goes on with a run, bit for bit as it would have gone on. Throws Error if the state is not sound.
  explicit Lab(const RunView& run);
  /// Everything that the run depends on, where it lies; and as a copy, but for the histories, which are shared.
  RunView view() const;
  RunState state() const;

  /// One step of every lane that still trains. Honest loss and future attention are measured at step 1, at each
  /// `measure_every`-th, after a change of mask, and if `measure` says so. A lane that diverges is stopped, with the
  /// reason; the others go on. kOnlyShow measures for the snapshot and leaves the history, and so the run log, as it
  /// would be without: what it says must not depend on how slowly somebody looked on.
  /// A step is all or nothing: if it throws (std::bad_alloc; Cancelled by the calling thread's StopScope), the lab is
  /// as it was, and makes the same step the next time.
  enum class Measure { kAsDue, kNow, kOnlyShow };
  void step(ThreadPool& threads, Measure measure = Measure::kAsDue);
  int64_t steps() const { return step_; }
  /// No lane trains any more.
  bool finished() const;

  /// From the next step on; the mask that the lane has already is no change. Throws Error if it is not (context,
  /// context) or leaves a row without a key. All or nothing.
  void set_mask(int lane, Mask mask);

  const RunConfig& config() const { return config_; }
  const std::shared_ptr<const Corpus>& corpus() const { return corpus_; }
  size_t lane_count() const { return lanes_.size(); }
  const std::string& name(size_t lane) const { return lanes_[lane]->name; }
  const LaneHistory& history(size_t lane) const { return *lanes_[lane]->history; }
  /// The newest step's reported loss; NaN if there is none, as of a lane that has stopped.
  float reported(size_t lane) const { return lanes_[lane]->reported; }
  /// Of the newest step at which all was measured, be it for the log or for the eye.
  const StepStats& measured(size_t lane) const { return lanes_[lane]->measured; }
  Trainer<float>& trainer(size_t lane) { return lanes_[lane]->trainer; }

  /// The lab now, as data, with each lane's pass over the probe and the text that it writes. Fields that concern the
  /// live run (paused, rates, earlier runs, checkpoints) are left as they are by default. Throws what step() throws,
  /// and changes nothing.
  Snapshot snapshot(ThreadPool& threads);
  /// The lanes as a snapshot has them, without what has to be copied or computed: weights, probe, text.
  std::vector<LaneSnapshot> curves() const;

 private:
  struct Lane {
    Lane(const LaneStart& start, const RunConfig& config);
    std::string name;
    Trainer<float> trainer;
    Activations<float> probe;  // (1, context)
    std::shared_ptr<const Mask> mask;
    std::string mask_name;
    bool masked;
    std::shared_ptr<const Mask> trained;  // mask of the newest step; null: not known, in a run that was resumed
    std::vector<MaskChange> changes;
    std::string stopped;
    float reported = kNotMeasured;  // of the newest step
    StepStats measured;             // of the newest step at which all was measured
    std::shared_ptr<LaneHistory> history = std::make_shared<LaneHistory>();
    struct Verdict {  // on the step under way
      StepStats stats;
      std::string stopped;  // empty, or why the lane stops here
    } verdict;
  };
  template <class Part>
  void for_lanes(ThreadPool& threads, int parts, const Part& part_of_lane);
  void judge(Lane& lane) const;
  void begin_update(Lane& lane, bool recorded);
  LaneSnapshot look(Lane& lane);
  static LaneSnapshot curve_of(const Lane& lane);
  void find_leak(bool measured);

  RunConfig config_;
  std::shared_ptr<const Corpus> corpus_;
  Batcher batcher_;
  std::vector<TokenId> probe_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  int64_t step_ = 0;
  bool mask_changed_ = false;  // since the last step
  std::optional<int64_t> leak_suspected_, leak_found_;
};

}  // namespace nopeek
