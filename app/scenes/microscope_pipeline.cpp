#include "app/scenes/microscope.h"

namespace nopeek {

using namespace ui;

void Microscope::draw_pipeline(const SceneInput& in, const Rect& panel) { draw_header(in, panel); }

}  // namespace nopeek
