#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "app/ui/interact.h"

/// Curves over training steps, of any length: what is drawn costs by pixel columns, not by steps.
namespace nopeek::ui {

/// Values by step, counted from 1; NaN where nothing was measured. The data is somebody else's.
struct Samples {
  const void* owner = nullptr;
  float (*value)(const void* owner, int64_t step) = nullptr;
  float at(int64_t step) const { return value(owner, step); }
};

struct Range {
  float low = INFINITY, high = -INFINITY;  // low > high: nothing
  void add(float v) {
    if (v < low) low = v;  // false for NaN
    if (v > high) high = v;
  }
  void add(const Range& r) {
    low = std::min(low, r.low);
    high = std::max(high, r.high);
  }
  bool empty() const { return low > high; }
};

/// Lowest and highest value over groups of 4, 16, 64, ... samples, extended as samples arrive.
class Pyramid {
 public:
  /// Takes in the samples up to `count`; each is looked at once.
  void grow(const Samples& samples, int64_t count);
  void clear() { levels_.clear(), taken_ = 0; }
  /// Of the steps first <= step < end, widened to whole groups that are small against the range.
  Range range(const Samples& samples, int64_t first, int64_t end) const;

 private:
  std::vector<std::vector<Range>> levels_;
  int64_t taken_ = 0;
};

/// Where a plot lies and what it spans: steps 0..last_step from left to right, 0..top upwards.
struct Plot {
  Rect area;
  double last_step = 1;
  float top = 1;
  float x(double step) const { return area.min.x + static_cast<float>(step / last_step) * area.w(); }
  float y(float value) const { return area.max.y - value / top * area.h(); }
  double step_at(float px_x) const { return (px_x - area.min.x) / area.w() * last_step; }
};

struct Curve {
  Samples samples;
  const Pyramid* pyramid = nullptr;
  int64_t first = 1, last = 0;  // steps, both included
  ImU32 color = 0;
  float width = 2;          // px
  float dash = 0, gap = 0;  // px; 0: solid
  bool coarse = false;      // fewer columns: for what is only faint background
};
/// Draws a curve; `phase` is where in the rhythm of dashes it begins. Returns the phase at its end.
float draw_curve(const Plot& plot, const Curve& curve, float phase = 0);
/// The highest point (least y) of the curve between two x, in px; the plot's bottom if there is none.
float highest_y(const Plot& plot, const Curve& curve, float x0, float x1);
float lowest_y(const Plot& plot, const Curve& curve, float x0, float x1);

/// Names of curves, each above its curve, right aligned at x, moved up or down until none covers another.
struct CurveLabel {
  std::string text;
  ImU32 color = 0;
  Font font = Font::kLabelBold;
  float x = 0, y = 0;  // right end and centre line, px
};
void place_labels(std::vector<CurveLabel>& labels, float least_y, float greatest_y);
/// On a rectangle of the panel's colour, so that they can be read over curves.
void draw_labels(const std::vector<CurveLabel>& labels);

/// Round steps between 0 and `last`, at most `most` of them, without 0 and with no room left for less than half a gap.
std::vector<int64_t> step_ticks(double last, int most);

}  // namespace nopeek::ui
