#include <algorithm>
#include <cmath>

#include "app/gl/heatmap.h"
#include "app/scenes/mask_lab.h"
#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr float kSoftening = 0.12f;  // s, time constant of the colours' way to the newest weights
constexpr float kSettled = 0.002f;   // a difference that no eye sees
constexpr float kThumbPitch = 42, kLeastThumbPitch = 20;

gl::HeatmapSpec spec_for(int columns, int rows, int T, int width, int height) {
  gl::HeatmapSpec spec;
  spec.columns = columns;
  spec.rows = rows;
  spec.T = T;
  spec.width = width;
  spec.height = height;
  spec.past = colors().past.scale;
  spec.future = colors().future.scale;
  spec.forbidden = colors().forbidden;
  spec.hatch = colors().hatch;
  return spec;
}

/// A word with a short arrow after it; the font's own arrow is too long for the corner that it stands in.
void axis_word(ImVec2 at, std::string_view word, ImVec2 direction) {
  text(at, word, Font::kLabel, colors().secondary);
  const ImVec2 c{at.x + text_width(Font::kLabel, word) + px(10), at.y + px(1)};
  const auto point = [&](float along, float across) {
    return ImVec2(c.x + px(1) * (direction.x * along - direction.y * across),
                  c.y + px(1) * (direction.y * along + direction.x * across));
  };
  ImDrawList& list = *canvas();
  const float w = theme().line(1.2f);
  list.AddLine(point(-4.5f, 0), point(4, 0), colors().secondary, w);
  for (ImVec2 p : {point(1, -3), point(4, 0), point(1, 3)}) list.PathLineTo(p);
  list.PathStroke(colors().secondary, 0, w);
}

}  // namespace

/// Brings the drawn weights closer to the shown snapshot's: softly while training, at once in all other cases.
void MaskLab::update_view(const SceneInput& in, int lane_index) {
  const LaneSnapshot& lane = in.shown.lanes[static_cast<size_t>(lane_index)];
  TwinView& view = views_[lane_index];
  const int T = static_cast<int>(in.shown.probe.size()), heads = in.shown.config.model.heads;
  const auto cells = static_cast<size_t>(T) * static_cast<size_t>(T);
  const Selection& pick = in.selection;
  const float* target = lane.head(pick.layer, pick.head, heads, T);
  const auto head = static_cast<size_t>(pick.layer * heads + pick.head);
  const bool jump = !in.smooth || view.run != in.shown.run || view.layer != pick.layer || view.head != pick.head ||
                    view.weights.size() != cells;
  view.weights.resize(cells);
  view.run = in.shown.run;
  view.layer = pick.layer;
  view.head = pick.head;
  const float share = jump ? 1 : approach(kSoftening);
  float change = 0;
  for (size_t i = 0; i < cells; ++i) {
    const float step = (target[i] - view.weights[i]) * share;
    change = std::max(change, std::abs(target[i] - view.weights[i]));
    view.weights[i] += step;
  }
  const float leak = head < lane.leak.size() && std::isfinite(lane.leak[head]) ? lane.leak[head] : 0;
  change = std::max(change, std::abs(leak - view.leak));
  view.leak += (leak - view.leak) * share;
  if (change > kSettled && share < 1) keep_moving();
  if (change == 0 && view.mask == lane.mask && view.cells.size() == cells) return;
  view.mask = lane.mask;
  view.cells.resize(cells);
  for (int q = 0; q < T; ++q) {
    for (int k = 0; k < T; ++k) {
      const auto i = static_cast<size_t>(q * T + k);
      view.cells[i] = lane.mask->visible(q, k) ? view.weights[i] : Mask::kForbidden;
    }
  }
  ++view.revision;
}

/// All heads side by side, renewed as often as numbers are.
void MaskLab::update_heads(const SceneInput& in, int lane_index) {
  TwinView& view = views_[lane_index];
  const LaneSnapshot& lane = in.numbers.lanes[static_cast<size_t>(lane_index)];
  if (view.heads_run == in.numbers.run && view.heads_step == in.numbers.step && view.heads_mask == lane.mask) return;
  view.heads_run = in.numbers.run;
  view.heads_step = in.numbers.step;
  view.heads_mask = lane.mask;
  const ModelConfig& model = in.numbers.config.model;
  const int T = static_cast<int>(in.numbers.probe.size()), columns = model.heads * T;
  view.heads.resize(static_cast<size_t>(model.layers * T * columns));
  for (int l = 0; l < model.layers; ++l) {
    for (int h = 0; h < model.heads; ++h) {
      const float* weights = lane.head(l, h, model.heads, T);
      for (int q = 0; q < T; ++q) {
        float* row = view.heads.data() + static_cast<size_t>((l * T + q) * columns + h * T);
        for (int k = 0; k < T; ++k) row[k] = lane.mask->visible(q, k) ? weights[q * T + k] : Mask::kForbidden;
      }
    }
  }
  ++view.heads_revision;
}

