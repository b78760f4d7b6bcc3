#include "app/ui/icons.h"

#include "app/ui/interact.h"

namespace nopeek::ui {
namespace {

/// Draws in a box of 20 x 20 units about a centre.
struct Pen {
  ImVec2 centre;
  float unit;
  ImU32 color;
  ImDrawList& list = *canvas();

  ImVec2 at(float x, float y) const { return {centre.x + x * unit, centre.y + y * unit}; }
  float width(float w) const { return std::max(1.0f, w * unit); }
  void line(float x0, float y0, float x1, float y1, float w = 1.8f) const {
    list.AddLine(at(x0, y0), at(x1, y1), color, width(w));
  }
  void box(float x0, float y0, float x1, float y1, float radius = 0) const {
    list.AddRectFilled(at(x0, y0), at(x1, y1), color, radius * unit);
  }
  void frame(float x0, float y0, float x1, float y1, float w = 1.4f, float radius = 0) const {
    list.AddRect(at(x0, y0), at(x1, y1), color, radius * unit, 0, width(w));
  }
  void path(std::initializer_list<ImVec2> points, float w = 1.8f) const {
    for (ImVec2 p : points) list.PathLineTo(at(p.x, p.y));
    list.PathStroke(color, 0, width(w));
  }
};

void chevron(const Pen& pen, float dx, float dy) {
  const float ax = dx != 0 ? -2.2f * dx : -4, ay = dy != 0 ? -2.2f * dy : -4;
  const float bx = dx != 0 ? 2.2f * dx : 0, by = dy != 0 ? 2.2f * dy : 0;
  const float cx = dx != 0 ? -2.2f * dx : 4, cy = dy != 0 ? -2.2f * dy : 4;
  pen.path({{ax, ay}, {bx, by}, {cx, cy}}, 1.7f);
}

void reset(const Pen& pen) {
  constexpr float kPi = 3.14159265f;
  pen.list.PathArcTo(pen.at(0.4f, 0.8f), 6.6f * pen.unit, -0.80f * kPi, 0.75f * kPi, 24);
  pen.list.PathStroke(pen.color, 0, pen.width(1.9f));
  pen.path({{-5.2f, -7.6f}, {-5.2f, -3.2f}, {-0.8f, -3.2f}}, 1.9f);
}

/// Nine cells, some of which are frames: attention with its mask.
void matrix(const Pen& pen) {
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      const float x = -9.0f + 6.4f * static_cast<float>(column), y = -9.0f + 6.4f * static_cast<float>(row);
      if (column > row) {
        pen.frame(x + 0.5f, y + 0.5f, x + 4.9f, y + 4.9f, 1.1f, 0.6f);
      } else {
        pen.box(x, y, x + 5.2f, y + 5.2f, 1);
      }
    }
  }
}

void half_disc(const Pen& pen) {
  pen.list.AddCircle(pen.centre, 7.2f * pen.unit, pen.color, 32, pen.width(1.7f));
  constexpr float kHalfPi = 1.57079633f;
  pen.list.PathArcTo(pen.centre, 6.8f * pen.unit, -kHalfPi, kHalfPi, 20);
  pen.list.PathFillConvex(pen.color);
}

/// Four corners, opening outwards or inwards.
void corners(const Pen& pen, float reach, float arm) {
  for (float x : {-1.0f, 1.0f}) {
    for (float y : {-1.0f, 1.0f})
      pen.path({{x * (reach - arm), y * reach}, {x * reach, y * reach}, {x * reach, y * (reach - arm)}}, 1.7f);
  }
}

void export_arrow(const Pen& pen) {
  pen.line(0, -7.5f, 0, 2.5f);
  pen.path({{-3.8f, -1}, {0, 2.8f}, {3.8f, -1}});
  pen.path({{-7, 3}, {-7, 7}, {7, 7}, {7, 3}});
}

/// The likeliest next tokens.
void bars(const Pen& pen) {
  pen.box(-8, -7.5f, 8, -3.5f, 0.8f);
  pen.box(-8, -2, 3, 2, 0.8f);
  pen.box(-8, 3.5f, -1.5f, 7.5f, 0.8f);
}

void dice(const Pen& pen) {
  pen.frame(-7, -7, 7, 7, 1.6f, 1.5f);
  for (const ImVec2 eye :
       {ImVec2(-3.4f, -3.4f), ImVec2(3.4f, -3.4f), ImVec2(0, 0), ImVec2(-3.4f, 3.4f), ImVec2(3.4f, 3.4f)})
    pen.list.AddCircleFilled(pen.at(eye.x, eye.y), pen.width(1.5f), pen.color, 12);
}

void pencil(const Pen& pen) {
  pen.path({{-6.5f, 6.5f}, {-5.4f, 2.2f}, {3.2f, -6.4f}, {6.4f, -3.2f}, {-2.2f, 5.4f}, {-6.5f, 6.5f}}, 1.5f);
  pen.line(1, -4.2f, 4.2f, -1, 1.5f);
}

