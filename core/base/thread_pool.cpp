#include "core/base/thread_pool.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

namespace nopeek {

namespace {

using Clock = std::chrono::steady_clock;

/// As long as it takes to put a thread to sleep and wake it again: whoever spins longer should have slept, and who
/// sleeps at once pays it in vain.
constexpr auto kSpin = std::chrono::microseconds(50);

}  // namespace

int hardware_threads() { return static_cast<int>(std::max(1u, std::thread::hardware_concurrency())); }

// A thread that spins on a core that another one of the pool waits for would only hold it up.
ThreadPool::ThreadPool(int threads, void (*worker_begins)())
    : next_(static_cast<size_t>(threads)), spins_(threads <= hardware_threads()) {
  try {
    for (int self = 1; self < threads; ++self) {
      workers_.emplace_back([this, self, worker_begins] {
        if (worker_begins) worker_begins();
        work(self);
      });
    }
  } catch (...) {
    stop();  // the system gives no more threads: those that are there would be waited for
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

void ThreadPool::run_all(int count, TaskRef task) {
  if (count <= 0) return;
  std::unique_lock lock(mutex_);
  task_ = task;
  count_ = failed_ = count;
  std::iota(next_.begin(), next_.end(), 0);
  unclaimed_ = unfinished_ = count;
  if (count > 1) wake_.notify_all();
  take_tasks(0, lock);
  wait_until(lock, done_, [&] { return unfinished_ == 0; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::work(int self) {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    take_tasks(self, lock);
    wait_until(lock, wake_, [&] { return unclaimed_ > 0 || stopping_; });
  }
}

void ThreadPool::take_tasks(int self, std::unique_lock<std::mutex>& lock) {
  while (unclaimed_ > 0) {
    const int index = claim(self);
    lock.unlock();
    const std::exception_ptr thrown = attempt(index);
    lock.lock();
    if (thrown && index < failed_) {
      failed_ = index;
      failure_ = thrown;
    }
    if (--unfinished_ == 0) done_.notify_all();
  }
}

/// The next task of its own, or else of the thread behind it that has any left. There must be one.
int ThreadPool::claim(int self) {
  --unclaimed_;
  while (next_[static_cast<size_t>(self)] >= count_) self = (self + 1) % threads();
  return std::exchange(next_[static_cast<size_t>(self)], next_[static_cast<size_t>(self)] + threads());
}

std::exception_ptr ThreadPool::attempt(int index) const {
  try {
    task_(index);
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

/// Until `ready`, which reads atomics alone: for a moment without the lock and wide awake, then asleep.
template <class Ready>
void ThreadPool::wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, Ready ready) {
  if (spins_ && !ready()) {
    lock.unlock();
    for (const auto end = Clock::now() + kSpin; !ready() && Clock::now() < end;) std::this_thread::yield();
    lock.lock();
  }
  changed.wait(lock, ready);
}

}  // namespace nopeek
