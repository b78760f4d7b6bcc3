#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "app/scenes/microscope_parts.h"
#include "app/ui/in_quotes.h"
#include "app/ui/registry.h"
#include "core/decode/projection.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr int kQkvTexture = 140;
constexpr float kQkvLabels = 84, kQkvTop = 76, kQkvNumbers = 76, kQkvInset = 20;
constexpr float kArrow = 64, kQkvApart = 32;  // from x to Q; between Q, K and V
constexpr float kQkvMostPitch = 26, kInputShare = 0.4f;
constexpr size_t kTerms = 3;  // that the sum is written out with

enum Part { kInput, kQ, kK, kV, kParts };
constexpr const char* kLetters[] = {"x", "q", "k", "v"};
/// 'n/a' for NaN, of a model that diverged.
Number number_text(const char* format, double v) { return std::isfinite(v) ? fmt(format, v) : fmt("n/a"); }

constexpr const char* kNouns[] = {"input", "query", "key", "value"};

class QkvPage final : public MicroscopePage {
 public:
  void draw(Lens& lens, const SceneInput& in, const Rect& panel) override;
  void explain(const Lens& lens, const SceneInput& in, Explanation& out) override;
  void report(const Lens& lens, nlohmann::json& out) const override;

 private:
  struct Pointed {
    Part part = kQ;
    Cell cell;  // row: token, column: dimension
    bool operator==(const Pointed&) const = default;
  };

  void update(const Lens& lens);
  const Matrix<float>& matrix(const Lens& lens, Part part) const;
  void draw_part(Lens& lens, const SceneInput& in, Part part, const Rect& area);
  void draw_arrow(float x0, float x1, float y) const;
  void draw_numbers(const Lens& lens, const Rect& panel);
  std::string input_words(const Lens& lens) const;
  std::string where_from(const Lens& lens, const Pointed& at) const;
  std::string sum_words(const Pointed& at, float room) const;
  int layer(const Lens& lens) const;
  int head(const Lens& lens) const;

  std::array<MatrixView, kParts> views_;
  std::array<float, kParts> largest_{};  // |v|
  uint64_t revision_ = 0;
  std::vector<std::string> labels_;
  Part part_ = kQ;                       // of the chosen cell
  std::array<int, kParts> dimension_{};  // chosen in each
  Pointed hovered_;                      // invalid: none
  Pointed written_;                      // what `sum_` is of
  std::optional<ProjectedValue> sum_;    // of a query, key or value
  std::optional<Part> pending_part_;     // what a suggestion asked for, until the next frame
};

int QkvPage::layer(const Lens& lens) const {
  return std::clamp(lens.answer->question.layer, 0, lens.model().config().layers - 1);
}
int QkvPage::head(const Lens& lens) const {
  return std::clamp(lens.answer->question.head, 0, lens.model().config().heads - 1);
}

const Matrix<float>& QkvPage::matrix(const Lens& lens, Part part) const {
  if (part == kInput) return lens.voice().trace->ln_1[static_cast<size_t>(layer(lens))];
  const HeadStages<float>& s = lens.stages();
  return part == kQ ? s.query : part == kK ? s.key : s.value;
}

void QkvPage::update(const Lens& lens) {
  if (revision_ == lens.revision) return;
  revision_ = lens.revision;
  sum_.reset();
  labels_.clear();
  for (int t = 0; t < lens.T(); ++t) labels_.push_back(lens.label(t));
  for (int p = 0; p < kParts; ++p) {
    const Matrix<float>& m = matrix(lens, static_cast<Part>(p));
    largest_[static_cast<size_t>(p)] = std::max(1e-12f, m.cwiseAbs().maxCoeff());  // in this order NaN is left out
    int& d = dimension_[static_cast<size_t>(p)];
    d = std::clamp(d, 0, static_cast<int>(m.cols()) - 1);
  }
}

void QkvPage::draw_part(Lens& lens, const SceneInput& in, Part part, const Rect& area) {
  constexpr const char* kNames[] = {"Input", "Query", "Key", "Value"};
  const Matrix<float>& m = matrix(lens, part);
  const auto p = static_cast<size_t>(part);
  MatrixSpec spec;
  spec.label = kNames[part];
  spec.texture = kQkvTexture + part;
  spec.values = m.data();
  spec.revision = revision_;
  spec.area = area;
  spec.pitch_x = area.w() / static_cast<float>(m.cols());
  spec.pitch_y = area.h() / static_cast<float>(m.rows());
  spec.look = heatmap_look(std::min(spec.pitch_x, spec.pitch_y));
  spec.look.columns = static_cast<int>(m.cols());
  spec.look.rows = static_cast<int>(m.rows());
  spec.look.mapping = gl::Mapping::kMagnitude;
  spec.look.high = largest_[p];
  spec.look.past = spec.look.future = colors().neutral;
  if (part == kInput) spec.row_labels = labels_;
  const int row = std::min(lens.cell.row, lens.T() - 1);
  if (part == part_) spec.chosen = {row, dimension_[p]};
  spec.framed_row = row;
  const MatrixEvents events = views_[p].draw(in.heatmaps, spec);
  if (events.hovered.valid()) {
    hovered_ = {part, events.hovered};
    const auto v = static_cast<double>(m(events.hovered.row, events.hovered.column));
    tooltip(events.it.id, ImGui::GetIO().MousePos, {{where_from(lens, hovered_), number_text("%.3f", v).chars}});
  }
  if (events.chosen) {
    part_ = part;
    dimension_[p] = events.chosen->column;
    lens.cell.row = events.chosen->row;
  }
}

