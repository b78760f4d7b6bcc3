#pragma once
#include <limits>
#include <optional>
#include <span>
#include <string>

#include "app/gl/heatmap.h"
#include "app/ui/interact.h"

namespace nopeek::ui {

/// Of attention: row = query (who asks), column = key (what it looks at).
struct Cell {
  int row = -1, column = -1;
  bool valid() const { return row >= 0 && column >= 0; }
  bool operator==(const Cell&) const = default;
};

/// A heatmap's colours, and what VISUAL.md says of its cells at this pitch; size, values and place are left to fill in.
/// `pitch` is in logical px.
gl::HeatmapSpec heatmap_look(float pitch);
/// Draws `values` (rows, columns) over `rect`, in px. Nothing is drawn without a display.
void draw_heatmap(gl::HeatmapRenderer* heatmaps, int key, gl::HeatmapSpec spec, const Rect& rect, const float* values,
                  uint64_t revision, float alpha = 1);

struct MatrixSpec {
  std::string_view label;         // what tours call it; unique in its scope
  int texture = 0;                // key of its heatmap: another one for each matrix on the screen
  const float* values = nullptr;  // (rows, columns); -inf is hatched
  uint64_t revision = 0;          // of the values
  gl::HeatmapSpec look = {};      // with columns, rows, T, mapping, low and high; colours as heatmap_look() gives them
  Rect area{};                    // logical px: room for the cells, which begin at its upper left corner
  float pitch_x = 26, pitch_y = 26;  // of a cell, at most, in logical px; less where the area is too small
  std::span<const std::string> row_labels = {}, column_labels = {};  // by row and column; empty: none
  float label_width = 60;                                            // logical px, of the row labels
  int quiet_from = std::numeric_limits<int>::max();                  // labels from here on are not of the text: quiet
  Cell chosen = {};     // 3 px frame, in its colour if T > 0; arrows move it
  int framed_row = -1;  // 2 px frame over all its columns
  bool paints = false;  // the left button is the caller's: it does not pan
  float alpha = 1;
};

struct MatrixEvents {
  Interaction it;
  Rect rect{};                 // px: the cells on the screen
  Cell hovered{};              // under the pointer
  std::optional<Cell> chosen;  // by a click or the arrows, in this frame
};

/// A matrix that one can read: labels, pointer, keyboard, and, where its cells are too small to be told apart, zoom
/// (wheel, + and -) and pan (drag; with the right button where the left one paints). While it is zoomed, bars along its
/// edges tell where the view is, and "LABEL fit", a double click or 0 go back to all of it. Up to 1024 x 1024 cells
/// cost the same as 12 x 12.
class MatrixView {
 public:
  MatrixEvents draw(gl::HeatmapRenderer* heatmaps, const MatrixSpec& spec);
  /// The same as a picture that takes no input: for a file.
  void draw_still(gl::HeatmapRenderer* heatmaps, const MatrixSpec& spec);
  /// `look` with the cells in view after draw(), for another matrix in its place. One of another size is shown whole.
  gl::HeatmapSpec in_view(gl::HeatmapSpec look) const;
  /// Where a cell is, in px, after draw(); cells that are out of view lie outside of its rectangle.
  Rect cell_rect(Cell cell) const;
  /// The cell under a point, in px; the nearest one if there is none.
  Cell cell_at(ImVec2 point) const;
  const Rect& rect() const { return rect_; }  // of all cells on the screen, px
  float zoom() const { return zoom_; }
  void fit() { zoom_ = 1; }
  /// Moves as little as it takes to have the cell in view.
  void bring_into_view(Cell cell);

 private:
  void read_wheel(const MatrixSpec& spec, const Interaction& it);
  void zoom_about(ImVec2 point, float factor);
  void pan(const MatrixSpec& spec, const Interaction& it);
  void clamp_view();
  ImVec2 shown() const;
  void read_keys(const MatrixSpec& spec, MatrixEvents& events);
  Interaction read_fit(const MatrixSpec& spec);
  void draw_fit(const Interaction& it) const;
  void draw_place() const;
  bool place(const MatrixSpec& spec);  // false: it has no cells
  void draw_cells(gl::HeatmapRenderer* heatmaps, const MatrixSpec& spec, Cell hovered) const;
  void draw_labels(const MatrixSpec& spec, Cell pointed) const;

  int columns_ = 0, rows_ = 0;
  Rect rect_{}, fit_{};
  float zoom_ = 1;
  ImVec2 most_zoom_{1, 1};  // of columns, of rows
  ImVec2 first_{};          // the cell at the upper left corner
  ImVec2 pitch_{};          // px
  bool pressed_ = false, panning_ = false;
  ImVec2 grip_{};  // where the mouse went down, px
};

}  // namespace nopeek::ui
