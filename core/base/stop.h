#pragma once
#include <atomic>
#include <utility>

#include "core/base/error.h"

namespace nopeek {

/// Long work that somebody else may end, without each function on the way down having to know of it:
///
///   const StopScope scope(&stop);   // of this thread, until the scope ends
///   lab.step(threads);              // throws Cancelled soon after somebody has set `stop`
///
/// What runs parts of its work on other threads hands StopScope::current() on to them.
class StopScope {
 public:
  /// Null: nobody can end it.
  explicit StopScope(const std::atomic<bool>* stop) : before_(std::exchange(wish_, stop)) {}
  ~StopScope() { wish_ = before_; }
  StopScope(const StopScope&) = delete;

  static const std::atomic<bool>* current() { return wish_; }
  static bool asked() { return wish_ != nullptr && wish_->load(std::memory_order_relaxed); }

 private:
  static inline thread_local const std::atomic<bool>* wish_ = nullptr;
  const std::atomic<bool>* before_;
};

/// Throws Cancelled if that is wished. Costs next to nothing: call it each millisecond of work or so, where nothing is
/// half done that anybody reads later.
inline void stop_if_asked() {
  if (StopScope::asked()) throw Cancelled();
}

}  // namespace nopeek
