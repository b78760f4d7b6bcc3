#include "app/scenes/microscope_steps.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "app/scenes/microscope_parts.h"
#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr int kStepsTextures = 105;  // keys of the large matrices: this and the next four
constexpr float kStepsInset = 20, kMatrixX = 84, kMatrixY = 88, kHeaderY = 74;
constexpr float kLeastPitch = 18, kUsualPitch = 26, kStepsMostPitch = 36;
constexpr float kTypedPitch = 26, kMostTypedPitch = 32;  // a field is higher than a line of text
constexpr const char* kTitles[] = {"Scores", "Scaled scores", "Masked scores", "Weights", "Output"};

}  // namespace

std::unique_ptr<MicroscopePage> make_steps_page() { return std::make_unique<StepsPage>(); }

Number score_text(double score) {
  if (std::isnan(score)) return fmt("n/a");
  if (std::isinf(score)) return fmt("%s\xE2\x88\x9E", score < 0 ? "\xE2\x88\x92" : "");
  if (std::abs(score) < 0.005) score = 0;  // no minus sign before nothing
  return fmt(std::abs(score) >= 99999.5 ? "%.3g" : std::abs(score) >= 999.995 ? "%.0f" : "%.2f", score);
}

Number weight_text(double weight) {
  return std::isnan(weight) ? fmt("n/a") : weight == 0 ? fmt("0") : fmt("%.4f", weight);
}

// Layout
// ------------------------------------------------------------------------------------------------
StepsPage::Layout StepsPage::layout(const Lens& lens, const Rect& panel) const {
  Layout at;
  at.panel = panel;
  const float strip = theme().low ? 60 : 72, below = theme().low ? 28 : 44;  // the line of sums
  at.strip = {{panel.min.x, panel.max.y - strip}, panel.max};
  at.header = panel.min.y + kHeaderY;
  at.top = panel.min.y + kMatrixY;
  const float height = at.strip.min.y - below - at.top;
  const float sheet = kWeight + (theme().small() ? 8 : 88);
  const float side = std::min(height, panel.w() - kMatrixX - 64 - kStepsInset - sheet);
  at.matrix = {{panel.min.x + kMatrixX, at.top}, {panel.min.x + kMatrixX + side, at.top + side}};
  at.separator = at.matrix.max.x + 32;
  at.x0 = at.separator + 32;
  at.x1 = panel.max.x - kStepsInset;
  at.with_bars = at.x1 - at.x0 >= kBars + 60;

  const int keys = lens.ready() ? lens.T() : 1;
  const float fitting = side / static_cast<float>(keys);
  at.pitch = std::min(fitting >= 2 ? std::floor(fitting) : fitting, kStepsMostPitch);
  at.row_pitch = at.pitch;  // a row beside each row of the matrix, where these are high enough
  if (at.pitch < kLeastPitch) at.row_pitch = std::clamp(std::floor(height / 12), kLeastPitch, kUsualPitch);
  if (const ScoreRow* row = typed_.row())
    at.row_pitch = std::clamp(std::floor(height / static_cast<float>(row->keys.size())), kTypedPitch, kMostTypedPitch);
  const int most = static_cast<int>(height / at.row_pitch + 0.01f);
  at.rows = std::min(most, typed_.row() ? static_cast<int>(typed_.row()->keys.size()) : keys);
  at.sum = at.bottom() + (theme().low ? 14 : 18);
  return at;
}

void StepsPage::update(const Lens& lens) {
  const int T = lens.T();
  cell_ = {std::clamp(lens.cell.row, 0, T - 1), std::clamp(lens.cell.column, 0, T - 1)};
  dimension_ = std::clamp(dimension_, 0, static_cast<int>(lens.stages().output.cols()) - 1);
  const bool another = of_revision_ != lens.revision || of_held_ != lens.held;
  if (!another && of_row_ == cell_.row) return;
  if (another) {
    labels_.clear();
    for (int i = 0; i < T; ++i) labels_.push_back(lens.label(i));
    causal_ = lens.model().masked();
  }
  of_revision_ = lens.revision;
  of_held_ = lens.held;
  of_row_ = cell_.row;
  const auto masked = lens.stages().masked.row(cell_.row);
  const auto weights = lens.stages().weights.row(cell_.row);
  steps_ = softmax_steps(std::vector<double>(masked.data(), masked.data() + T));
  visible_ = static_cast<int>(
      std::count_if(masked.data(), masked.data() + T, [](float score) { return score != Mask::kForbidden; }));
  largest_.resize(static_cast<size_t>(T));
  std::iota(largest_.begin(), largest_.end(), 0);
  const auto weight = [&](int key) { return std::isnan(weights(key)) ? -1 : weights(key); };  // of a twin that diverged
  std::stable_sort(largest_.begin(), largest_.end(), [&](int a, int b) { return weight(a) > weight(b); });
}