void QkvPage::draw_arrow(float x0, float x1, float y) const {
  const ImVec2 from = theme().at(x0, y), to = theme().at(x1, y);
  const ImU32 color = colors().secondary;
  canvas()->AddLine(from, {to.x - px(6), to.y}, color, theme().line(1.5f));
  canvas()->AddTriangleFilled(to, {to.x - px(7), to.y - px(4)}, {to.x - px(7), to.y + px(4)}, color);
}

/// What x is: in the first layer the embedding, of token and position, and later what all layers have added to it.
std::string QkvPage::input_words(const Lens& lens) const {
  return layer(lens) == 0 ? "layer norm of the embedding" : "layer norm of the residual stream";
}

/// "query of 'opened', dimension 5 = column 21 of Wq (row 21 in nn.Linear's layout)": x W takes columns of W.
std::string QkvPage::where_from(const Lens& lens, const Pointed& at) const {
  const std::string token = std::string(kNouns[at.part]) + " of " + in_quotes(lens.label(at.cell.row));
  if (at.part == kInput) return token + ", channel " + std::to_string(at.cell.column);
  const ModelConfig& config = lens.model().config();
  const std::string column = std::to_string(head(lens) * (config.channels / config.heads) + at.cell.column);
  return token + ", dimension " + std::to_string(at.cell.column) + " = column " + column + " of W" + kLetters[at.part] +
         " (row " + column + " in nn.Linear\xE2\x80\x99s layout)";
}

/// "q[3,5] = x[3] . Wq[:,21] + bq[21] = 0.12 x 0.98 - ... + 0.01 = 1.234": as many terms as fit, the largest first.
std::string QkvPage::sum_words(const Pointed& at, float room) const {
  const std::string letter = kLetters[at.part], row = std::to_string(at.cell.row);
  const std::string name = letter + "[" + row + "," + std::to_string(at.cell.column) + "]";
  const std::string column = std::to_string(sum_->part_column);
  const std::string short_form =
      name + " = x[" + row + "]\xC2\xB7W" + letter + "[:," + column + "] + b" + letter + "[" + column + "]";
  const std::string value = std::string(" = ") + number_text("%.4f", sum_->value).chars;
  for (size_t terms = std::min(kTerms, sum_->terms.size()); terms > 0; --terms) {
    std::string line = short_form + " = ";
    for (size_t i = 0; i < terms; ++i) {
      const ProjectedValue::Term& t = sum_->terms[i];
      const double product = std::abs(t.x) * std::abs(t.weight);
      const bool negative = t.product() < 0;
      line += i == 0 ? (negative ? "\xE2\x88\x92" : "") : (negative ? " \xE2\x88\x92 " : " + ");
      line += number_text("%.3f", product).chars;
    }
    if (terms < sum_->terms.size()) line += " \xE2\x80\xA6 (" + std::to_string(sum_->terms.size()) + " terms)";
    line += std::string(sum_->bias < 0 ? " \xE2\x88\x92 " : " + ") + fmt("%.3f", std::abs(sum_->bias)).chars + value;
    if (text_width(Font::kMonoLabel, line) <= room) return line;
  }
  return text_width(Font::kMonoLabel, short_form + value) <= room ? short_form + value : name + value;
}

/// The pointed number, else the chosen one, and the sum that it is.
void QkvPage::draw_numbers(const Lens& lens, const Rect& panel) {
  const auto p = static_cast<size_t>(part_);
  const Pointed at =
      hovered_.cell.valid() ? hovered_ : Pointed{part_, {std::min(lens.cell.row, lens.T() - 1), dimension_[p]}};
  const float x = px(panel.min.x + kQkvInset), right = px(panel.max.x - kQkvInset);
  separator(x, right, px(panel.max.y - kQkvNumbers));
  text_elided({x, px(panel.max.y - kQkvNumbers + 24)}, where_from(lens, at), right - x, Font::kBodyBold, colors().text);
  const float y = px(panel.max.y - kQkvNumbers + 50);
  const auto v = static_cast<double>(matrix(lens, at.part)(at.cell.row, at.cell.column));
  if (at.part == kInput) {
    const std::string line = "x[" + std::to_string(at.cell.row) + "," + std::to_string(at.cell.column) +
                             "] = " + number_text("%.4f", v).chars + ", " + input_words(lens);
    text_elided({x, y}, line, right - x, Font::kMonoLabel, colors().text);
    registry::add_drawn("Pointed value", "number", number_text("%.4f", v), {x, y - px(8)}, {right, y + px(8)});
    return;
  }
  if (!sum_ || !(written_ == at)) {
    written_ = at;
    sum_ = projected_value(*lens.model().parameters, matrix(lens, kInput), layer(lens), at.cell.row,
                           static_cast<Projection>(at.part - kQ), head(lens), at.cell.column);
  }
  text_elided({x, y}, sum_words(at, right - x), right - x, Font::kMonoLabel, colors().text);
  registry::add_drawn("Pointed value", "number", number_text("%.4f", sum_->value), {x, y - px(8)}, {right, y + px(8)});
}