/// An arrow that turns back to the left, or mirrored.
void turn(const Pen& pen, float side) {
  constexpr float kHalfPi = 1.57079633f;
  pen.path({{side * 2.0f, -3.2f}, {side * -6.0f, -3.2f}}, 1.7f);
  pen.path({{side * -2.6f, -6.6f}, {side * -6.2f, -3.2f}, {side * -2.6f, 0.2f}}, 1.7f);
  const float middle = side > 0 ? 0.0f : 2 * kHalfPi;
  pen.list.PathArcTo(pen.at(side * 1.8f, 1.2f), 4.4f * pen.unit, middle - kHalfPi, middle + kHalfPi, 16);
  pen.list.PathStroke(pen.color, 0, pen.width(1.7f));
  pen.line(side * 1.8f, 5.6f, side * -3.0f, 5.6f, 1.7f);
}

void help(const Pen& pen) { text(pen.centre, "?", Font::kBodyBold, pen.color, Align::kCentre); }

}  // namespace

void icon(Icon which, ImVec2 centre, ImU32 color, float size) {
  const Pen pen{centre, theme().s * size, color};
  switch (which) {
    case Icon::kNone:
      break;
    case Icon::kPlay:
      pen.list.AddTriangleFilled(pen.at(-4.5f, -7.5f), pen.at(8, 0), pen.at(-4.5f, 7.5f), color);
      break;
    case Icon::kPause:
      pen.box(-6, -7.5f, -2, 7.5f, 1), pen.box(2, -7.5f, 6, 7.5f, 1);
      break;
    case Icon::kStep:
      pen.list.AddTriangleFilled(pen.at(-6.5f, -6.5f), pen.at(3.5f, 0), pen.at(-6.5f, 6.5f), color);
      pen.box(4, -6.5f, 6.6f, 6.5f, 0.6f);
      break;
    case Icon::kReset:
      reset(pen);
      break;
    case Icon::kChevronRight:
      chevron(pen, 1, 0);
      break;
    case Icon::kChevronLeft:
      chevron(pen, -1, 0);
      break;
    case Icon::kChevronDown:
      chevron(pen, 0, 1);
      break;
    case Icon::kTick:
      pen.path({{-4.6f, 0.2f}, {-1.4f, 3.6f}, {4.8f, -3.6f}}, 1.9f);
      break;
    case Icon::kMatrix:
      matrix(pen);
      break;
    case Icon::kTheme:
      half_disc(pen);
      break;
    case Icon::kPresent:
      corners(pen, 7, 4.5f);
      break;
    case Icon::kLeavePresent:
      corners(pen, 3, -5);
      break;
    case Icon::kExport:
      export_arrow(pen);
      break;
    case Icon::kClose:
      pen.line(-4.5f, -4.5f, 4.5f, 4.5f), pen.line(-4.5f, 4.5f, 4.5f, -4.5f);
      break;
    case Icon::kHelp:
      help(pen);
      break;
    case Icon::kTextSize:
      text(pen.centre, "Aa", Font::kBodyBold, pen.color, Align::kCentre);
      break;
    case Icon::kBars:
      bars(pen);
      break;
    case Icon::kBack:
      pen.list.AddTriangleFilled(pen.at(6.5f, 6.5f), pen.at(-3.5f, 0), pen.at(6.5f, -6.5f), color);
      pen.box(-6.6f, -6.5f, -4, 6.5f, 0.6f);
      break;
    case Icon::kDice:
      dice(pen);
      break;
    case Icon::kPencil:
      pencil(pen);
      break;
    case Icon::kUndo:
      turn(pen, 1);
      break;
    case Icon::kRedo:
      turn(pen, -1);
      break;
    case Icon::kLens:
      pen.list.AddCircle(pen.at(-1.5f, -1.5f), 5.5f * pen.unit, pen.color, 0, pen.width(1.8f));
      pen.line(2.6f, 2.6f, 7, 7);
      break;
    case Icon::kFolder:
      pen.path({{-7, 5.5f}, {-7, -5.5f}, {-2, -5.5f}, {0, -3}, {7, -3}, {7, 5.5f}, {-7, 5.5f}}, 1.5f);
      break;
    case Icon::kFile:
      pen.path({{-5, 7}, {-5, -7}, {2, -7}, {5, -4}, {5, 7}, {-5, 7}}, 1.5f);
      break;
    case Icon::kUp:
      pen.line(0, -6, 0, 6), pen.path({{-4.5f, -1.8f}, {0, -6.2f}, {4.5f, -1.8f}});
      break;
  }
}

void logo(ImVec2 at) {
  const Palette& c = colors();
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      const ImVec2 min{at.x + px(9 * static_cast<float>(column)), at.y + px(9 * static_cast<float>(row))};
      const Rect cell{min, {min.x + px(8), min.y + px(8)}};
      if (column <= row) {
        fill(cell, c.past.fill, 1.2f);
      } else if (column == row + 1) {
        outline(cell, c.future.fill, 1.5f, 1.2f);
      } else {
        fill(cell, c.raised, 1.2f);
      }
    }
  }
}

}  // namespace nopeek::ui
