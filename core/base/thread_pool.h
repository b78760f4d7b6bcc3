#pragma once
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace nopeek {

/// Threads that this machine runs at the same time, at least 1.
int hardware_threads();

/// Runs numbered tasks on a fixed set of threads, the calling one among them. Task i belongs to thread i mod threads,
/// the caller being thread 0, so that what a task touched in the run before is still in that core's cache; a thread
/// that has done its own helps the others, so which one runs a task is left to chance in the end. Results are
/// deterministic because a task writes only to its own place and sums are made in a fixed order.
///
/// A run allocates nothing. Between runs the workers look for the next one for a moment before they sleep: steps of a
/// small model are shorter than what it takes to wake two threads a few times. Idle, they cost nothing.
class ThreadPool {
 public:
  /// `threads` >= 1 in all; 1 runs everything on the caller. `worker_begins` is called on each worker before its first
  /// task.
  explicit ThreadPool(int threads, void (*worker_begins)() = nullptr);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(next_.size()); }

  /// Calls task(0) ... task(count - 1) and returns when all are done. One caller at a time; not from within a task. If
  /// tasks throw, the others run all the same, and the exception of the lowest number is thrown on.
  template <class Task>
  void run(int count, const Task& task) {
    run_all(count, {&task, [](const void* it, int index) { (*static_cast<const Task*>(it))(index); }});
  }

 private:
  /// The caller's task, which outlives its run: std::function would copy it, and allocate.
  struct TaskRef {
    const void* task = nullptr;
    void (*call)(const void* task, int index) = nullptr;
    void operator()(int index) const { call(task, index); }
  };
  void run_all(int count, TaskRef task);
  void work(int self);
  void stop();
  void take_tasks(int self, std::unique_lock<std::mutex>& lock);
  int claim(int self);
  std::exception_ptr attempt(int index) const;
  template <class Ready>
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, Ready ready);

  std::mutex mutex_;  // guards all below; the atomic ones are also looked at without it, by who waits
  std::condition_variable wake_, done_;
  TaskRef task_;
  int count_ = 0;
  std::vector<int> next_;                          // of each thread: the first of its tasks that nobody has claimed
  std::atomic<int> unclaimed_{0}, unfinished_{0};  // tasks of the run
  std::atomic<bool> stopping_{false};
  int failed_ = 0;  // the lowest task that threw in this run, and what
  std::exception_ptr failure_;
  const bool spins_;
  std::vector<std::jthread> workers_;  // last: joined before the rest goes
};

}  // namespace nopeek
