#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace nopeek {

/// Runs numbered tasks on a fixed set of threads, the calling one among them. Which thread runs a task is left to
/// chance; results are deterministic because a task writes only to its own place and sums are made in a fixed order.
class ThreadPool {
 public:
  /// `threads` >= 1 in all; 1 runs everything on the caller.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls task(0) ... task(count - 1) and returns when all are done. One caller at a time; not from within a task.
  void run(int count, const std::function<void(int)>& task);

 private:
  void work(std::stop_token stop);
  void take_tasks(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable_any wake_, done_;
  const std::function<void(int)>* task_ = nullptr;
  int next_ = 0, count_ = 0, unfinished_ = 0;
  std::vector<std::jthread> workers_;  // last: they are stopped and joined before the rest goes
};

}  // namespace nopeek
