#pragma once
#include <span>

#include "app/ui/theme.h"

/// Polylines for measured data. ImGui's own joins shoot far out at the sharp turns of a noisy curve; these do not.
namespace nopeek::ui {

/// `width` in px. Draws on canvas().
void stroke(std::span<const ImVec2> points, ImU32 color, float width);
/// Dashes of `on` px and gaps of `off` px along the line's length, which is `phase` px at its first point: a line in
/// several pieces keeps its rhythm. Returns the length at its last point.
float stroke_dashed(std::span<const ImVec2> points, ImU32 color, float width, float on, float off, float phase);

/// Dashes 3 on, 3 off along the edge.
void dashed_outline(const Rect& rect, ImU32 color);

/// What a curve covers in one pixel column.
struct Column {
  float x, top, bottom;  // px; top > bottom: nothing was measured here
};
/// A curve of more samples than columns: the area from its highest to its lowest point.
void stroke_columns(std::span<const Column> columns, ImU32 color, float width);

}  // namespace nopeek::ui
