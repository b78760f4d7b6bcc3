#include <algorithm>
#include <cmath>

#include "app/scenes/mask_lab.h"
#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"
#include "app/ui/stroke.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr float kLeastTop = 3.5f, kMostTop = 12;  // nats
constexpr float kSame = 0.1f;                     // two losses that close share a label
constexpr float kChartFaint = 0.3f;               // opacity of earlier runs
constexpr float kAbove = 12;                      // a name's centre line above its curve, logical px
constexpr float kNamesUpTo = 0.74f;  // of the plot's width: the names of the present lines are further right

float reported_of(const void* history, int64_t step) {
  return static_cast<const LaneHistory*>(history)->at_step(step).reported;
}
float honest_of(const void* history, int64_t step) {
  return static_cast<const LaneHistory*>(history)->at_step(step).honest;
}

Samples reported(const LaneSnapshot& lane) { return {lane.history.get(), reported_of}; }
Samples honest(const LaneSnapshot& lane) { return {lane.history.get(), honest_of}; }

/// Calls piece(first, last, masked) for each stretch of steps that trained under one kind of mask.
template <class Piece>
void for_each_piece(const LaneSnapshot& lane, Piece&& piece) {
  int64_t first = 1;
  for (size_t i = 0; i <= lane.changes.size(); ++i) {
    const int64_t last =
        i < lane.changes.size() ? std::min(lane.changes[i].step, lane.history_size) : lane.history_size;
    if (last >= first) piece(first, last, lane.history->at_step(first).masked);
    first = std::max(first, last + 1);
  }
}

/// "lr 0.001, seed 2": what an earlier run did otherwise than the present one.
std::string difference(const EarlierRun& then, const Snapshot& now) {
  std::vector<std::string> parts;
  const ModelConfig &a = then.config.model, &b = now.config.model;
  const auto differs = [&](bool different, const Number& what) {
    if (different) parts.emplace_back(what.chars);
  };
  if (then.corpus != now.corpus->name) parts.push_back(then.corpus);
  differs(a.layers != b.layers, fmt("%d layers", a.layers));
  differs(a.heads != b.heads, fmt("%d heads", a.heads));
  differs(a.channels != b.channels, fmt("width %d", a.channels));
  differs(a.context != b.context, fmt("context %d", a.context));
  differs(then.config.train.batch != now.config.train.batch, fmt("batch %d", then.config.train.batch));
  differs(then.config.train.learning_rate != now.config.train.learning_rate,
          fmt("lr %g", then.config.train.learning_rate));
  differs(a.dropout != b.dropout, fmt("dropout %g", a.dropout));
  differs(then.config.seed != now.config.seed, fmt("seed %llu", static_cast<unsigned long long>(then.config.seed)));
  for (const LaneSnapshot& lane : then.lanes) {
    if (!lane.changes.empty()) parts.push_back(mask_words(lane.changes.back().mask));
  }
  if (parts.empty()) return "same settings";
  return parts.size() == 1 ? parts[0] : parts[0] + ", " + parts[1];
}

const LaneSnapshot* liar(const Snapshot& s) {
  for (const LaneSnapshot& lane : s.lanes) {
    if (!lane.masked) return &lane;
  }
  return nullptr;
}

void dotted_vertical(float x, float y0, float y1) {
  const float w = theme().line(1);
  for (float y = y0; y < y1; y += px(5)) fill({{x, y}, {x + w, std::min(y1, y + px(2))}}, colors().disabled);
}

}  // namespace

void MaskLab::LaneCurves::grow(const LaneSnapshot& lane) {
  if (history != lane.history) {
    history = lane.history;
    reported.clear();
    honest.clear();
  }
  reported.grow(nopeek::reported(lane), lane.history_size);
  honest.grow(nopeek::honest(lane), lane.history_size);
}

