#pragma once
#include <optional>
#include <string>
#include <vector>

#include "app/scenes/microscope_clock.h"
#include "app/ui/matrix_view.h"
#include "core/base/types.h"

/// What the Microscope writes into files. Files are written later and on another thread: what is here owns its numbers.
namespace nopeek {

struct Lens;

/// A matrix that is on the screen.
struct ExportedMatrix {
  std::string name;           // "masked scores"
  Matrix<float> values;       // core's, for a table
  std::vector<float> shown;   // as heatmaps take them: -inf is hatched; empty: the values
  const char* row = "query";  // what the rows are
  std::vector<std::string> rows, columns;
  bool named_columns = true;  // a picture has their names, too
  gl::HeatmapSpec look = {};
  const char* hatched = "forbidden";  // what a hatched cell is
  bool with_scale = true;             // its colours stand for numbers
  ui::Cell chosen = {};
  int framed_row = -1;
  bool of_head = true;              // and not of the model, or of all heads
  std::optional<Stage> stage = {};  // one of the five of the head: a picture says how it came about
  bool masked = true;               // by the model's own mask
  int layer = 0, head = 0;          // from 0
  std::string scaling = {};         // of the head's scores, see scale_operator()
  std::string model = {};           // "masked twin, step 380"
};

/// Of the held head.
ExportedMatrix stage_matrix(const Lens& lens, Stage stage);

/// As CSV (RFC 4180): the columns' names, then a row for each query behind its name. Numbers come back as they were, to
/// the last bit; minus infinity is -inf.
std::string table_of(const ExportedMatrix& matrix);

/// Draws it as a picture of its own, of picture_size(), in logical px. `revision` is another one for each picture.
void draw_picture(gl::HeatmapRenderer* heatmaps, const ExportedMatrix& matrix, uint64_t revision);
ImVec2 picture_size(const ExportedMatrix& matrix);

}  // namespace nopeek
