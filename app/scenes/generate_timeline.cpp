#include <algorithm>
#include <cmath>
#include <limits>

#include "app/scenes/generate.h"
#include "app/ui/registry.h"
#include "app/ui/stroke.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr float kTimelineColumn = 77, kTimelineBar = 32, kTimelineLabels = 140;  // logical px
constexpr float kMostNats = 30;  // a token that could not be, drawn as tall as there is room
constexpr size_t kLongestFork = 64;

float finite(double nats) { return static_cast<float>(std::isfinite(nats) ? std::max(0.0, nats) : kMostNats); }

}  // namespace

/// The branches beside the path: where one took another token, and what came after it.
void Generate::update_forks() {
  forks_.clear();
  const Generation& tree = draft_.tree;
  const auto add = [&](int parent, int depth, int on_path) {
    for (const int child : tree.node(parent).children) {
      if (child == on_path) continue;
      Fork fork{.nodes = {}, .depth = depth};
      for (int n = child; n >= 0 && fork.nodes.size() < kLongestFork; n = tree.node(n).last_child) {
        fork.nodes.push_back(n);
        // A branch that was never gone back to still has its first child.
        if (tree.node(n).last_child < 0) break;
      }
      forks_.push_back(std::move(fork));
    }
  };
  int parent = 0;
  for (size_t i = 0; i < path_.size(); ++i) {
    add(parent, static_cast<int>(i) + 1, path_[i]);
    parent = path_[i];
  }
  add(parent, static_cast<int>(path_.size()) + 1, -1);
}

Generate::TimelineLayout Generate::timeline_layout(Rect panel) const {
  TimelineLayout at;
  at.area = panel;
  at.title = !theme().small();
  const float labels = theme().small() ? 96 : kTimelineLabels;
  at.x0 = panel.min.x + 20 + labels;
  const float width = panel.max.x - 20 - at.x0;
  at.columns = std::max(4, static_cast<int>((width - 56) / kTimelineColumn + 0.3f) + 1);
  at.pitch = (width - 56) / static_cast<float>(at.columns - 1);
  const bool pair = voices_.size() == 2;
  const float y = panel.min.y;
  if (theme().small()) {
    at.per_nat = 20, at.top = y + 22, at.baseline = y + 48, at.words = y + 64, at.fork_pitch = 19;
    at.fork_rows = panel.h() >= 110 || !pair ? 1 : 0;
  } else if (theme().low) {
    at.per_nat = 20, at.top = y + 40, at.baseline = y + 70, at.words = y + 88, at.fork_pitch = 19, at.fork_rows = 1;
  } else {
    at.per_nat = 32, at.top = y + 48, at.baseline = y + 100, at.words = y + 120, at.fork_pitch = pair ? 24 : 28;
  }
  at.other = at.words + at.fork_pitch;
  at.forks = pair ? at.other + at.fork_pitch : at.other;
  return at;
}

void Generate::draw_timeline(Rect panel) {
  fill(theme().rect(panel.min.x, panel.min.y, panel.w(), panel.h()), colors().panel, 10);
  draw_history(panel, timeline_layout(panel));
}

void Generate::draw_history(Rect panel, TimelineLayout at) {
  const registry::Scope scope("History");
  const Palette& c = colors();
  const float x = panel.min.x + 20;
  if (at.title) {
    text(theme().at(x, panel.min.y + 28), "Surprise per token", Font::kBodyBold, c.text);
    text(theme().at(x, panel.min.y + 50), "nats", Font::kLabel, c.secondary);
  } else {
    text(theme().at(x, at.baseline - 8), "surprise, nats", Font::kLabel, c.secondary);
  }
  scroll_timeline(at);
  text(theme().at(x, at.words), "this text", Font::kLabelBold, c.hue(held().masked).text);
  canvas()->AddRectFilled(theme().at(at.x0, at.baseline), {px(panel.max.x - 20), px(at.baseline) + theme().line(1)},
                          c.sep);
  draw_surprise(at);
  if (other()) draw_other_text(at);
  if (at.fork_rows > 0) draw_forks(at);
}

/// Depths are counted from 1; the last column is the next token's.
float Generate::column_x(const TimelineLayout& at, int depth) const {
  const int last = static_cast<int>(path_.size()) + 1;
  const int first = std::max(1, last - at.columns + 1) - scroll_;
  return at.x0 + 28 + at.pitch * static_cast<float>(depth - first);
}

bool Generate::in_view(const TimelineLayout& at, int depth) const {
  const float x = column_x(at, depth);
  return x >= at.x0 && x <= at.area.max.x - 20 - 16;
}