MaskLab::ChartLayout MaskLab::chart_layout(const SceneInput& in, Rect panel) {
  ChartLayout at;
  at.panel = panel;
  const float top = theme().small() ? 75 : 52;
  const float x0 = panel.min.x + 64, y0 = panel.min.y + top, x1 = panel.max.x - 168, y1 = panel.max.y - 36;
  at.plot.area = theme().rect(x0, y0, x1 - x0, y1 - y0);
  at.plot.last_step = static_cast<double>(std::max<int64_t>(in.newest.step, 20));
  float highest = kLeastTop;
  for (const LaneSnapshot& lane : in.newest.lanes) {
    LaneCurves& curves = curves_[lane.history.get()];
    curves.grow(lane);
    for (const Range& r : {curves.reported.range(reported(lane), 1, lane.history_size + 1),
                           curves.honest.range(honest(lane), 1, lane.history_size + 1)}) {
      if (!r.empty() && std::isfinite(r.high)) highest = std::max(highest, r.high);
    }
  }
  // Room for the label above the highest line, and then the next half nat.
  if (highest > kLeastTop) highest *= 1 + px(20) / std::max(px(40), at.plot.area.h());
  at.plot.top = std::min(kMostTop, std::ceil(highest * 2) / 2);
  return at;
}

void MaskLab::draw_axes(const ChartLayout& at) const {
  const Palette& c = colors();
  const Rect& area = at.plot.area;
  const int every = at.plot.top > 6 ? 2 : 1;
  for (int nat = 0; static_cast<float>(nat) <= at.plot.top; nat += every) {
    const float y = std::round(at.plot.y(static_cast<float>(nat)));
    canvas()->AddRectFilled({area.min.x, y}, {area.max.x, y + theme().line(1)}, c.grid);
    text({area.min.x - px(12), y}, fmt("%d", nat), Font::kMonoSmall, c.secondary, Align::kRight);
  }
  const float y = area.max.y + px(19);
  text({area.min.x, y}, "step 0", Font::kMonoSmall, c.secondary, Align::kCentre);
  const int most = std::max(3, static_cast<int>(area.w() / px(110)));
  for (int64_t step : step_ticks(at.plot.last_step, most)) {
    const float x = at.plot.x(static_cast<double>(step));
    if (x - area.min.x > px(64)) text({x, y}, grouped_text(step), Font::kMonoSmall, c.secondary, Align::kCentre);
  }
}

/// Reported solid, honest dashed over it; each piece in the hue of its time.
void MaskLab::draw_lane_curves(const LaneSnapshot& lane, LaneCurves& curves, const Plot& plot, float alpha) {
  const bool faint = alpha < 1;
  const auto limit = static_cast<int64_t>(plot.last_step);
  for_each_piece(lane, [&](int64_t first, int64_t last, bool masked) {
    const Hue& hue = colors().hue(masked);
    // A piece begins where the one before it ends, so that the line does not break.
    const Curve c{reported(lane),
                  &curves.reported,
                  std::max<int64_t>(1, first - 1),
                  std::min(last, limit),
                  faded(hue.fill, alpha),
                  theme().line(faint    ? 1.5f
                               : masked ? 2
                                        : 2.5f),
                  0,
                  0,
                  faint};
    draw_curve(plot, c);
  });
  float phase = 0;
  for_each_piece(lane, [&](int64_t first, int64_t last, bool masked) {
    const Hue& hue = colors().hue(masked);
    const Curve c{honest(lane),
                  &curves.honest,
                  std::max<int64_t>(1, first - 10),
                  std::min(last, limit),
                  faded(masked ? hue.hi : hue.fill, alpha),
                  theme().line(faint    ? 1.5f
                               : masked ? 2
                                        : 2.5f),
                  px(9),
                  px(masked ? 7 : 5),
                  faint};
    phase = draw_curve(plot, c, phase);
  });
}

void MaskLab::draw_earlier(const SceneInput& in, const ChartLayout& at) {
  if (!in.newest.earlier) return;
  for (const EarlierRun& run : *in.newest.earlier) {
    for (const LaneSnapshot& lane : run.lanes) {
      LaneCurves& curves = curves_[lane.history.get()];
      curves.grow(lane);
      draw_lane_curves(lane, curves, at.plot, kChartFaint);
    }
  }
}

/// How far the line y is from the present curves between two x, in px.
float MaskLab::clearance(const SceneInput& in, const Plot& plot, float y, float x0, float x1) {
  float least = INFINITY;
  for (const LaneSnapshot& lane : in.newest.lanes) {
    if (lane.history_size < 2) continue;
    LaneCurves& curves = curves_[lane.history.get()];
    const Curve solid{reported(lane), &curves.reported, 1, lane.history_size, 0, 0, 0, 0, false};
    const Curve dashed{honest(lane), &curves.honest, 1, lane.history_size, 0, 0, 0, 0, false};
    for (const Curve& c : {solid, dashed}) {
      const float top = highest_y(plot, c, x0, x1), bottom = lowest_y(plot, c, x0, x1);
      least = std::min(least, std::max({top - y, y - bottom, 0.0f}));
    }
  }
  return least;
}

