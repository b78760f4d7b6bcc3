#include "core/bench/bench.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "core/base/rng.h"
#include "core/bench/stopwatch.h"
#include "core/decode/decoder.h"
#include "core/live/lab.h"
#include "core/train/trainer.h"

namespace nopeek {

namespace {

template <class Work>
double seconds_of(Work&& work) {
  const auto start = BenchClock::now();
  work();
  return seconds_since(start);
}

double median_of(std::vector<double> values) { return spread_of(std::move(values)).median; }

/// Walks through the vocabulary in steps of one or two: a text that can be learned, so that training stays sound.
std::vector<TokenId> walk(int count, int vocab, Rng& rng) {
  std::vector<TokenId> tokens;
  uint64_t place = rng.below(static_cast<uint64_t>(vocab));
  for (int i = 0; i < count; ++i) {
    tokens.push_back(static_cast<TokenId>(place % static_cast<uint64_t>(vocab)));
    place += 1 + rng.below(2);
  }
  return tokens;
}

Batch made_up_batch(int B, int T, int vocab, Rng& rng) {
  Batch batch{.B = B, .T = T, .inputs = {}, .targets = {}};
  for (int b = 0; b < B; ++b) {
    const auto tokens = walk(T + 1, vocab, rng);
    batch.inputs.insert(batch.inputs.end(), tokens.begin(), tokens.end() - 1);
    batch.targets.insert(batch.targets.end(), tokens.begin() + 1, tokens.end());
  }
  return batch;
}

/// How long something is repeated: for `seconds`, and longer if that are not yet `samples`, but for no more than
/// `most_seconds`. At least once. Or exactly so many times.
struct Budget {
  double seconds;
  int samples;
  double most_seconds;
  int exactly = 0;
};

/// What was timed, and the limit that it is held against. Rates and limits are amounts per second.
struct Timed {
  std::vector<double> ms, rates, limits, fractions;
};

/// Repeats work(i), i = 0, 1, ..., which does amount(i), and measures `limit()` before and behind each block of it.
template <class Work, class Amount, class Limit>
Timed time_against(const Budget& budget, const Limit& limit, const Amount& amount, const Work& work) {
  constexpr double kBlock = 0.02;  // seconds between two looks at the limit
  Timed timed;
  timed.limits.push_back(limit());
  const auto start = BenchClock::now();
  const auto more = [&] {
    const int done = static_cast<int>(timed.ms.size());
    if (budget.exactly > 0 || done == 0) return done < std::max(budget.exactly, 1);
    return seconds_since(start) < (done < budget.samples ? budget.most_seconds : budget.seconds);
  };
  while (more()) {
    const auto begin = std::ssize(timed.rates);
    double elapsed = 0;
    do {
      const int i = static_cast<int>(timed.ms.size());
      const double seconds = seconds_of([&] { work(i); });
      timed.ms.push_back(1e3 * seconds);
      timed.rates.push_back(amount(i) / seconds);
      elapsed += seconds;
    } while (elapsed < kBlock && more());
    timed.limits.push_back(limit());
    const double near = (timed.limits.end()[-2] + timed.limits.end()[-1]) / 2;
    timed.fractions.push_back(median_of({timed.rates.begin() + begin, timed.rates.end()}) / near);
  }
  return timed;
}

/// Of one block: query, key and value of T positions; for `rows` of them attention, its projection and the MLP.
double block_flops(const ModelConfig& config, double T, double rows) {
  const double C = config.channels, qkv = 3 * C * C;
  return 2 * T * qkv + rows * (2 * (config.block_weights() - qkv) + 4 * T * C);
}

double head_flops(const ModelConfig& config) { return 2.0 * config.vocab * config.channels; }

}  // namespace

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto low = static_cast<size_t>(place), high = std::min(low + 1, values.size() - 1);
    return std::lerp(values[low], values[high], place - static_cast<double>(low));
  };
  return {.median = at(0.5), .p10 = at(0.1), .p90 = at(0.9)};
}

RunConfig bench_config(const std::string& name) {
  if (name == "gpt2") {
    RunConfig config;
    config.model = {.vocab = 50257, .context = 1024, .channels = 768, .layers = 12, .heads = 12};
    config.train.batch = 1;
    return config;
  }
  RunConfig config = preset(name);
  config.model.vocab = name == "tiny" ? 30 : name == "small" ? 128 : name == "medium" ? 65 : 256;
  return config;
}

