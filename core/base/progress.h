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

/// Throws Cancelled if that is wished; null: nobody can.
inline void stop_if_asked(const Progress* progress) {
  if (progress != nullptr && progress->cancelled) throw Cancelled();
}

/// The same, and says how far the work is.
inline void report_progress(Progress* progress, float fraction) {
  stop_if_asked(progress);
  if (progress != nullptr) progress->fraction = fraction;
}

}  // namespace nopeek
