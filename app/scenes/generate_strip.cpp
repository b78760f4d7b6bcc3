#include <algorithm>
#include <cmath>
#include <utility>

#include "app/scenes/generate.h"
#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"
#include "app/ui/stroke.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr float kContent = 112;  // height that all of it takes
constexpr float kChipTop = 34, kChipHeight = 40, kPadding = 12, kStripGap = 10, kLeastGap = 4;
constexpr float kLeastChip = 30, kMostChip = 180;    // width of a chip
constexpr float kNextLeast = 120, kNextFills = 208;  // the next token's chip; it fills what is left up to this
constexpr float kShiftSeconds = 0.2f;
constexpr float kHole = 36;             // where the middle of a long window is left out
constexpr size_t kDropped = 2;          // tokens that have left the window, shown if they take no more than ...
constexpr float kDroppedShare = 0.25f;  // ... this of the strip; one is always shown
constexpr float kStripTabs = 88;        // width of the tabs in the small class

float chip_width(const std::string& label) {
  return std::clamp(std::ceil(text_width(Font::kBody, label)) + 2 * px(kPadding), px(kLeastChip), px(kMostChip));
}

}  // namespace

void Generate::draw_strip(const SceneInput&, Rect panel) {
  fill(theme().rect(panel.min.x, panel.min.y, panel.w(), panel.h()), colors().panel, 10);
  // A little more height than is needed goes above and below.
  const float spare = std::floor(std::max(0.0f, panel.h() - kContent) * 0.5f);
  panel.min.y += spare;
  panel.max.y -= spare;
  const float left = panel.min.x + (theme().small() ? draw_tabs(panel) : 20);
  if (theme().small() && history_tab_) {
    TimelineLayout at = timeline_layout({{left - 20, panel.min.y}, panel.max});
    return draw_history({{left - 20, panel.min.y}, panel.max}, at);
  }
  const float x0 = px(left), x1 = px(panel.max.x - 20);
  if (editing_) return draw_editor(panel, x0, x1);
  lay_chips(x0, x1);
  draw_chips(panel, x0, x1);
  draw_chip_labels(x0, x1, px(panel.min.y + 18));
  draw_text_buttons(panel);
  draw_bracket(panel, px(panel.max.x - 20 - 4 * 29));
}

/// In the small class the timeline has no panel of its own. Returns the width that the tabs take.
float Generate::draw_tabs(Rect panel) {
  const float x = panel.min.x + 12, y = panel.min.y + panel.h() * 0.5f + 2;
  if (chip("Text", theme().rect(x, y - 36, kStripTabs - 16, 32), !history_tab_)) history_tab_ = false;
  if (chip("History", theme().rect(x, y + 4, kStripTabs - 16, 32), history_tab_)) history_tab_ = true;
  return kStripTabs + 8;
}

/// Always what has just left the window, if anything has, and then the window: all of it if it fits; else its two ends,
/// the oldest token, which leaves next, and the newest ones.
void Generate::lay_chips(float x0, float x1) {
  const size_t n = text_.size(), start = window_start();
  const float next_w =
      std::max(px(kNextLeast),
               rows_.empty() ? 0.0f : std::min(px(kMostChip), px(40) + text_width(Font::kBodyBold, label(drawn().id))));
  const float room = x1 - x0 - next_w, least = px(kLeastGap);
  const auto width = [&](size_t from, size_t to) {  // no longer than it matters: a text can have 100,000 tokens
    float sum = 0;
    for (size_t i = from; i < to && sum <= room; ++i) sum += chip_width(labels_[i]) + least;
    return sum;
  };
  size_t first = start;
  while (first > 0 && start - first < kDropped && width(first - 1, start) <= room * kDroppedShare) --first;
  if (first == start && start > 0) --first;
  chips_.clear();
  hole_ = {};
  float x = x0, gap = least;
  const auto add = [&](size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) {
      chips_.push_back({x, chip_width(labels_[i]), i});
      x += chips_.back().w + gap;
    }
  };
  if (float used = width(first, n); used <= room) {
    const float spare = n > first ? (room - used) / static_cast<float>(n - first) : 0;
    gap = std::floor(std::min(px(kStripGap), least + spare));
    used += static_cast<float>(n - first) * (gap - least);
    while (first > 0 && used + chip_width(labels_[first - 1]) + gap <= room) used += chip_width(labels_[--first]) + gap;
    add(first, n);
  } else {
    add(first, start + 1);
    const Number most = fmt("+%d", static_cast<int>(n - start));
    hole_ = {{x, 0}, {x + std::max(px(kHole), text_width(Font::kLabel, most) + px(kStripGap)), 0}};
    x = hole_.max.x + gap;
    size_t newest = n;
    for (float left = room - (x - x0); newest > start + 1; --newest) {
      left -= chip_width(labels_[newest - 1]) + gap;
      if (left < 0) break;
    }
    hidden_ = newest - start - 1;
    add(newest, n);
  }
  next_x_ = x;
  next_w_ = x1 - x <= px(kNextFills) ? x1 - x : next_w;
}

