#include "app/scenes/microscope.h"

namespace nopeek {

using namespace ui;

namespace {

class HeadsPage final : public MicroscopePage {
 public:
  void draw(Lens&, const SceneInput&, const Rect&) override {}
  void explain(const Lens&, const SceneInput&, Explanation&) override {}
};

}  // namespace

std::unique_ptr<MicroscopePage> make_heads_page() { return std::make_unique<HeadsPage>(); }

}  // namespace nopeek