/// The newest that fit; the wheel goes back.
void Generate::scroll_timeline(const TimelineLayout& at) {
  const int hidden = std::max(0, static_cast<int>(path_.size()) + 1 - at.columns);
  const ImGuiIO& io = ImGui::GetIO();
  const Rect area = theme().rect(at.area.min.x, at.area.min.y, at.area.w(), at.area.h());
  if (area.contains(io.MousePos) && io.MouseWheel != 0) scroll_ += io.MouseWheel > 0 ? 1 : -1;
  scroll_ = std::clamp(scroll_, 0, hidden);
}

double Generate::next_surprise() const { return written_token(distribution_, drawn_, u_, false, 0).surprise(); }

void Generate::draw_surprise(const TimelineLayout& given) {
  TimelineLayout at = given;
  const int written = static_cast<int>(path_.size());
  const float next = ready() && landed() ? finite(next_surprise()) : 0;
  float highest = in_view(at, written + 1) ? next : 0;
  for (int i = 0; i < written; ++i) {
    const double nats = draft_.tree.node(path_[static_cast<size_t>(i)]).token.surprise();
    if (in_view(at, i + 1) && std::isfinite(nats)) highest = std::max(highest, finite(nats));
  }
  // What could not be is drawn as high as there is room.
  at.per_nat = std::min(at.per_nat, (at.baseline - at.top) / std::max(0.1f, highest));
  const float room = px(at.pitch - 4);
  for (int i = 0; i < written; ++i) {
    if (!in_view(at, i + 1)) continue;
    const int node = path_[static_cast<size_t>(i)];
    const float x = column_x(at, i + 1);
    ImGui::PushID(node);
    const Rect column = theme().rect(x - at.pitch * 0.5f + 2, at.words - 10, at.pitch - 4, 20);
    const Interaction it = interact("column", column);
    ImGui::PopID();
    if (it.pressed) return go_to(node);
    if (it.hovered || it.focused) describe_token(node, it.id);
    if (it.focused) focus_ring(column, 4);
    draw_bar(at, i + 1, static_cast<float>(draft_.tree.node(node).token.surprise()), false);
    text_elided(theme().at(x, at.words), label(draft_.tree.node(node).token.id), room, Font::kBody, colors().text,
                Align::kCentre);
  }
  if (!landed() || !in_view(at, written + 1)) return;
  draw_bar(at, written + 1, static_cast<float>(next_surprise()), true);
  text_elided(theme().at(column_x(at, written + 1), at.words), label(drawn().id), room, Font::kBodyBold,
              colors().hue(held().masked).text, Align::kCentre);
}

void Generate::draw_bar(const TimelineLayout& at, int depth, float nats, bool next) const {
  const Hue& hue = colors().hue(held().masked);
  const float x = column_x(at, depth);
  const bool possible = std::isfinite(nats);
  const float h = std::clamp(finite(static_cast<double>(nats)) * at.per_nat, 1.5f, at.baseline - at.top);
  const Rect bar{theme().at(x - kTimelineBar * 0.5f, at.baseline - h),
                 theme().at(x + kTimelineBar * 0.5f, at.baseline)};
  fill(bar, next ? hue.fill : sample(hue.scale, 0.5f), 2);
  const Number value = possible ? fmt("%.1f", static_cast<double>(std::max(0.0f, nats))) : fmt("\xE2\x88\x9E");
  text({bar.cx(), bar.min.y - px(10)}, value, next ? Font::kMonoBold : Font::kMonoLabel,
       next ? colors().text : colors().secondary, Align::kCentre);
}

/// What the twin writes behind the same prompt when chance is the same. It writes anew whenever a slider is moved,
/// which the text above does not: so it is not said to be the same in all but the mask.
void Generate::draw_other_text(const TimelineLayout& at) const {
  const Palette& c = colors();
  const Hue& hue = c.hue(voices_[*other()].masked);
  const float x = at.area.min.x + 20, room = px(at.x0 - at.area.min.x - 24);
  const std::string name = voice_name(*other()), whole = name + ", same u";
  text_elided(theme().at(x, at.other), text_width(Font::kLabel, whole) <= room ? whole : name, room, Font::kLabel,
              hue.text);
  const Rect area = theme().rect(x, at.other - 10, at.x0 - x, 20);
  if (area.contains(ImGui::GetIO().MousePos)) {
    tooltip(
        ImGui::GetID("replay"), ImGui::GetIO().MousePos,
        {{"Its own text from the same prompt, with the same draws u", {}}, {"and the sampling settings of now.", {}}});
  }
  if (!shown_ || shown_->voices.size() != 2 || outdated()) return;
  const std::vector<TokenId>& written = shown_->voices[1 - shown_held_].replayed;
  for (size_t i = 0; i < written.size(); ++i) {
    const int depth = static_cast<int>(i) + 1;
    if (!in_view(at, depth)) continue;
    text_elided(theme().at(column_x(at, depth), at.other), label(written[i]), px(at.pitch - 4), Font::kBody, hue.text,
                Align::kCentre);
  }
}

