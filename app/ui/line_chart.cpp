#include "app/ui/line_chart.h"

#include <algorithm>

#include "app/ui/stroke.h"

namespace nopeek::ui {
namespace {

constexpr int64_t kFan = 4;            // samples, or groups, in one group of the next level
constexpr int64_t kMostPoints = 2000;  // drawn one by one

std::vector<ImVec2>& scratch_points() {
  static thread_local std::vector<ImVec2> points;
  points.clear();
  return points;
}

std::vector<Column>& scratch_columns() {
  static thread_local std::vector<Column> columns;
  columns.clear();
  return columns;
}

void collect_points(const Plot& plot, const Curve& c, std::vector<ImVec2>& out) {
  for (int64_t step = c.first; step <= c.last; ++step) {
    const float v = c.samples.at(step);
    if (std::isfinite(v)) out.push_back({plot.x(static_cast<double>(step)), plot.y(v)});
  }
}

/// One entry a pixel column; neighbours share a sample, so that a steep curve does not break.
void collect_columns(const Plot& plot, const Curve& c, std::vector<Column>& out) {
  const float x0 = plot.x(static_cast<double>(c.first)), x1 = plot.x(static_cast<double>(c.last));
  const int n = std::max(2, static_cast<int>((x1 - x0) / (c.coarse ? 3.0f : 1.0f)));
  const double width = static_cast<double>(c.last - c.first + 1) / n;
  for (int i = 0; i < n; ++i) {
    const auto first = c.first + static_cast<int64_t>(width * i);
    const auto end = std::min(c.last + 1, std::max(first + 1, c.first + static_cast<int64_t>(width * (i + 1)) + 1));
    const Range r = c.pyramid->range(c.samples, first, end);
    const float x = x0 + (x1 - x0) * static_cast<float>(i) / static_cast<float>(n - 1);
    if (r.empty()) {
      out.push_back({x, 1, 0});
    } else {
      out.push_back({x, plot.y(r.high), plot.y(r.low)});
    }
  }
}

float draw_points(const Curve& c, std::span<const ImVec2> points, float phase) {
  if (c.dash > 0) return stroke_dashed(points, c.color, c.width, c.dash, c.gap, phase);
  stroke(points, c.color, c.width);
  return phase;
}

bool many(const Curve& c) { return c.pyramid && c.last - c.first > kMostPoints; }

}  // namespace

void Pyramid::grow(const Samples& samples, int64_t count) {
  for (; taken_ < count; ++taken_) {
    const float v = samples.at(taken_ + 1);
    int64_t group = taken_;
    for (size_t level = 0;; ++level) {
      group /= kFan;
      if (level == levels_.size()) {
        // A level exists once its first group is more than the level below's.
        if (level > 0 && levels_[level - 1].size() <= 1) break;
        levels_.emplace_back();
        for (int64_t i = 0; level > 0 && i < static_cast<int64_t>(levels_[level - 1].size()); ++i) {
          if (i % kFan == 0) levels_[level].emplace_back();
          levels_[level].back().add(levels_[level - 1][static_cast<size_t>(i)]);
        }
      }
      if (group >= static_cast<int64_t>(levels_[level].size())) levels_[level].emplace_back();
      levels_[level][static_cast<size_t>(group)].add(v);
    }
  }
}

Range Pyramid::range(const Samples& samples, int64_t first, int64_t end) const {
  Range out;
  int64_t size = 1;
  size_t level = 0;
  while (level < levels_.size() && size * kFan * 2 <= end - first) size *= kFan, ++level;
  if (level == 0) {
    for (int64_t step = first; step < end; ++step) out.add(samples.at(step));
    return out;
  }
  const auto& groups = levels_[level - 1];
  const auto last = std::min(static_cast<int64_t>(groups.size()), (end - 1 + size - 1) / size);
  for (int64_t g = (first - 1) / size; g < last; ++g) out.add(groups[static_cast<size_t>(g)]);
  return out;
}

float draw_curve(const Plot& plot, const Curve& c, float phase) {
  if (c.last < c.first) return phase;
  auto& points = scratch_points();
  if (!many(c)) {
    collect_points(plot, c, points);
    return draw_points(c, points, phase);
  }
  auto& columns = scratch_columns();
  collect_columns(plot, c, columns);
  if (c.dash <= 0) {
    stroke_columns(columns, c.color, c.width);
    return phase;
  }
  // A dashed area cannot be read: dash along its middle.
  for (const Column& column : columns) {
    if (column.top <= column.bottom) points.push_back({column.x, (column.top + column.bottom) * 0.5f});
  }
  return draw_points(c, points, phase);
}

namespace {

Range range_between(const Plot& plot, const Curve& c, float x0, float x1) {
  const auto first = std::max(c.first, static_cast<int64_t>(plot.step_at(x0)));
  const auto last = std::min(c.last, static_cast<int64_t>(std::ceil(plot.step_at(x1))));
  Range r;
  if (last < first) return r;
  if (many(c)) return c.pyramid->range(c.samples, first, last + 1);
  for (int64_t step = first; step <= last; ++step) r.add(c.samples.at(step));
  return r;
}

}  // namespace

float highest_y(const Plot& plot, const Curve& c, float x0, float x1) {
  const Range r = range_between(plot, c, x0, x1);
  return r.empty() ? plot.area.max.y : std::max(plot.area.min.y, plot.y(r.high));
}

float lowest_y(const Plot& plot, const Curve& c, float x0, float x1) {
  const Range r = range_between(plot, c, x0, x1);
  return r.empty() ? plot.area.max.y : std::max(plot.area.min.y, plot.y(r.low));
}

void place_labels(std::vector<CurveLabel>& labels, float least_y, float greatest_y) {
  const float apart = px(18);
  std::sort(labels.begin(), labels.end(), [](const CurveLabel& a, const CurveLabel& b) { return a.y > b.y; });
  float lowest_free = greatest_y;  // from the bottom upwards
  for (CurveLabel& l : labels) {
    l.y = std::min(l.y, lowest_free);
    lowest_free = l.y - apart;
  }
  float highest_free = least_y;  // what was pushed out at the top comes down again
  for (auto l = labels.rbegin(); l != labels.rend(); ++l) {
    l->y = std::max(l->y, highest_free);
    highest_free = l->y + apart;
  }
}

void draw_labels(const std::vector<CurveLabel>& labels) {
  for (const CurveLabel& l : labels) {
    const float w = text_width(l.font, l.text), h = px(7);
    // Not opaque: where the name of one curve lies on another one, that one goes on behind it.
    fill({{l.x - w - px(4), l.y - h}, {l.x + px(4), l.y + h}}, faded(colors().panel, 0.75f));
  }
  for (const CurveLabel& l : labels) text({l.x, l.y}, l.text, l.font, l.color, Align::kRight);
}

std::vector<int64_t> step_ticks(double last, int most) {
  double unit = 1;
  for (int i = 0; last / unit > most; ++i) unit *= i % 3 == 1 ? 2.5 : 2;  // 1, 2, 5, 10, 20, ...
  std::vector<int64_t> ticks;
  for (double step = unit; step <= last; step += unit) ticks.push_back(static_cast<int64_t>(step));
  return ticks;
}

}  // namespace nopeek::ui
