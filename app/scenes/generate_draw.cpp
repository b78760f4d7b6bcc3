#include <algorithm>
#include <cmath>

#include "app/scenes/generate.h"
#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr float kFall = 30;                             // logical px
constexpr float kLeastSegment = 3, kLabelledFrom = 48;  // logical px
constexpr double kNudge = 0.01;                         // of u, by an arrow key

}  // namespace

/// Chance: the kept tokens side by side, and the dart that falls at u.
void Generate::draw_draw(Rect panel) {
  const float bottom = panel.max.y - (theme().low ? 16 : 20), x = panel.min.x + 20;
  const Rect bar = theme().rect(x, bottom - 32, panel.w() - 40, 32);
  const float y = px(bottom - 56);
  text({px(x), y}, "The draw", Font::kBodyBold, colors().text);
  read_draw_bar(bar);
  draw_segments(bar);
  draw_dart(bar, px(x) + text_width(Font::kBodyBold, "The draw") + px(16), y);
}

void Generate::draw_segments(const Rect& bar) {
  const Hue& hue = colors().hue(held().masked);
  const auto& all = distribution_.candidates();
  const double mass = distribution_.kept_mass();
  const float alpha = outdated() ? 0.4f : 1;
  dart_gap_ = {};
  const auto x_of = [&](double cumulative) { return bar.min.x + bar.w() * static_cast<float>(cumulative / mass); };
  const auto segment = [&](float x0, float x1, const Candidate& c, bool chosen) {
    // 2 px apart, as long as that leaves something.
    const Rect rect{{x0, bar.min.y}, {std::max(x0 + 1, x1 - px(2)), bar.max.y}};
    fill(rect, faded(chosen ? hue.fill : hue.dim, alpha), 3);
    const std::string word = rect.w() < px(kLabelledFrom) ? std::string() : label(c.id);
    const Font face = chosen ? Font::kBodyBold : Font::kBody;
    if (text_width(face, word) > rect.w() - px(8)) return;  // a word cut short is worse than none: the list has it
    float x = rect.cx();
    const float half = text_width(face, word) * 0.5f, dart = bar.min.x + bar.w() * static_cast<float>(u_);
    if (chosen && std::abs(dart - x) < half + px(6)) {  // the dart stands in the word: beside it, if there is room
      const float right = dart + px(8) + half, left = dart - px(8) - half;
      if (right + half <= rect.max.x - px(4)) {
        x = right;
      } else if (left - half >= rect.min.x + px(4)) {
        x = left;
      } else {
        dart_gap_ = {{x - half, rect.cy() - px(10)}, {x + half, rect.cy() + px(10)}};
      }
    }
    text({x, rect.cy()}, word, face, faded(chosen ? hue.on_fill : hue.hi, alpha), Align::kCentre);
  };
  size_t i = 0;
  float x = bar.min.x;
  for (; i < distribution_.kept() && all[i].p * static_cast<double>(bar.w()) >= static_cast<double>(px(kLeastSegment));
       ++i) {
    const float end = i + 1 == distribution_.kept() ? bar.max.x + px(2) : std::round(x_of(all[i].cumulative));
    segment(x, end, all[i], landed() && i == drawn_);
    x = end;
  }
  if (i >= distribution_.kept()) return;
  // The many small ones: one quiet area, in which the one that was hit is a line.
  fill({{x, bar.min.y}, bar.max}, faded(hue.dim, 0.6f * alpha), 3);
  if (!landed() || drawn_ < i) return;
  const float x1 = x_of(all[drawn_].cumulative), x0 = x1 - std::max(px(2), static_cast<float>(all[drawn_].p) * bar.w());
  fill({{x0, bar.min.y}, {x1, bar.max.y}}, hue.fill);
}

/// It falls 300 ms, faster and faster; what it hits is named when it is there.
void Generate::draw_dart(const Rect& bar, float title_end, float y_words) {
  if (!ready()) return;
  const double t = theme().motion && !dragging_ ? (clock_now() - dart_since_) / kFallSeconds : 1;
  const auto along = static_cast<float>(std::clamp(t, 0.0, 1.0));
  const float lift = px(kFall) * (1 - along * along * along);
  const ImU32 color = faded(colors().text, along < 1 ? 0.3f + 0.7f * along : 1);
  const float x = std::round(bar.min.x + bar.w() * static_cast<float>(u_));
  const float w = theme().line(2), half = px(7), tip = bar.min.y - px(1) - lift;
  const bool free_above = x > title_end - px(8);
  const auto line = [&](float top, float end) { fill({{x - w * 0.5f, top}, {x + w * 0.5f, end}}, color); };
  const float top = (free_above ? y_words - px(4) : tip - px(11)) - lift;
  if (dart_gap_.w() > 0) {
    line(top, dart_gap_.min.y);
    line(dart_gap_.max.y, bar.max.y);
  } else {
    line(top, along < 1 ? tip : bar.max.y);
  }
  canvas()->AddTriangleFilled({x - half, tip - px(11)}, {x + half, tip - px(11)}, {x, tip}, color);
  std::string words = std::string("u = ") + u_text(u_).chars;
  if (landed()) words += " \xE2\x86\x92 " + label(drawn().id);
  const float width = text_width(Font::kMono, words);
  float left = std::max(x + px(14), title_end);
  if (left + width > bar.max.x) left = std::max(title_end, x - px(14) - width);
  if (landed() || left > title_end) text_elided({left, y_words}, words, bar.max.x - left, Font::kMono, colors().text);
}

/// Wherever it is clicked, the dart falls there; it can be dragged, and moved with the arrows.
void Generate::read_draw_bar(const Rect& bar) {
  const Interaction it = interact("The draw", bar, ready(), focus::kHorizontal);
  registry::add("The draw", "area", fmt("%.3f", u_), bar.min, bar.max);
  if (it.focused) focus_ring(bar, 4);
  if (it.held && !dragging_) keep_for_undo();
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  dragging_ = it.held;
  if (it.held) set_u(static_cast<double>((mouse.x - bar.min.x) / bar.w()));
  if (it.focused && (key_pressed(Key::kLeft) || key_pressed(Key::kRight))) {
    keep_for_undo();
    set_u(u_ + (key_pressed(Key::kLeft) ? -kNudge : kNudge));
  }
  if (rows_due_) update_rows();
  if (!it.hovered || !ready()) return;
  const double u = std::clamp(static_cast<double>((mouse.x - bar.min.x) / bar.w()), 0.0, 0.999999);
  const Candidate& c = distribution_.candidates()[distribution_.draw(u)];
  tooltip(it.id, mouse, {{label(c.id), fmt("%.3f", c.p).chars}, {"click sets u", u_text(u).chars}});
}

}  // namespace nopeek
