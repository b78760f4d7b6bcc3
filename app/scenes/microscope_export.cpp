#include "app/scenes/microscope_export.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

#include "app/scenes/microscope.h"
#include "app/scenes/microscope_parts.h"
#include "app/ui/widgets.h"
#include "core/base/error.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr int kMatrixTexture = 200, kScaleTexture = 201;            // and one more, for the future
constexpr float kExportLeft = 100, kExportRight = 84, kBelow = 92;  // around the cells
constexpr float kExportTitle = 34, kModel = 60, kChain = 92, kExportTop = 164;
constexpr float kPitch = 44, kLeastSide = 352, kSide = 528;
constexpr float kExportBar = 160, kBarHeight = 10;
constexpr int kBarCells = 80;

// A table
// ------------------------------------------------------------------------------------------------
void append_field(std::string& out, std::string_view field) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += field;
    return;
  }
  out += '"';
  for (const char c : field) out.append(c == '"' ? 2 : 1, c);
  out += '"';
}

/// Nine digits: as many as it takes to tell any two floats apart.
void append_number(std::string& out, float value) {
  if (std::isnan(value)) {
    out += "nan";
    return;
  }
  char chars[32];
  const auto end = std::to_chars(chars, chars + sizeof chars, value, std::chars_format::general, 9).ptr;
  out.append(chars, end);
}

// A picture
// ------------------------------------------------------------------------------------------------
/// Of the square that the cells stand in, logical px. Each cell of a large matrix has a pixel at least.
float side_of(const ExportedMatrix& matrix) {
  const auto rows = static_cast<float>(matrix.values.rows());
  return std::max(std::clamp(kPitch * rows, kLeastSide, kSide), std::ceil(rows / theme().s));
}

void draw_words(const ExportedMatrix& matrix) {
  std::string title = matrix.name;
  title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  const float x = px(kExportLeft), right = px(picture_size(matrix).x - 24);
  text({x, px(kExportTitle)}, title, Font::kBodyBold, colors().text);
  const float behind = x + text_width(Font::kBodyBold, title) + px(10);
  if (matrix.of_head)
    text({behind, px(kExportTitle)}, fmt("layer %d, head %d", matrix.layer + 1, matrix.head + 1), Font::kLabel,
         colors().secondary);
  text_elided({x, px(kModel)}, matrix.model, right - x, Font::kLabel, colors().secondary);
}

/// The operators up to this stage, and quietly those that follow.
void draw_chain(const ExportedMatrix& matrix) {
  float x = px(kExportLeft);
  for (int i = 0; i < kStages; ++i) {
    const auto stage = static_cast<Stage>(i);
    const ImU32 now = stage == Stage::kMasked ? colors().hue(matrix.masked).text : colors().text;
    const ImU32 color = stage == *matrix.stage ? now : stage < *matrix.stage ? colors().secondary : colors().disabled;
    const std::string words = stage_operator(stage, matrix.scaling);
    text({x, px(kChain)}, words, Font::kMonoLabel, color);
    x += text_width(Font::kMonoLabel, words) + px(22);
  }
}

/// The values along a scale, from its low end to its high one.
std::vector<float> scale_values(const gl::HeatmapSpec& look) {
  float low = look.low, high = look.high;
  if (look.mapping == gl::Mapping::kWeight) low = 0, high = 1;
  if (look.mapping == gl::Mapping::kMagnitude) low = 0;
  if (look.mapping == gl::Mapping::kSigned) low = -high;
  std::vector<float> values(kBarCells);
  for (int i = 0; i < kBarCells; ++i) {
    const float value = low + (high - low) * static_cast<float>(i) / (kBarCells - 1);
    values[static_cast<size_t>(i)] = look.mapping == gl::Mapping::kLogarithm ? std::pow(10.0f, value) : value;
  }
  return values;
}

/// Drawn as cells are, so that its colours are theirs.
void draw_bar(gl::HeatmapRenderer* heatmaps, int texture, const gl::HeatmapSpec& of, const ColorScale& scale,
              const std::vector<float>& values, float y, uint64_t revision) {
  gl::HeatmapSpec look = of;
  look.columns = static_cast<int>(values.size());
  look.rows = 1;
  look.T = 0;
  look.gap = look.radius = look.hatch_pitch = 0;
  look.past = scale;
  draw_heatmap(heatmaps, texture, look, theme().rect(kExportLeft, y, kExportBar, kBarHeight), values.data(), revision);
}

