#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/base/thread_pool.h"
#include "core/bench/machine.h"
#include "core/nn/parameters.h"
#include "core/text/corpus.h"
#include "core/train/run_config.h"

namespace nopeek {

// What `nopeek bench` measures, as data. Times are of the wall clock. A processor may run a third slower for seconds at
// a time; so the limits that a time is held against are measured again between any two blocks of work, each block is
// divided by the limits on its two sides, and of these fractions the median is given. It is therefore not the quotient
// of two medians that stand beside it. All functions throw Cancelled between two steps if `progress` says so.

/// Of a list of times. Percentiles are linear between neighbours.
struct Spread {
  double median = 0, p10 = 0, p90 = 0;
};
Spread spread_of(std::vector<double> values);

/// The shape and vocabulary that `name` is measured with, as in tests/peers/peer_torch.py: "tiny", "small", "medium",
/// "large", and "gpt2", the 124 million weights of GPT-2. Throws Error on any other name.
RunConfig bench_config(const std::string& name);

/// Floating point operations of a training step: two for each multiplication and addition of the matrix products, of
/// attention over all T * T pairs too; backward counts as two forward passes. What is no matrix product is not counted.
double step_flops(const ModelConfig& config, int B, int T);
/// The same of a forward pass over T tokens that computes the last one's logits only, and so, of the last block, all
/// keys and values, but one row of the rest.
double prefill_flops(const ModelConfig& config, int T);
/// Bytes that computing one token must read: all weights but embeddings that are no output head, and the keys and
/// values of `T` positions.
double token_bytes(const Parameters<float>& parameters, int T);

/// What no program can exceed on so many threads, each a median of some measurements in a row.
struct Limits {
  double flops_per_second = 0;  // see measure_fma_peak()
  double bytes_per_second = 0;  // see MemoryReader
};
Limits measure_limits(ThreadPool& threads, MemoryReader& memory);

struct StepBench {
  Spread ms;      // of a training step of one lane
  int steps = 0;  // timed
  double tokens_per_second = 0;
  double flops = 0;             // of a step
  double flops_per_second = 0;  // at the median
  double peak = 0;              // operations per second, median
  double fraction_of_peak = 0;
};
/// Trains one lane under the causal mask on tokens made up by chance, without the honest loss. `samples` steps are
/// timed, or if 0, as many as some 1.5 seconds hold, but at least 10, or as many as 8 seconds hold. Throws Error if the
/// configuration cannot work.
StepBench bench_step(const RunConfig& config, ThreadPool& threads, int samples = 0, Progress* progress = nullptr);

struct TwinsBench {
  double step_ms = 0;       // median of a step of both twins, nothing measured
  double honest_ms = 0;     // what the honest loss of both adds to a step at which it is measured
  double honest_share = 0;  // of the time of training, at the default cadence of one step in measure_every
  double snapshot_ms = 0;   // median of a Snapshot of both
  /// Steps of the pair, honest loss at its cadence and a snapshot each 33 ms included; none where it would take long.
  std::optional<double> steps_per_second;
};
/// Both twins of Mask Lab in lockstep on `corpus`, whose vocabulary replaces that of `config`. `samples` blocks of up
/// to ten steps are timed, or if 0, some seconds of them. Throws Error if the configuration or the text cannot work.
TwinsBench bench_twins(const RunConfig& config, const std::shared_ptr<const Corpus>& corpus, ThreadPool& threads,
                       int samples = 0, Progress* progress = nullptr);

struct DecodeBench {
  int prompt = 0;         // tokens that the prefill reads: 64, or the context if that is shorter
  double prefill_ms = 0;  // median
  double prefill_flops_per_second = 0, prefill_fraction_of_peak = 0;
  int first = 0, last = 0;      // length of the text when the first and the last timed token were computed
  Spread ms_per_token;          // with the KV cache
  double bytes_per_second = 0;  // weights, keys and values read, at the median
  double bandwidth = 0;         // bytes per second, median
  double fraction_of_bandwidth = 0;
  double uncached_ms_per_token = 0;  // median; at the same lengths, or at the first few of them
};
/// Decodes with these weights under the causal mask. `samples` prefills and tokens are timed, or if 0, some seconds of
/// them.
DecodeBench bench_decode(const Parameters<float>& parameters, ThreadPool& threads, MemoryReader& memory,
                         int samples = 0, Progress* progress = nullptr);

}  // namespace nopeek
