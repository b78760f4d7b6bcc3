#include "app/commands/bench_command.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "app/commands/assets.h"
#include "app/commands/interrupt.h"
#include "core/base/error.h"
#include "core/bench/bench.h"
#include "core/io/corpus_file.h"
#include "core/live/lab.h"

namespace nopeek {

namespace {

using Json = nlohmann::ordered_json;

/// A model size that is measured, with so many threads.
struct Subject {
  std::string name;
  RunConfig config;
  int threads = 1;
};

enum class Part { kStep, kTwins, kDecode };

/// What each size is measured with. Training a GPT-2 is nothing for a desk, and decoding is that of the smallest and of
/// a model that no cache holds.
bool has_part(const std::string& name, Part part) {
  if (part == Part::kDecode) return name == "tiny" || name == "gpt2";
  return name != "gpt2";
}

/// Where the figures go as they come.
class Report {
 public:
  virtual ~Report() = default;
  virtual void limits(int threads, const Limits& limits) = 0;
  virtual void begin(Part part) = 0;
  virtual void step(const Subject& subject, const StepBench& bench) = 0;
  virtual void twins(const Subject& subject, const TwinsBench& bench) = 0;
  virtual void decode(const Subject& subject, const DecodeBench& bench) = 0;
  virtual void finish() = 0;
};

constexpr double kGiga = 1e9;

class Table : public Report {
 public:
  explicit Table(const Machine& machine) {
    std::printf("%s, %d hardware threads, core built for %s\n\n",
                machine.cpu.empty() ? "Unknown processor" : machine.cpu.c_str(), machine.hardware_threads,
                machine.level.c_str());
    std::printf("%-14s %7s %13s %16s\n", "limits", "threads", "FMA GFLOP/s", "memory read GB/s");
  }
  void limits(int threads, const Limits& limits) override {
    row("%-14s %7d %13.1f %16.1f\n", "", threads, limits.flops_per_second / kGiga, limits.bytes_per_second / kGiga);
  }
  void begin(Part part) override {
    switch (part) {
      case Part::kStep:
        row("\n%-14s %7s %9s %9s %9s %11s %9s %8s\n", "training step", "threads", "median ms", "p10", "p90", "tokens/s",
            "GFLOP/s", "of peak");
        break;
      case Part::kTwins:
        row("\n%-14s %7s %9s %9s %9s %11s %9s\n", "twins", "threads", "steps/s", "step ms", "honest ms", "honest share",
            "snapshot ms");
        break;
      case Part::kDecode:
        row("\n%-14s %7s %10s %8s %8s %9s %9s %8s %11s\n", "decoding", "threads", "prefill ms", "GFLOP/s", "of peak",
            "ms/token", "tokens/s", "of read", "no cache ms");
        break;
    }
  }
  void step(const Subject& subject, const StepBench& bench) override {
    row("%-14s %7d %9.4g %9.4g %9.4g %11.0f %9.1f %8.3f\n", subject.name.c_str(), subject.threads, bench.ms.median,
        bench.ms.p10, bench.ms.p90, bench.tokens_per_second, bench.flops_per_second / kGiga, bench.fraction_of_peak);
  }
  void twins(const Subject& subject, const TwinsBench& bench) override {
    char rate[32] = "-";
    if (bench.steps_per_second) std::snprintf(rate, sizeof rate, "%.1f", *bench.steps_per_second);
    row("%-14s %7d %9s %9.4g %9.4g %10.1f %% %11.4g\n", subject.name.c_str(), subject.threads, rate, bench.step_ms,
        bench.honest_ms, 100 * bench.honest_share, bench.snapshot_ms);
  }
  void decode(const Subject& subject, const DecodeBench& bench) override {
    row("%-14s %7d %10.4g %8.1f %8.3f %9.4g %9.1f %8.3f %11.4g\n", subject.name.c_str(), subject.threads,
        bench.prefill_ms, bench.prefill_flops_per_second / kGiga, bench.prefill_fraction_of_peak,
        bench.ms_per_token.median, 1e3 / bench.ms_per_token.median, bench.fraction_of_bandwidth,
        bench.uncached_ms_per_token);
  }
  void finish() override {}

