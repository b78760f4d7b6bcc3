#include <algorithm>
#include <array>
#include <cmath>

#include "app/scenes/microscope_steps.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr float kWorksheetBar = 12, kBarLow = 8;
constexpr float kField = 112, kSwitch = 60;  // of what can be typed, and of its mask
constexpr const char* kForbiddenSign = "\xE2\x88\x92\xE2\x88\x9E";

/// Which of the keys the rows show, if not all.
std::string range_words(int first, int shown, int keys) {
  return shown >= keys ? "" : fmt("keys %d to %d of %d", first, first + shown - 1, keys).chars;
}

/// A number of the table under a name by which it is found.
void cell_text(const char* column, int key, ImVec2 at, const Number& shown, ImU32 color, Font font = Font::kMonoLabel) {
  text(at, shown, font, color, Align::kRight);
  if (registry::enabled()) registry::add_drawn(fmt("%s %d", column, key), "number", shown, at, at);
}

void draw_weight_bar(const Rect& rect, double weight, bool forbidden, ImU32 color) {
  if (forbidden) return hatch(rect);
  fill(rect, colors().raised, 3);
  const float w = rect.w() * static_cast<float>(std::min(weight, 1.0));
  if (weight > 0)
    fill({rect.min, {rect.min.x + std::max(theme().line(1), w), rect.max.y}}, color, w > px(6) ? 3.0f : 0);
}

}  // namespace

// The model's row
// ------------------------------------------------------------------------------------------------
void StepsPage::draw_worksheet(Lens& lens, const Layout& at) {
  const int T = lens.T();
  const float y = at.panel.min.y + 12;
  float right = at.x1 - 152;
  if (button("Worksheet values", theme().rect(right, y, 152, 32))) open_row(lesson_row());
  right -= 8 + 140;
  if (button("Type over this row", theme().rect(right, y, 140, 32))) type_over(lens);
  text_elided(theme().at(at.x0, at.panel.min.y + 28),
              "The row of " + in_quotes(labels_[static_cast<size_t>(cell_.row)]), px(right - 12 - at.x0),
              Font::kBodyBold, colors().text);

  const std::string scale = scale_operator(lens.stages());
  const char* const names[] = {"q\xC2\xB7k", scale.c_str(), "+ mask", "\xE2\x88\x92 max", "exp", "weight"};
  constexpr int kRaised[] = {0, 1, 2, 5};  // the column of each stage
  draw_columns(at, names, kRaised[static_cast<int>(lens.stage)]);
  scroll_rows(at, T, cell_.column);
  for (int line = 0; line < at.rows; ++line) draw_key(lens, at, line, first_key_ + line);
  draw_scroll_bar(at, T);
  const double weights = static_cast<double>(lens.stages().weights.row(cell_.row).cast<double>().sum());
  draw_sum_line(at, steps_.sum, weights, range_words(first_key_, at.rows, T));
}

/// The header, and behind the rows the column of the chosen stage.
void StepsPage::draw_columns(const Layout& at, std::span<const char* const> names, int raised) const {
  constexpr std::array<float, 6> kRight{kScore, kScaled, kMasked, kShifted, kExp, kWeight};
  text(theme().at(at.x0, at.header), "key", Font::kMonoSmall, colors().secondary);
  for (size_t i = 0; i < names.size(); ++i) {
    const float right = at.x0 + kRight[i];
    const bool up = static_cast<int>(i) == raised;
    if (up) fill(theme().rect(right - 58, at.header - 15, 68, at.bottom() + 3 - at.header + 15), colors().raised, 6);
    text(theme().at(right, at.header), names[i], up ? Font::kMonoBold : Font::kMonoSmall,
         up ? colors().text : colors().secondary, Align::kRight);
  }
}

