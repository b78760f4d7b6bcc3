#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "app/scenes/microscope_parts.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr int kTwinsTexture = 130;
constexpr float kTwinsLabels = 84, kTwinsTop = 88, kTwinsNumbers = 56, kTwinsApart = 40, kTwinsInset = 20,
                kTwinsTitle = 250;

/// 4 decimals of weights, 2 of scores.
std::string number_of(float v, Stage stage) {
  if (std::isnan(v)) return "n/a";
  if (std::isinf(v)) return v < 0 ? "\xE2\x88\x92\xE2\x88\x9E" : "\xE2\x88\x9E";
  return fmt(stage == Stage::kWeights ? "%.4f" : "%.2f", static_cast<double>(v)).chars;
}

class TwinsPage final : public MicroscopePage {
 public:
  void draw(Lens& lens, const SceneInput& in, const Rect& panel) override;
  void explain(const Lens& lens, const SceneInput& in, Explanation& out) override;
  void report(const Lens& lens, nlohmann::json& out) const override;
  std::optional<ExportedMatrix> matrix(const Lens& lens) const override;

 private:
  struct Side {
    StageMatrices matrices;
    bool masked = true;
    std::string name;
  };

  void update(const Lens& lens, const SceneInput& in);
  void measure(const Lens& lens);
  void draw_title(float x, float y, float w, size_t i) const;
  gl::HeatmapSpec look(size_t i, float pitch) const;
  MatrixEvents draw_matrix(Lens& lens, const SceneInput& in, const Rect& area, size_t i);
  void draw_numbers(const Lens& lens, const Rect& panel) const;
  float value(size_t i, Cell cell) const;
  static const Matrix<float>& matrix_of(const HeadStages<float>& s, Stage stage);
  std::string difference_name() const { return sides_[0].name + " \xE2\x88\x92 " + sides_[1].name; }
  Cell pointed(const Lens& lens) const { return hovered_.valid() ? hovered_ : cell_in_reach(lens); }
  Cell cell_in_reach(const Lens& lens) const;

  std::array<Side, 2> sides_;  // the blue one first
  Matrix<float> difference_;
  Matrix<float> picture_;  // of it: hatched, too, where only one forbids, as no distance leads to -inf
  std::array<MatrixView, 3> views_;
  uint64_t revision_ = 0, texture_revision_ = 0;
  size_t first_ = 0;  // place of sides_[0] among the voices
  Stage stage_ = Stage::kScores;
  float most_ = 1;             // |difference| at most
  double mean_ = 0;            // |difference| of weights, a row's sum on average
  bool unbounded_ = false;     // there are cells that only one of them forbids
  Cell hovered_{}, widest_{};  // under the pointer; where the difference is largest
  std::vector<std::string> labels_;
  std::optional<Cell> pending_cell_;  // what a suggestion asked for, until the next frame
  std::optional<Stage> pending_stage_;
  bool walked_ = false, seen_ = false;
  int dimension_ = 0;  // of the output, where a column is no token
};

const Matrix<float>& TwinsPage::matrix_of(const HeadStages<float>& s, Stage stage) {
  switch (stage) {
    case Stage::kScores:
      return s.scores;
    case Stage::kScaled:
      return s.scaled;
    case Stage::kMasked:
      return s.masked;
    case Stage::kWeights:
      return s.weights;
    case Stage::kOutput:
      break;
  }
  return s.output;
}

/// Once for each answer and stage: what is between the two sides.
void TwinsPage::update(const Lens& lens, const SceneInput& in) {
  const bool same_twins =
      sides_[0].masked == in.voices[first_].masked && sides_[1].masked == in.voices[1 - first_].masked;
  if (same_twins && revision_ == lens.revision && stage_ == lens.stage && difference_.size() > 0) return;
  revision_ = lens.revision;
  stage_ = lens.stage;
  ++texture_revision_;
  labels_.clear();
  for (int t = 0; t < lens.T(); ++t) labels_.push_back(lens.label(t));
  const auto& models = lens.answer->question.models;
  first_ = !in.voices[0].masked && in.voices[1].masked ? 1 : 0;
  for (size_t i = 0; i < 2; ++i) {
    const size_t voice = i == 0 ? first_ : 1 - first_;
    sides_[i].matrices.use(lens.answer, voice);
    sides_[i].masked = in.voices[voice].masked;
    sides_[i].name = voice_name(in.voices, voice, in.opened);
  }
  const Matrix<float>&a = matrix_of(lens.answer->voices[first_].stages, stage_),
        &b = matrix_of(lens.answer->voices[1 - first_].stages, stage_);
  const bool behind_mask = stage_ == Stage::kMasked || stage_ == Stage::kWeights;
  if (behind_mask) {
    difference_ = head_difference(a, *models[first_].mask, b, *models[1 - first_].mask);
  } else {
    difference_ = a - b;
  }
  measure(lens);
}

