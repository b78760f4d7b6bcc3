#pragma once
#include <atomic>

namespace nopeek {

/// How far long work has come, and the wish to end it. One thread works, another one reads `fraction` and may set
/// `cancelled`; the worker then throws Cancelled at the next place where it can.
struct Progress {
  std::atomic<float> fraction{0};  // 0..1
  std::atomic<bool> cancelled{false};
};

}  // namespace nopeek