void StepsPage::draw_key(Lens& lens, const Layout& at, int line, int key) {
  const Palette& c = colors();
  const HeadStages<float>& s = lens.stages();
  const int q = cell_.row;
  const auto k = static_cast<size_t>(key);
  const float y = px(at.middle(line));
  const bool forbidden = s.masked(q, key) == Mask::kForbidden, chosen = key == cell_.column;
  const Hue& hue = hue_of(q, key);
  const Rect row = theme().rect(at.x0 - 8, at.row_y(line), at.x1 - at.x0 + 8, at.row_pitch);
  const Interaction it = interact(fmt("Key %d", key), row);
  registry::add(fmt("Key %d", key), "row", chosen ? "on" : "off", row.min, row.max);
  if (it.pressed) lens.cell.column = key;
  if (it.hovered && ImGui::IsMouseDoubleClicked(0)) {
    type_over(lens);
    focus_score_ = key;
  }
  fill(row, faded(c.raised, it.hover), 4);
  const bool whole = text_elided({px(at.x0), y}, labels_[k], px(70), chosen ? Font::kLabelBold : Font::kLabel,
                                 forbidden ? c.secondary : c.text);
  const auto number = [&](const char* column, float right, const Number& shown, ImU32 color) {
    cell_text(column, key, {px(at.x0 + right), y}, shown, color);
  };
  const double weight = static_cast<double>(s.weights(q, key));
  number("score", kScore, score_text(static_cast<double>(s.scores(q, key))), hue.text);
  number("scaled", kScaled, score_text(static_cast<double>(s.scaled(q, key))), hue.text);
  number("masked", kMasked, score_text(static_cast<double>(s.masked(q, key))), forbidden ? c.text : hue.text);
  number("shifted", kShifted, score_text(steps_.shifted[k]), forbidden ? c.disabled : c.text);
  number("exp", kExp, weight_text(steps_.exp[k]), forbidden ? c.disabled : c.text);
  number("weight", kWeight, weight_text(weight), forbidden ? c.disabled : hue.text);
  if (at.with_bars) {
    const float h = px(theme().low ? kBarLow : kWorksheetBar);
    draw_weight_bar({{px(at.x0 + kBars), y - h * 0.5f}, {px(at.x1 - 8), y + h * 0.5f}}, weight, forbidden, hue.fill);
  }
  if (chosen) outline(row, hue.fill, 1.5f, 4);
  if (it.focused) outline(row, c.text, 2, 4);
  if (!whole) tooltip(it, labels_[k]);
}

void StepsPage::draw_sum_line(const Layout& at, double exp_sum, double weight_sum, std::string_view words) const {
  const Palette& c = colors();
  const float y = px(at.sum);
  text({px(at.x0), y}, words, Font::kLabel, c.secondary);
  text({px(at.x0 + kShifted), y}, "sum", Font::kMonoLabel, c.secondary, Align::kRight);
  text({px(at.x0 + kExp), y}, fmt("%.4f", exp_sum), Font::kMonoBold, c.text, Align::kRight);
  text({px(at.x0 + kWeight), y}, fmt("%.4f", weight_sum), Font::kMonoBold, c.text, Align::kRight);
}

// What is typed
// ------------------------------------------------------------------------------------------------
void StepsPage::open_row(ScoreRow row) {
  typed_key_ = row.query_at + 1;  // the answer, if it is there
  typed_.open(std::move(row));
  refusal_.clear();
  typing_ = -1;
  first_key_ = 0;
  seen_key_ = -1;
  terms_open_ = false;
}

/// A copy of the model's row, for a what-if.
void StepsPage::type_over(const Lens& lens) {
  const HeadStages<float>& s = lens.stages();
  const int q = cell_.row, first = first_key_;
  ScoreRow row{labels_[static_cast<size_t>(q)], q, labels_, {}, {}};
  for (int k = 0; k < lens.T(); ++k) {
    const bool forbidden = s.masked(q, k) == Mask::kForbidden;
    row.scores.push_back(static_cast<double>(forbidden ? s.scaled(q, k) : s.masked(q, k)));
    row.forbidden.push_back(forbidden);
  }
  open_row(std::move(row));
  first_key_ = first;
  typed_key_ = cell_.column;
}

void StepsPage::draw_typed(const Layout& at) {
  const Palette& c = colors();
  draw_typed_buttons(at);
  if (!typed_.row()) return;  // just closed
  const int keys = static_cast<int>(typed_.row()->keys.size());
  typed_key_ = std::clamp(typed_key_, 0, keys - 1);  // undo may have brought another row
  text(theme().at(at.x0, at.header), "key", Font::kMonoSmall, c.secondary);
  const auto header = [&](float right, const char* name) {
    text(theme().at(at.x0 + right, at.header), name, Font::kMonoSmall, c.secondary, Align::kRight);
  };
  text(theme().at(at.x0 + kScaled - kField + 24, at.header), "score", Font::kMonoSmall, c.secondary);
  header(kMasked - 14, "mask");
  header(kShifted, "\xE2\x88\x92 max");
  header(kExp, "exp");
  header(kWeight, "weight");
  scroll_rows(at, keys, focus_score_);
  const int lines = std::min(at.rows, keys);
  for (int line = 0; line < lines; ++line) draw_score_field(at, line, static_cast<size_t>(first_key_ + line));
  const SoftmaxSteps steps = typed_.row()->steps();
  for (int line = 0; line < lines; ++line) draw_typed_key(at, steps, line, first_key_ + line);
  draw_scroll_bar(at, keys);
  double weights = 0;
  for (const double w : steps.weights) weights += w;
  draw_sum_line(at, steps.sum, weights, range_words(first_key_, at.rows, keys));
}