void QkvPage::draw(Lens& lens, const SceneInput& in, const Rect& panel) {
  if (draw_waiting(lens, panel)) return;
  update(lens);
  if (pending_part_) part_ = *std::exchange(pending_part_, std::nullopt);
  hovered_ = {};
  const ModelConfig& config = lens.model().config();
  const auto T = static_cast<float>(lens.T()), HS = static_cast<float>(config.channels / config.heads),
             C = static_cast<float>(config.channels);
  const float room = panel.w() - kQkvLabels - kQkvInset - kArrow - 2 * kQkvApart;
  const auto whole = [](float pitch) { return pitch >= 4 ? std::floor(pitch) : pitch; };  // cells of one width
  const float input = whole(room * kInputShare / C) * C;
  const float head_w = whole(std::min(kQkvMostPitch, room * (1 - kInputShare) / 3 / HS)) * HS;
  const float h = whole(std::min(kQkvMostPitch, (panel.h() - kQkvTop - kQkvNumbers - 16) / T)) * T;
  const float y = panel.min.y + kQkvTop, title = panel.min.y + 28, names = panel.min.y + 56;
  float x = panel.min.x + kQkvLabels;

  const std::string where = "layer " + std::to_string(layer(lens) + 1) + ", head " + std::to_string(head(lens) + 1);
  const char* heading = layer(lens) == 0 ? "From embedding to Q, K and V" : "From residual stream to Q, K and V";
  const float w = text(theme().at(panel.min.x + kQkvInset, title), heading, Font::kBodyBold, colors().text);
  const float words = std::max(w, text_width(Font::kBodyBold, heading));
  text({px(panel.min.x + kQkvInset) + words + px(12), px(title)}, where, Font::kLabel, colors().secondary);

  const auto name = [&](float left, float width, std::string_view words_of_it) {
    text_elided(theme().at(left, names), words_of_it, px(width), Font::kMonoSmall, colors().secondary);
  };
  name(x, input + kArrow - 8, "x = " + input_words(lens));
  draw_part(lens, in, kInput, {{x, y}, {x + input, y + h}});
  x += input;
  draw_arrow(x + 14, x + kArrow - 14, y + h * 0.5f);
  x += kArrow;
  for (const Part part : {kQ, kK, kV}) {
    const std::string letter = kLetters[part];
    std::string formula = std::string(1, static_cast<char>(std::toupper(letter[0])));
    formula += " = x W" + letter + " + b" + letter;
    name(x, head_w + kQkvApart - 8, formula);
    draw_part(lens, in, part, {{x, y}, {x + head_w, y + h}});
    x += head_w + kQkvApart;
  }
  draw_numbers(lens, panel);
}

void QkvPage::explain(const Lens& lens, const SceneInput& in, Explanation& out) {
  if (!lens.ready()) return;
  const ModelConfig& config = lens.model().config();
  const int HS = config.channels / config.heads;
  out.words.push_back({{"Each token is a row of " + std::to_string(config.channels) +
                        " numbers. Three matrices of weights turn it into a "},
                       {"query", Tone::kStrong},
                       {", a "},
                       {"key", Tone::kStrong},
                       {" and a "},
                       {"value", Tone::kStrong},
                       {" of " + std::to_string(HS) + " numbers each: those of this head."}});
  const int row = std::min(lens.cell.row, lens.T() - 1);
  out.words.push_back({{"The framed row is "},
                       {lens.label(row), Tone::kStrong},
                       {". What it asks is in Q, what it offers to others in K, and what it hands over in V."}});
  out.words.push_back({{"Lighter is further from 0. " + words_of_masks_below(layer(lens), lens.model().masked())}});
  const auto to = [&](const char* label, Part part) {
    out.suggestions.push_back({label, part_ == part, [this, part] { pending_part_ = part; }});
  };
  to("Write out a query", kQ);
  to("Write out a key", kK);
  to("Write out a value", kV);
  (void)in;
}

void QkvPage::report(const Lens& lens, nlohmann::json& out) const {
  if (!lens.ready()) return;
  const auto p = static_cast<size_t>(part_);
  const int row = std::min(lens.cell.row, lens.T() - 1);
  out["part"] = kNouns[part_];
  out["dimension"] = dimension_[p];
  const Matrix<float>& m = matrix(lens, part_);
  if (row >= m.rows() || dimension_[p] >= m.cols()) return;
  out["value"] = m(row, dimension_[p]);
  out["where"] = where_from(lens, {part_, {row, dimension_[p]}});
}

}  // namespace

std::unique_ptr<MicroscopePage> make_qkv_page() { return std::make_unique<QkvPage>(); }

}  // namespace nopeek
