#include "core/bench/machine.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <fstream>
#include <latch>
#include <numeric>
#include <thread>
#include <vector>

#include "core/base/instruction_level.h"
#include "core/base/simd.h"
#include "core/bench/stopwatch.h"

namespace nopeek {

namespace {

using Vector = simd::Vec<float>;
constexpr Eigen::Index kVectorLanes = simd::kLanes<float>;

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t name = line.find_first_not_of(" \t", line.find(':') + 1);
    return name == std::string::npos ? "" : line.substr(name);
  }
  return "";
}

const char* vectors() {
#if defined(__AVX512F__)
  return "AVX-512";
#elif defined(__AVX2__)
  return "AVX2";
#elif defined(__AVX__)
  return "AVX";
#elif defined(__SSE4_2__)
  return "SSE4.2";
#elif defined(__SSE2__)
  return "SSE2";
#elif defined(__ARM_NEON)
  return "NEON";
#else
  return "no vectors";
#endif
}

/// Whatever is computed for its time alone goes here, or the compiler would leave it out.
std::atomic<float> sink;

constexpr int kChains = 12;       // hide the latency of two units, and still fit 16 registers beside both operands
constexpr int kRounds = 1 << 17;  // some half a millisecond between two looks at the clock

/// kRounds multiply-adds in each of kChains chains. Each chain tends to addend / (1 - factor): no overflow, and no
/// subnormal numbers, which would be slower.
float multiply_adds(float factor, float addend) {
  const Vector f = simd::broadcast(factor), a = simd::broadcast(addend);
  Vector x[kChains];
  for (int i = 0; i < kChains; ++i) x[i] = simd::broadcast(static_cast<float>(i));
  for (int round = 0; round < kRounds; ++round) {
    for (Vector& chain : x) chain = simd::fma(chain, f, a);
  }
  Vector sum = x[0];
  for (int i = 1; i < kChains; ++i) sum = simd::packet::padd(sum, x[i]);
  return simd::sum(sum);
}

/// Sum of `streams` neighbouring parts of `count` floats each, a multiple of 8 packets, read side by side.
template <int streams>
float sum_streams(const float* first, Eigen::Index count) {
  constexpr int kPackets = 8 / streams;  // of each stream at once: eight sums hide the latency of the addition
  Vector sums[streams][kPackets];
  for (auto& stream : sums) std::fill_n(stream, kPackets, simd::broadcast(0.0f));
  for (Eigen::Index i = 0; i < count; i += kPackets * kVectorLanes) {
    for (int s = 0; s < streams; ++s) {
      for (int p = 0; p < kPackets; ++p) {
        sums[s][p] = simd::packet::padd(sums[s][p], simd::load(first + s * count + i + p * kVectorLanes));
      }
    }
  }
  Vector sum = sums[0][0];
  for (int i = 1; i < streams * kPackets; ++i) sum = simd::packet::padd(sum, sums[i / kPackets][i % kPackets]);
  return simd::sum(sum);
}

float sum_of(const float* first, Eigen::Index count, int streams) {
  switch (streams) {
    case 1:
      return sum_streams<1>(first, count);
    case 4:
      return sum_streams<4>(first, count / 4);
    case 8:
      return sum_streams<8>(first, count / 8);
  }
  assert(false);
  return 0;
}

/// Runs task() once on each thread of the pool at the same time, and sums what it returns.
template <class Task>
double sum_over(ThreadPool& threads, const Task& task) {
  const int count = threads.threads();
  std::latch ready(count);  // a thread that waits here takes no second task, so each gets one
  std::vector<double> results(static_cast<size_t>(count));
  threads.run(count, [&](int i) {
    ready.arrive_and_wait();
    results[static_cast<size_t>(i)] = task(i);
  });
  return std::accumulate(results.begin(), results.end(), 0.0);
}

}  // namespace

Machine this_machine() {
  return {.cpu = cpu_name(),
          .hardware_threads = nopeek::hardware_threads(),
          .level = std::string(instruction_level()) + " (" + vectors() + ")"};
}

double measure_fma_peak(ThreadPool& threads) {
  constexpr double kSeconds = 4e-3, kOperations = 2.0 * kVectorLanes * kChains * kRounds;
  return sum_over(threads, [](int) {
    double best = 0;  // the others were interrupted
    for (const auto start = BenchClock::now(); seconds_since(start) < kSeconds;) {
      const auto begin = BenchClock::now();
      sink = multiply_adds(0.999f, 0.5f);
      best = std::max(best, kOperations / seconds_since(begin));
    }
    return best;
  });
}

MemoryReader::MemoryReader() : array_(size_t{1} << 26, 1.0f) {}

double MemoryReader::read(ThreadPool& threads, int streams) {
  constexpr Eigen::Index kPart = 8 * 8 * kVectorLanes;  // so that up to 8 streams are each 8 packets, and aligned
  const Eigen::Index share = std::ssize(array_) / threads.threads() / kPart * kPart;
  return sum_over(threads, [&](int i) {
    const auto start = BenchClock::now();
    sink = sum_of(array_.data() + i * share, share, streams);
    return static_cast<double>(share) * sizeof(float) / seconds_since(start);
  });
}

double MemoryReader::read(ThreadPool& threads) {
  if (best_threads_ != threads.threads()) {
    best_threads_ = threads.threads();
    double best = 0;
    for (const int streams : {1, 4, 8, 1, 4, 8}) {
      const double rate = read(threads, streams);
      if (rate > best) best = rate, best_streams_ = streams;
    }
  }
  return read(threads, best_streams_);
}

}  // namespace nopeek
