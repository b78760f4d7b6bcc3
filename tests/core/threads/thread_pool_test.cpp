#include "core/base/thread_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <barrier>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>

namespace nopeek::test::thread_pool_test {
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

TEST_CASE("the same threads serve run after run, and the caller's task is number 0") {
  constexpr int kThreads = 3;
  ThreadPool pool(kThreads);
  std::set<std::thread::id> first;
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::barrier all(kThreads);  // so that each thread has a task
    std::vector<std::thread::id> ids(kThreads);
    pool.run(kThreads, [&](int i) {
      ids[static_cast<size_t>(i)] = std::this_thread::get_id();
      all.arrive_and_wait();
    });
    const std::set<std::thread::id> now(ids.begin(), ids.end());
    if (repeat == 0) first = now;
    CHECK(now.size() == kThreads);
    CHECK(now == first);
    CHECK(ids[0] == std::this_thread::get_id());
  }
}

TEST_CASE("what a task throws comes out of run, of several the lowest one's, and the others run all the same") {
  for (const int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::atomic<int> ran = 0;
      std::string said;
      try {
        pool.run(16, [&](int i) {
          ++ran;
          if (i % 5 == 3) throw std::runtime_error("task " + std::to_string(i));
        });
      } catch (const std::runtime_error& error) {
        said = error.what();
      }
      CHECK(said == "task 3");
      CHECK(ran == 16);
      ran = 0;
      CHECK_NOTHROW(pool.run(16, [&](int) { ++ran; }));  // it is forgotten
      CHECK(ran == 16);
    }
  }
}

TEST_CASE("workers begin with what they are told to, and the caller does not") {
  static std::atomic<int> begun;
  begun = 0;
  thread_local bool is_worker = false;
  ThreadPool pool(4, [] {
    is_worker = true;
    ++begun;
  });
  std::barrier all(4);
  std::atomic<int> workers = 0;
  pool.run(4, [&](int) {
    all.arrive_and_wait();
    workers += is_worker ? 1 : 0;
  });
  CHECK(workers == 3);
  CHECK(begun == 3);
}

}  // namespace
}  // namespace nopeek::test::thread_pool_test
