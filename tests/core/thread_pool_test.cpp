#include "core/base/thread_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <barrier>
#include <mutex>
#include <set>

namespace nopeek::test {
namespace {

TEST_CASE("every task runs exactly once, and run returns when all are done") {
  for (const int threads : {1, 2, 3, 5}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (const int count : {0, 1, 2, 7, 64}) {
      for (int repeat = 0; repeat < 50; ++repeat) {
        std::vector<int> times(static_cast<size_t>(count));  // not atomic: each task has a place of its own
        pool.run(count, [&](int i) { ++times[static_cast<size_t>(i)]; });
        REQUIRE(times == std::vector<int>(static_cast<size_t>(count), 1));
      }
    }
  }
}

TEST_CASE("one thread runs everything on the caller, in order") {
  ThreadPool pool(1);
  std::vector<int> order;
  const auto caller = std::this_thread::get_id();
  pool.run(10, [&](int i) {
    CHECK(std::this_thread::get_id() == caller);
    order.push_back(i);
  });
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("as many tasks as threads run at the same time") {
  constexpr int kThreads = 3;
  ThreadPool pool(kThreads);
  std::barrier all(kThreads);  // would never open if fewer ran at once
  std::mutex mutex;
  std::set<std::thread::id> ids;
  pool.run(kThreads, [&](int) {
    all.arrive_and_wait();
    std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  });
  CHECK(ids.size() == kThreads);
}

TEST_CASE("what tasks wrote is there for the caller, and for the tasks of the next run") {
  ThreadPool pool(3);
  std::vector<int> values(100, 1);
  for (int repeat = 0; repeat < 100; ++repeat) {
    pool.run(100, [&](int i) { values[static_cast<size_t>(i)] += values[static_cast<size_t>((i + 0) % 100)]; });
    pool.run(50, [&](int i) {
      auto& value = values[static_cast<size_t>(i)];
      value = value > 1'000'000 ? 1 : values[static_cast<size_t>(99 - i)];
      values[static_cast<size_t>(99 - i)] = value;
    });
    for (int i = 0; i < 50; ++i) REQUIRE(values[static_cast<size_t>(i)] == values[static_cast<size_t>(99 - i)]);
  }
}

TEST_CASE("pools come and go without work, and with their workers asleep") {
  for (int i = 0; i < 50; ++i) ThreadPool idle(4);
  for (int i = 0; i < 50; ++i) {
    ThreadPool pool(4);
    std::atomic<int> sum = 0;
    pool.run(4, [&](int k) { sum += k; });
    CHECK(sum == 6);
  }
}

}  // namespace
}  // namespace nopeek::test
