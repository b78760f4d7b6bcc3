#pragma once
#include <algorithm>
#include <limits>

namespace nopeek {

/// When to draw. Nothing is drawn without a reason. What a person does is drawn at once; what moves by itself, training
/// and animation, takes about half of a core at most, so that a machine without a GPU trains rather than paints.
class Pacer {
 public:
  static constexpr double kFrame = 0.016;  // s

  /// Something was done: two frames, because a widget acts in one and shows it in the next.
  void input() { frames_ = 2; }
  /// There is something new to draw, from training or another thread.
  void news() { news_ = true; }

  /// Seconds until the next frame is due: 0 is now, infinity is never without a new reason.
  double until_due(double now, bool animating) const {
    if (frames_ > 0) return 0;
    if (!news_ && !animating) return std::numeric_limits<double>::infinity();
    return std::max(0.0, begun_ + std::max(kFrame, 2 * cost_) - now);
  }
  /// A frame began at `begun` and took `cost` seconds, not counting the wait for the display.
  void drawn(double begun, double cost) {
    begun_ = begun;
    cost_ = cost;
    frames_ = std::max(0, frames_ - 1);
  }
  /// The frame that is about to be drawn shows all news so far.
  void take_news() { news_ = false; }

 private:
  int frames_ = 2;
  bool news_ = false;
  double begun_ = 0, cost_ = 0;
};

}  // namespace nopeek
