#include "app/commands/train_command.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <optional>
#include <sstream>

#include "app/commands/assets.h"
#include "core/base/error.h"
#include "core/io/corpus_file.h"
#include "core/io/file.h"
#include "core/io/folder.h"
#include "core/live/lab.h"
#include "core/live/run_folder.h"
#include "core/live/run_log.h"

namespace nopeek {

namespace fs = std::filesystem;

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

/// run.csv, if one is asked for. A disk that is full shall not cost the run: what fails on the way is thrown by
/// commit(), when the run is saved.
class RunLog {
 public:
  explicit RunLog(const fs::path& path) {
    if (path.empty()) return;
    file_.emplace(path).write(run_log_header());
  }
  /// The rows of one step. `measured`: everything was measured at it, if only to be shown.
  void write(const Lab& lab, int64_t step, bool measured = false) {
    if (!file_ || failure_) return;
    try {
      for (size_t i = 0; i < lab.lane_count(); ++i) {
        if (lab.history(i).size() < step) continue;
        StepRecord record = lab.history(i).at_step(step);
        if (measured) static_cast<StepStats&>(record) = lab.measured(i);
        file_->write(run_log_row(step, lab.name(i), record));
      }
    } catch (const Error& error) {
      failure_ = error;
    }
  }
  void commit() {
    if (failure_) throw *failure_;
    if (file_) file_->commit();
  }