// The page
// ------------------------------------------------------------------------------------------------
void StepsPage::draw(Lens& lens, const SceneInput& in, const Rect& panel) {
  const auto wishes = std::exchange(wishes_, {});
  if (!lens.ready()) return draw_waiting(lens, layout(lens, panel));
  for (const auto& wish : wishes) wish(lens);
  update(lens);
  const Layout at = layout(lens, panel);
  draw_title(lens, in, at);
  draw_matrix(lens, in, at);
  separator(px(panel.min.x + kStepsInset), px(panel.max.x - kStepsInset), px(at.strip.min.y));
  canvas()->AddRectFilled(theme().at(at.separator, panel.min.y + 16),
                          {px(at.separator) + theme().line(1), px(at.strip.min.y)}, colors().sep);
  if (terms_open_ && lens.stage != Stage::kOutput) {
    draw_terms(lens, at);
  } else if (typed_.row()) {
    draw_typed(at);
  } else if (lens.stage == Stage::kOutput) {
    draw_sum_table(lens, at);
  } else {
    draw_worksheet(lens, at);
  }
  if (typed_.row()) {
    draw_typed_strip(at);
  } else if (lens.stage == Stage::kOutput) {
    draw_weighted_sum(lens, at);
  } else {
    draw_strip(lens, at);
  }
}

void StepsPage::draw_title(const Lens& lens, const SceneInput&, const Layout& at) const {
  const float x = px(at.panel.min.x + kStepsInset), y = px(at.panel.min.y + 28), gap = px(10);
  const char* title = kTitles[static_cast<int>(lens.stage)];
  text({x, y}, title, Font::kBodyBold, colors().text);
  const float begin = x + std::ceil(text_width(Font::kBodyBold, title)) + gap;
  const AttentionQuestion& question = lens.answer->question;
  const ModelConfig& model = lens.model().config();
  // Beside a typed row, shorter: there it has to be said whose head this is.
  text_elided({begin, y},
              fmt(typed_.row() ? "the model\xE2\x80\x99s L%d H%d" : "layer %d, head %d",
                  std::min(question.layer, model.layers - 1) + 1, std::min(question.head, model.heads - 1) + 1),
              px(at.separator - 12) - begin, Font::kLabel, colors().secondary);
}

/// Why there are no numbers, or that they are coming.
void StepsPage::draw_waiting(const Lens& lens, const Layout& at) const {
  const float x = at.panel.min.x + kStepsInset, y = at.panel.min.y + 28;
  const bool failed = lens.answer && lens.held < lens.answer->voices.size() && !lens.voice().error.empty();
  text(theme().at(x, y), failed ? "There are no numbers of this head." : "Reading the text \xE2\x80\xA6",
       Font::kBodyBold, colors().text);
  if (failed) {
    text_elided(theme().at(x, y + 32), lens.voice().error, px(at.panel.w() - 2 * kStepsInset), Font::kBody,
                colors().secondary);
  }
}

// The matrix
// ------------------------------------------------------------------------------------------------
void StepsPage::draw_matrix(Lens& lens, const SceneInput& in, const Layout& at) {
  const StageMatrices& matrices = lens.matrices;
  const bool output = lens.stage == Stage::kOutput;
  const float place = lens.clock.place(), chosen = static_cast<float>(lens.stage);
  MatrixSpec spec;
  spec.label = "Matrix";
  spec.texture = kStepsTextures + static_cast<int>(lens.stage);
  spec.values = matrices.values(lens.stage);
  spec.revision = matrices.revision();
  spec.look = matrices.look(lens.stage, at.pitch);
  spec.area = at.matrix;
  spec.pitch_x = output ? kUsualPitch : at.pitch;  // dimensions are as many for a text of any length
  spec.pitch_y = at.pitch;
  spec.row_labels = labels_;
  if (!output) spec.column_labels = labels_;
  spec.chosen = output ? Cell{cell_.row, dimension_} : cell_;
  spec.framed_row = cell_.row;
  spec.alpha = 1 - std::abs(place - chosen);
  const MatrixEvents events = view_.draw(in.heatmaps, spec);
  if (place != chosen) {  // the other one, of which it fades in or into which it fades out
    const auto other = static_cast<Stage>(static_cast<int>(lens.stage) + (place > chosen ? 1 : -1));
    draw_heatmap(in.heatmaps, kStepsTextures + static_cast<int>(other), view_.in_view(matrices.look(other, at.pitch)),
                 events.rect, matrices.values(other), matrices.revision(), std::abs(place - chosen));
  }
  if (!output) draw_answers(view_, lens.T(), matrices.masked(), cell_);
  if (events.chosen && output) {
    lens.cell.row = events.chosen->row;
    dimension_ = events.chosen->column;
  } else if (events.chosen) {
    lens.cell = *events.chosen;
  }
  if (events.hovered.valid()) describe_cell(lens, events.hovered, events.it.id);
}

