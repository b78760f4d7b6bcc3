// A step of training allocates nothing. A program of its own, because it counts what all of it allocates. Under a
// sanitizer, which has an allocator of its own, the tests are reported as skipped.
#include <doctest/doctest.h>

#include <atomic>
#include <barrier>
#include <cerrno>
#include <cstdlib>

#include "tests/core/allocation/allocator.h"
#include "tests/core/support.h"

namespace nopeek::test {
std::atomic<int64_t> allocation_count{0}, failing_allocation{0};
}  // namespace nopeek::test

// Everything comes down to these: operator new, Eigen, the standard library's own.
#ifndef NOPEEK_SANITIZED
namespace {
/// Counts one, and whether it shall fail.
bool fails() {
  int64_t now = ++nopeek::test::allocation_count;
  return nopeek::test::failing_allocation.compare_exchange_strong(now, 0);
}
}  // namespace

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) noexcept { return fails() ? nullptr : __libc_malloc(size); }
void* calloc(size_t count, size_t size) noexcept {
  return ++nopeek::test::allocation_count, __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) noexcept { return fails() ? nullptr : __libc_realloc(memory, size); }
void* memalign(size_t alignment, size_t size) noexcept { return fails() ? nullptr : __libc_memalign(alignment, size); }
void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return fails() ? nullptr : __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) noexcept {
  if (fails()) return ENOMEM;
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}
}
#endif

namespace nopeek::test::allocation_test {
namespace {

/// How often anything is allocated, by any thread, while f runs.
template <class F>
int64_t allocations(F f) {
  const int64_t before = allocation_count;
  f();
  return allocation_count - before;
}

RunConfig four_shards() {
  RunConfig config = small_run();
  config.model.vocab = small_corpus()->vocab_size();
  config.model.context = 24;
  config.train.batch = 32;
  return config;
}

/// Two steps, and then one shard on each thread, whatever chance does: each waits until all of them have one. What a
/// thread keeps for itself is there from then on.
void warm_up(Trainer<float>& trainer, Batcher& batcher, ThreadPool& threads, bool measure) {
  for (int i = 0; i < 2; ++i) trainer.step(batcher.next(), threads, measure);
  std::barrier all(threads.threads());
  const Batch& batch = batcher.next();
  threads.run(threads.threads(), [&](int i) {
    all.arrive_and_wait();
    trainer.run_shard(batch, i, measure);
  });
}

TEST_CASE("the counter sees what new, malloc and Eigen allocate" * doctest::skip(!kCounts)) {
  CHECK(allocations([] {}) == 0);
  CHECK(allocations([] { const std::string text(1000, 'x'), copy = text; }) == 2);
  CHECK(allocations([] { const Matrix<float> x = Matrix<float>::Random(30, 30); }) == 1);
  CHECK(allocations([] { const AlignedVector<double> x(1000); }) == 1);
}

TEST_CASE("a step allocates nothing, with one thread and with two, measured or not, with and without dropout" *
          doctest::skip(!kCounts)) {
  for (const int count : {1, 2}) {
    for (const bool measure : {false, true}) {
      for (const double dropout : {0.0, 0.1}) {
        CAPTURE(count);
        CAPTURE(measure);
        CAPTURE(dropout);
        RunConfig config = four_shards();
        config.model.dropout = dropout;
        ThreadPool threads(count);
        Trainer<float> trainer(config, Mask::full(config.model.context));
        Batcher batcher(*small_corpus(), config.train.batch, config.model.context, 1);
        warm_up(trainer, batcher, threads, measure);
        const auto steps = [&] {
          for (int i = 3; i <= 10; ++i) trainer.step(batcher.next(), threads, measure);
        };
        CHECK(allocations(steps) == 0);
      }
    }
  }
}

TEST_CASE("nor does a step of the twins in their lab" * doctest::skip(!kCounts)) {
  RunConfig config = four_shards();
  Lab lab(config, small_corpus(), Lab::twins(config.model.context));
  ThreadPool one(1);
  for (int i = 1; i <= 2; ++i) lab.step(one);
  const auto steps = [&] {
    for (int i = 3; i <= 20; ++i) lab.step(one);  // the tenth and the twentieth are measured
  };
  CHECK(allocations(steps) == 0);
}

}  // namespace
}  // namespace nopeek::test::allocation_test