double step_flops(const ModelConfig& config, int B, int T) {
  return 3.0 * B * (config.layers * block_flops(config, T, T) + T * head_flops(config));
}

double prefill_flops(const ModelConfig& config, int T) {
  return (config.layers - 1) * block_flops(config, T, T) + block_flops(config, T, 1) + head_flops(config);
}

double token_bytes(const Parameters<float>& parameters, int T) {
  const ModelConfig& config = parameters.config();
  const double keys_and_values = 2.0 * T * config.channels * config.layers;
  // Of embeddings, one row is read; of the head all, which may be the token embeddings.
  const auto rows = parameters.wpe().size() + (config.tied ? 0 : parameters.wte().size());
  return sizeof(float) * (static_cast<double>(parameters.size() - static_cast<size_t>(rows)) + keys_and_values);
}

Limits measure_limits(ThreadPool& threads, MemoryReader& memory) {
  constexpr int kMeasurements = 9;
  std::vector<double> flops, bytes;
  for (int i = 0; i < kMeasurements; ++i) {
    flops.push_back(measure_fma_peak(threads));
    bytes.push_back(memory.read(threads));
  }
  return {.flops_per_second = median_of(flops), .bytes_per_second = median_of(bytes)};
}

StepBench bench_step(const RunConfig& config, ThreadPool& threads, int samples, Progress* progress) {
  constexpr int kBatches = 16, kWarmUp = 2;
  const int B = config.train.batch, T = config.model.context;
  Trainer<float> trainer(config, Mask::causal(T));
  Rng rng(config.seed);
  std::vector<Batch> batches;
  for (int i = 0; i < kBatches; ++i) batches.push_back(made_up_batch(B, T, config.model.vocab, rng));
  const auto step = [&](int i) {
    stop_if_asked(progress);
    trainer.step(batches[static_cast<size_t>(i % kBatches)], threads);
  };
  for (int i = 0; i < kWarmUp; ++i) step(i);

  const double flops = step_flops(config.model, B, T);
  const Timed timed = time_against(
      {.seconds = 1.5, .samples = 10, .most_seconds = 8, .exactly = samples}, [&] { return measure_fma_peak(threads); },
      [&](int) { return flops; }, step);
  const Spread ms = spread_of(timed.ms);
  return {.ms = ms,
          .steps = static_cast<int>(timed.ms.size()),
          .tokens_per_second = 1e3 * B * T / ms.median,
          .flops = flops,
          .flops_per_second = 1e3 * flops / ms.median,
          .peak = median_of(timed.limits),
          .fraction_of_peak = median_of(timed.fractions)};
}

namespace {

/// Steps of the pair in a second as LiveLab runs them: whoever looks gets a snapshot each 33 ms. Whole rounds of the
/// cadence, for so many seconds, at least one.
double watched_rate(Lab& lab, ThreadPool& threads, double seconds, Progress* progress) {
  constexpr double kPublishEvery = 0.033;
  const auto start = BenchClock::now();
  auto published = start;
  do {
    for (int i = 0; i < lab.config().train.measure_every; ++i) {
      stop_if_asked(progress);
      lab.step(threads);
      if (seconds_since(published) < kPublishEvery) continue;
      lab.snapshot(threads);
      published = BenchClock::now();
    }
  } while (seconds_since(start) < seconds);
  return static_cast<double>(lab.steps()) / seconds_since(start);
}

}  // namespace

TwinsBench bench_twins(const RunConfig& config, const std::shared_ptr<const Corpus>& corpus, ThreadPool& threads,
                       int samples, Progress* progress) {
  constexpr double kSeconds = 1.5;
  constexpr double kBlock = 0.3;  // seconds of steps between two that are measured, if the cadence is longer than that
  constexpr double kLongestRound = 3;  // seconds; slower twins are not watched
  const int every = config.train.measure_every;
  RunConfig as_asked = config;
  as_asked.train.measure_every = std::numeric_limits<int>::max();
  Lab lab(as_asked, corpus, Lab::twins(config.model.context));
  const auto steps = [&](int count, Lab::Measure last) {
    return 1e3 * seconds_of([&] {
             for (int i = 0; i < count; ++i) {
               stop_if_asked(progress);
               lab.step(threads, i + 1 == count ? last : Lab::Measure::kAsDue);
             }
           });
  };
  steps(1, Lab::Measure::kNow);
  const int count = std::clamp(static_cast<int>(1e3 * kBlock / steps(1, Lab::Measure::kAsDue)), 1, every);

  std::vector<double> plain, added, snapshots;
  const auto start = BenchClock::now();
  const auto more = [&] {
    return samples > 0 ? std::ssize(plain) < samples : plain.empty() || seconds_since(start) < kSeconds;
  };
  while (more()) {
    plain.push_back(steps(count, Lab::Measure::kAsDue));
    added.push_back(steps(count, Lab::Measure::kNow) - plain.back());
    snapshots.push_back(1e3 * seconds_of([&] { lab.snapshot(threads); }));
  }
  TwinsBench bench;
  bench.step_ms = median_of(plain) / count;
  bench.honest_ms = median_of(added);
  const double round_ms = every * bench.step_ms + bench.honest_ms;
  bench.honest_share = bench.honest_ms / round_ms;
  bench.snapshot_ms = median_of(snapshots);
  if (round_ms < 1e3 * kLongestRound) {
    Lab watched(config, corpus, Lab::twins(config.model.context));
    bench.steps_per_second = watched_rate(watched, threads, samples > 0 ? 0 : kSeconds, progress);
  }
  return bench;
}

