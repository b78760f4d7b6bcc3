#pragma once
#include <algorithm>
#include <cstdint>

#include "core/base/error.h"
#include "core/base/progress.h"

namespace nopeek {

/// A BytesRead: turns bytes that have been read into progress, and ends the reading where that was asked for.
class ByteCounter {
 public:
  /// `progress` may be null.
  ByteCounter(Progress* progress, uint64_t total) : progress_(progress), total_(static_cast<float>(total)) {}
  void operator()(uint64_t bytes) {
    if (progress_ == nullptr) return;
    if (progress_->cancelled) throw Cancelled();
    done_ += bytes;
    progress_->fraction = std::min(1.0f, static_cast<float>(done_) / total_);
  }

 private:
  Progress* progress_;
  float total_;
  uint64_t done_ = 0;
};

}  // namespace nopeek
