#pragma once
#include <imgui.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>

namespace nopeek::gl {

/// How a cell's value becomes its place t on the colour scale (VISUAL.md 4).
enum class Mapping {
  kWeight,     // t = sqrt(v)
  kScore,      // t = 0.12 + 0.88 z^1.3, z = (v - low) / (high - low)
  kMagnitude,  // t = 0.06 + 0.80 |v| / high
  kSigned,     // t = sqrt(|v| / high); v < 0 takes the hue of the future, whatever its place
  kLogarithm,  // t = 0.2 + 0.8 z of log10(v), z = (log10(v) - low) / (high - low); v <= 0: t = 0
};

/// A picture of a matrix. `columns` x `rows` cells hold one (T, T) matrix, or several side by side. All lengths are px
/// of the window, so that the picture can be drawn pixel for pixel.
struct HeatmapSpec {
  int columns = 0, rows = 0;
  int T = 0;  // a cell lies in the future where column % T > row % T; 0: none does
  Mapping mapping = Mapping::kWeight;
  float low = 0, high = 1;
  /// The part that is shown, in cells; of size 0: all. Where a pixel covers several cells, it shows the one of the
  /// largest t.
  float first_column = 0, first_row = 0, shown_columns = 0, shown_rows = 0;
  int width = 0, height = 0;  // of the picture
  float gap = 0, radius = 0;  // between cells, which are transparent there; of their corners
  float hatch_pitch = 0;      // 0: forbidden cells are filled and not hatched
  float hatch_width = 1;
  ImVec2 origin{};  // where in the window the picture will stand: the hatch's phase
  std::array<ImU32, 5> past{}, future{};
  ImU32 forbidden = 0, hatch = 0;

  bool operator==(const HeatmapSpec& other) const;
};

/// Draws matrices through shaders/heatmap.* into textures. Needs a current OpenGL 3.3 context for as long as it lives.
///
///   ImTextureID picture = heatmaps.draw(key, spec, weights, revision);   // while the frame is built: no drawing yet
///   draw_list->AddImage(picture, min, max);
///   heatmaps.flush();                                                    // before ImGui's draw data are rendered
///
/// A key's texture is drawn anew only when its spec or its revision has changed, and its values are sent only with
/// another revision: to pan and to zoom costs nothing here. What does not fit into the driver's limits stays blank
/// until it is another picture, and is told by the exception of flush().
class HeatmapRenderer {
 public:
  HeatmapRenderer();  // throws Error if the shaders do not compile
  ~HeatmapRenderer();
  HeatmapRenderer(const HeatmapRenderer&) = delete;

  /// `values` has rows x columns of them; -inf is a forbidden cell. They are copied if the revision is another one.
  ImTextureID draw(int key, const HeatmapSpec& spec, const float* values, uint64_t revision);
  /// Whoever counted the revisions counts anew: all values are to be sent once more.
  void forget_revisions();
  /// Sends the values that have changed to the graphics card, ahead of flush(), for who wants to tell the one's time
  /// from the other's. What fails here is told by flush().
  void send();
  /// Draws what has changed. Throws Error if the driver refuses a picture, once all others are drawn.
  void flush();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nopeek::gl