 private:
  template <class... Values>
  static void row(const char* format, Values... values) {
    std::printf(format, values...);
    std::fflush(stdout);
  }
};

class Document : public Report {
 public:
  explicit Document(const Machine& machine) {
    document_["machine"] = {{"cpu", machine.cpu},
                            {"hardware_threads", machine.hardware_threads},
                            {"level", machine.level},
                            {"limits", Json::array()}};
    document_["results"] = Json::array();
    document_["decode"] = Json::array();
  }
  void limits(int threads, const Limits& limits) override {
    document_["machine"]["limits"].push_back({{"threads", threads},
                                              {"gflops", limits.flops_per_second / kGiga},
                                              {"read_gb_per_s", limits.bytes_per_second / kGiga}});
  }
  void begin(Part) override {}
  void step(const Subject& subject, const StepBench& bench) override {
    entry("results", subject)
        .update({{"steps", bench.steps},
                 {"ms_per_step", spread(bench.ms)},
                 {"tokens_per_s", bench.tokens_per_second},
                 {"gflop_per_step", bench.flops / kGiga},
                 {"gflops", bench.flops_per_second / kGiga},
                 {"peak_gflops", bench.peak / kGiga},
                 {"fraction_of_peak", bench.fraction_of_peak}});
  }
  void twins(const Subject& subject, const TwinsBench& bench) override {
    entry("results", subject)
        .update({{"pair_steps_per_s", bench.steps_per_second ? Json(*bench.steps_per_second) : Json()},
                 {"pair_ms_per_step", bench.step_ms},
                 {"honest_ms", bench.honest_ms},
                 {"honest_share", bench.honest_share},
                 {"snapshot_ms", bench.snapshot_ms}});
  }
  void decode(const Subject& subject, const DecodeBench& bench) override {
    entry("decode", subject)
        .update({{"prompt", bench.prompt},
                 {"prefill_ms", bench.prefill_ms},
                 {"prefill_gflops", bench.prefill_flops_per_second / kGiga},
                 {"prefill_fraction_of_peak", bench.prefill_fraction_of_peak},
                 {"lengths", {bench.first, bench.last}},
                 {"ms_per_token", spread(bench.ms_per_token)},
                 {"tokens_per_s", 1e3 / bench.ms_per_token.median},
                 {"gb_per_s", bench.bytes_per_second / kGiga},
                 {"read_gb_per_s", bench.bandwidth / kGiga},
                 {"fraction_of_bandwidth", bench.fraction_of_bandwidth},
                 {"ms_per_token_without_cache", bench.uncached_ms_per_token}});
  }
  void finish() override { std::printf("%s\n", document_.dump(2).c_str()); }

 private:
  static Json spread(const Spread& s) { return {{"median", s.median}, {"p10", s.p10}, {"p90", s.p90}}; }
  /// That of the subject, which may have figures of another part already.
  Json& entry(const char* list, const Subject& subject) {
    for (Json& entry : document_[list]) {
      if (entry["config"] == subject.name && entry["threads"] == subject.threads) return entry;
    }
    const ModelConfig& model = subject.config.model;
    Json entry = {{"config", subject.name}, {"threads", subject.threads}};
    if (list == std::string("results")) entry["batch"] = subject.config.train.batch;
    entry.update({{"context", model.context},
                  {"channels", model.channels},
                  {"layers", model.layers},
                  {"heads", model.heads},
                  {"vocab", model.vocab}});
    document_[list].push_back(entry);
    return document_[list].back();
  }

  Json document_;
};

/// What is being measured, on a terminal.
class StatusLine {
 public:
  ~StatusLine() { clear(); }
  void show(const std::string& text) {
    if (shown_) std::fprintf(stderr, "\r\033[K%s...", text.c_str());
  }
  void clear() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }

