#pragma once
// What the program's allocator counts, and lets fail. Under a sanitizer, which has an allocator of its own, it does
// neither.
#include <atomic>
#include <cstdint>

namespace nopeek::test {

#ifdef NOPEEK_SANITIZED
inline constexpr bool kCounts = false;
#else
inline constexpr bool kCounts = true;
#endif

extern std::atomic<int64_t> allocation_count;
/// Once `allocation_count` comes here, that one allocation fails, and this becomes 0. Those of calloc never fail: C's
/// own runtime takes a few bytes there for each thread, and ends the program if it gets none.
extern std::atomic<int64_t> failing_allocation;

}  // namespace nopeek::test
