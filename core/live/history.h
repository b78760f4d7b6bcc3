#pragma once
#include <array>
#include <cstdint>
#include <memory>

#include "core/train/step_stats.h"

namespace nopeek {

/// What one lane reports for one step.
struct StepRecord : StepStats {
  bool masked = true;  // the mask hid every future key at that step
};

/// The records of one lane, step 1 first. One thread appends; any thread may read the first `n` records once `n` has
/// been handed to it through something that synchronises (a snapshot). Records never move and never change, so that
/// snapshots share the history of a run instead of copying it.
class LaneHistory {
 public:
  static constexpr int64_t kBlock = 4096, kBlocks = 16384;  // 67 million steps: days of training

  void append(const StepRecord& record) {
    if (size_ == kBlock * kBlocks) return;
    auto& block = blocks_[static_cast<size_t>(size_ / kBlock)];
    if (!block) block = std::make_unique<Block>();
    (*block)[static_cast<size_t>(size_++ % kBlock)] = record;
  }
  /// Record of `step`, counted from 1.
  const StepRecord& at_step(int64_t step) const {
    return (*blocks_[static_cast<size_t>((step - 1) / kBlock)])[static_cast<size_t>((step - 1) % kBlock)];
  }
  int64_t size() const { return size_; }  // for the appending thread alone

 private:
  using Block = std::array<StepRecord, kBlock>;
  std::array<std::unique_ptr<Block>, kBlocks> blocks_;
  int64_t size_ = 0;
};

}  // namespace nopeek