void Generate::draw_chips(Rect panel, float x0, float x1) {
  const float y = px(panel.min.y + kChipTop);
  const size_t start = window_start();
  draw_prompt_area(y);
  // A token that leaves the window pushes the others on; more than one at once is a jump, not a push.
  const float behind = static_cast<float>(start) -
                       moving(ImGui::GetID("window"), static_cast<float>(start), kShiftSeconds, Ease::kCubicOut);
  const float shift = behind > 0 && behind <= 1 && !chips_.empty() ? behind * (chips_.front().w + px(kStripGap)) : 0;
  ImGui::PushClipRect({x0 - px(6), y - px(6)}, {x1 + px(6), y + px(kChipHeight + 6)}, true);
  for (Chip chip : chips_) {
    const float w = chip.w;
    if (chip.x >= hole_.max.x) chip.x += shift;
    chip.w = std::min(w, next_x_ - px(kLeastGap) - chip.x);
    if (chip.w > px(8)) draw_chip(chip, y, chip.token < start);
  }
  if (hole_.max.x > 0) {
    text({hole_.cx(), y + px(kChipHeight * 0.5f)}, fmt("+%d", static_cast<int>(hidden_)), Font::kLabel,
         colors().secondary, Align::kCentre);
  }
  draw_next_chip(next_x_, next_w_, y);
  ImGui::PopClipRect();
}

void Generate::draw_chip(const Chip& chip, float y, bool dropped) {
  const Palette& c = colors();
  const size_t prompt = draft_.tree.prompt().size();
  const bool written = chip.token >= prompt;
  const Rect rect{{chip.x, y}, {chip.x + chip.w, y + px(kChipHeight)}};
  const std::string& word = labels_[chip.token];
  Interaction it;
  if (written) {
    const int node = path_[chip.token - prompt];
    const Number name = fmt("Token %d", static_cast<int>(chip.token - prompt) + 1);
    it = interact(name, rect);
    registry::add(name, "button", word, rect.min, rect.max);
    if (it.pressed) return go_to(node);
    if (it.hovered || it.focused) describe_token(node, it.id);
  }
  if (dropped) {
    dashed_outline(rect, mixed(c.disabled, c.secondary, it.hover));
  } else {
    fill(rect, mixed(c.raised, c.hover, it.hover), 8);
  }
  if (it.focused) focus_ring(rect, 8);
  const ImU32 ink = dropped ? c.disabled : written ? c.text : c.secondary;
  const float lift = written && !dropped ? px(2) : 0;
  text_elided({rect.cx(), rect.cy() - lift}, word, chip.w - px(kPadding), Font::kBody, ink, Align::kCentre);
  if (!written || dropped) return;
  const WrittenToken& token = draft_.tree.node(path_[chip.token - prompt]).token;
  const Rect track{{rect.min.x + px(8), rect.max.y - px(9)}, {rect.max.x - px(8), rect.max.y - px(5)}};
  fill(track, it.hover > 0 ? c.sep : c.hover, 2);
  const float share = static_cast<float>(std::clamp(token.p_temperature, 0.0, 1.0));
  const float w = std::max(px(2), track.w() * share);
  fill({track.min, {track.min.x + w, track.max.y}}, c.hue(held().masked).fill, 2);
  // By hand, not by chance: a mark in the corner.
  if (token.forced) canvas()->AddCircleFilled({rect.max.x - px(7), rect.min.y + px(7)}, px(2.5f), c.secondary, 12);
}

