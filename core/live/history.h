#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <memory>

#include "core/train/step_stats.h"

namespace nopeek {

/// What one lane reports for one step.
struct StepRecord : StepStats {
  bool masked = true;  // the mask hid every future key at that step
};

/// The records of one lane, step 1 first, in columns. One thread appends; any thread may read the first `n` records
/// once `n` has been handed to it through something that synchronises (a snapshot). Records never move and never
/// change, so that snapshots and saved states share the history of a run instead of copying it. There is no end: 13
/// bytes a step.
class LaneHistory {
 public:
  static constexpr int64_t kBlock = 4096;
  struct Block {
    std::array<float, kBlock> reported, honest, future_attention;
    std::array<uint8_t, kBlock> masked;
  };

  LaneHistory() = default;
  /// A copy of the first `size` records.
  LaneHistory(const LaneHistory& other, int64_t size) {
    for (; size_ < size; size_ = std::min(size, size_ + kBlock)) {
      reserve();
      // Not whole blocks: another thread may be appending to the last.
      const Block& from = other.block(size_ / kBlock);
      Block& to = *slot(size_ / kBlock);
      const int64_t count = std::min(kBlock, size - size_);
      std::copy_n(from.reported.begin(), count, to.reported.begin());
      std::copy_n(from.honest.begin(), count, to.honest.begin());
      std::copy_n(from.future_attention.begin(), count, to.future_attention.begin());
      std::copy_n(from.masked.begin(), count, to.masked.begin());
    }
  }

  /// Room for one more: append() then cannot fail.
  void reserve() {
    const Place place = place_of(size_ / kBlock);
    if (!tables_[place.table]) tables_[place.table] = std::make_unique<BlockPointer[]>(size_t{1} << place.table);
    BlockPointer& block = tables_[place.table][place.slot];
    if (!block) block.reset(new Block);  // not zeroed: what is not appended is never read
  }
  void append(const StepRecord& record) {
    reserve();
    Block& block = *slot(size_ / kBlock);
    const auto i = static_cast<size_t>(size_ % kBlock);
    block.reported[i] = record.reported;
    block.honest[i] = record.honest;
    block.future_attention[i] = record.future_attention;
    block.masked[i] = record.masked ? 1 : 0;
    ++size_;
  }
  /// Record of `step`, counted from 1.
  StepRecord at_step(int64_t step) const {
    assert(step >= 1);
    const Block& block = this->block((step - 1) / kBlock);
    const auto i = static_cast<size_t>((step - 1) % kBlock);
    return {{block.reported[i], block.honest[i], block.future_attention[i]}, block.masked[i] != 0};
  }
  /// Number `index`, from 0 on, of kBlock records each.
  const Block& block(int64_t index) const { return *slot(index); }
  int64_t size() const { return size_; }  // for the appending thread alone

 private:
  // Each table has as many blocks as all before it, and one more: so none of them ever has to grow, and move.
  using BlockPointer = std::unique_ptr<Block>;
  struct Place {
    size_t table, slot;
  };
  static Place place_of(int64_t index) {
    const auto n = static_cast<uint64_t>(index) + 1;
    const auto table = static_cast<size_t>(std::bit_width(n)) - 1;
    return {table, static_cast<size_t>(n - (uint64_t{1} << table))};
  }
  const BlockPointer& slot(int64_t index) const {
    const Place place = place_of(index);
    return tables_[place.table][place.slot];
  }

  std::array<std::unique_ptr<BlockPointer[]>, 48> tables_;
  int64_t size_ = 0;
};

}  // namespace nopeek
