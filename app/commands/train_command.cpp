#include "app/commands/train_command.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <new>
#include <optional>
#include <sstream>
#include <utility>

#include "app/commands/assets.h"
#include "app/commands/interrupt.h"
#include "app/commands/note.h"
#include "app/commands/train_log.h"
#include "app/commands/train_report.h"
#include "core/base/error.h"
#include "core/io/corpus_file.h"
#include "core/io/folder.h"
#include "core/io/shown.h"
#include "core/live/lab.h"
#include "core/live/run_folder.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

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
      std::fprintf(stderr, "  %s %.3f", lab.name(i).c_str(), lab.reported(i));
    }
  }

 private:
  int64_t steps_;
  bool shown_;
  std::chrono::steady_clock::time_point last_;
};

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
    throw Error("The saved run has " + std::to_string(run.step) + " steps already. Give the number of steps in all, " +
                "such as --steps " + std::to_string(2 * run.step) + ".");
  }
  return run;
}

Lab make_lab(const TrainCommand& command) {
  if (!command.resume.empty()) return Lab(resumed(command));
  const auto corpus =
      std::make_shared<const Corpus>(load_corpus(find_corpus(command.corpus), tokenizer_kind(command.tokenizer)));
  return {command.config, corpus, chosen_lanes(command.mask, command.config.model.context)};
}

/// Why something could not be saved.
std::string reason(const std::exception& error) {
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ? "There is not enough memory to save it."
                                                                : error.what();
}

/// Saves the run on the way. A failure, as of a disk that is full, costs no training: it is said once.
class Checkpoints {
 public:
  explicit Checkpoints(const TrainCommand& command) : command_(command) {}
  void after_step(const Lab& lab) {
    if (!due(lab.steps())) return;
    try {
      save_run(command_.save, lab.view());
    } catch (const std::exception& error) {
      if (!std::exchange(failed_, true)) {
        note(std::string("The checkpoint of step ") + std::to_string(lab.steps()) + " was not saved: " + reason(error) +
             " The training goes on.");
      }
    }
    last_ = Clock::now();  // a save may take longer than the minutes between two
  }

 private:
  using Clock = std::chrono::steady_clock;
  bool due(int64_t step) const {
    if (command_.checkpoint_steps > 0) return step % command_.checkpoint_steps == 0;
    const std::chrono::minutes every(command_.checkpoint_minutes);
    return every.count() > 0 && Clock::now() - last_ >= every;
  }

  const TrainCommand& command_;
  Clock::time_point last_ = Clock::now();
  bool failed_ = false;
};

/// Steps to the end, or to a signal; the last step is measured for the table and the log, and not for the history: the
/// run may go on another day.
void train(const TrainCommand& command, Lab& lab, ThreadPool& threads, TrainLog& log) {
  const Progress& wish = interruptible();
  ProgressBar bar(command.steps);
  Checkpoints checkpoints(command);
  for (bool last = false; !last && !lab.finished();) {
    last = lab.steps() + 1 == command.steps || wish.cancelled;
    lab.step(threads, last ? Lab::Measure::kOnlyShow : Lab::Measure::kAsDue);
    log.write(lab, lab.steps(), last);
    bar.show(lab);
    if (!last) checkpoints.after_step(lab);
  }
}

/// Null, or what ended it too early. A step that fails is not made: the run is whole as far as it came. Throws if that
/// is nothing new to keep.
std::exception_ptr train_as_far_as_possible(const TrainCommand& command, Lab& lab, ThreadPool& threads, TrainLog& log) {
  const int64_t begun_at = lab.steps();
  try {
    train(command, lab, threads, log);
  } catch (const std::exception&) {
    if (lab.steps() == begun_at) throw;
    return std::current_exception();
  }
  return nullptr;
}

/// What is left of a training on the disk.
struct Kept {
  std::optional<fs::path> run, log;
  std::exception_ptr failure;  // the first one; null: none
};

/// Keeps the run and its log, each whatever becomes of the other. A run that DIR refuses goes elsewhere: hours of
/// training are not lost because of a name.
Kept keep(const TrainCommand& command, const Lab& lab, TrainLog& log) {
  Kept kept;
  const auto attempt = [&](bool asked, auto&& keep_it) {
    try {
      if (asked) keep_it();
    } catch (const std::exception&) {
      if (!kept.failure) kept.failure = std::current_exception();
    }
  };
  attempt(!command.save.empty(), [&] {
    const SavedRunPlace place = save_run_somewhere(command.save, lab.view());
    kept.run = in_full(place.folder);
    if (!place.refused.empty()) throw Error(place.warning());
  });
  attempt(!command.log.empty(), [&] {
    log.commit();
    kept.log = in_full(command.log);
  });
  return kept;
}

/// On standard error: how it ended before its time, where it is saved, which lanes diverged.
void tell(const TrainCommand& command, const TrainReport& report) {
  std::string line;
  if (report.interrupted) {
    line = std::string("Stopped by ") + signal_name(interrupted_by()) + " at step " + std::to_string(report.step) +
           " of " + std::to_string(report.steps) + ". ";
  }
  if (report.saved == in_full(command.save)) {
    line += "The run is saved in " + shown(*report.saved) + ".";
  } else if (report.interrupted && !report.saved) {
    line += command.save.empty() ? "The run is not saved: --save DIR would have kept it." : "The run is not saved.";
  }  // saved elsewhere: the error that follows says where
  if (!line.empty()) note(line);
  for (const LaneReport& lane : report.lanes) {
    if (!lane.stopped.empty()) note(lane.name + " stopped: " + lane.stopped);
  }
}

/// The table or the document.
TrainReport print_report(const TrainCommand& command, Lab& lab, ThreadPool& threads, const Kept& kept,
                         bool interrupted) {
  TrainReport report = report_on(lab, threads);
  report.steps = command.steps;
  report.interrupted = interrupted;
  report.saved = kept.run;
  report.log = kept.log;
  command.json ? print_train_json(report) : print_train_table(report);
  return report;
}

/// For an end by an error, which is told after it: where the run is, or why it is not saved.
void tell_kept(const Kept& kept) {
  if (kept.run) note("The run is saved in " + shown(*kept.run) + ".");
  try {
    if (kept.failure) std::rethrow_exception(kept.failure);
  } catch (const std::exception& error) {
    note(reason(error));
  }
}

}  // namespace

int run_train(const TrainCommand& command) {
  if (command.given.contains("--checkpoint-every") && command.save.empty()) {
    throw Error("--checkpoint-every saves the run on the way. Say where, by --save DIR.");
  }
  TrainLog log(command.log, command.save);
  Lab lab = make_lab(command);
  ThreadPool threads(command.threads > 0 ? command.threads : hardware_threads());
  if (!command.save.empty()) FolderWriter{command.save};  // refuses now what could not be saved hours later
  for (int64_t step = 1; step <= lab.steps(); ++step) log.write(lab, step);
  const std::exception_ptr failure = train_as_far_as_possible(command, lab, threads, log);
  const bool interrupted = interrupted_by() != 0 && lab.steps() < command.steps && !lab.finished();
  const Kept kept = keep(command, lab, log);  // before all that could fail
  try {
    if (failure) std::rethrow_exception(failure);
    tell(command, print_report(command, lab, threads, kept, interrupted));
  } catch (const std::exception&) {
    tell_kept(kept);
    throw;
  }
  if (kept.failure) std::rethrow_exception(kept.failure);
  if (interrupted) return 128 + interrupted_by();
  return lab.finished() ? 1 : 0;
}

}  // namespace nopeek
