#pragma once
#include <imgui.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>

namespace nopeek::gl {

/// A picture of attention weights. `columns` x `rows` cells hold one (T, T) matrix, or several side by side. All lengths
/// are px of the window, so that the picture can be drawn pixel for pixel.
struct HeatmapSpec {
  int columns = 0, rows = 0;
  int T = 0;                   // a cell lies in the future where column % T > row % T
  int width = 0, height = 0;   // of the picture
  float gap = 0, radius = 0;   // between cells, which are transparent there; of their corners
  float hatch_pitch = 0;       // 0: forbidden cells are filled and not hatched
  float hatch_width = 1;
  ImVec2 origin{};             // where in the window the picture will stand: the hatch's phase
  std::array<ImU32, 5> past{}, future{};
  ImU32 forbidden = 0, hatch = 0;
};

/// Draws matrices through shaders/heatmap.* into textures. Needs a current OpenGL 3.3 context for as long as it lives.
///
///   ImTextureID picture = heatmaps.draw(key, spec, weights, revision);
///   draw_list->AddImage(picture, min, max);
///
/// A key's texture is drawn anew only when its spec or its revision has changed.
class HeatmapRenderer {
 public:
  HeatmapRenderer();  // throws Error if the shaders do not compile
  ~HeatmapRenderer();
  HeatmapRenderer(const HeatmapRenderer&) = delete;

  /// `weights` has rows x columns values; a negative one is a forbidden cell. Valid until the next call with this key.
  ImTextureID draw(int key, const HeatmapSpec& spec, const float* weights, uint64_t revision);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nopeek::gl
