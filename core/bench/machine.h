#pragma once
#include <string>

#include "core/base/thread_pool.h"
#include "core/base/types.h"

namespace nopeek {

/// The machine, and the instructions that this core was built for.
struct Machine {
  std::string cpu;           // "AMD EPYC"; empty if the system does not say
  int hardware_threads = 1;  // at least 1
  std::string level;         // instruction_level() and the vectors: "x86-64-v3 (AVX2)"
};
Machine this_machine();

/// Operations per second of multiply-adds in registers, two operations each, on all threads of the pool at once, as
/// wide as this core was built for: what no code can exceed. The best half millisecond of each thread within 4 ms. A
/// processor has faster and slower times: to compare, measure it between what it is compared with.
double measure_fma_peak(ThreadPool& threads);

/// Measures how fast memory is read: by summing an array that no cache holds.
class MemoryReader {
 public:
  MemoryReader();  // takes a quarter of a gigabyte

  /// Bytes per second of one pass over the array by all threads of the pool at once, each of which reads `streams`
  /// parts of its share side by side: 1, 4 or 8.
  double read(ThreadPool& threads, int streams);
  /// The same with the number of streams that the pool's first call found to be the fastest.
  double read(ThreadPool& threads);

 private:
  AlignedVector<float> array_;
  int best_streams_ = 0, best_threads_ = 0;  // best_streams_ for a pool of best_threads_
};

}  // namespace nopeek