/// How large the difference is; infinite cells have no say.
void TwinsPage::measure(const Lens& lens) {
  most_ = 0;
  mean_ = 0;
  const auto size = difference_.array().abs();
  picture_ = (size >= kUnbounded).select(Mask::kForbidden, difference_.array());
  unbounded_ = (size == kUnbounded).any();
  for (int q = 0; q < difference_.rows(); ++q) {
    for (int k = 0; k < difference_.cols(); ++k) {
      const float d = std::abs(difference_(q, k));
      if (!(d < kUnbounded)) continue;  // nor has NaN, of a model that diverged
      mean_ += static_cast<double>(d);
      if (d > most_) widest_ = {q, k};
      most_ = std::max(most_, d);
    }
  }
  mean_ /= std::max(1, lens.T());
  if (most_ == 0) widest_ = {0, 0};
}

/// Of the output, a cell's column is a dimension of the head.
Cell TwinsPage::cell_in_reach(const Lens& lens) const {
  const int columns = static_cast<int>(difference_.cols()), rows = static_cast<int>(difference_.rows());
  const int column = stage_ == Stage::kOutput ? dimension_ : lens.cell.column;
  return {std::clamp(lens.cell.row, 0, rows - 1), std::clamp(column, 0, columns - 1)};
}

float TwinsPage::value(size_t i, Cell cell) const {
  if (i < 2) {
    const auto at = static_cast<size_t>(cell.row) * static_cast<size_t>(difference_.cols());
    return sides_[i].matrices.values(stage_)[at + static_cast<size_t>(cell.column)];
  }
  const float d = difference_(cell.row, cell.column);
  return std::abs(d) < kUnbounded || std::isinf(d) ? d : std::copysign(std::numeric_limits<float>::infinity(), d);
}

void TwinsPage::draw_title(float x, float y, float w, size_t i) const {
  float pen = px(x);
  const float end = px(x + w);
  if (i < 2) {
    const float mark = px(12);
    fill({{pen, px(y) - mark * 0.5f}, {pen + mark, px(y) + mark * 0.5f}}, colors().hue(sides_[i].masked).fill, 3);
    pen += px(20);
  }
  std::string name = i < 2 ? sides_[i].name : "Difference";
  name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  text_elided({pen, px(y)}, name, end - pen, Font::kBodyBold, colors().text);
  pen += text_width(Font::kBodyBold, name) + px(8);
  const std::string what = i < 2 ? stage_matrix_name(stage_) : difference_name();
  if (end - pen > px(48)) text_elided({pen, px(y)}, what, end - pen, Font::kLabel, colors().secondary);
}

/// Both sides share one scale, and the difference has its own.
gl::HeatmapSpec TwinsPage::look(size_t i, float pitch) const {
  gl::HeatmapSpec look = sides_[i % 2].matrices.look(stage_, pitch);
  if (i < 2) {
    const gl::HeatmapSpec other = sides_[1 - i].matrices.look(stage_, pitch);
    look.low = std::min(look.low, other.low);
    look.high = std::max(look.high, other.high);
    return look;
  }
  look.T = 0;
  look.mapping = gl::Mapping::kSigned;
  look.high = std::max(most_, 1e-12f);
  look.past = colors().past.scale;
  look.future = colors().future.scale;
  return look;
}

MatrixEvents TwinsPage::draw_matrix(Lens& lens, const SceneInput& in, const Rect& area, size_t i) {
  const bool output = stage_ == Stage::kOutput;
  const int columns = static_cast<int>(difference_.cols()), T = lens.T();
  MatrixSpec spec;
  constexpr const char* kNames[] = {"Left matrix", "Right matrix", "Difference matrix"};
  spec.label = kNames[i];
  spec.texture = kTwinsTexture + static_cast<int>(i);
  spec.values = i < 2 ? sides_[i].matrices.values(stage_) : picture_.data();
  spec.revision = texture_revision_;
  spec.area = area;
  spec.pitch_x = area.w() / static_cast<float>(columns);
  spec.pitch_y = area.h() / static_cast<float>(T);
  spec.look = look(i, std::min(spec.pitch_x, spec.pitch_y));
  if (i == 0) spec.row_labels = labels_;
  if (!output) spec.column_labels = labels_;
  spec.chosen = cell_in_reach(lens);
  spec.framed_row = spec.chosen.row;
  MatrixEvents events = views_[i].draw(in.heatmaps, spec);
  if (events.chosen) {
    lens.cell.row = events.chosen->row;
    (output ? dimension_ : lens.cell.column) = events.chosen->column;
  }
  return events;
}