void MaskLab::draw_matrix(const SceneInput& in, int lane_index, const TwinLayout& at) {
  const LaneSnapshot& lane = in.shown.lanes[static_cast<size_t>(lane_index)];
  draw_cells(in, lane_index, at);
  draw_answers(lane, at);
  point(in, lane_index, at);
  draw_token_labels(at);
}

void MaskLab::draw_cells(const SceneInput& in, int lane_index, const TwinLayout& at) {
  const int T = static_cast<int>(in.shown.probe.size());
  const Rect rect = theme().rect(at.matrix.min.x, at.matrix.min.y, at.matrix.w(), at.matrix.h());
  if (!in.heatmaps || T == 0) return;
  const TwinView& view = views_[lane_index];
  gl::HeatmapSpec spec = spec_for(T, T, T, static_cast<int>(rect.w()), static_cast<int>(rect.h()));
  spec.gap = theme().line(at.pitch >= 30 ? 2 : 1);
  spec.radius = (at.pitch >= 20 ? 2.0f : 1.0f) * theme().s;
  spec.hatch_pitch = at.pitch < 8 ? 0 : px(6);
  spec.hatch_width = theme().line(1);
  spec.origin = rect.min;
  canvas()->AddImage(in.heatmaps->draw(2 * lane_index, spec, view.cells.data(), view.revision), rect.min, rect.max);
}

/// Each query's own target, the cell that it must not see.
void MaskLab::draw_answers(const LaneSnapshot& lane, const TwinLayout& at) {
  const int T = static_cast<int>(labels_.size());
  const ImU32 color = lane.masked ? colors().answer_on : colors().answer_off;
  const float p = at.pitch, x = at.matrix.min.x, y = at.matrix.min.y;
  for (int q = 0; q + 1 < T; ++q) {
    const auto row = static_cast<float>(q);
    outline(theme().rect(x + p * (row + 1), y + p * row, p - 1, p - 1), color, 1.5f, p >= 20 ? 2 : 1);
  }
}

void MaskLab::draw_token_labels(const TwinLayout& at) {
  const float x = at.matrix.min.x, y = at.matrix.min.y;
  axis_word(theme().at(at.panel.min.x + 20, at.panel.min.y + 104), "looks at", {1, 0});
  axis_word(theme().at(at.panel.min.x + 20, at.panel.min.y + 124), "asks", {0, 1});
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  for (size_t i = 0; i < labels_.size(); ++i) {
    const int n = static_cast<int>(i);
    const bool row = shown_.query == n, column = shown_.key == n;
    const float middle = at.pitch * (static_cast<float>(i) + 0.5f);
    const bool due = n % at.label_step == 0;
    if (due || row) {
      const Rect place = theme().rect(x - 70, y + middle - at.pitch * 0.5f, 60, at.pitch);
      text({place.max.x, px(y + middle)}, row_labels_[i], row ? Font::kLabelBold : Font::kLabel,
           row ? colors().text : colors().secondary, Align::kRight);
      if (row_labels_[i] != labels_[i] && place.contains(mouse))
        tooltip(ImGui::GetID(labels_[i].c_str()), mouse, {{labels_[i], {}}});
    }
    if (due || column) {
      text_turned(theme().at(x + middle + 0.5f, y - 5.5f), column_labels_[i], column ? Font::kLabelBold : Font::kLabel,
                  column ? colors().text : colors().secondary);
    }
  }
}