/// Rows are filled from the newest branch on; one that is in the way of a newer one is cut short.
void Generate::place_forks(const TimelineLayout& at) {
  std::vector<int> begins(static_cast<size_t>(at.fork_rows), std::numeric_limits<int>::max());
  hidden_forks_ = 0;
  for (auto fork = forks_.rbegin(); fork != forks_.rend(); ++fork) {
    const int length = static_cast<int>(fork->nodes.size());
    int most = 0;
    fork->row = -1;
    for (int r = 0; r < at.fork_rows && most < length; ++r) {
      const int room = std::min(length, begins[static_cast<size_t>(r)] - 1 - fork->depth);
      if (room > most) most = room, fork->row = r;
    }
    fork->shown = most;
    hidden_forks_ += most == 0 ? 1 : 0;
    if (most > 0) begins[static_cast<size_t>(fork->row)] = fork->depth - 1;
  }
}

void Generate::draw_forks(const TimelineLayout& at) {
  if (forks_.empty()) {
    text(theme().at(at.area.min.x + 20, at.forks), "other forks", Font::kLabel, colors().disabled);
    text_elided(theme().at(at.x0 + 12, at.forks), "none yet: take another token of the list above", px(400),
                Font::kLabel, colors().disabled);
    return;
  }
  place_forks(at);
  const bool seen = std::any_of(forks_.begin(), forks_.end(),
                                [&](const Fork& f) { return f.row >= 0 && in_view(at, f.depth + f.shown - 1); });
  if (!seen) {
    text_elided(theme().at(at.x0 + 12, at.forks), "further left: turn the wheel", px(400), Font::kLabel,
                colors().disabled);
  }
  const Number more = fmt("other forks, +%d", hidden_forks_);
  text_elided(theme().at(at.area.min.x + 20, at.forks), hidden_forks_ > 0 ? more.view() : "other forks",
              px(at.x0 - at.area.min.x - 28), Font::kLabel, colors().secondary);
  for (size_t i = 0; i < forks_.size(); ++i) {
    if (forks_[i].row >= 0) draw_fork(at, forks_[i], static_cast<int>(i) + 1);
  }
}

void Generate::draw_fork(const TimelineLayout& at, const Fork& fork, int number) {
  const float y = at.forks + at.fork_pitch * static_cast<float>(fork.row);
  for (size_t i = 0; i < static_cast<size_t>(fork.shown); ++i) {
    const int depth = fork.depth + static_cast<int>(i), node = fork.nodes[i];
    if (!in_view(at, depth)) continue;
    const std::string word = elided(label(draft_.tree.node(node).token.id), px(at.pitch - 4), Font::kBody);
    const float x = px(column_x(at, depth)), w = text_width(Font::kBody, word);
    const Rect rect{{x - w * 0.5f - px(6), px(y - 9)}, {x + w * 0.5f + px(6), px(y + 9)}};
    ImGui::PushID(node);
    const Interaction it = interact("fork", rect);
    ImGui::PopID();
    if (i == 0) registry::add(fmt("Fork %d", number), "button", word, rect.min, rect.max);
    if (it.pressed) return go_to(node);
    if (it.hovered || it.focused) describe_token(node, it.id);
    if (it.focused) focus_ring(rect, 4);
    fill(rect, faded(colors().raised, it.hover), 4);
    text({x, px(y)}, word, Font::kBody, mixed(colors().secondary, colors().text, it.hover), Align::kCentre);
    if (i == 0) draw_connector(at, fork, rect.min.x, px(y));
  }
}

/// From the token behind which it branches, down and to its first word.
void Generate::draw_connector(const TimelineLayout& at, const Fork& fork, float x1, float y) const {
  const int parent = fork.depth - 1;
  // Below the token itself; beside it where the twin's words, or a branch further up, stand in the way.
  const bool blocked =
      parent < 1 || voices_.size() > 1 ||
      std::any_of(forks_.begin(), forks_.end(), [&](const Fork& f) { return f.row < fork.row && f.covers(parent); });
  const float x = px(std::max(at.x0 + 4, column_x(at, parent) + (blocked ? at.pitch * 0.5f - 1 : 0)));
  const float top = px(at.words + 11), r = px(4);
  if (x + r >= x1) return;
  const ImVec2 points[] = {{x, top}, {x, y - r}, {x + r * 0.3f, y - r * 0.3f}, {x + r, y}, {x1, y}};
  stroke(points, colors().disabled, theme().line(1.5f));
}

}  // namespace nopeek