void StepsPage::describe_cell(const Lens& lens, Cell cell, ImGuiID owner) const {
  const HeadStages<float>& s = lens.stages();
  const auto label = [&](int i) { return labels_[static_cast<size_t>(i)]; };
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  if (lens.stage == Stage::kOutput) {
    return tooltip(owner, mouse,
                   {{label(cell.row) + fmt(", dimension %d", cell.column).chars,
                     fmt("%.3f", static_cast<double>(s.output(cell.row, cell.column))).chars}});
  }
  const Matrix<float>* const matrices[] = {&s.scores, &s.scaled, &s.masked, &s.weights};
  const double value = static_cast<double>((*matrices[static_cast<int>(lens.stage)])(cell.row, cell.column));
  const bool weights = lens.stage == Stage::kWeights;
  std::vector<TipLine> lines{{label(cell.row) + " \xE2\x86\x92 " + label(cell.column),
                              weights ? weight_text(value).chars : score_text(value).chars,
                              hue_of(cell.row, cell.column).text}};
  if (cell.column == cell.row + 1) lines.push_back({"the answer", {}});
  if (s.masked(cell.row, cell.column) == Mask::kForbidden) lines.push_back({"forbidden by the mask", {}});
  tooltip(owner, mouse, std::move(lines));
}

// The rows of the worksheet
// ------------------------------------------------------------------------------------------------
void StepsPage::scroll_rows(const Layout& at, int keys, int chosen) {
  const Rect area = theme().rect(at.x0 - 8, at.top, at.x1 - at.x0 + 8, at.bottom() - at.top);
  const ImGuiIO& io = ImGui::GetIO();
  if (area.contains(io.MousePos) && io.MouseWheel != 0) first_key_ -= io.MouseWheel > 0 ? 3 : -3;
  if (seen_key_ != chosen && chosen >= 0) first_key_ = std::clamp(first_key_, chosen - at.rows + 1, chosen);
  seen_key_ = chosen;
  first_key_ = std::clamp(first_key_, 0, std::max(0, keys - at.rows));
}

void StepsPage::draw_scroll_bar(const Layout& at, int keys) const {
  if (keys <= at.rows) return;
  Rect track = theme().rect(at.x1 - 3, at.top, 3, at.bottom() - at.top);
  fill(track, colors().raised, 1);
  const float share = track.h() / static_cast<float>(keys);
  track.min.y += share * static_cast<float>(first_key_);
  track.max.y = track.min.y + share * static_cast<float>(at.rows);
  fill(track, colors().secondary, 1);
}

// Keys and figures
// ------------------------------------------------------------------------------------------------
bool StepsPage::key(Lens&, const SceneInput&) {
  const ImGuiIO& io = ImGui::GetIO();
  if (!io.KeyCtrl || io.KeyAlt || io.KeySuper || !typed_.row()) return false;
  const bool z = character_key_pressed('Z'), y = character_key_pressed('Y');
  if (z && !io.KeyShift) typed_.undo();
  if (y || (z && io.KeyShift)) typed_.redo();
  if (z || y) refusal_.clear();
  return z || y;
}

bool StepsPage::escape(Lens&) { return std::exchange(terms_open_, false); }

void StepsPage::report(const Lens& lens, nlohmann::json& figures) const {
  if (const ScoreRow* row = typed_.row()) {
    const SoftmaxSteps steps = row->steps();
    figures["typed_row"] = {{"query", row->query},        {"keys", row->keys},   {"scores", row->scores},
                            {"shifted", steps.shifted},   {"exp", steps.exp},    {"sum", steps.sum},
                            {"weights", steps.weights},   {"refusal", refusal_}, {"changed", typed_.changed()},
                            {"forbidden", row->forbidden}};
  }
  figures["worksheet"] = typed_.row() ? "typed" : "model";
  figures["row_undos"] = typed_.undos();
  figures["row_redos"] = typed_.redos();
  figures["terms"] = terms_open_;
  if (!lens.ready() || of_revision_ != lens.revision || of_held_ != lens.held || of_row_ != cell_.row) return;
  const HeadStages<float>& s = lens.stages();
  const auto row = [&](const Matrix<float>& m) {
    return std::vector<float>(m.row(cell_.row).data(), m.row(cell_.row).data() + m.cols());
  };
  figures["query"] = cell_.row;
  figures["key"] = cell_.column;
  figures["dot"] = s.scores(cell_.row, cell_.column);
  figures["scaled"] = s.scaled(cell_.row, cell_.column);
  figures["masked"] = s.masked(cell_.row, cell_.column);
  figures["weight"] = s.weights(cell_.row, cell_.column);
  figures["visible"] = visible_;
  figures["exp_sum"] = steps_.sum;
  figures["row"] = {{"scores", row(s.scores)}, {"scaled", row(s.scaled)},   {"masked", row(s.masked)},
                    {"exp", steps_.exp},       {"weights", row(s.weights)}, {"output", row(s.output)}};
}

}  // namespace nopeek
