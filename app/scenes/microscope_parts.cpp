#include "app/scenes/microscope_parts.h"

#include <algorithm>
#include <cmath>

namespace nopeek {

using namespace ui;

namespace {

constexpr float kLeastAnswer = 6;  // px of a cell from which the answers are outlined

}  // namespace

bool draw_waiting(const Lens& lens, const Rect& panel) {
  if (lens.ready()) return false;
  const float x = (panel.min.x + panel.max.x) * 0.5f, y = (panel.min.y + panel.max.y) * 0.5f;
  const bool failed = lens.answer && lens.held < lens.answer->voices.size() && lens.progress < 0;
  const std::string line = failed ? lens.voice().error : "Looking at the text \xE2\x80\xA6";
  text_elided(theme().at(x, y), line, px(panel.w() - 40), Font::kBody, colors().secondary, Align::kCentre);
  if (!failed && lens.progress >= 0) progress_bar(theme().rect(x - 120, y + 24, 240, 4), lens.progress);
  return true;
}

void describe_cell(const Lens& lens, const MatrixEvents& events, std::string_view value) {
  if (!events.hovered.valid()) return;
  const std::string pair = lens.label(events.hovered.row) + " \xE2\x86\x92 " + lens.label(events.hovered.column);
  tooltip(events.it.id, ImGui::GetIO().MousePos, {{pair, std::string(value)}});
}

void explain_stopped(const SceneInput& in, Explanation& out) {
  if (in.opened || in.held_voice >= in.shown.lanes.size()) return;
  const std::string& why = in.shown.lanes[in.held_voice].stopped;
  if (why.empty()) return;
  const Tone tone = in.voices[in.held_voice].masked ? Tone::kPast : Tone::kFuture;
  out.words.push_back(
      {{"The "}, {voice_name(in.voices, in.held_voice, in.opened), tone}, {" twin trains no more: " + why}});
}

std::string words_of_masks_below(int layer, bool masked) {
  if (layer == 0) return "One mask or another changes nothing here: the mask acts later.";
  return "What x is made of has already passed through " + std::to_string(layer) + (masked ? " masked" : " unmasked") +
         (layer == 1 ? " attention" : " attentions") + ": under another mask it would be another x.";
}

void draw_answers(const MatrixView& view, int T, bool masked, Cell chosen) {
  const Rect first = view.cell_rect({0, 0});
  if (first.w() < kLeastAnswer) return;
  const Rect corner = view.cell_rect({T, T});
  const ImU32 color = masked ? colors().answer_on : colors().answer_off;
  const float radius = first.w() >= px(18) ? 2 : 1;
  canvas()->PushClipRect(view.rect().min, {std::min(view.rect().max.x, corner.min.x), view.rect().max.y}, true);
  const int from = view.cell_at(view.rect().min).row, to = view.cell_at(view.rect().max).row;
  for (int q = from; q <= to && q + 1 < T; ++q) {
    if (!(Cell{q, q + 1} == chosen)) outline(view.cell_rect({q, q + 1}), color, 1.5f, radius);
  }
  canvas()->PopClipRect();
}

Rect square_in(const Rect& area, int T, float pitch) {
  const auto n = static_cast<float>(T);
  float cell = std::min({pitch, area.w() / n, area.h() / n});
  if (cell >= 8) cell = std::floor(cell);
  return {area.min, {area.min.x + cell * n, area.min.y + cell * n}};
}

Rect square_beside_words(const Rect& panel, float words) {
  constexpr float kRowLabels = 84, kColumnLabels = 52, kFoot = 16, kGap = 40;
  const float side = std::min(panel.h() - kColumnLabels - kFoot, panel.w() - kRowLabels - kGap - words);
  const ImVec2 corner{panel.min.x + kRowLabels, panel.min.y + kColumnLabels};
  return {corner, {corner.x + side, corner.y + side}};
}

}  // namespace nopeek
