#include "app/scenes/microscope_parts.h"

#include <algorithm>
#include <cmath>

namespace nopeek {

using namespace ui;

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

Rect square_in(const Rect& area, int T, float pitch) {
  const auto n = static_cast<float>(T);
  float cell = std::min({pitch, area.w() / n, area.h() / n});
  if (cell >= 8) cell = std::floor(cell);
  return {area.min, {area.min.x + cell * n, area.min.y + cell * n}};
}

}  // namespace nopeek
