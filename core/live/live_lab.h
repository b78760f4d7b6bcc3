#pragma once
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "core/live/run_state.h"
#include "core/live/snapshot.h"

namespace nopeek {

// What one may ask of a running lab. Commands are carried out between steps, in the order they were posted.
struct SetPaused {
  bool paused;
};
struct StepOnce {};  // also pauses
struct SetRate {
  double steps_per_second;  // infinity: as fast as the machine can
};
struct SetMask {  // from the next step on; throws Error at the call of post() if a row would see nothing
  int lane;
  Mask mask;  // (context, context)
};
struct Restart {  // a new run; the present one becomes an EarlierRun. Throws Error at the call of post() if it cannot
                  // work.
  RunConfig config;
  std::shared_ptr<const Corpus> corpus;
};
struct Resume {  // goes on with a saved run; the present one becomes an EarlierRun. Throws Error at the call of post()
                 // if it is not of the twins that the window shows, or too large; that the state is sound is seen to
                 // later, by the lab.
  std::shared_ptr<const RunState> state;
};
struct VisitRun {  // calls `visit` with the run as it is then: on a worker thread, once, and soon. Never if the lab
                   // ends before. Training waits until it returns, so a run is saved without a copy of it.
  std::function<void(const RunView&)> visit;
};
using Command = std::variant<SetPaused, StepOnce, SetRate, SetMask, Restart, Resume, VisitRun>;

/// Twins in training on threads of their own, which give way to all others: to the window, and to the graphics driver.
/// Nothing here blocks for longer than it takes to swap a pointer.
///
///   LiveLab lab({config, corpus}, [] { glfwPostEmptyEvent(); });
///   lab.post(SetRate{60});
///   auto snapshot = lab.snapshot();   // once a frame
class LiveLab {
 public:
  /// `published` is called after each new snapshot, to wake whoever draws: on a worker thread, and once on the
  /// caller's. Starts training unless `paused`. Throws Error if the configuration cannot work.
  LiveLab(Restart start, std::function<void()> published = {}, bool paused = false);
  /// The same, with a run that was saved: its steps, curves and masks are there as they were.
  LiveLab(Resume start, std::function<void()> published = {}, bool paused = false);
  ~LiveLab();  // gives up the step under way
  LiveLab(const LiveLab&) = delete;

  /// Throws Error where the command cannot work; the running lab then stays as it was.
  void post(Command command);
  /// What has gone wrong since, out of memory above all, as a sentence for people; once, and only the newest. Empty if
  /// nothing has. A run that cannot begin leaves the present one as it was; one that cannot go on is paused at its last
  /// step, whole. `published` is called when there is something.
  std::string take_failure();
  /// Newest snapshot, never null. While training runs there is a new one 33 ms later at the earliest, and only after
  /// this one was taken: training does not stop for pictures that nobody looks at.
  std::shared_ptr<const Snapshot> snapshot() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nopeek
