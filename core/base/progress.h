#pragma once
#include <atomic>

#include "core/base/error.h"

namespace nopeek {

/// How far long work has come, and the wish to end it. One thread works, another one reads `fraction` and may set
/// `cancelled`; the worker then throws Cancelled at the next place where it can.
struct Progress {
  std::atomic<float> fraction{0};  // 0..1
  std::atomic<bool> cancelled{false};
};

/// Says how far the work is, at a place where it can end: throws Cancelled if it shall. Null: nobody asks.
inline void report_progress(Progress* progress, float fraction) {
  if (progress == nullptr) return;
  if (progress->cancelled) throw Cancelled();
  progress->fraction = fraction;
}

/// Throws Cancelled if that is wished; null: nobody can.
inline void stop_if_asked(const Progress* progress) {
  if (progress != nullptr && progress->cancelled) throw Cancelled();
}

}  // namespace nopeek