/// Names of the earlier runs, side by side so that none covers another; the newest is the rightmost.
void MaskLab::draw_earlier_names(const SceneInput& in, const ChartLayout& at) {
  if (!in.newest.earlier) return;
  float right = at.plot.area.min.x + at.plot.area.w() * kNamesUpTo;
  for (auto run = in.newest.earlier->rbegin(); run != in.newest.earlier->rend(); ++run) {
    if (run->lanes.empty() || run->lanes[0].history_size < 2) continue;
    const LaneSnapshot& lane = run->lanes[0];
    const std::string name = difference(*run, in.newest);
    const float width = text_width(Font::kSmall, name);
    const float end = std::min(
        right, std::max(at.plot.area.min.x + width + px(8), at.plot.x(static_cast<double>(lane.history_size))));
    if (end - width < at.plot.area.min.x + px(4)) return;
    const Curve c{reported(lane), &curves_[lane.history.get()].reported, 1, lane.history_size, 0, 0, 0, 0, false};
    const float above = highest_y(at.plot, c, end - width, end) - px(kAbove);
    const float below = lowest_y(at.plot, c, end - width, end) + px(kAbove);
    const bool up = clearance(in, at.plot, above, end - width, end) >= clearance(in, at.plot, below, end - width, end);
    const float y = std::clamp(up ? above : below, at.plot.area.min.y + px(8), at.plot.area.max.y - px(8));
    text({end, y}, name, Font::kSmall, colors().secondary, Align::kRight);
    right = end - width - px(16);
  }
}

void MaskLab::draw_curve_labels(const SceneInput& in, const ChartLayout& at) {
  std::vector<CurveLabel> labels;
  const Snapshot& s = in.newest;
  const bool alike = s.lanes.size() == 2 && s.lanes[0].masked == s.lanes[1].masked;
  const float right = at.plot.area.max.x - px(8);
  const auto add = [&](const std::string& name, const Hue& hue, const Curve& curve) {
    const float end = at.plot.x(static_cast<double>(curve.last)), width = text_width(Font::kLabelBold, name);
    const float y = highest_y(at.plot, curve, std::min(end, right) - width, end) - px(kAbove);
    labels.push_back({name, hue.text, Font::kLabelBold, right, y});
  };
  for (size_t i = 0; i < s.lanes.size(); ++i) {
    const LaneSnapshot& lane = s.lanes[i];
    if (lane.history_size < 2 || !lane.stopped.empty()) continue;
    const Hue& hue = colors().hue(lane.masked);
    const std::string name = distinct_title(s, static_cast<int>(i), false);
    LaneCurves& curves = curves_[lane.history.get()];
    const Curve solid{reported(lane), &curves.reported, 1, lane.history_size, 0, 0, 0, 0, false};
    const Curve dashed{honest(lane), &curves.honest, 1, lane.history_size, 0, 0, 0, 0, false};
    const bool brief = theme().small();
    const StepStats& m = lane.measured;
    if (!(std::abs(m.honest - m.reported) > kSame)) {
      add(brief ? name : name + ", reported = honest", hue, solid);
    } else {
      const std::string before = brief && !alike && !lane.masked ? std::string() : name + ", ";
      add(before + "honest", hue, dashed);
      add(before + "reported", hue, solid);
    }
  }
  place_labels(labels, at.plot.area.min.y + px(8), at.plot.area.max.y - px(10));
  draw_labels(labels);
}