void draw_scale(gl::HeatmapRenderer* heatmaps, const ExportedMatrix& matrix, float y, uint64_t revision) {
  const gl::HeatmapSpec& look = matrix.look;
  float x = kExportLeft;
  if (matrix.with_scale) {
    const std::vector<float> values = scale_values(look);
    const bool two = look.T > 0;
    draw_bar(heatmaps, kScaleTexture, look, look.past, values, y, revision);
    if (two) draw_bar(heatmaps, kScaleTexture + 1, look, look.future, values, y + 20, revision);
    const float numbers = y + (two ? 46 : 26);
    text(theme().at(kExportLeft, numbers), fmt("%.3g", static_cast<double>(values.front())), Font::kMonoSmall,
         colors().secondary);
    text(theme().at(kExportLeft + kExportBar, numbers), fmt("%.3g", static_cast<double>(values.back())),
         Font::kMonoSmall, colors().secondary, Align::kRight);
    x += kExportBar + 12;
    if (two) {
      text(theme().at(x, y + kBarHeight * 0.5f), "past", Font::kSmall, colors().past.text);
      text(theme().at(x, y + 20 + kBarHeight * 0.5f), "future", Font::kSmall, colors().future.text);
      x += 64;
    }
  }
  if (std::find(matrix.shown.begin(), matrix.shown.end(), Mask::kForbidden) == matrix.shown.end()) return;
  hatch(theme().rect(x, y, 20, kBarHeight));
  text(theme().at(x + 28, y + kBarHeight * 0.5f), matrix.hatched, Font::kSmall, colors().secondary);
}

/// A name for each row and each column.
void check_words(const ExportedMatrix& matrix) {
  if (std::ssize(matrix.rows) == matrix.values.rows() && std::ssize(matrix.columns) == matrix.values.cols()) return;
  throw Error("The numbers and the words belong to different texts. Export again.");
}

}  // namespace

std::string table_of(const ExportedMatrix& matrix) {
  check_words(matrix);
  std::string out = matrix.row;
  for (const std::string& column : matrix.columns) append_field(out += ',', column);
  out += '\n';
  for (int i = 0; i < matrix.values.rows(); ++i) {
    append_field(out, matrix.rows[static_cast<size_t>(i)]);
    for (int j = 0; j < matrix.values.cols(); ++j) append_number(out += ',', matrix.values(i, j));
    out += '\n';
  }
  return out;
}

ImVec2 picture_size(const ExportedMatrix& matrix) {
  const float side = side_of(matrix);
  return {kExportLeft + side + kExportRight, kExportTop + side + kBelow};
}

void draw_picture(gl::HeatmapRenderer* heatmaps, const ExportedMatrix& matrix, uint64_t revision) {
  check_words(matrix);
  const float side = side_of(matrix), fitting = side / static_cast<float>(matrix.values.rows());
  draw_words(matrix);
  if (matrix.stage) draw_chain(matrix);
  MatrixSpec spec;
  spec.texture = kMatrixTexture;
  spec.values = matrix.shown.empty() ? matrix.values.data() : matrix.shown.data();
  spec.revision = revision;
  spec.look = matrix.look;
  spec.area = {{kExportLeft, kExportTop}, {kExportLeft + side, kExportTop + side}};
  spec.pitch_x = spec.pitch_y = std::min(kPitch, fitting >= 2 ? std::floor(fitting) : fitting);
  spec.row_labels = matrix.rows;
  if (matrix.named_columns) spec.column_labels = matrix.columns;
  spec.label_width = kExportLeft - 24;
  spec.chosen = matrix.chosen;
  spec.framed_row = matrix.framed_row;
  MatrixView view;
  view.draw_still(heatmaps, spec);
  if (matrix.stage && matrix.stage != Stage::kOutput)
    draw_answers(view, static_cast<int>(matrix.values.rows()), matrix.masked, matrix.chosen);
  draw_scale(heatmaps, matrix, kExportTop + side + 28, revision);
}

