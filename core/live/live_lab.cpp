#include "core/live/live_lab.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <exception>
#include <mutex>
#include <new>
#include <utility>

#include "core/base/error.h"
#include "core/base/scheduling.h"
#include "core/base/stop.h"
#include "core/live/lab.h"

namespace nopeek {

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr auto kPublishEvery = std::chrono::milliseconds(33);  // the eye needs no more
constexpr auto kRateWindow = std::chrono::milliseconds(500);   // over which the measured rates are averaged
constexpr Seconds kLongestPeriod = std::chrono::hours(24);     // between two steps: what the clock can surely hold
constexpr double kSlow = 10;  // steps/s at which a reader compares the digits of each step: all are measured
constexpr int kTwins = 2;     // the twins
constexpr size_t kMaxCheckpoints = 256, kMaxEarlier = 4;
constexpr size_t kMostWeights = size_t{1}
                                << 20;  // bytes a checkpoint: all of them take at most a quarter of a gigabyte

}  // namespace

// Types of LiveLab::Impl's members: in an anonymous namespace they would be others in each file.
namespace live {

/// Snapshots to go back to: every 10 steps at first, and every second one dropped whenever there are too many.
class Checkpoints {
 public:
  bool due(int64_t step) const { return step % stride_ == 0; }
  void add(std::shared_ptr<Snapshot> snapshot) {
    size_t bytes = 0;
    for (const LaneSnapshot& lane : snapshot->lanes) bytes += lane.weights->size() * sizeof(float);
    if (bytes > kMostWeights) {
      for (LaneSnapshot& lane : snapshot->lanes) lane.weights = nullptr;
    }
    auto next = std::make_shared<std::vector<std::shared_ptr<const Snapshot>>>(*list_);
    next->push_back(std::move(snapshot));
    if (next->size() > kMaxCheckpoints) {
      stride_ *= 2;
      std::erase_if(*next, [&](const auto& kept) { return !due(kept->step); });
    }
    list_ = std::move(next);
  }
  auto list() const { return list_; }

 private:
  int64_t stride_ = 10;
  std::shared_ptr<const std::vector<std::shared_ptr<const Snapshot>>> list_ =
      std::make_shared<std::vector<std::shared_ptr<const Snapshot>>>();
};

/// Steps a second, measured over windows of kRateWindow.
class RateMeter {
 public:
  void restart() { since_ = Clock::now(), steps_ = 0, rate_ = 0; }
  void count_step() {
    ++steps_;
    const Seconds elapsed = Clock::now() - since_;
    if (elapsed < kRateWindow) return;
    rate_ = steps_ / elapsed.count();
    since_ = Clock::now(), steps_ = 0;
  }
  double rate() const { return rate_; }

 private:
  Clock::time_point since_ = Clock::now();
  int steps_ = 0;
  double rate_ = 0;
};

}  // namespace live

namespace {

constexpr const char* kNoMemory = "There is not enough memory. Close other programs, or choose a smaller model.";
constexpr const char* kNoMemoryForRun = "There is not enough memory for that run. The present one stays.";
constexpr const char* kNoMemoryForMask = "There is not enough memory for that mask. The present one stays.";
constexpr const char* kNoMemoryToGoOn =
    "There is not enough memory to go on. The run is paused, and nothing of it is lost: save it, or close other "
    "programs and press Play.";

}  // namespace

/// The conductor thread owns the run and everything below the line; the pool gives each lane a thread of its own, the
/// conductor's among them. The mutex guards what is above the line and is never held during a step.
struct LiveLab::Impl {
  /// `start` is a Restart or a Resume.
  template <class Start>
  Impl(Start start, std::function<void()> published_, bool paused_)
      : published(std::move(published_)), paused(paused_), threads(std::clamp(hardware_threads(), 2, 8), give_way) {
    check(start);
    context = context_of(start);
    carry_out(std::move(start));
    conductor = std::jthread([this](std::stop_token stop) {
      give_way();
      conduct(stop);
    });
  }

  mutable std::mutex mutex;
  std::condition_variable_any wake;
  std::deque<Command> commands;
  std::shared_ptr<const Snapshot> newest;
  bool taken = false;                 // newest, by somebody
  int context = 0;                    // of the newest run asked for: masks posted from now on must fit it
  std::array<char, 1024> failure{};   // not taken yet; empty: none. Room that is there when there is none left
  std::atomic<bool> stopping{false};  // ends the step under way
  // ------------------------------------------------------------------ conductor only
  struct Run {
    std::unique_ptr<Lab> lab;
    uint64_t number = 0;
    std::shared_ptr<const std::vector<EarlierRun>> earlier = std::make_shared<std::vector<EarlierRun>>();
    live::Checkpoints checkpoints = {};
  };
  std::function<void()> published;
  bool paused;
  bool step_once = false;
  double rate = std::numeric_limits<double>::infinity();
  ThreadPool threads;
  Run run;
  live::RateMeter meter;
  Clock::time_point due, last_published;
  std::jthread conductor;  // last: it uses all the rest

