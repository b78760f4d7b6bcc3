#include "core/live/live_lab.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "core/base/error.h"
#include "core/base/scheduling.h"
#include "core/live/lab.h"

namespace nopeek {

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr auto kPublishEvery = std::chrono::milliseconds(33);  // the eye needs no more
constexpr auto kRateWindow = std::chrono::milliseconds(500);   // over which the measured rates are averaged
constexpr Seconds kLongestPeriod = std::chrono::hours(24);     // between two steps: what the clock can surely hold
constexpr double kSlow = 10;  // steps/s at which a reader compares the digits of each step: all are measured
constexpr int kLanes = 2;     // the twins
constexpr size_t kMaxCheckpoints = 256, kMaxEarlier = 4;
constexpr size_t kMostWeights = size_t{1}
                                << 20;  // bytes a checkpoint: all of them take at most a quarter of a gigabyte

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

}  // namespace

/// The conductor thread owns the lab and everything below the line; the pool gives each lane a thread of its own, the
/// conductor's among them. The mutex guards what is above the line and is never held during a step.
struct LiveLab::Impl {
  /// `start` is a Restart or a Resume.
  template <class Start>
  Impl(Start start, std::function<void()> published_, bool paused_)
      : published(std::move(published_)), paused(paused_), threads(std::clamp(hardware_threads(), 2, 8), give_way) {
    check(start);
    context = context_of(start);
    carry_out(std::move(start));
    publish();
    conductor = std::jthread([this](std::stop_token stop) {
      give_way();
      conduct(stop);
    });
  }

  mutable std::mutex mutex;
  std::condition_variable_any wake;
  std::deque<Command> commands;
  std::shared_ptr<const Snapshot> newest;
  bool taken = false;  // newest, by somebody
  int context = 0;     // of the newest run asked for: masks posted from now on must fit it
  // ------------------------------------------------------------------ conductor only
  std::function<void()> published;
  bool paused;
  bool step_once = false;
  double rate = std::numeric_limits<double>::infinity();
  ThreadPool threads;
  std::unique_ptr<Lab> lab;
  uint64_t run = 0;
  Checkpoints checkpoints;
  std::shared_ptr<const std::vector<EarlierRun>> earlier = std::make_shared<std::vector<EarlierRun>>();
  RateMeter meter;
  Clock::time_point due, last_published;
  std::jthread conductor;  // last: joined before anything else goes

  void conduct(std::stop_token stop) {
    while (!stop.stop_requested()) {
      if (const auto command = next_command(stop)) {
        std::visit([this](auto&& c) { carry_out(std::move(c)); }, std::move(*command));
        publish();
      } else if (!stop.stop_requested()) {
        step();
      }
    }
  }

  bool idle() const { return (paused && !step_once) || lab->finished(); }

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
    lab->step(threads, step_once || rate <= kSlow ? Lab::Measure::kOnlyShow : Lab::Measure::kAsDue);
    meter.count_step();
    const bool checkpoint = checkpoints.due(lab->steps());
    if (checkpoint || step_once || lab->finished() || awaited()) {
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
    Snapshot snapshot = lab->snapshot(threads);
    snapshot.run = run;
    snapshot.target_rate = rate;
    snapshot.paused = paused;
    if (checkpoints.due(snapshot.step) &&
        (checkpoints.list()->empty() || checkpoints.list()->back()->step < snapshot.step)) {
      checkpoints.add(std::make_shared<Snapshot>(snapshot));
    }
    if (!idle()) {
      const auto& config = snapshot.config;
      snapshot.steps_per_second = meter.rate();
      snapshot.tokens_per_second =
          meter.rate() * config.train.batch * config.model.context * static_cast<double>(std::ssize(snapshot.lanes));
    }
    snapshot.checkpoints = checkpoints.list();
    snapshot.earlier = earlier;
    // Nothing is made or destroyed under the lock: the window may be waiting for it, and this thread gives way.
    std::shared_ptr<const Snapshot> next = std::make_shared<const Snapshot>(std::move(snapshot));
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
  }
  void carry_out(StepOnce) {
    paused = true;
    step_once = !lab->finished();
  }
  void carry_out(SetRate command) {
    rate = command.steps_per_second;
    meter.restart();
    due = Clock::now();
  }
  void carry_out(SetMask command) { lab->set_mask(command.lane, std::move(command.mask)); }
  void carry_out(Restart command) {
    begin(std::make_unique<Lab>(command.config, std::move(command.corpus), Lab::twins(command.config.model.context)));
  }
  void carry_out(Resume command) { begin(std::make_unique<Lab>(*command.state)); }
  void carry_out(TakeState command) { command.taken(std::make_shared<const RunState>(lab->state())); }

  void begin(std::unique_ptr<Lab> next) {
    if (lab && lab->steps() > 0) keep_as_earlier();
    lab = std::move(next);
    ++run;
    checkpoints = {};
    meter.restart();
    due = Clock::now();
  }

  void keep_as_earlier() {
    Snapshot last = lab->snapshot(threads);
    for (LaneSnapshot& lane : last.lanes) lane.weights = nullptr;  // only its curves are shown
    auto runs = std::make_shared<std::vector<EarlierRun>>(*earlier);
    runs->push_back({last.corpus->name, last.config, last.step, std::move(last.lanes)});
    if (runs->size() > kMaxEarlier) runs->erase(runs->begin());
    earlier = std::move(runs);
  }

  /// What can be refused is refused here, in the caller's thread, so that carrying it out cannot fail.
  void check(Restart& command) const { command.config = Lab::checked(command.config, *command.corpus, kLanes); }
  void check(Resume& command) const {
    const auto twins = Lab::twins(1);
    const auto& lanes = command.state->lanes;
    const auto same_name = [](const LaneState& lane, const Lab::LaneStart& twin) { return lane.name == twin.name; };
    if (!std::equal(lanes.begin(), lanes.end(), twins.begin(), twins.end(), same_name)) {
      throw Error("This run has " + std::to_string(lanes.size()) + (lanes.size() == 1 ? " model" : " models") +
                  ", and the window shows the twins, masked and unmasked. Go on with it by: nopeek train --resume");
    }
    command.state->validate();
  }
  void check(SetMask& command) const {
    if (command.lane < 0 || command.lane >= kLanes)
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
  impl_->conductor.request_stop();
  impl_->conductor.join();
}

void LiveLab::post(Command command) {
  std::visit([this](auto& c) { impl_->check(c); }, command);
  {
    std::lock_guard lock(impl_->mutex);
    if (const auto* restart = std::get_if<Restart>(&command)) impl_->context = Impl::context_of(*restart);
    if (const auto* resume = std::get_if<Resume>(&command)) impl_->context = Impl::context_of(*resume);
    impl_->commands.push_back(std::move(command));
  }
  impl_->wake.notify_one();
}

std::shared_ptr<const Snapshot> LiveLab::snapshot() const {
  std::lock_guard lock(impl_->mutex);
  impl_->taken = true;
  return impl_->newest;
}

}  // namespace nopeek