/// What the draw says will be written; empty until the dart has landed.
void Generate::draw_next_chip(float x, float w, float y) {
  const Hue& hue = colors().hue(held().masked);
  const Rect rect{{x, y}, {x + w, y + px(kChipHeight)}};
  const Interaction it = interact("next", rect, ready());
  registry::add("Next", "button", ready() ? label(drawn().id) : "", rect.min, rect.max);
  if (it.pressed) step();
  fill(rect, landed() ? mixed(hue.dim, hue.fill, 0.15f * it.hover) : colors().panel, 8);
  outline(rect, ready() ? hue.fill : colors().hover, 2, 8);
  if (it.focused) focus_ring(rect, 8);
  if (landed()) {
    text_elided(rect.centre(), label(drawn().id), w - px(20), Font::kBodyBold, colors().text, Align::kCentre);
    if (it.hovered) tooltip(it, "Write it (Right, Enter)");
  } else if (error_.empty() && outdated()) {
    const float fraction = std::max(0.0f, next_->progress());
    progress_bar({{x + px(12), rect.cy() - px(2)}, {rect.max.x - px(12), rect.cy() + px(2)}}, fraction);
    keep_moving();
  } else if (!ready() && error_.empty()) {
    keep_moving();  // for the bar, in case that it is needed
  }
}

/// What the groups of chips are, each word above the first chip of its group as far as there is room.
void Generate::draw_chip_labels(float x0, float x1, float y) const {
  const size_t start = window_start(), prompt = draft_.tree.prompt().size();
  const Palette& c = colors();
  const float next_label = text_width(Font::kLabelBold, "next");
  text({std::min(next_x_, x1 - next_label), y}, "next", Font::kLabelBold, c.hue(held().masked).text);
  float pen = x0;
  const float end = next_x_ - px(12);
  const auto put = [&](float x, std::string_view whole, std::string_view brief, ImU32 color) {
    x = std::max(x, pen);
    for (const std::string_view words : {whole, brief}) {
      const float w = text_width(Font::kLabel, words);
      if (x + w > end) continue;
      text({x, y}, words, Font::kLabel, color);
      pen = x + w + px(12);
      return;
    }
  };
  if (start > 0) put(x0, fmt("dropped: %d", static_cast<int>(start)), "dropped", c.disabled);
  bool said_prompt = false, said_written = false;
  for (const Chip& chip : chips_) {
    if (chip.token < start) continue;
    if (chip.token < prompt && !std::exchange(said_prompt, true)) put(chip.x, "prompt", "", c.secondary);
    if (chip.token >= prompt && !std::exchange(said_written, true))
      put(chip.x, "written, underline = probability", "written", c.secondary);
  }
}

/// What the model sees.
void Generate::draw_bracket(Rect panel, float limit) const {
  const size_t start = window_start(), count = text_.size() - start;
  const auto first =
      std::find_if(chips_.begin(), chips_.end(), [start](const Chip& chip) { return chip.token >= start; });
  if (first == chips_.end()) return;
  const float x = first->x, end = chips_.back().x + chips_.back().w;
  const float y = px(panel.min.y + 91), top = px(panel.min.y + 82), w = theme().line(1.5f);
  const int context = held().model.config().context;
  const Number full = fmt("context window, %d tokens", context);
  const Number part = fmt("context window, %d of %d tokens", static_cast<int>(count), context);
  const bool is_full = count >= static_cast<size_t>(context);
  std::string_view words = is_full ? full : part;
  const float width = text_width(Font::kLabel, words);
  const ImU32 color = colors().secondary;
  fill({{x, top}, {x + w, y + w}}, color);
  fill({{end - w, top}, {end, y + w}}, color);
  if (end - x >= width + px(48)) {
    const float middle = std::round((x + end) * 0.5f), half = std::ceil(width * 0.5f) + px(8);
    fill({{x, y}, {middle - half, y + w}}, color);
    fill({{middle + half, y}, {end, y + w}}, color);
    text({middle, y + w * 0.5f}, words, Font::kLabel, color, Align::kCentre);
    return;
  }
  fill({{x, y}, {end, y + w}}, color);
  if (end + px(12) + width <= limit) text({end + px(12), y}, words, Font::kLabel, color);
}