  void conduct(std::stop_token stop) {
    const StopScope scope(&stopping);
    while (!stop.stop_requested()) {
      try {
        if (std::optional<Command> command = next_command(stop)) {
          std::visit([this](auto& c) { carry_out(std::move(c)); }, *command);
        } else if (!stop.stop_requested()) {
          step();
        }
      } catch (const Cancelled&) {  // by the destructor
      } catch (...) {
        fail(std::current_exception(), kNoMemory);
      }
    }
  }

  /// Nothing that goes wrong here ends the program: it is told, and the run stays as it was at the last step.
  void fail(const std::exception_ptr& why, const char* of_memory) noexcept {
    try {
      std::rethrow_exception(why);
    } catch (const std::bad_alloc&) {
      tell(of_memory);
    } catch (const std::exception& error) {
      tell(error.what());
    }
  }

  void tell(const char* what) noexcept {
    {
      const std::lock_guard lock(mutex);
      std::snprintf(failure.data(), failure.size(), "%s", what);
    }
    if (published) published();
  }

  /// The same; and no further step is tried before somebody asks for it.
  void fail_and_pause(const std::exception_ptr& why) noexcept {
    paused = true;
    step_once = false;
    try {
      auto next = std::make_shared<Snapshot>(*newest);
      next->paused = true;
      next->tokens_per_second = next->steps_per_second = 0;
      show(std::move(next));
    } catch (...) {  // the one before stays
    }
    fail(why, kNoMemoryToGoOn);
  }

  bool idle() const { return (paused && !step_once) || run.lab->finished(); }

  /// The oldest command if there is one; else nothing, as soon as the next step is due. A single step that was asked
  /// for goes before the commands behind it.
  std::optional<Command> next_command(std::stop_token stop) {
    if (step_once) return std::nullopt;
    std::unique_lock lock(mutex);
    const auto some = [&] { return !commands.empty(); };
    if (idle()) {
      wake.wait(lock, stop, some);
    } else {
      wake.wait_until(lock, stop, due, some);
    }
    if (commands.empty()) return std::nullopt;
    Command command = std::move(commands.front());
    commands.pop_front();
    return command;
  }

  void step() {
    const auto now = Clock::now();
    // A step that came late is not made up for by a burst.
    const auto period = std::chrono::duration_cast<Clock::duration>(std::min(Seconds(1 / rate), kLongestPeriod));
    due = std::max(due + period, now);
    try {
      run.lab->step(threads, step_once || rate <= kSlow ? Lab::Measure::kOnlyShow : Lab::Measure::kAsDue);
    } catch (const Cancelled&) {
      throw;
    } catch (...) {
      return fail_and_pause(std::current_exception());
    }
    meter.count_step();
    const bool checkpoint = run.checkpoints.due(run.lab->steps());
    if (checkpoint || step_once || run.lab->finished() || awaited()) {
      step_once = false;
      publish();
    }
  }

  /// A snapshot costs about as much as a step: nobody gets one who has not looked at the one before.
  bool awaited() const {
    if (Clock::now() - last_published < kPublishEvery) return false;
    std::lock_guard lock(mutex);
    return taken;
  }

  void publish() {
    try {
      show(snapshot_of(run));
    } catch (const Cancelled&) {
      throw;
    } catch (...) {
      fail_and_pause(std::current_exception());
    }
  }

  std::shared_ptr<const Snapshot> snapshot_of(Run& of) {
    Snapshot snapshot = of.lab->snapshot(threads);
    snapshot.run = of.number;
    snapshot.target_rate = rate;
    snapshot.paused = paused;
    const auto& list = of.checkpoints.list();
    if (of.checkpoints.due(snapshot.step) && (list->empty() || list->back()->step < snapshot.step)) {
      of.checkpoints.add(std::make_shared<Snapshot>(snapshot));
    }
    if (!(paused && !step_once) && !snapshot.finished) {
      const auto& config = snapshot.config;
      snapshot.steps_per_second = meter.rate();
      snapshot.tokens_per_second =
          meter.rate() * config.train.batch * config.model.context * static_cast<double>(std::ssize(snapshot.lanes));
    }
    snapshot.checkpoints = of.checkpoints.list();
    snapshot.earlier = of.earlier;
    return std::make_shared<const Snapshot>(std::move(snapshot));
  }

  void show(std::shared_ptr<const Snapshot> next) noexcept {
    // Nothing is made or destroyed under the lock: the window may be waiting for it, and this thread gives way.
    {
      std::lock_guard lock(mutex);
      newest.swap(next);
      taken = false;
    }
    last_published = Clock::now();
    if (published) published();
  }

  void carry_out(SetPaused command) {
    paused = command.paused;
    meter.restart();
    due = Clock::now();
    publish();
  }
  void carry_out(StepOnce) {
    paused = true;
    step_once = !run.lab->finished();
    publish();
  }
  void carry_out(SetRate command) {
    rate = command.steps_per_second;
    meter.restart();
    due = Clock::now();
    publish();
  }
  void carry_out(SetMask command) {
    try {
      run.lab->set_mask(command.lane, std::move(command.mask));
    } catch (const std::exception&) {
      return fail(std::current_exception(), kNoMemoryForMask);
    }
    publish();
  }
  void carry_out(Restart command) {
    begin([&] {
      return std::make_unique<Lab>(command.config, std::move(command.corpus), Lab::twins(command.config.model.context));
    });
  }
  void carry_out(Resume command) {
    begin([&] { return std::make_unique<Lab>(*command.state); });
  }
  void carry_out(VisitRun command) { command.visit(run.lab->view()); }

