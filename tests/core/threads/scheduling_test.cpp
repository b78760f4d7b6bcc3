#include "core/base/scheduling.h"

#include <doctest/doctest.h>
#ifdef __linux__
#include <sys/resource.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace nopeek::test::scheduling_test {
namespace {

#ifdef __linux__
TEST_CASE("a thread that gives way is nice to all others, and it alone is") {
  const int own = getpriority(PRIO_PROCESS, 0);
  int twice = 0;
  std::jthread([&] {
    give_way();
    give_way();
    twice = getpriority(PRIO_PROCESS, 0);
  }).join();
  CHECK(twice == std::max(own, 5));
  CHECK(getpriority(PRIO_PROCESS, 0) == own);
}
#endif

TEST_CASE("the wait for a core never shrinks, and is no longer than the time that has passed") {
  const auto begin = std::chrono::steady_clock::now();
  const double first = waited_for_core();
  CHECK(first >= 0);
  // More threads than cores, so that some of them wait.
  std::atomic<bool> in_order = true, in_time = true;
  std::vector<std::jthread> busy;
  for (unsigned i = 0; i < 2 * std::thread::hardware_concurrency() + 2; ++i) {
    busy.emplace_back([&] {
      for (double before = 0, now = 0; std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(50);) {
        now = waited_for_core();
        if (now < before) in_order = false;
        before = now;
        if (now > std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() + 0.01)
          in_time = false;
      }
    });
  }
  busy.clear();
  CHECK(in_order);
  CHECK(in_time);
  CHECK(waited_for_core() >= first);
}

}  // namespace
}  // namespace nopeek::test::scheduling_test