 private:
  bool shown_ = isatty(STDERR_FILENO) != 0;
};

void require_weights_fit(const ModelConfig& model) {
  constexpr double kMost = 4e9;  // bytes, as for the twins
  const TensorSpec last = parameter_table(model).back();
  const double bytes = sizeof(float) * static_cast<double>(last.offset + last.size());
  if (bytes <= kMost) return;
  throw Error("These weights would take about " + std::to_string(std::lround(bytes / 1e9)) +
              " GB of memory, more than the 4 GB that NoPeek allows. Choose a smaller width or fewer layers.");
}

/// What `--config` names, as the other options change it.
std::vector<Subject> subjects_of(const BenchCommand& command) {
  const bool changed = command.channels || command.context || command.batch || command.layers || command.heads;
  if (command.config.empty()) {
    if (changed) throw Error("Name the size that is to be changed, such as --config tiny.");
    std::vector<Subject> all;
    for (const char* name : {"tiny", "small", "medium", "large", "gpt2"}) all.push_back({name, bench_config(name)});
    return all;
  }
  Subject subject{command.config, bench_config(command.config)};
  ModelConfig& model = subject.config.model;
  model.channels = command.channels.value_or(model.channels);
  model.context = command.context.value_or(model.context);
  model.layers = command.layers.value_or(model.layers);
  model.heads = command.heads.value_or(model.heads);
  subject.config.train.batch = command.batch.value_or(subject.config.train.batch);
  subject.config.validate();
  if (command.config == "gpt2") {
    require_weights_fit(model);
  } else {
    Lab::require_memory(subject.config, 2);  // the twins
  }
  return {subject};
}

std::vector<Part> parts_of(const BenchCommand& command) {
  if (command.only == "step") return {Part::kStep};
  if (command.only == "twins") return {Part::kTwins};
  if (command.only == "decode") return {Part::kDecode};
  return {Part::kStep, Part::kTwins, Part::kDecode};
}

/// Measures one part of one size, with each number of threads.
class Bench {
 public:
  Bench(const BenchCommand& command, const Machine& machine, Report& output) : command_(command), output_(output) {
    std::set<int> counts = {1, machine.hardware_threads};
    if (command.threads) counts = {*command.threads};
    for (const int count : counts) pools_.push_back(std::make_unique<ThreadPool>(count));
  }

  void measure_limits() {
    for (const auto& pool : pools_) {
      status_.show("Limits of this machine");
      const Limits limits = nopeek::measure_limits(*pool, memory_);
      status_.clear();
      output_.limits(pool->threads(), limits);
    }
  }

  void measure(Part part, Subject subject) {
    if (part == Part::kTwins && !corpus_) {
      corpus_ = std::make_shared<const Corpus>(load_corpus(find_corpus("pull-requests")));
    }
    std::optional<Parameters<float>> parameters;
    if (part == Part::kDecode) parameters.emplace(subject.config.model).initialise(Rng(subject.config.seed));
    for (const auto& pool : pools_) {
      subject.threads = pool->threads();
      status_.show(subject.name + ", " + std::to_string(subject.threads) +
                   (subject.threads == 1 ? " thread, " : " threads, ") +
                   (part == Part::kStep    ? "training steps"
                    : part == Part::kTwins ? "twins"
                                           : "decoding"));
      measure(part, subject, *pool, parameters);
    }
  }

 private:
  void measure(Part part, const Subject& subject, ThreadPool& pool,
               const std::optional<Parameters<float>>& parameters) {
    const int samples = command_.samples.value_or(0);
    Progress* progress = &interruptible();
    const auto write = [&](auto&& bench, auto put) {
      status_.clear();
      (output_.*put)(subject, bench);
    };
    switch (part) {
      case Part::kStep:
        return write(bench_step(subject.config, pool, samples, progress), &Report::step);
      case Part::kTwins:
        return write(bench_twins(subject.config, corpus_, pool, samples, progress), &Report::twins);
      case Part::kDecode:
        return write(bench_decode(*parameters, pool, memory_, samples, progress), &Report::decode);
    }
  }

  const BenchCommand& command_;
  Report& output_;
  std::vector<std::unique_ptr<ThreadPool>> pools_;
  MemoryReader memory_;
  std::shared_ptr<const Corpus> corpus_;
  StatusLine status_;
};

}  // namespace

int run_bench(const BenchCommand& command) {
  const std::vector<Subject> subjects = subjects_of(command);
  const std::vector<Part> parts = parts_of(command);
  const auto due = [](Part part, const Subject& subject) { return has_part(subject.name, part); };
  if (parts.size() == 1 && subjects.size() == 1 && !due(parts[0], subjects[0])) {
    throw Error("There is no such measurement of " + command.config + ": decoding is measured with tiny and gpt2, " +
                "training with the others and tiny.");
  }
  interruptible();
  const Machine machine = this_machine();
  std::unique_ptr<Report> output;
  if (command.json) {
    output = std::make_unique<Document>(machine);
  } else {
    output = std::make_unique<Table>(machine);
  }
  Bench bench(command, machine, *output);
  bench.measure_limits();
  for (const Part part : parts) {
    bool begun = false;
    for (const Subject& subject : subjects) {
      if (!due(part, subject)) continue;
      if (!std::exchange(begun, true)) output->begin(part);
      bench.measure(part, subject);
    }
  }
  output->finish();
  return 0;
}

}  // namespace nopeek