 private:
  std::optional<FileWriter> file_;
  std::optional<Error> failure_;
};

/// Through links, absolute, without a slash at the end.
fs::path resolved(const fs::path& path) {
  std::error_code ignored;
  fs::path plain = fs::weakly_canonical(fs::absolute(path, ignored), ignored);
  if (plain.empty()) plain = fs::absolute(path, ignored).lexically_normal();
  return plain.has_filename() ? plain : plain.parent_path();
}

bool lies_in(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

/// A saved run is a folder that holds nothing else, or it could not be replaced: with the log in it, the training would
/// come to its end and then not be saved.
void require_log_beside(const fs::path& log, const fs::path& save) {
  if (log.empty()) return;
  std::error_code ignored;  // opening the file tells
  if (!log.has_filename() || fs::is_directory(log, ignored)) {
    throw Error("--log \"" + log.string() + "\" is a folder. Name a file, such as run.csv.");
  }
  if (save.empty()) return;
  const auto with_part = [](const fs::path& path) {  // both are written under this name first
    return std::array{resolved(path), fs::path(resolved(path)) += ".part"};
  };
  for (const fs::path& file : with_part(log)) {
    for (const fs::path& folder : with_part(save)) {
      if (!lies_in(file, folder) && !lies_in(folder, file)) continue;
      throw Error("--log \"" + log.string() + "\" and --save \"" + save.string() +
                  "\" are in each other's way: the folder of a run holds nothing else. Name a log outside of it.");
    }
  }
}

/// A setting beside --resume that is not the run's: to ignore it would be a lie.
template <class Value>
void require_same(const TrainCommand& command, const std::string& option, const Value& asked, const Value& saved) {
  if (!command.given.contains(option) || asked == saved) return;
  std::ostringstream message;
  message << option << " " << asked << " contradicts the saved run, which has " << saved
          << ". Leave it out, or begin a new run without --resume.";
  throw Error(message.str());
}

void require_same_settings(const TrainCommand& command, const RunConfig& saved) {
  const RunConfig& asked = command.config;
  const auto same = [&](const char* option, const auto& a, const auto& b) { require_same(command, option, a, b); };
  const auto sized = [&](const char* option, const auto& a, const auto& b) {  // --config stands for these as well
    if (command.given.contains("--config") && a != b) same("--config", preset_name(asked), preset_name(saved));
    same(option, a, b);
  };
  sized("--d-model", asked.model.channels, saved.model.channels);
  sized("--layers", asked.model.layers, saved.model.layers);
  sized("--heads", asked.model.heads, saved.model.heads);
  sized("--context", asked.model.context, saved.model.context);
  sized("--batch", asked.train.batch, saved.train.batch);
  sized("--lr", asked.train.learning_rate, saved.train.learning_rate);
  same("--dropout", asked.model.dropout, saved.model.dropout);
  same("--seed", asked.seed, saved.seed);
}

void require_same_text(const TrainCommand& command, const Corpus& saved) {
  const auto kind = tokenizer_kind(command.tokenizer);
  if (kind && *kind != saved.tokenizer.kind()) {
    throw Error("--tokenizer " + command.tokenizer + " contradicts the saved run, whose text is cut in another way.");
  }
  if (!command.given.contains("--corpus")) return;
  const Corpus asked = load_corpus(find_corpus(command.corpus), saved.tokenizer.kind());
  if (asked.train != saved.train || asked.validation != saved.validation) {
    throw Error("--corpus " + command.corpus + " is another text than the saved run's, \"" + saved.name +
                "\". Leave it out: the run holds its text.");
  }
}

std::string names_of(const auto& lanes) {
  std::string names;
  for (const auto& lane : lanes) names += (names.empty() ? "" : " and ") + lane.name;
  return names;
}

RunState resumed(const TrainCommand& command) {
  RunState run = load_run(command.resume);
  require_same_settings(command, run.config);
  require_same_text(command, *run.corpus);
  const std::string models = names_of(run.lanes);
  if (command.given.contains("--mask") && names_of(chosen_lanes(command.mask, 1)) != models) {
    throw Error("--mask " + command.mask + " contradicts the saved run, which has the models " + models +
                ". Leave it out, or begin a new run without --resume.");
  }
  if (command.steps <= run.step) {
    throw Error("The saved run has " + std::to_string(run.step) + " steps already. Say by --steps how many it shall " +
                "have in all, such as --steps " + std::to_string(2 * run.step) + ".");
  }
  return run;
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

Lab make_lab(const TrainCommand& command) {
  if (!command.resume.empty()) return Lab(resumed(command));
  const auto corpus =
      std::make_shared<const Corpus>(load_corpus(find_corpus(command.corpus), tokenizer_kind(command.tokenizer)));
  return {command.config, corpus, chosen_lanes(command.mask, command.config.model.context)};
}

/// Keeps the run and its log, each whatever becomes of the other. Returns what failed first.
std::optional<Error> keep(const TrainCommand& command, const Lab& lab, RunLog& log) {
  std::optional<Error> failure;
  const auto attempt = [&](auto&& work) {
    try {
      work();
    } catch (const Error& error) {
      if (!failure) failure = error;
    }
  };
  if (!command.save.empty()) attempt([&] { save_run(command.save, lab.state()); });
  attempt([&] { log.commit(); });
  return failure;
}

}  // namespace

int run_train(const TrainCommand& command) {
  require_log_beside(command.log, command.save);
  Lab lab = make_lab(command);
  ThreadPool threads(command.threads > 0 ? command.threads : hardware_threads());
  if (!command.save.empty()) FolderWriter{command.save};  // refuses now what could not be saved hours later
  RunLog log(command.log);
  for (int64_t step = 1; step <= lab.steps(); ++step) log.write(lab, step);

  std::signal(SIGINT, [](int) { interrupted = 1; });
  {
    ProgressBar bar(command.steps);
    while (lab.steps() < command.steps && !lab.finished() && !interrupted) {
      // The last step is measured for the table and the log, and not for the history: the run may go on another day.
      const bool last = lab.steps() + 1 == command.steps;
      lab.step(threads, last ? Lab::Measure::kOnlyShow : Lab::Measure::kAsDue);
      log.write(lab, lab.steps(), last);
      bar.show(lab);
    }
  }
  const std::optional<Error> failure = keep(command, lab, log);
  print_outcome(lab, threads);
  if (failure) throw *failure;
  return lab.finished() && command.steps > 0 ? 1 : 0;
}

}  // namespace nopeek
