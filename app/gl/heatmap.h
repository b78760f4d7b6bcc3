#pragma once
#include <imgui.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>

namespace nopeek::gl {

/// A picture of attention weights. `columns` x `rows` cells hold one (T, T) matrix, or several side by side. All
/// lengths are px of the window, so that the picture can be drawn pixel for pixel.
struct HeatmapSpec {
  int columns = 0, rows = 0;
  int T = 0;                  // a cell lies in the future where column % T > row % T
  int width = 0, height = 0;  // of the picture
  float gap = 0, radius = 0;  // between cells, which are transparent there; of their corners
  float hatch_pitch = 0;      // 0: forbidden cells are filled and not hatched
  float hatch_width = 1;
  ImVec2 origin{};  // where in the window the picture will stand: the hatch's phase
  std::array<ImU32, 5> past{}, future{};
  ImU32 forbidden = 0, hatch = 0;
};

/// Draws matrices through shaders/heatmap.* into textures. Needs a current OpenGL 3.3 context for as long as it lives.
///
///   ImTextureID picture = heatmaps.draw(key, spec, weights, revision);   // while the frame is built: no drawing yet
///   draw_list->AddImage(picture, min, max);
///   heatmaps.flush();                                                    // before ImGui's draw data are rendered
///
/// A key's texture is drawn anew only when its spec or its revision has changed. What does not fit into the driver's
/// limits stays blank, and is told once by the exception of flush().
class HeatmapRenderer {
 public:
  HeatmapRenderer();  // throws Error if the shaders do not compile
  ~HeatmapRenderer();
  HeatmapRenderer(const HeatmapRenderer&) = delete;

  /// `weights` has rows x columns values; a negative one is a forbidden cell. They are copied.
  ImTextureID draw(int key, const HeatmapSpec& spec, const float* weights, uint64_t revision);
  /// Draws what has changed. Throws Error if the driver refuses.
  void flush();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nopeek::gl
