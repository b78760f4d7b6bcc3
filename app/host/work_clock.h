#pragma once
#include <functional>
#include <utility>

namespace nopeek {

/// Tells the window's own work from all else that passes between two looks at a clock: it stands still while the
/// graphics driver is at work, and while there is nothing to do.
///
///   clock.driver([&] { draw(); });                     // not ours
///   const bool came = clock.asleep([&] { return wait(); });
///   clock.now()                                        // s of our own work so far
class WorkClock {
 public:
  /// `wall`: seconds. `waited`: of them, seconds for which this thread was ready to run and had no core.
  WorkClock(std::function<double()> wall, std::function<double()> waited)
      : wall_(std::move(wall)), waited_(std::move(waited)) {}

  /// Seconds of work since the wall clock's start, interruptions by other threads among them: what a person waits for.
  double now() const { return wall_() - outside_; }
  /// The part of them for which other threads had the cores: not of the work's own making.
  double interrupted() const { return waited_() - interrupted_outside_; }

  /// Does the graphics driver's part, which does not count.
  template <class Part>
  void driver(Part&& part) {
    const double wall = wall_(), waited = waited_();
    part();
    outside_ += wall_() - wall;
    interrupted_outside_ += waited_() - waited;
  }
  /// Sleeps, which does not count, until it was woken. From then on until it gets a core, it does.
  template <class Sleep>
  auto asleep(Sleep&& sleep) {
    const double wall = wall_(), waited = waited_();
    auto result = sleep();
    outside_ += wall_() - wall - (waited_() - waited);
    return result;
  }

 private:
  std::function<double()> wall_, waited_;
  double outside_ = 0, interrupted_outside_ = 0;
};

}  // namespace nopeek
