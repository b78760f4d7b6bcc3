#include "app/ui/stroke.h"

#include <algorithm>
#include <vector>

#include "app/ui/text.h"

namespace nopeek::ui {
namespace {

constexpr unsigned kRails = 4;  // vertices across a line: faded edge, full, full, faded edge

ImVec2 normal(ImVec2 a, ImVec2 b) {
  const float dx = b.x - a.x, dy = b.y - a.y, length = std::sqrt(dx * dx + dy * dy);
  return length > 0 ? ImVec2(-dy / length, dx / length) : ImVec2(0, 0);
}

/// A point of the outline's spine, and the direction across it.
struct Rib {
  ImVec2 at, across;
};

/// Mitred where the line bends; a sharp turn gets two ribs, one for each side, which bevels it.
void add_corner(std::vector<Rib>& ribs, ImVec2 at, ImVec2 n1, ImVec2 n2) {
  if (n1.x * n2.x + n1.y * n2.y < 0.3f) {
    ribs.push_back({at, n1});
    ribs.push_back({at, n2});
    return;
  }
  const ImVec2 m{(n1.x + n2.x) * 0.5f, (n1.y + n2.y) * 0.5f};
  const float scale = 1 / (m.x * m.x + m.y * m.y);
  ribs.push_back({at, {m.x * scale, m.y * scale}});
}

/// Joins the rails of two neighbouring points, whose vertices begin at a and b.
void join(ImDrawList& list, unsigned a, unsigned b) {
  for (unsigned k = 0; k + 1 < kRails; ++k) {
    for (unsigned v : {a + k, b + k, b + k + 1, a + k, b + k + 1, a + k + 1})
      list.PrimWriteIdx(static_cast<ImDrawIdx>(v));
  }
}

void write_rails(ImDrawList& list, ImVec2 p, ImVec2 n, float half, ImU32 color) {
  const ImVec2 uv = ImGui::GetFontTexUvWhitePixel();
  const ImU32 clear = color & ~IM_COL32_A_MASK;
  const float rails[kRails] = {half + 0.5f, std::max(0.0f, half - 0.5f), -std::max(0.0f, half - 0.5f), -half - 0.5f};
  for (unsigned k = 0; k < kRails; ++k) {
    const ImU32 c = k == 0 || k + 1 == kRails ? clear : color;
    list.PrimWriteVtx({p.x + n.x * rails[k], p.y + n.y * rails[k]}, uv, c);
  }
}

void stroke_run_of_columns(std::span<const Column> run, ImU32 color, float half) {
  if (run.size() < 2) return;
  ImDrawList& list = *canvas();
  const ImVec2 uv = ImGui::GetFontTexUvWhitePixel();
  const ImU32 clear = color & ~IM_COL32_A_MASK;
  const auto n = static_cast<int>(run.size());
  list.PrimReserve((n - 1) * 18, n * static_cast<int>(kRails));
  const unsigned base = list._VtxCurrentIdx;
  for (const Column& c : run) {
    list.PrimWriteVtx({c.x, c.top - half - 0.5f}, uv, clear);
    list.PrimWriteVtx({c.x, c.top - half + 0.5f}, uv, color);
    list.PrimWriteVtx({c.x, c.bottom + half - 0.5f}, uv, color);
    list.PrimWriteVtx({c.x, c.bottom + half + 0.5f}, uv, clear);
  }
  for (unsigned i = 0; i + 1 < run.size(); ++i) join(list, base + i * kRails, base + (i + 1) * kRails);
}

}  // namespace

void stroke(std::span<const ImVec2> points, ImU32 color, float width) {
  if (points.size() < 2) return;
  static thread_local std::vector<Rib> ribs;
  ribs.clear();
  ImVec2 before = normal(points[0], points[1]);
  for (size_t i = 0; i < points.size(); ++i) {
    const ImVec2 after = i + 1 < points.size() ? normal(points[i], points[i + 1]) : before;
    add_corner(ribs, points[i], before, after);
    before = after;
  }
  ImDrawList& list = *canvas();
  const auto n = static_cast<int>(ribs.size());
  list.PrimReserve((n - 1) * 18, n * static_cast<int>(kRails));
  const unsigned base = list._VtxCurrentIdx;
  for (const Rib& rib : ribs) write_rails(list, rib.at, rib.across, width * 0.5f, color);
  for (unsigned i = 0; i + 1 < ribs.size(); ++i) join(list, base + i * kRails, base + (i + 1) * kRails);
}

float stroke_dashed(std::span<const ImVec2> points, ImU32 color, float width, float on, float off, float phase) {
  static thread_local std::vector<ImVec2> dash;
  const float period = on + off;
  float at = phase;
  dash.clear();
  const auto flush = [&] {
    stroke(dash, color, width);
    dash.clear();
  };
  for (size_t i = 0; i + 1 < points.size(); ++i) {
    const ImVec2 a = points[i], b = points[i + 1];
    const float length = std::hypot(b.x - a.x, b.y - a.y);
    const auto on_segment = [&](float s) {
      return ImVec2(a.x + (b.x - a.x) * s / length, a.y + (b.y - a.y) * s / length);
    };
    for (float s = 0; s < length;) {
      const float in_period = std::fmod(at + s, period);
      const bool inside = in_period < on;
      const float next = std::min(length, s + std::max(0.01f, inside ? on - in_period : period - in_period));
      if (inside) {
        if (dash.empty()) dash.push_back(on_segment(s));
        dash.push_back(on_segment(next));
      } else {
        flush();
      }
      s = next;
    }
    at += length;
  }
  flush();
  return at;
}

void stroke_columns(std::span<const Column> columns, ImU32 color, float width) {
  size_t first = 0;
  for (size_t i = 0; i <= columns.size(); ++i) {
    if (i < columns.size() && columns[i].top <= columns[i].bottom) continue;
    stroke_run_of_columns(columns.subspan(first, i - first), color, width * 0.5f);
    first = i + 1;
  }
}

void dashed_outline(const Rect& r, ImU32 color) {
  const float e = px(5);  // the corners are cut rather than rounded: dashes are too short to tell
  const ImVec2 points[] = {{r.min.x + e, r.min.y}, {r.max.x - e, r.min.y}, {r.max.x, r.min.y + e},
                           {r.max.x, r.max.y - e}, {r.max.x - e, r.max.y}, {r.min.x + e, r.max.y},
                           {r.min.x, r.max.y - e}, {r.min.x, r.min.y + e}, {r.min.x + e, r.min.y}};
  stroke_dashed(points, color, theme().line(1), px(3), px(3), 0);
}

}  // namespace nopeek::ui