/// Events of the run: mask changes, and the step at which the leak was found. The newest keep their words.
void MaskLab::draw_markers(const SceneInput& in, const ChartLayout& at) {
  struct Marker {
    int64_t step;
    std::string what;
  };
  std::vector<Marker> markers;
  if (in.newest.leak_found) markers.push_back({*in.newest.leak_found, "finds the leak"});
  for (const LaneSnapshot& lane : in.newest.lanes) {
    for (const MaskChange& change : lane.changes) markers.push_back({change.step, mask_words(change.mask)});
    if (!lane.stopped.empty()) markers.push_back({lane.history_size + 1, lane.name + " stops"});
  }
  std::sort(markers.begin(), markers.end(), [](const Marker& a, const Marker& b) { return a.step > b.step; });
  float free_until = px(at.panel.max.x - 12);
  const float y = at.plot.area.min.y - px(theme().small() ? 13 : 10);
  for (const Marker& m : markers) {
    const float x = std::round(at.plot.x(static_cast<double>(m.step)));
    dotted_vertical(x, y - px(4), at.plot.area.max.y);
    const std::string words = "step " + std::string(grouped_text(m.step).view()) + ": " + m.what;
    const float width = text_width(Font::kLabel, words), room_right = free_until - x - px(8);
    if (room_right < width) continue;
    text({x + px(8), y}, words, Font::kLabel, colors().text);
    free_until = x - px(8);
  }
}

/// What the unmasked twin hides: from its honest loss down to the one that it reports, at the step that is shown.
void MaskLab::draw_bracket(const SceneInput& in, const ChartLayout& at) {
  const LaneSnapshot* lane = liar(in.numbers);
  if (!lane) return;
  const StepStats& m = lane->measured;
  const float lie = m.honest - m.reported;
  if (!(lie >= kSmallestLie)) return;
  const Hue& hue = colors().future;
  const float end = in.in_the_past ? at.plot.x(static_cast<double>(in.shown.step)) : at.plot.area.max.x;
  const float w = theme().line(2), x0 = std::round(end) + px(in.in_the_past ? 4 : 12), x1 = x0 + px(10);
  const float top = std::max(at.plot.area.min.y, std::round(at.plot.y(m.honest))),
              bottom = std::round(at.plot.y(m.reported));
  fill({{x0, top}, {x1, top + w}}, hue.fill);
  fill({{x1 - w, top}, {x1, bottom + w}}, hue.fill);
  fill({{x0, bottom}, {x1, bottom + w}}, hue.fill);
  const float least = px(at.panel.min.y + 44), most = px(at.panel.max.y - 44);
  const float middle = std::round((top + bottom) * 0.5f), y = std::clamp(middle, least, most),
              x = at.plot.area.max.x + px(40);
  fill({{x1, middle}, {x1 + px(8), middle + w}}, hue.fill);
  text({x, y - px(27)}, "the lie", Font::kBodyBold, hue.text);
  text({x, y + px(4)}, loss_text(lie), Font::kHero, hue.hero);
  const std::string unit =
      in.in_the_past ? "at step " + std::string(grouped_text(in.shown.step).view()) : "nats per token";
  text({x, y + px(34)}, unit, Font::kLabel, colors().secondary);
}

/// Pointer and keys on the plot: reading a step, and going back to a checkpoint.
void MaskLab::read_chart(const SceneInput& in, const ChartLayout& at) {
  const Rect& area = at.plot.area;
  const Interaction it = interact("chart", area, true, focus::kHorizontal);
  registry::add("Loss while training", "chart", grouped_text(in.shown.step), area.min, area.max);
  if (it.focused) focus_ring(area, 2);
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  const auto under =
      std::clamp(static_cast<int64_t>(std::lround(at.plot.step_at(mouse.x))), int64_t{0}, in.newest.step);
  if (it.held && ImGui::IsMouseDragging(0, px(3))) in.actions.go_to_step(under);
  if (it.focused && in.newest.checkpoints) {
    const auto& all = *in.newest.checkpoints;
    const int64_t now = in.shown.step;
    if (key_pressed(Key::kLeft)) {
      const auto before = std::find_if(all.rbegin(), all.rend(), [now](const auto& c) { return c->step < now; });
      if (before != all.rend()) in.actions.go_to_step((*before)->step);
    }
    if (key_pressed(Key::kRight)) {
      const auto after = std::find_if(all.begin(), all.end(), [now](const auto& c) { return c->step > now; });
      after != all.end() ? in.actions.go_to_step((*after)->step) : in.actions.go_to_now();
    }
    if (key_pressed(Key::kHome) && !all.empty()) in.actions.go_to_step(all.front()->step);
    if (key_pressed(Key::kEnd)) in.actions.go_to_now();
  }
  if (in.in_the_past) {
    const float x = std::round(at.plot.x(static_cast<double>(in.shown.step)));
    fill({{x, area.min.y}, {x + theme().line(1), area.max.y}}, colors().text);
    canvas()->AddCircleFilled({x, area.max.y}, px(5), colors().text);
  }
  if (it.hovered && !it.held && under >= 1) draw_reading(in, at, under, it.id);
}