void StepsPage::draw_typed_buttons(const Layout& at) {
  const float y = at.panel.min.y + 12;
  float x = at.x1;
  const auto place = [&](float w) {
    x -= w;
    const Rect rect = theme().rect(x, y, w, 32);
    x -= 8;
    return rect;
  };
  const std::string title = "The row of " + in_quotes(typed_.row()->query);
  const bool back = button("Back to the model", place(140));
  if (button("Reset values", place(104), typed_.changed())) typed_.reset();
  if (icon_button("Redo row", place(32), Icon::kRedo, "Redo (Ctrl+Y)", typed_.redos() > 0)) typed_.redo();
  if (icon_button("Undo row", place(32), Icon::kUndo, "Undo (Ctrl+Z)", typed_.undos() > 0)) typed_.undo();
  text_elided(theme().at(at.x0, at.panel.min.y + 28), title, px(x - 8 - at.x0), Font::kBodyBold, colors().text);
  text_elided(theme().at(at.x0, at.panel.min.y + 52), refusal_, px(at.x1 - at.x0), Font::kLabelBold, colors().text);
  if (back) typed_.close();
}

/// A field for a score: its own number until one types in it. What is refused leaves the old one.
void StepsPage::draw_score_field(const Layout& at, int line, size_t key) {
  const ScoreRow& row = *typed_.row();
  const bool typing = typing_ == static_cast<int>(key);
  std::string shown = typing ? typing_text_ : score_text(row.scores[key]).chars;
  const float right = at.x0 + kScaled;
  const Rect rect = theme().rect(right - kField + 12, at.row_y(line) + 1, kField - 12, at.row_pitch - 2);
  if (focus_score_ == static_cast<int>(key)) {
    focus_next_field();
    focus_score_ = -1;
  }
  const bool error = refused_ == static_cast<int>(key) && !refusal_.empty();
  const bool entered = text_field(fmt("Score %d", static_cast<int>(key)), rect, shown, {}, error);
  const bool active = ImGui::IsItemActive();
  if (active && !entered) {
    typing_ = static_cast<int>(key);
    typing_text_ = shown;
    typed_key_ = typing_;
    return;
  }
  if (!typing) return;
  typing_ = -1;
  if (shown == score_text(row.scores[key]).chars) return;  // not another number for being shown shorter
  refusal_ = typed_.type(key, shown);
  refused_ = static_cast<int>(key);
}

void StepsPage::draw_typed_key(const Layout& at, const SoftmaxSteps& steps, int line, int key) {
  const Palette& c = colors();
  const ScoreRow& row = *typed_.row();
  const auto k = static_cast<size_t>(key);
  const float y = px(at.middle(line));
  const bool forbidden = row.forbidden[k];
  const Hue& hue = hue_of(row.query_at, key);
  const bool chosen = key == typed_key_;
  const Rect line_rect = theme().rect(at.x0 - 8, at.row_y(line), at.x1 - at.x0 + 8, at.row_pitch);
  const Rect name = theme().rect(at.x0 - 8, at.row_y(line), kScaled - kField + 12, at.row_pitch);
  const Interaction choice = interact(fmt("Key %d", key), name);
  registry::add(fmt("Key %d", key), "row", chosen ? "on" : "off", name.min, name.max);
  if (choice.pressed) typed_key_ = key;
  fill(name, faded(c.raised, choice.hover), 4);
  const bool whole = text_elided({px(at.x0), y}, row.keys[k], px(kScaled - kField - 4),
                                 chosen ? Font::kLabelBold : Font::kLabel, forbidden ? c.secondary : c.text);
  if (!whole) tooltip(choice, row.keys[k]);
  const auto number = [&](const char* column, float right, const Number& shown, ImU32 color) {
    cell_text(column, key, {px(at.x0 + right), y}, shown, color);
  };
  number("shifted", kShifted, score_text(steps.shifted[k]), forbidden ? c.disabled : c.text);
  number("exp", kExp, weight_text(steps.exp[k]), forbidden ? c.disabled : c.text);
  number("weight", kWeight, weight_text(steps.weights[k]), forbidden ? c.disabled : hue.text);
  if (at.with_bars) {
    const float h = px(theme().low ? kBarLow : kWorksheetBar);
    draw_weight_bar({{px(at.x0 + kBars), y - h * 0.5f}, {px(at.x1 - 8), y + h * 0.5f}}, steps.weights[k], forbidden,
                    hue.fill);
  }
  if (chosen) outline(line_rect, hue.fill, 1.5f, 4);
  if (choice.focused) outline(name, c.text, 2, 4);
  const Rect mask = theme().rect(at.x0 + kMasked - kSwitch + 4, at.row_y(line) + 1, kSwitch - 4, at.row_pitch - 2);
  const Interaction it = interact(fmt("Mask %d", key), mask);
  registry::add(fmt("Mask %d", key), "switch", forbidden ? "on" : "off", mask.min, mask.max);
  fill(mask, mixed(c.raised, c.hover, it.hover), 6);
  if (it.focused) focus_ring(mask, 6);
  text(mask.centre(), forbidden ? kForbiddenSign : "0", Font::kMonoLabel, c.text, Align::kCentre);
  tooltip(it, forbidden ? "Let the row see this key" : "Forbid this key: add minus infinity");
  if (!it.pressed) return;
  refusal_ = typed_.forbid(k, !forbidden);
  refused_ = -1;
}

}  // namespace nopeek