void TwinsPage::draw(Lens& lens, const SceneInput& in, const Rect& panel) {
  if (draw_waiting(lens, panel)) return;
  for (const AttentionAnswer::Voice& voice : lens.answer->voices) {
    if (voice.trace && lens.answer->voices.size() == 2) continue;
    const std::string why = voice.error.empty() ? "There is one model, and no twin to compare it with." : voice.error;
    text_elided(theme().at((panel.min.x + panel.max.x) * 0.5f, (panel.min.y + panel.max.y) * 0.5f), why,
                px(panel.w() - 40), Font::kBody, colors().secondary, Align::kCentre);
    return;
  }
  update(lens, in);
  if (pending_cell_) lens.cell = *std::exchange(pending_cell_, std::nullopt);
  // Weights compare best: of the masked scores, half of the difference would be to -inf.
  if (!std::exchange(seen_, true) && lens.stage == Stage::kMasked && !lens.clock.playing())
    pending_stage_ = Stage::kWeights;
  if (pending_stage_) lens.clock.go_to(*std::exchange(pending_stage_, std::nullopt));
  const float room_x = (panel.w() - kTwinsLabels - kTwinsInset - 2 * kTwinsApart) / 3,
              room_y = panel.h() - kTwinsTop - kTwinsNumbers - 16;
  const Rect side = square_in({{0, 0}, {room_x, room_y}}, lens.T());
  const float step = (panel.w() - kTwinsLabels - kTwinsInset - std::max(side.w(), kTwinsTitle)) * 0.5f;
  Cell hovered;
  for (size_t i = 0; i < 3; ++i) {
    const float x = panel.min.x + kTwinsLabels + step * static_cast<float>(i), y = panel.min.y + kTwinsTop;
    draw_title(x, panel.min.y + 28, std::min(step - 16, panel.max.x - kTwinsInset - x), i);
    const MatrixEvents events = draw_matrix(lens, in, {{x, y}, {x + side.w(), y + side.h()}}, i);
    if (!events.hovered.valid()) continue;
    hovered = events.hovered;
    if (stage_ != Stage::kOutput) describe_cell(lens, events, number_of(value(i, hovered), stage_));
  }
  // The same cell in all three; drawn by the one under the pointer already.
  if (hovered.valid()) {
    for (size_t i = 0; i < 3; ++i) {
      const Rect cell = views_[i].cell_rect(hovered);
      if (views_[i].zoom() == 1) outline(cell.grown(px(1)), colors().text, 2, 3);
    }
  }
  hovered_ = hovered;
  draw_numbers(lens, panel);
}

/// The pointed cell in all three.
void TwinsPage::draw_numbers(const Lens& lens, const Rect& panel) const {
  const Cell cell = pointed(lens);
  const float y = panel.max.y - kTwinsNumbers * 0.5f, right = px(panel.max.x - kTwinsInset);
  separator(px(panel.min.x + kTwinsInset), right, px(panel.max.y - kTwinsNumbers));
  const bool output = stage_ == Stage::kOutput;
  const std::string pair = output ? lens.label(cell.row) + ", dimension " + std::to_string(cell.column)
                                  : lens.label(cell.row) + " \xE2\x86\x92 " + lens.label(cell.column);
  const float column = (panel.w() - 2 * kTwinsInset) * 0.25f;
  text_elided(theme().at(panel.min.x + kTwinsInset, y), pair, px(column - 16), Font::kBodyBold, colors().text);
  for (size_t i = 0; i < 3; ++i) {
    const std::string name = i < 2 ? sides_[i].name : "difference";
    const float x = panel.min.x + kTwinsInset + column * static_cast<float>(i + 1);
    const float w = text(theme().at(x, y), name, Font::kLabel, colors().secondary);
    const float v = value(i, cell);
    const bool both = i == 2 && std::isinf(v) && v < 0 && std::isinf(value(0, cell)) && std::isinf(value(1, cell));
    const bool forbidden = i < 2 && std::isinf(v);
    const std::string number = both                                     ? "both forbidden"
                               : i == 2 && std::isinf(v)                ? "one forbidden"
                               : forbidden && stage_ == Stage::kWeights ? "0 (forbidden)"
                                                                        : number_of(v, stage_);
    const float at = px(x) + std::max(w, text_width(Font::kLabel, name)) + px(10);
    text({at, px(y)}, number, Font::kMono, i < 2 ? colors().hue(sides_[i].masked).text : colors().text);
    registry::add_drawn(i < 2 ? sides_[i].name + " value" : "difference value", "number", number, {at, px(y - 8)},
                        {at + text_width(Font::kMono, number), px(y + 8)});
  }
}