/// A click on the prompt edits it.
void Generate::draw_prompt_area(float y) {
  const size_t prompt = draft_.tree.prompt().size();
  const Chip *first = nullptr, *last = nullptr;
  for (const Chip& chip : chips_) {
    if (chip.token >= prompt) break;
    if (!first) first = &chip;
    last = &chip;
  }
  if (!first) return;
  const Rect rect{{first->x, y}, {last->x + last->w, y + px(kChipHeight)}};
  const Interaction it = interact("Prompt", rect);
  registry::add("Prompt", "field", draft_.prompt, rect.min, rect.max);
  if (it.pressed) begin_edit();
  if (it.focused) focus_ring(rect, 8);
  tooltip(it, "Edit the prompt (E)");
}

void Generate::draw_text_buttons(Rect panel) {
  const float w = 28, pitch = 29, x = panel.max.x - 20 - 4 * pitch + 1, y = panel.min.y + 79;
  const auto at = [&](int i) { return theme().rect(x + pitch * static_cast<float>(i), y, w, 24); };
  if (icon_button("Edit prompt", at(0), Icon::kPencil, "Edit the prompt (E)", true, Look::kPlain)) begin_edit();
  const bool begun = draft_.tree.nodes().size() > 1;
  if (icon_button("Start over", at(1), Icon::kReset, "Start over: only the prompt stays", begun, Look::kPlain))
    start_over();
  if (icon_button("Undo", at(2), Icon::kUndo, "Undo (Ctrl+Z)", !undo_.empty(), Look::kPlain)) undo();
  if (icon_button("Redo", at(3), Icon::kRedo, "Redo (Ctrl+Y)", !redo_.empty(), Look::kPlain)) redo();
}

// The prompt's field
// ------------------------------------------------------------------------------------------------
void Generate::draw_editor(Rect panel, float x0, float x1) {
  const float y = panel.min.y;
  text({x0, px(y + 18)}, "prompt", Font::kLabel, colors().secondary);
  text({x1, px(y + 18)}, "Enter takes it, Esc keeps the old one", Font::kLabel, colors().secondary, Align::kRight);
  const float top = px(y + kChipTop), bottom = px(y + kChipTop + kChipHeight), use = x1 - px(152);
  if (!edit_begun_) focus_next_field();
  edit_begun_ = true;
  const bool entered = text_field("Prompt", {{x0, top}, {use - px(8), bottom}}, edit_text_, "<eos>");
  const bool escaped = key_pressed(Key::kEscape, false);
  const bool used = button("Use", {{use, top}, {use + px(72), bottom}}, true, Look::kPrimary);
  const bool kept = button("Cancel", {{use + px(80), top}, {x1, bottom}});
  edit_tokens_.read(tokenizer_, edit_text_);
  edit_tokens_.draw(x0, x1, px(y + 90));
  if (entered || used) return end_edit(true);
  if (escaped || kept) end_edit(false);
}

/// What is known of a token that was written.
void Generate::describe_token(int node, ImGuiID owner) const {
  const WrittenToken& t = draft_.tree.node(node).token;
  const size_t rank = draft_.ranks[static_cast<size_t>(node)];
  std::vector<TipLine> lines{
      {label(t.id), {}},
      {"probability", fmt("%.3f", t.p_temperature).chars},
      {"rank", rank > 0 ? fmt("%d", static_cast<int>(rank)).chars : ""},
      {"surprise", std::isfinite(t.surprise()) ? std::string(fmt("%.2f nats", std::max(0.0, t.surprise())).chars)
                                               : "\xE2\x88\x9E"}};
  if (t.forced) {
    lines.push_back({"chosen by hand", {}});
  } else {
    lines.push_back({"drawn with u", u_text(t.u).chars});
  }
  if (t.greedy != t.id) lines.push_back({"greedy would write", label(t.greedy)});
  if (t.step > 0) lines.push_back({"weights of step", grouped_text(t.step).chars});
  tooltip(owner, ImGui::GetIO().MousePos, std::move(lines));
}

}  // namespace nopeek
