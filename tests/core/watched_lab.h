#pragma once
// A LiveLab whose snapshots one can wait for.
#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <limits>
#include <mutex>

#include "core/live/live_lab.h"
#include "tests/core/support.h"

namespace nopeek::test {

/// The smallest lab that still has heads and layers to show.
inline Restart live_start(uint64_t seed = 1) {
  RunConfig config = small_run();
  config.model.channels = 8;
  config.model.layers = 1;
  config.seed = seed;
  return {config, small_corpus()};
}

class WatchedLab {
 public:
  WatchedLab() : WatchedLab(live_start()) {}
  template <class Start>  // Restart or Resume
  explicit WatchedLab(Start start, bool paused = false)
      : lab_(
            std::move(start), [this] { signal(); }, paused) {}

  void post(Command command) { lab_.post(std::move(command)); }
  std::shared_ptr<const Snapshot> now() const { return lab_.snapshot(); }

  /// The first snapshot, from now on, for which `condition` holds. Woken by the published callback; the limit is there
  /// to end a test that would hang, and no test passes or fails by it otherwise.
  std::shared_ptr<const Snapshot> wait(const std::function<bool(const Snapshot&)>& condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    std::unique_lock lock(mutex_);
    while (true) {
      const int64_t seen = signals_;
      lock.unlock();
      auto snapshot = lab_.snapshot();
      if (condition(*snapshot)) return snapshot;
      lock.lock();
      if (!published_.wait_until(lock, limit, [&] { return signals_ > seen; })) {
        FAIL("nothing was published for two minutes");
      }
    }
  }
  /// The next failure.
  std::string wait_for_failure() {
    std::string failure;
    wait([&](const Snapshot&) { return !(failure = lab_.take_failure()).empty(); });
    return failure;
  }
  std::string take_failure() { return lab_.take_failure(); }
  std::shared_ptr<const Snapshot> wait_for_step(int64_t step) {
    return wait([=](const Snapshot& s) { return s.step >= step; });
  }
  /// Pauses, and returns the snapshot at which it stands.
  std::shared_ptr<const Snapshot> pause() {
    post(SetPaused{true});
    return wait([](const Snapshot& s) { return s.paused; });
  }
  /// One step, and the snapshot behind it.
  std::shared_ptr<const Snapshot> step_once() {
    const int64_t target = now()->step + 1;
    post(StepOnce{});
    return wait_for_step(target);
  }

 private:
  void signal() {
    {
      std::lock_guard lock(mutex_);
      ++signals_;
    }
    published_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable published_;
  int64_t signals_ = 0;
  LiveLab lab_;  // last: gone before what its callback uses
};

/// All that a snapshot shows of its lanes, as one number.
inline uint64_t hash_of_lanes(const Snapshot& snapshot) {
  uint64_t hash = 0;
  for (const LaneSnapshot& lane : snapshot.lanes) {
    hash = hash * 31 + fnv1a(lane.attention.data(), lane.attention.size() * sizeof(float));
    hash = hash * 31 + fnv1a(lane.leak.data(), lane.leak.size() * sizeof(float));
    hash = hash * 31 + fnv1a(lane.written.data(), lane.written.size() * sizeof(TokenId));
    hash = hash * 31 + hash_of(lane.stopped) + lane.changes.size();
  }
  return hash;
}

}  // namespace nopeek::test