namespace {

/// Texts that differ in their first token, so that nothing of the one that was decoded before can be reused.
std::vector<std::vector<TokenId>> two_texts(const ModelConfig& config) {
  Rng rng(1);
  std::vector<std::vector<TokenId>> texts;
  for (int i = 0; i < 2; ++i) {
    texts.emplace_back();
    for (int t = 0; t < config.context; ++t) {
      texts.back().push_back(static_cast<TokenId>(rng.below(static_cast<uint64_t>(config.vocab))));
    }
  }
  texts[1][0] = (texts[0][0] + 1) % config.vocab;
  return texts;
}

}  // namespace

DecodeBench bench_decode(const Parameters<float>& parameters, ThreadPool& threads, MemoryReader& memory, int samples,
                         Progress* progress) {
  constexpr int kPrompt = 64, kTokens = 32;
  const ModelConfig& config = parameters.config();
  const Mask mask = Mask::causal(config.context);
  const auto texts = two_texts(config);
  DecodeBench bench;
  bench.prompt = std::min(kPrompt, config.context);
  // A context that is no longer than the prompt leaves its second half to be decoded.
  bench.first = std::min(bench.prompt, config.context / 2) + 1;
  bench.last = std::min(bench.first + kTokens, config.context + 1) - 1;

  const auto decode = [&](Decoder<float>& decoder, const std::vector<TokenId>& text, int length) {
    stop_if_asked(progress);
    decoder.next_logits(std::span(text).first(static_cast<size_t>(length)), {}, progress);
  };
  const auto length_at = [&](int i) { return bench.first + i % (bench.last - bench.first + 1); };
  Decoder<float> cached(parameters, mask, true, &threads), uncached(parameters, mask, false, &threads);

  decode(cached, texts[1], bench.prompt);
  const double flops = prefill_flops(config, bench.prompt);
  const Timed prefill = time_against(
      {.seconds = 0.5, .samples = 5, .most_seconds = 3, .exactly = samples}, [&] { return measure_fma_peak(threads); },
      [&](int) { return flops; }, [&](int i) { decode(cached, texts[static_cast<size_t>(i % 2)], bench.prompt); });
  bench.prefill_ms = median_of(prefill.ms);
  bench.prefill_flops_per_second = 1e3 * flops / bench.prefill_ms;
  bench.prefill_fraction_of_peak = median_of(prefill.fractions);

  if (bench.first > 1) decode(cached, texts[0], bench.first - 1);
  const Timed tokens = time_against(
      {.seconds = 1, .samples = 32, .most_seconds = 4, .exactly = samples}, [&] { return memory.read(threads); },
      [&](int i) { return token_bytes(parameters, length_at(i)); },
      // From the last length back to the first, the cache still holds what is before it.
      [&](int i) { decode(cached, texts[0], length_at(i)); });
  bench.ms_per_token = spread_of(tokens.ms);
  bench.bytes_per_second = median_of(tokens.rates);
  bench.bandwidth = median_of(tokens.limits);
  bench.fraction_of_bandwidth = median_of(tokens.fractions);

  std::vector<double> without;
  const auto start = BenchClock::now();
  while (std::ssize(without) < 3 || (samples == 0 && seconds_since(start) < 0.3)) {
    const int length = length_at(static_cast<int>(without.size()));
    without.push_back(1e3 * seconds_of([&] { decode(uncached, texts[0], length); }));
  }
  bench.uncached_ms_per_token = median_of(without);
  return bench;
}

}  // namespace nopeek
