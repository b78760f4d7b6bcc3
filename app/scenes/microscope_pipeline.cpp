#include "app/scenes/microscope.h"

namespace nopeek {

using namespace ui;

void Microscope::draw_pipeline(const SceneInput& in, const Rect& panel) {
  draw_tabs(in, panel.min.x + 209, panel.min.y + 12, panel.max.x);
}

}  // namespace nopeek