/// Mouse and keyboard on the matrix, and the frame of the cell that both twins show.
void MaskLab::point(const SceneInput& in, int lane_index, const TwinLayout& at) {
  const int T = static_cast<int>(labels_.size());
  if (T == 0) return;
  const Rect rect = theme().rect(at.matrix.min.x, at.matrix.min.y, at.matrix.w(), at.matrix.h());
  const Interaction it = interact("attention", rect, true, focus::kHorizontal | focus::kVertical);
  registry::add("Attention", "area", fmt("L%d H%d", in.selection.layer + 1, in.selection.head + 1), rect.min, rect.max);
  if (it.focused) focus_ring(rect, 2);
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  const float p = rect.w() / static_cast<float>(T);
  if (it.hovered) {
    pointed_ = {std::clamp(static_cast<int>((mouse.y - rect.min.y) / p), 0, T - 1),
                std::clamp(static_cast<int>((mouse.x - rect.min.x) / p), 0, T - 1)};
    describe_cell(in, lane_index, it, mouse);
    if (ImGui::IsMouseClicked(0)) {
      pinned_ = pinned_ == pointed_ ? Cell{} : pointed_;
      in.actions.hold(lane_index);
    }
  }
  if (it.focused) {
    const Cell from = pinned_.valid() ? pinned_ : Cell{0, 0};
    pinned_ = from;
    if (key_pressed(Key::kLeft)) pinned_.key = std::max(0, from.key - 1);
    if (key_pressed(Key::kRight)) pinned_.key = std::min(T - 1, from.key + 1);
    if (key_pressed(Key::kUp)) pinned_.query = std::max(0, from.query - 1);
    if (key_pressed(Key::kDown)) pinned_.query = std::min(T - 1, from.query + 1);
  }
  if (!shown_.valid()) return;
  const auto cell_rect = [&](const Cell& c) {
    return theme().rect(at.matrix.min.x + at.pitch * static_cast<float>(c.key),
                        at.matrix.min.y + at.pitch * static_cast<float>(c.query), at.pitch - 1, at.pitch - 1);
  };
  if (pinned_.valid()) outline(cell_rect(pinned_).grown(px(1)), colors().hue(pinned_.key <= pinned_.query).fill, 3, 3);
  if (shown_ == pinned_ && it.focused) {
    const Rect cell = cell_rect(pinned_);
    describe_cell(in, lane_index, it, cell.max);
  }
  if (!(shown_ == pinned_)) outline(cell_rect(shown_).grown(px(1)), colors().text, 2, 3);
}

void MaskLab::describe_cell(const SceneInput& in, int lane_index, const Interaction& it, ImVec2 anchor) {
  const Cell cell = it.hovered ? pointed_ : pinned_;
  const LaneSnapshot& lane = in.shown.lanes[static_cast<size_t>(lane_index)];
  const auto T = labels_.size(), q = static_cast<size_t>(cell.query), k = static_cast<size_t>(cell.key);
  const float weight =
      lane.head(in.selection.layer, in.selection.head, in.shown.config.model.heads, static_cast<int>(T))[q * T + k];
  const bool visible = lane.mask->visible(cell.query, cell.key);
  std::string line = labels_[q] + " \xE2\x86\x92 " + labels_[k] + "  " + fmt("%.2f", static_cast<double>(weight)).chars;
  if (!visible) line = labels_[q] + " \xE2\x86\x92 " + labels_[k] + "  forbidden";
  if (const float penalty = (*lane.mask)(cell.query, cell.key); visible && penalty != 0) {
    line += fmt(", penalty \xE2\x88\x92%g", static_cast<double>(-penalty)).chars;
  }
  if (cell.is_answer()) {
    line += ", the answer";
  } else if (visible && cell.key > cell.query) {
    line += ", not yet written";
  }
  tooltip(it.id, anchor, {{line, {}}});
}

ImTextureID MaskLab::heads_texture(const SceneInput& in, int lane_index) {
  update_heads(in, lane_index);
  const ModelConfig& model = in.numbers.config.model;
  const int T = static_cast<int>(in.numbers.probe.size());
  if (!in.heatmaps || T == 0) return {};
  const TwinView& view = views_[lane_index];
  // A px a cell: the thumbnails are enlarged by nearest filtering.
  const gl::HeatmapSpec spec = spec_for(model.heads * T, model.layers * T, T, model.heads * T, model.layers * T);
  return in.heatmaps->draw(2 * lane_index + 1, spec, view.heads.data(), view.heads_revision);
}