// The Microscope's own
// ------------------------------------------------------------------------------------------------
ExportedMatrix stage_matrix(const Lens& lens, Stage stage) {
  const HeadStages<float>& s = lens.stages();
  const Matrix<float>* const matrices[] = {&s.scores, &s.scaled, &s.masked, &s.weights, &s.output};
  const bool output = stage == Stage::kOutput;
  ExportedMatrix out;
  out.name = stage_matrix_name(stage);
  out.values = *matrices[static_cast<int>(stage)];
  const float* shown = lens.matrices.values(stage);
  out.shown.assign(shown, shown + out.values.size());
  for (int i = 0; i < lens.T(); ++i) out.rows.push_back(lens.label(i));
  out.columns = out.rows;
  if (output) {
    out.columns.clear();
    for (int i = 0; i < out.values.cols(); ++i) out.columns.push_back("dimension " + std::to_string(i));
  }
  out.named_columns = !output;
  out.look = lens.matrices.look(stage, kPitch);
  const int last = lens.T() - 1;
  out.framed_row = std::min(lens.cell.row, last);
  if (!output) out.chosen = {out.framed_row, std::min(lens.cell.column, last)};
  out.stage = stage;
  return out;
}

/// The page's matrix as a table or a picture, and the five steps of the head as an animation.
void Microscope::draw_export_menu(const Rect& place) {
  const Option options[] = {{.label = "Matrix as CSV"}, {.label = "Matrix as PNG"}, {.label = "Steps as GIF"}};
  export_picked_ = icon_menu("Export", place, Icon::kExport, "Export the matrix, or all five steps", options,
                             Look::kPlain, lens_.ready());
}

void Microscope::export_what_was_picked(const SceneInput& in) {
  const int picked = std::exchange(export_picked_, -1);
  if (picked < 0 || !lens_.ready()) return;
  if (picked == 2) return export_steps(in);
  auto matrix = pages_[page_].page->matrix(lens_);
  if (!matrix) matrix = stage_matrix(lens_, lens_.stage);
  say_whose(in, *matrix);
  const std::string name = file_name(*matrix, matrix->name);
  if (picked == 1) return export_pictures(in, name, {*std::move(matrix)}, {0});
  in.actions.export_table(
      name, [shared = std::make_shared<const ExportedMatrix>(*std::move(matrix))] { return table_of(*shared); });
}

void Microscope::export_steps(const SceneInput& in) {
  std::vector<ExportedMatrix> matrices;
  std::vector<int> delays;
  for (int i = 0; i < kStages; ++i) {
    matrices.push_back(stage_matrix(lens_, static_cast<Stage>(i)));
    say_whose(in, matrices.back());
    delays.push_back(static_cast<int>(std::lround(1000 * (StageClock::begin_of(i + 1) - StageClock::begin_of(i)))));
  }
  const std::string name = file_name(matrices.front(), "steps");
  export_pictures(in, name, std::move(matrices), std::move(delays));
}

void Microscope::export_pictures(const SceneInput& in, std::string name, std::vector<ExportedMatrix> matrices,
                                 std::vector<int> delays) {
  const uint64_t first = pictures_ + 1;
  pictures_ += matrices.size();
  const auto shared = std::make_shared<const std::vector<ExportedMatrix>>(std::move(matrices));
  const ImVec2 size = picture_size(shared->front());
  in.actions.export_pictures({std::move(name), size, std::move(delays), [shared, first, heatmaps = in.heatmaps](int i) {
                                draw_picture(heatmaps, (*shared)[static_cast<size_t>(i)],
                                             first + static_cast<uint64_t>(i));
                              }});
}

/// Head, model and step that it is of.
void Microscope::say_whose(const SceneInput& in, ExportedMatrix& matrix) const {
  const AttentionQuestion& question = lens_.answer->question;
  const ModelConfig& config = lens_.model().config();
  matrix.layer = std::min(question.layer, config.layers - 1);
  matrix.head = std::min(question.head, config.heads - 1);
  matrix.scaling = scale_operator(lens_.stages());
  matrix.masked = lens_.matrices.masked();
  if (matrix.model.empty()) matrix.model = voice_name(in.voices, in.held_voice, in.opened) + (in.opened ? "" : " twin");
  if (lens_.model().step > 0) matrix.model += ", step " + std::string(grouped_text(lens_.model().step).view());
}

/// "masked scores l1 h4"
std::string Microscope::file_name(const ExportedMatrix& matrix, const std::string& what) {
  return matrix.of_head ? what + fmt(" l%d h%d", matrix.layer + 1, matrix.head + 1).chars : what;
}

}  // namespace nopeek