  /// The present run stays until all is there that may fail to come.
  template <class MakeLab>
  void begin(MakeLab make_lab) {
    try {
      Run next{.lab = make_lab(), .number = run.number + 1, .earlier = earlier_runs()};
      meter.restart();
      std::shared_ptr<const Snapshot> first = snapshot_of(next);
      run = std::move(next);
      due = Clock::now();
      show(std::move(first));
    } catch (const Cancelled&) {
      throw;
    } catch (...) {
      if (!run.lab) throw;  // to whoever makes the LiveLab
      forget_masks();
      fail(std::current_exception(), kNoMemoryForRun);
    }
  }

  /// With the present one, if it is worth keeping.
  std::shared_ptr<const std::vector<EarlierRun>> earlier_runs() const {
    if (!run.lab || run.lab->steps() == 0) return run.earlier;
    auto runs = std::make_shared<std::vector<EarlierRun>>(*run.earlier);
    runs->push_back({run.lab->corpus()->name, run.lab->config(), run.lab->steps(), run.lab->curves()});
    if (runs->size() > kMaxEarlier) runs->erase(runs->begin());
    return runs;
  }

  /// Those that were asked for a run that did not come.
  void forget_masks() {
    const auto begins = [](const Command& c) {
      return std::holds_alternative<Restart>(c) || std::holds_alternative<Resume>(c);
    };
    const std::lock_guard lock(mutex);
    auto next = std::find_if(commands.begin(), commands.end(), begins);
    if (next == commands.end()) context = run.lab->config().model.context;
    const auto is_mask = [](const Command& c) { return std::holds_alternative<SetMask>(c); };
    commands.erase(std::remove_if(commands.begin(), next, is_mask), next);
  }

  /// What can be refused at once is refused here, in the caller's thread.
  void check(Restart& command) const {
    command.config = Lab::checked(command.config, *command.corpus, kTwins);
    Lab::require_memory(command.config, kTwins);
  }
  void check(Resume& command) const {
    const auto twins = Lab::twins(1);
    const auto& lanes = command.state->lanes;
    const auto same_name = [](const LaneState& lane, const Lab::LaneStart& twin) { return lane.name == twin.name; };
    if (!std::equal(lanes.begin(), lanes.end(), twins.begin(), twins.end(), same_name)) {
      throw Error("This run has " + std::to_string(lanes.size()) + (lanes.size() == 1 ? " model" : " models") +
                  ", and the window shows the twins, masked and unmasked. Go on with it by: nopeek train --resume");
    }
    Lab::require_memory(command.state->config, kTwins);
  }
  void check(SetMask& command) const {
    if (command.lane < 0 || command.lane >= kTwins)
      throw Error("There is no twin number " + std::to_string(command.lane) + ".");
    std::lock_guard lock(mutex);
    command.mask.validate(context);
  }
  void check(SetRate& command) const {
    if (!(command.steps_per_second > 0)) throw Error("The speed must be above 0 steps a second; pause instead.");
  }
  template <class Other>
  void check(Other&) const {}

  static int context_of(const Restart& command) { return command.config.model.context; }
  static int context_of(const Resume& command) { return command.state->config.model.context; }
};

LiveLab::LiveLab(Restart start, std::function<void()> published, bool paused)
    : impl_(std::make_unique<Impl>(std::move(start), std::move(published), paused)) {}

LiveLab::LiveLab(Resume start, std::function<void()> published, bool paused)
    : impl_(std::make_unique<Impl>(std::move(start), std::move(published), paused)) {}

LiveLab::~LiveLab() {
  impl_->stopping = true;
  impl_->conductor.request_stop();
  impl_->conductor.join();
}

void LiveLab::post(Command command) {
  std::visit([this](auto& c) { impl_->check(c); }, command);
  {
    std::lock_guard lock(impl_->mutex);
    impl_->commands.push_back(std::move(command));
    const Command& last = impl_->commands.back();
    if (const auto* restart = std::get_if<Restart>(&last)) impl_->context = Impl::context_of(*restart);
    if (const auto* resume = std::get_if<Resume>(&last)) impl_->context = Impl::context_of(*resume);
  }
  impl_->wake.notify_one();
}

std::shared_ptr<const Snapshot> LiveLab::snapshot() const {
  std::lock_guard lock(impl_->mutex);
  impl_->taken = true;
  return impl_->newest;
}

std::string LiveLab::take_failure() {
  const std::lock_guard lock(impl_->mutex);
  std::string failure = impl_->failure.data();
  impl_->failure[0] = '\0';
  return failure;
}

}  // namespace nopeek
