#include "app/ui/matrix_view.h"

#include <algorithm>
#include <cmath>

#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"

namespace nopeek::ui {

namespace {

constexpr float kReadable = 20;       // logical px of a cell: zooming brings them at least here
constexpr float kEachLabelled = 16;   // logical px of a cell from which each row is labelled
constexpr float kEachTurned = 17.5f;  // each column: labels that are turned by 45 degrees stand closer
constexpr float kSomeLabelled = 9;    // each second one
constexpr float kWheelStep = 1.25f;

/// After a click, too: there is no ring then, but the keys are its own.
bool has_keys(const Interaction& it) { return focus::current() == it.id && focus::letters_are_free(); }

}  // namespace

gl::HeatmapSpec heatmap_look(float pitch) {
  gl::HeatmapSpec look;
  look.past = colors().past.scale;
  look.future = colors().future.scale;
  look.forbidden = colors().forbidden;
  look.hatch = colors().hatch;
  look.gap = pitch < 4 ? 0 : theme().line(pitch >= 30 ? 2 : 1);
  look.radius = pitch < 4 ? 0 : (pitch >= 20 ? 2.0f : 1.0f) * theme().s;
  look.hatch_pitch = pitch < 8 ? 0 : px(6);
  look.hatch_width = theme().line(1);
  return look;
}

void draw_heatmap(gl::HeatmapRenderer* heatmaps, int key, gl::HeatmapSpec spec, const Rect& rect, const float* values,
                  uint64_t revision, float alpha) {
  if (heatmaps == nullptr || spec.columns == 0 || spec.rows == 0) return;
  spec.width = static_cast<int>(rect.w());
  spec.height = static_cast<int>(rect.h());
  if (spec.width <= 0 || spec.height <= 0) return;
  spec.origin = rect.min;
  canvas()->AddImage(heatmaps->draw(key, spec, values, revision), rect.min, rect.max, {0, 0}, {1, 1},
                     faded(IM_COL32_WHITE, alpha));
}

/// Where its cells are.
bool MatrixView::place(const MatrixSpec& spec) {
  if (columns_ != spec.look.columns || rows_ != spec.look.rows) fit();
  columns_ = spec.look.columns;
  rows_ = spec.look.rows;
  if (columns_ == 0 || rows_ == 0) return false;
  const float fit_x = std::min(spec.pitch_x, spec.area.w() / static_cast<float>(columns_)),
              fit_y = std::min(spec.pitch_y, spec.area.h() / static_cast<float>(rows_));
  rect_ = theme().rect(spec.area.min.x, spec.area.min.y, fit_x * static_cast<float>(columns_),
                       fit_y * static_cast<float>(rows_));
  most_zoom_ = {std::max(1.0f, kReadable / fit_x), std::max(1.0f, kReadable / fit_y)};
  clamp_view();
  return true;
}

MatrixEvents MatrixView::draw(gl::HeatmapRenderer* heatmaps, const MatrixSpec& spec) {
  MatrixEvents events;
  if (!place(spec)) return events;
  const bool zoomed = zoom_ > 1;
  const Interaction fit_button = zoomed ? read_fit(spec) : Interaction{};
  events.it = interact(spec.label, rect_, true, focus::kHorizontal | focus::kVertical);
  read_wheel(spec, events.it);
  pan(spec, events.it);
  events.rect = rect_;
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  if (events.it.hovered && !panning_) events.hovered = cell_at(mouse);
  if (pressed_ && !ImGui::IsMouseDown(0)) {
    if (!panning_ && events.it.hovered) events.chosen = cell_at(mouse);
    pressed_ = panning_ = false;
  }
  read_keys(spec, events);
  registry::add(spec.label, "area", fmt("%.3g", static_cast<double>(zoom_)), rect_.min, rect_.max);
  draw_cells(heatmaps, spec, events.hovered);
  if (zoomed) {
    draw_place();
    draw_fit(fit_button);
  }
  if (events.it.focused) focus_ring(rect_, 2);
  draw_labels(spec, events.hovered.valid() ? events.hovered : spec.chosen);
  return events;
}

void MatrixView::draw_still(gl::HeatmapRenderer* heatmaps, const MatrixSpec& spec) {
  if (!place(spec)) return;
  draw_cells(heatmaps, spec, {});
  draw_labels(spec, spec.chosen);
}

/// The matrix and the frames on it.
void MatrixView::draw_cells(gl::HeatmapRenderer* heatmaps, const MatrixSpec& spec, Cell hovered) const {
  draw_heatmap(heatmaps, spec.texture, in_view(spec.look), rect_, spec.values, spec.revision, spec.alpha);

  canvas()->PushClipRect({rect_.min.x - px(4), rect_.min.y - px(4)}, {rect_.max.x + px(4), rect_.max.y + px(4)}, true);
  if (spec.framed_row >= 0) {
    Rect row = cell_rect({spec.framed_row, 0});
    row.min.x = rect_.min.x;
    row.max.x = rect_.max.x;
    outline(row.grown(px(2)), colors().text, 2, 4);
  }
  if (spec.chosen.valid()) {
    const bool future = spec.chosen.column > spec.chosen.row;
    outline(cell_rect(spec.chosen).grown(px(1)), spec.look.T > 0 ? colors().hue(!future).fill : colors().text, 3, 3);
  }
  if (hovered.valid() && !(hovered == spec.chosen)) outline(cell_rect(hovered).grown(px(1)), colors().text, 2, 3);
  canvas()->PopClipRect();
}

gl::HeatmapSpec MatrixView::in_view(gl::HeatmapSpec look) const {
  if (look.columns != columns_ || look.rows != rows_) return look;
  const gl::HeatmapSpec at_pitch = heatmap_look(std::min(pitch_.x, pitch_.y) / theme().s);
  look.gap = at_pitch.gap;
  look.radius = at_pitch.radius;
  look.hatch_pitch = at_pitch.hatch_pitch;
  look.first_column = first_.x;
  look.first_row = first_.y;
  look.shown_columns = shown().x;
  look.shown_rows = shown().y;
  return look;
}

/// Back to all of it: a button in its corner, above the cells.
Interaction MatrixView::read_fit(const MatrixSpec& spec) {
  const float w = std::ceil(text_width(Font::kLabelMedium, "Fit")) + px(20);
  fit_ = {{rect_.max.x - w - px(8), rect_.max.y - px(34)}, {rect_.max.x - px(8), rect_.max.y - px(8)}};
  const std::string label = std::string(spec.label) + " fit";
  const Interaction it = interact(label, fit_);
  registry::add(label, "button", "", fit_.min, fit_.max);
  if (it.pressed) fit();
  tooltip(it, "All of the matrix (double click, or 0)");
  return it;
}

void MatrixView::draw_fit(const Interaction& it) const {
  fill(fit_, it.held ? colors().sep : mixed(colors().raised, colors().hover, it.hover), 8);
  outline(fit_, colors().sep, 1, 8);
  text(fit_.centre(), "Fit", Font::kLabelMedium, colors().text, Align::kCentre);
  if (it.focused) focus_ring(fit_, 8);
}

/// Which part is in view: a bar along the bottom and one at the right.
void MatrixView::draw_place() const {
  const float w = px(3), gap = px(3);
  const auto bar = [](Rect track, bool across, float from, float share) {
    fill(track, colors().raised, 1);
    float& low = across ? track.min.x : track.min.y;
    float& high = across ? track.max.x : track.max.y;
    const float length = high - low;
    low += length * from;
    high = low + std::max(px(6), length * share);
    fill(track, colors().secondary, 1);
  };
  bar({{rect_.min.x, rect_.max.y + gap}, {rect_.max.x, rect_.max.y + gap + w}}, true,
      first_.x / static_cast<float>(columns_), shown().x / static_cast<float>(columns_));
  bar({{rect_.max.x + gap, rect_.min.y}, {rect_.max.x + gap + w, rect_.max.y}}, false,
      first_.y / static_cast<float>(rows_), shown().y / static_cast<float>(rows_));
}

Rect MatrixView::cell_rect(Cell cell) const {
  const float x = rect_.min.x + (static_cast<float>(cell.column) - first_.x) * pitch_.x,
              y = rect_.min.y + (static_cast<float>(cell.row) - first_.y) * pitch_.y;
  const float gap = pitch_.x < px(4) ? 0 : theme().line(1);
  return {{std::round(x), std::round(y)}, {std::round(x + pitch_.x - gap), std::round(y + pitch_.y - gap)}};
}

Cell MatrixView::cell_at(ImVec2 point) const {
  return {std::clamp(static_cast<int>(first_.y + (point.y - rect_.min.y) / pitch_.y), 0, rows_ - 1),
          std::clamp(static_cast<int>(first_.x + (point.x - rect_.min.x) / pitch_.x), 0, columns_ - 1)};
}

/// Columns and rows in view. What is readable across is not zoomed across: a tall matrix becomes longer, not wider.
ImVec2 MatrixView::shown() const {
  return {static_cast<float>(columns_) / std::min(zoom_, most_zoom_.x),
          static_cast<float>(rows_) / std::min(zoom_, most_zoom_.y)};
}

void MatrixView::clamp_view() {
  zoom_ = std::clamp(zoom_, 1.0f, std::max(most_zoom_.x, most_zoom_.y));
  const ImVec2 in_view = shown();
  first_.x = std::clamp(first_.x, 0.0f, static_cast<float>(columns_) - in_view.x);
  first_.y = std::clamp(first_.y, 0.0f, static_cast<float>(rows_) - in_view.y);
  pitch_ = {rect_.w() / in_view.x, rect_.h() / in_view.y};
}

/// The cell under `point` stays there.
void MatrixView::zoom_about(ImVec2 point, float factor) {
  const ImVec2 cell{first_.x + (point.x - rect_.min.x) / pitch_.x, first_.y + (point.y - rect_.min.y) / pitch_.y};
  zoom_ *= factor;
  clamp_view();
  first_ = {cell.x - (point.x - rect_.min.x) / pitch_.x, cell.y - (point.y - rect_.min.y) / pitch_.y};
  clamp_view();
}

void MatrixView::bring_into_view(Cell cell) {
  const auto x = static_cast<float>(cell.column), y = static_cast<float>(cell.row);
  first_.x = std::clamp(first_.x, x + 1 - shown().x, x);
  first_.y = std::clamp(first_.y, y + 1 - shown().y, y);
  clamp_view();
}

void MatrixView::read_wheel(const MatrixSpec& spec, const Interaction& it) {
  const float wheel = ImGui::GetIO().MouseWheel;
  if (it.hovered && wheel != 0) zoom_about(ImGui::GetIO().MousePos, std::pow(kWheelStep, wheel));
  if (it.hovered && ImGui::IsMouseDoubleClicked(0) && !spec.paints) fit();
  if (!has_keys(it) || ImGui::GetIO().KeyCtrl) return;
  if (character_key_pressed('0')) fit();
  const ImVec2 about = spec.chosen.valid() ? cell_rect(spec.chosen).centre() : rect_.centre();
  if (character_key_pressed('+') || character_key_pressed('=')) zoom_about(about, kWheelStep);
  if (character_key_pressed('-')) zoom_about(about, 1 / kWheelStep);
}

void MatrixView::pan(const MatrixSpec& spec, const Interaction& it) {
  const ImGuiIO& io = ImGui::GetIO();
  if (it.hovered && ImGui::IsMouseClicked(0) && !spec.paints) {
    pressed_ = true;
    grip_ = io.MousePos;
  }
  const bool left = pressed_ && ImGui::IsMouseDown(0), right = it.hovered && ImGui::IsMouseDown(1);
  if (!left && !right) return;
  if (left && !panning_) {
    const float moved = std::hypot(io.MousePos.x - grip_.x, io.MousePos.y - grip_.y);
    panning_ = zoom_ > 1 && moved > px(4);
    if (!panning_) return;
  }
  first_.x -= io.MouseDelta.x / pitch_.x;
  first_.y -= io.MouseDelta.y / pitch_.y;
  clamp_view();
}

void MatrixView::read_keys(const MatrixSpec& spec, MatrixEvents& events) {
  if (!has_keys(events.it)) return;
  const int across = (key_pressed(Key::kRight) ? 1 : 0) - (key_pressed(Key::kLeft) ? 1 : 0),
            down = (key_pressed(Key::kDown) ? 1 : 0) - (key_pressed(Key::kUp) ? 1 : 0);
  if (across == 0 && down == 0) return;
  const Cell from = spec.chosen.valid() ? spec.chosen : Cell{0, 0};
  events.chosen = Cell{std::clamp(from.row + down, 0, rows_ - 1), std::clamp(from.column + across, 0, columns_ - 1)};
  bring_into_view(*events.chosen);
}

void MatrixView::draw_labels(const MatrixSpec& spec, Cell pointed) const {
  const auto step_at = [](float pitch, float each_labelled) {
    const float logical = pitch / theme().s;
    return logical >= each_labelled ? 1 : logical >= kSomeLabelled ? 2 : 0;
  };
  const auto each = [&](float first, float pitch, float length, size_t count, int bold, float each_labelled,
                        auto&& draw_one) {
    const int step = step_at(pitch, each_labelled), from = std::max(0, static_cast<int>(first)),
              to = std::min(static_cast<int>(count), static_cast<int>(std::ceil(first + length / pitch)));
    for (int i = step == 0 ? std::max(from, bold) : from; i < to; ++i) {
      if (i != bold && (step == 0 || i % step != 0)) continue;
      if (step > 1 && i != bold && std::abs(i - bold) < 2 && bold >= 0) continue;
      const float middle = (static_cast<float>(i) + 0.5f - first) * pitch;
      if (middle < 0 || middle > length) continue;  // of a cell that is half out of view
      draw_one(i, middle, i == bold);
      if (step == 0) break;
    }
  };
  const auto ink = [&](int i, bool bold) {
    return bold ? colors().text : i >= spec.quiet_from ? colors().disabled : colors().secondary;
  };
  each(first_.y, pitch_.y, rect_.h(), spec.row_labels.size(), pointed.row, kEachLabelled,
       [&](int i, float y, bool bold) {
         text_elided({rect_.min.x - px(10), rect_.min.y + y}, spec.row_labels[static_cast<size_t>(i)],
                     px(spec.label_width), bold ? Font::kLabelBold : Font::kLabel, ink(i, bold), Align::kRight);
       });
  each(first_.x, pitch_.x, rect_.w(), spec.column_labels.size(), pointed.column, kEachTurned,
       [&](int i, float x, bool bold) {
         const Font face = bold ? Font::kLabelBold : Font::kLabel;
         text_turned({rect_.min.x + x + px(0.5f), rect_.min.y - px(5.5f)},
                     elided(spec.column_labels[static_cast<size_t>(i)], px(spec.label_width), face), face,
                     ink(i, bold));
       });
}

}  // namespace nopeek::ui