void TwinsPage::explain(const Lens& lens, const SceneInput& in, Explanation& out) {
  if (!lens.ready() || difference_.size() == 0 || lens.answer->voices.size() < 2) return;
  const auto tone = [&](size_t i) { return sides_[i].masked ? Tone::kPast : Tone::kFuture; };
  out.words.push_back({{"The same head of both twins on the same text: "},
                       {sides_[0].name, tone(0)},
                       {" at the left, "},
                       {sides_[1].name, tone(1)},
                       {" beside it, and what is between them."}});
  if (lens.draft) {
    const size_t side = in.held_voice == first_ ? 0 : 1;
    out.words.push_back(
        {{"The "}, {sides_[side].name, tone(side)}, {" twin runs under a draft mask: " + lens.draft_name + "."}});
  }
  if (stage_ == Stage::kWeights) {
    out.words.push_back({{"On average a query gives "},
                         {percent_text(static_cast<float>(mean_ / 2)).chars, Tone::kStrong},
                         {" of its attention to other tokens than its twin does."}});
  }
  if (unbounded_)
    out.words.push_back(
        {{"Cells that only one of them may see are hatched in the difference: no number leads to "
          "\xE2\x88\x92\xE2\x88\x9E."}});
  if (stage_ != Stage::kOutput && most_ > 0 && widest_.row < lens.T() && widest_.column < lens.T()) {
    out.words.push_back(
        {{unbounded_ ? "Among the cells that both may see, they differ most where " : "They differ most where "},
         {lens.label(widest_.row), Tone::kStrong},
         {" looks at "},
         {lens.label(widest_.column), Tone::kStrong},
         {": by " + std::string(fmt("%.2f", static_cast<double>(most_)).view()) + "."}});
  }
  out.words.push_back({{"In the difference, "},
                       {"blue", Tone::kPast},
                       {" is where " + sides_[0].name + " gives more, "},
                       {"orange", Tone::kFuture},
                       {" where " + sides_[1].name + " does."}});
  out.suggestions.push_back(
      {"Compare their weights", stage_ == Stage::kWeights, [this] { pending_stage_ = Stage::kWeights; }});
  const bool there = lens.cell == widest_;
  out.suggestions.push_back({"Point at the largest difference", there, [this] { pending_cell_ = widest_; }});
  Selection& pick = in.selection;
  const int heads = lens.model().config().heads;
  out.suggestions.push_back(
      {"The next head", walked_, [this, &pick, heads] { pick.head = (pick.head + 1) % heads, walked_ = true; }});
}

/// The difference. Where both masks forbid a score there is none.
std::optional<ExportedMatrix> TwinsPage::matrix(const Lens& lens) const {
  if (difference_.size() == 0 || lens.answer->voices.size() != 2) return {};
  ExportedMatrix out = stage_matrix(lens, stage_);
  out.name = std::string("difference of ") + stage_matrix_name(stage_);
  out.stage.reset();
  out.model = difference_name();
  out.shown.assign(difference_.data(), difference_.data() + difference_.size());
  out.hatched = "forbidden to both";
  out.look = look(2, 1);
  for (int row = 0; row < difference_.rows(); ++row) {
    for (int column = 0; column < difference_.cols(); ++column) {
      const bool neither = std::isinf(difference_(row, column));
      const float none = stage_ == Stage::kWeights ? 0 : std::numeric_limits<float>::quiet_NaN();
      out.values(row, column) = neither ? none : value(2, {row, column});
    }
  }
  return out;
}

void TwinsPage::report(const Lens& lens, nlohmann::json& out) const {
  if (!lens.ready() || difference_.size() == 0) return;
  out["difference_max"] = most_;
  out["difference_mean"] = mean_;
  const Cell cell = cell_in_reach(lens);
  for (size_t i = 0; i < 3; ++i) out["values"].push_back(value(i, cell));
}

}  // namespace

std::unique_ptr<MicroscopePage> make_twins_page() { return std::make_unique<TwinsPage>(); }

}  // namespace nopeek
