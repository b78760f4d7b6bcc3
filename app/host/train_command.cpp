#include "app/host/train_command.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <optional>
#include <thread>

#include "app/host/assets.h"
#include "core/base/error.h"
#include "core/io/file.h"
#include "core/live/lab.h"
#include "core/live/run_log.h"

namespace nopeek {

namespace {

volatile std::sig_atomic_t interrupted = 0;

std::optional<TokenizerKind> tokenizer_kind(const std::string& name) {
  if (name == "word") return TokenizerKind::kWord;
  if (name == "char") return TokenizerKind::kCharacter;
  if (name == "bpe") return TokenizerKind::kBytePair;
  return std::nullopt;
}

std::vector<Lab::LaneStart> chosen_lanes(const std::string& mask, int context) {
  auto lanes = Lab::twins(context);
  if (mask == "on") lanes.pop_back();
  if (mask == "off") lanes.erase(lanes.begin());
  return lanes;
}

/// One line on the terminal that is drawn over itself, at most ten times a second.
class ProgressBar {
 public:
  explicit ProgressBar(int64_t steps) : steps_(steps), shown_(isatty(STDERR_FILENO) != 0) {}
  ~ProgressBar() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  void show(const Lab& lab) {
    const int64_t step = lab.steps();
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || (now - last_ < std::chrono::milliseconds(100) && step < steps_)) return;
    last_ = now;
    constexpr int kWidth = 30;
    const int filled = static_cast<int>(kWidth * step / std::max<int64_t>(steps_, 1));
    std::fprintf(stderr, "\r\033[K[%.*s%*s] %lld/%lld", filled, "##############################", kWidth - filled, "",
                 static_cast<long long>(step), static_cast<long long>(steps_));
    for (size_t i = 0; i < lab.lane_count(); ++i) {
      const auto& history = lab.history(i);
      std::fprintf(stderr, "  %s %.3f", lab.name(i).c_str(), history.at_step(history.size()).reported);
    }
  }

 private:
  int64_t steps_;
  bool shown_;
  std::chrono::steady_clock::time_point last_;
};

void write_rows(FileWriter& log, const Lab& lab) {
  for (size_t i = 0; i < lab.lane_count(); ++i) {
    const LaneHistory& history = lab.history(i);
    if (history.size() == lab.steps()) log.write(run_log_row(lab.steps(), lab.name(i), history.at_step(lab.steps())));
  }
}

std::string figure(double value) {
  if (std::isnan(value)) return "n/a";  // of a lane that stopped
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

void print_outcome(Lab& lab, ThreadPool& threads) {
  constexpr int kValidationWindows = 256;
  const Batch validation =
      consecutive_windows(lab.corpus()->validation, lab.config().model.context, kValidationWindows);
  const Snapshot last = lab.snapshot(threads);
  std::printf("%-10s %6s %10s %10s %10s %17s   writes\n", "lane", "step", "reported", "honest", "validation",
              "future attention");
  for (size_t i = 0; i < last.lanes.size(); ++i) {
    const LaneSnapshot& lane = last.lanes[i];
    std::printf("%-10s %6lld %10s %10s %10s %17s   %s\n", lane.name.c_str(), static_cast<long long>(lane.history_size),
                figure(lane.reported).c_str(), figure(lane.measured.honest).c_str(),
                figure(lab.trainer(i).evaluate(validation)).c_str(), figure(lane.measured.future_attention).c_str(),
                last.corpus->tokenizer.decode(lane.written).c_str());
    if (!lane.stopped.empty())
      std::fprintf(stderr, "nopeek: %s stopped: %s\n", lane.name.c_str(), lane.stopped.c_str());
  }
}

}  // namespace

int run_train(const TrainCommand& command) {
  const auto corpus =
      std::make_shared<const Corpus>(load_corpus(find_corpus(command.corpus), tokenizer_kind(command.tokenizer)));
  Lab lab(command.config, corpus, chosen_lanes(command.mask, command.config.model.context));
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  ThreadPool threads(command.threads > 0 ? command.threads : cores);
  std::optional<FileWriter> log;
  if (!command.log.empty()) log.emplace(command.log).write(run_log_header());

  std::signal(SIGINT, [](int) { interrupted = 1; });
  {
    ProgressBar bar(command.steps);
    while (lab.steps() < command.steps && !lab.finished() && !interrupted) {
      const bool last = lab.steps() + 1 == command.steps;
      lab.step(threads, last ? Lab::Measure::kNow : Lab::Measure::kAsDue);
      if (log) write_rows(*log, lab);
      bar.show(lab);
    }
  }
  if (log) log->commit();
  print_outcome(lab, threads);
  return lab.finished() && command.steps > 0 ? 1 : 0;
}

}  // namespace nopeek