/// Where the thumbnails are: layers across and heads down, or the other way round where there is width and no height.
MaskLab::PickerLayout MaskLab::picker_layout(const SceneInput& in, const TwinLayout& at) const {
  const ModelConfig& model = in.shown.config.model;
  PickerLayout p;
  p.columns = at.sideways ? model.heads : model.layers;
  p.rows = at.sideways ? model.layers : model.heads;
  p.corner = {at.matrix.max.x + (at.sideways ? 36 : 32), at.matrix.min.y + 20};
  const float bottom = at.sideways ? std::max(at.matrix.max.y, at.panel.min.y + 240) - 62
                       : at.legend ? at.matrix.max.y - 74
                                   : std::max(at.matrix.max.y, p.corner.y + 84);
  const float room_x = at.panel.max.x - 20 - p.corner.x + 6, room_y = bottom - p.corner.y + 6;
  const float fitting =
      std::floor(std::min(room_x / static_cast<float>(p.columns), room_y / static_cast<float>(p.rows)));
  p.pitch = std::clamp(fitting, kLeastThumbPitch, kThumbPitch);
  p.shown_columns = std::clamp(static_cast<int>(room_x / p.pitch), 1, p.columns);
  p.shown_rows = std::clamp(static_cast<int>(room_y / p.pitch), 1, p.rows);
  p.size = p.pitch - std::max(3.0f, std::floor(p.pitch / 7));
  return p;
}

/// Where not all heads fit: the wheel scrolls, and whatever is chosen comes into view.
void MaskLab::scroll_picker(const SceneInput& in, const TwinLayout& at, const PickerLayout& p) {
  int& column = at.sideways ? first_head_ : first_layer_;
  int& row = at.sideways ? first_layer_ : first_head_;
  const Rect area = theme().rect(p.corner.x, p.corner.y, p.pitch * static_cast<float>(p.shown_columns),
                                 p.pitch * static_cast<float>(p.shown_rows));
  const ImGuiIO& io = ImGui::GetIO();
  if (area.contains(io.MousePos) && io.MouseWheel != 0)
    (p.shown_rows < p.rows && !io.KeyShift ? row : column) += io.MouseWheel > 0 ? -1 : 1;
  if (picked_layer_ != in.selection.layer || picked_head_ != in.selection.head) {
    const int chosen_column = at.sideways ? in.selection.head : in.selection.layer,
              chosen_row = at.sideways ? in.selection.layer : in.selection.head;
    column = std::clamp(column, chosen_column - p.shown_columns + 1, chosen_column);
    row = std::clamp(row, chosen_row - p.shown_rows + 1, chosen_row);
    picked_layer_ = in.selection.layer;
    picked_head_ = in.selection.head;
  }
  column = std::clamp(column, 0, p.columns - p.shown_columns);
  row = std::clamp(row, 0, p.rows - p.shown_rows);
}

/// One thumbnail a head.
void MaskLab::draw_picker(const SceneInput& in, int lane_index, const TwinLayout& at) {
  const PickerLayout p = picker_layout(in, at);
  scroll_picker(in, at, p);
  const bool sideways = at.sideways;
  const int first_column = sideways ? first_head_ : first_layer_, first_row = sideways ? first_layer_ : first_head_;
  const int chosen_column = sideways ? in.selection.head : in.selection.layer,
            chosen_row = sideways ? in.selection.layer : in.selection.head;
  const ImTextureID heads = heads_texture(in, lane_index);
  const Font small = p.pitch < 28 ? Font::kSmall : Font::kLabel,
             bold = p.pitch < 28 ? Font::kSmallBold : Font::kLabelBold;
  const auto name = [&](ImVec2 where, int i, bool layer, bool chosen) {
    const Number words = layer && p.pitch >= 24 ? fmt("L%d", i + 1) : fmt("%d", i + 1);
    text(theme().at(where.x, where.y), words, chosen ? bold : small, chosen ? colors().text : colors().secondary,
         Align::kCentre);
  };
  for (int c = 0; c < p.shown_columns; ++c) {
    const float x = p.corner.x + p.pitch * static_cast<float>(c) + p.size * 0.5f;
    name({x, p.corner.y - 14}, first_column + c, !sideways, first_column + c == chosen_column);
  }
  for (int r = 0; r < p.shown_rows; ++r) {
    const float y = p.corner.y + p.pitch * static_cast<float>(r);
    name({p.corner.x - (sideways ? 15 : 18), y + p.size * 0.5f}, first_row + r, sideways, first_row + r == chosen_row);
    for (int c = 0; c < p.shown_columns; ++c) {
      const int layer = sideways ? first_row + r : first_column + c, head = sideways ? first_column + c : first_row + r;
      draw_thumb(in, lane_index, layer, head,
                 theme().rect(p.corner.x + p.pitch * static_cast<float>(c), y, p.size, p.size), heads);
    }
  }
  draw_scroll_bars(p, first_column, first_row);
}