void MaskLab::draw_reading(const SceneInput& in, const ChartLayout& at, int64_t step, ImGuiID owner) {
  const float x = std::round(at.plot.x(static_cast<double>(step)));
  fill({{x, at.plot.area.min.y}, {x + theme().line(1), at.plot.area.max.y}}, colors().secondary);
  std::vector<TipLine> lines{{"step " + std::string(grouped_text(step).view()), {}, 0}};
  for (size_t i = 0; i < in.newest.lanes.size(); ++i) {
    const LaneSnapshot& lane = in.newest.lanes[i];
    if (step > lane.history_size) continue;
    const bool masked = lane.history->at_step(step).masked;
    const Hue& hue = colors().hue(masked);
    const std::string name = masked ? "masked" : "unmasked";
    const float loss = lane.history->at_step(step).reported;
    if (std::isfinite(loss)) canvas()->AddCircleFilled({x, at.plot.y(std::min(loss, at.plot.top))}, px(4), hue.fill);
    lines.push_back({name + ", reported", loss_text(loss).chars, hue.text});
    int64_t measured = step;  // the honest loss is measured every so many steps: the newest one up to here
    while (measured > 1 && step - measured < 200 && !std::isfinite(lane.history->at_step(measured).honest)) --measured;
    const float honest = lane.history->at_step(measured).honest;
    if (std::isfinite(honest))
      canvas()->AddCircleFilled({at.plot.x(static_cast<double>(measured)), at.plot.y(std::min(honest, at.plot.top))},
                                px(4), hue.hi);
    const std::string when = measured == step ? "" : " (step " + std::string(grouped_text(measured).view()) + ")";
    lines.push_back({name + ", honest" + when, loss_text(honest).chars, hue.text});
  }
  tooltip(owner, {x, ImGui::GetIO().MousePos.y}, std::move(lines));
}

void MaskLab::draw_chart_title(const SceneInput& in, const ChartLayout& at) {
  const float x = at.panel.min.x + 20, y = at.panel.min.y + 26, right = at.panel.max.x - 12;
  const float w = text(theme().at(x, y), "Loss while training", Font::kBodyBold, colors().text);
  const float name_w = w > 0 ? w : text_width(Font::kBodyBold, "Loss while training");
  text({px(x) + name_w + px(10), px(y)}, "nats per token", Font::kLabel, colors().secondary);
  const Option exports[] = {{"Run as CSV", {}, false, {}, {}}, {"Window as PNG", {}, false, {}, {}}};
  const int picked = icon_menu("Export", theme().rect(right - 36, y - 16, 36, 32), Icon::kExport,
                               "Export the run or the window", exports, Look::kPlain);
  if (picked == 0) in.actions.export_run();
  if (picked == 1) in.actions.export_window();
  if (!in.in_the_past) return;
  const std::string back =
      theme().small() ? "Back to now" : "Step " + std::string(grouped_text(in.shown.step).view()) + ": back to now";
  const float back_w = text_width(Font::kLabelMedium, back) / theme().s + 32;
  if (button(back, theme().rect(right - 48 - back_w, y - 16, back_w, 32))) in.actions.go_to_now();
}

void MaskLab::draw_chart(const SceneInput& in, Rect panel) {
  std::erase_if(curves_, [](const auto& entry) { return entry.second.history.use_count() == 1; });  // runs of the past
  fill(theme().rect(panel.min.x, panel.min.y, panel.w(), panel.h()), colors().panel, 10);
  const ChartLayout at = chart_layout(in, panel);
  draw_axes(at);
  const Rect& area = at.plot.area;
  canvas()->PushClipRect({area.min.x, area.min.y - px(2)}, {area.max.x, area.max.y + px(3)}, true);
  draw_earlier(in, at);
  for (const LaneSnapshot& lane : in.newest.lanes) draw_lane_curves(lane, curves_[lane.history.get()], at.plot, 1);
  canvas()->PopClipRect();
  draw_markers(in, at);
  draw_earlier_names(in, at);
  draw_curve_labels(in, at);
  draw_bracket(in, at);
  read_chart(in, at);
  draw_chart_title(in, at);
}

}  // namespace nopeek