void MaskLab::draw_scroll_bars(const PickerLayout& p, int first_column, int first_row) const {
  const auto bar = [](Rect track, bool across, int first, int shown, int all) {
    if (shown >= all) return;
    fill(track, colors().raised, 1);
    const float from = static_cast<float>(first) / static_cast<float>(all),
                share = static_cast<float>(shown) / static_cast<float>(all);
    if (across) {
      track.min.x += track.w() * from;
      track.max.x = track.min.x + track.w() / (1 - from) * share;
    } else {
      track.min.y += track.h() * from;
      track.max.y = track.min.y + track.h() / (1 - from) * share;
    }
    fill(track, colors().secondary, 1);
  };
  const float gap = p.pitch - p.size, w = p.pitch * static_cast<float>(p.shown_columns) - gap,
              h = p.pitch * static_cast<float>(p.shown_rows) - gap;
  bar(theme().rect(p.corner.x, p.corner.y + h + 4, w, 3), true, first_column, p.shown_columns, p.columns);
  bar(theme().rect(p.corner.x + w + 4, p.corner.y, 3, h), false, first_row, p.shown_rows, p.rows);
}

/// Arrows on a focused thumbnail choose its neighbour, in view or not, and take the focus along.
void MaskLab::move_choice(const SceneInput& in, int layer, int head, bool sideways) {
  int across = (key_pressed(Key::kRight) ? 1 : 0) - (key_pressed(Key::kLeft) ? 1 : 0);
  int down = (key_pressed(Key::kDown) ? 1 : 0) - (key_pressed(Key::kUp) ? 1 : 0);
  if (sideways) std::swap(across, down);
  if (across == 0 && down == 0) return;
  const ModelConfig& model = in.shown.config.model;
  in.selection.layer = std::clamp(layer + across, 0, model.layers - 1);
  in.selection.head = std::clamp(head + down, 0, model.heads - 1);
  focus::set(interaction_id(fmt("L%d H%d", in.selection.layer + 1, in.selection.head + 1)), true);
}

void MaskLab::draw_thumb(const SceneInput& in, int lane_index, int layer, int head, Rect rect, ImTextureID heads) {
  const ModelConfig& model = in.numbers.config.model;
  const Number name = fmt("L%d H%d", layer + 1, head + 1);
  const Interaction it = interact(name, rect, true, focus::kHorizontal | focus::kVertical);
  const bool chosen = layer == in.selection.layer && head == in.selection.head;
  registry::add(name, "button", chosen ? "on" : "off", rect.min, rect.max);
  if (it.pressed) {
    in.selection.layer = layer;
    in.selection.head = head;
    in.actions.hold(lane_index);
  }
  if (heads && layer < model.layers && head < model.heads) {
    const auto w = static_cast<float>(model.heads), h = static_cast<float>(model.layers);
    const auto l = static_cast<float>(layer), n = static_cast<float>(head);
    canvas()->AddImage(heads, rect.min, rect.max, {n / w, l / h}, {(n + 1) / w, (l + 1) / h});
  }
  const float out = rect.w() >= px(30) ? px(4) : px(2);
  if (chosen) outline(rect.grown(out), colors().text, 2, 4);
  if (!chosen && it.hovered) outline(rect.grown(px(1)), colors().text, 1, 2);
  if (it.focused) {
    focus_ring(rect, 2);
    move_choice(in, layer, head, theme().low && !theme().small());
  }
  const std::vector<float>& leak = in.numbers.lanes[static_cast<size_t>(lane_index)].leak;
  const auto i = static_cast<size_t>(layer * model.heads + head);
  if (it.hovered && i < leak.size()) {
    tooltip(it.id, ImGui::GetIO().MousePos,
            {{fmt("Layer %d, head %d", layer + 1, head + 1).chars,
              fmt("%.0f %% future", static_cast<double>(leak[i]) * 100).chars}});
  }
}

}  // namespace nopeek
