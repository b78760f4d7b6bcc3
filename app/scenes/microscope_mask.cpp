#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "app/scenes/microscope_parts.h"
#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr int kMaskTexture = 160;
constexpr float kOpen = 0.5625f;     // the weight whose colour an open cell has: t = 0.75
constexpr float kPenalised = 0.16f;  // and a forbidden one that gets 0: paler, or a stroke would not show; t = 0.4
constexpr int kMaskQuick = 128;      // masks up to this size are named while they are painted
constexpr double kMostDragged = 20;  // beyond it softmax leaves nothing of a cell that a float's sum could show
constexpr double kMostTyped = 1000;  // as others write their masks: -100, -1000
constexpr double kMaskInfinity = std::numeric_limits<double>::infinity();
constexpr const char* kMatrix = "Mask cells";

Number strength_text(float strength) {
  if (std::isinf(strength)) return fmt("\u2212\u221E");
  if (strength == 0) return fmt("0");
  return fmt(strength > -1 ? "%.2f" : strength > -100 ? "%.1f" : "%.0f", static_cast<double>(strength));
}

/// Too long a line goes on in the ones below.
void draw_wrapped(float x, float y, float pitch, int lines, std::string_view words, float room, Font font,
                  ImU32 color) {
  for (; lines > 1 && text_width(font, words) > room; --lines, y += pitch) {
    size_t end = 0;
    for (size_t at = words.find(' '); at != std::string_view::npos; at = words.find(' ', at + 1)) {
      if (text_width(font, words.substr(0, at)) > room) break;
      end = at;
    }
    if (end == 0) break;
    text({x, y}, words.substr(0, end), font, color);
    words.remove_prefix(end + 1);
  }
  text_elided({x, y}, words, room, font, color);
}

/// Its losses are of the mask before: nothing has been measured since it was changed.
bool measured_before_change(const LaneSnapshot& lane, int64_t step) {
  if (lane.changes.empty() || std::isnan(lane.measured.reported)) return false;
  const int64_t change = lane.changes.back().step;
  if (step <= change) return true;
  if (lane.measured.reported == lane.reported) return false;  // measured at the newest step
  for (int64_t s = std::min(step, lane.history_size); s > change; --s) {
    if (!std::isnan(lane.history->at_step(s).honest)) return false;
  }
  return true;
}

/// Only losses of one step may be compared.
float lie_of(const LaneSnapshot& lane) { return lane.measured.honest - lane.measured.reported; }

int future_cells(int T) { return T * (T - 1) / 2; }

/// The mask of the held model as a matrix that one can paint. What is painted is a draft: the five steps above run
/// under it at once; training takes it with a button.
class MaskPage final : public MicroscopePage {
 public:
  void draw(Lens& lens, const SceneInput& in, const Rect& panel) override;
  void explain(const Lens& lens, const SceneInput& in, Explanation& out) override;
  void report(const Lens& lens, nlohmann::json& figures) const override;
  std::optional<ExportedMatrix> matrix(const Lens& lens) const override;
  bool key(Lens& lens, const SceneInput& in) override;
  bool escape(Lens& lens) override;

 private:
  /// Centre lines and edges, in logical px.
  struct Layout {
    Rect matrix;
    float x0 = 0, x1 = 0;  // of the controls
    float title = 0, status = 0, presets = 0, lengths = 0, strength = 0, rule = 0, verdict = 0, measured = 0,
          train_rule = 0, train = 0, trained = 0, names = 0, figures = 0;
  };

  void begin_frame(Lens& lens, const SceneInput& in);
  void look();
  void name();
  void make_labels(const Lens& lens);
  Layout layout(const Rect& panel) const;
  void draw_matrix(Lens& lens, const SceneInput& in, const Rect& area);
  void paint(Lens& lens, const MatrixEvents& events);
  gl::HeatmapSpec cell_look(float pitch) const;
  void choose(Lens& lens, Cell cell);
  void describe_cell(Cell cell, ImGuiID owner) const;
  void draw_refusal(const Rect& matrix) const;
  void draw_status(const Lens& lens, const Layout& at);
  void draw_presets(const Layout& at);
  void draw_length(std::string_view name, float x0, float x1, float y, int& length, Mask (*make)(int, int));
  void draw_strength(const Layout& at);
  void draw_verdict(const Lens& lens, const Layout& at) const;
  std::string measured_words(const Lens& lens) const;
  void draw_training(const Lens& lens, const SceneInput& in, const Layout& at);
  void draw_losses(const LaneSnapshot& lane, const Layout& at) const;
  void use_random();
  std::string trained_words(const LaneSnapshot& lane) const;
  Paragraph training_words(const LaneSnapshot& lane) const;

  std::shared_ptr<MaskDraft> draft_;  // the lens', of the held voice
  std::shared_ptr<const Mask> own_;   // the held model's
  std::string name_;                  // of the held voice
  bool opened_ = false;
  float lie_ = kNotMeasured;
  bool lie_is_old_ = false;  // measured under the mask before

  // Of the mask on the screen
  uint64_t seen_ = 0;          // revision of the draft
  std::vector<float> values_;  // (T, T) as weights: what a forbidden cell gets, as a factor of its odds
  uint64_t revision_ = 0;      // of the values
  int peeks_ = 0;              // future cells that are visible
  double head_peeks_ = 0;      // share of attention on later tokens, of the head that the steps above show
  uint64_t head_revision_ = 0;
  std::string own_words_, words_, pattern_words_;
  bool unnamed_ = true;
  bool is_random_ = false, forbids_any_ = false;  // as it was named

  MatrixView view_;
  bool focused_ = false;
  Cell cursor_{0, 0};
  ImVec2 brush_{};  // where the stroke has come to, px
  std::vector<std::string> labels_;
  uint64_t labels_revision_ = 0;
  int text_size_ = 0;
  int window_ = 4, prefix_ = 3;
  uint64_t draws_ = 0;  // of random masks
  std::shared_ptr<const Mask> random_;
  bool sliding_ = false;  // the strength, with the mouse
  std::set<std::string> done_;
};

// Each frame
// ------------------------------------------------------------------------------------------------
void MaskPage::begin_frame(Lens& lens, const SceneInput& in) {
  const Model& held = in.voices[in.held_voice].model;
  if (!own_ || own_->size() != held.mask->size()) {
    view_.fit();
    cursor_ = {0, 0};
    random_ = nullptr;
  }
  own_ = held.mask;
  own_words_ = in.voices[in.held_voice].mask_name;
  opened_ = in.opened;
  lie_ = opened_ ? kNotMeasured : lie_of(in.numbers.lanes[in.held_voice]);
  lie_is_old_ = !opened_ && measured_before_change(in.numbers.lanes[in.held_voice], in.numbers.step);
  name_ = opened_ ? held.name : voice_name(in.voices, in.held_voice, false) + " twin";
  draft_ = lens.edited;
  words_ = lens.draft ? lens.draft_name : own_words_;
  look();
  make_labels(lens);
  if (lens.ready() && head_revision_ != lens.revision) {
    head_revision_ = lens.revision;
    head_peeks_ = future_attention<float>(lens.stages().weights, lens.T());
  }
}

/// The picture of the draft. A stroke changes its own cells alone: there may be a million others.
void MaskPage::look() {
  const int T = own_->size();
  float penalty = 0, pale = kPenalised;  // the same for most cells: exp takes its time
  const auto value_of = [&](Cell cell) {
    const float value = draft_->value(cell);
    if (value == Mask::kForbidden) return Mask::kForbidden;
    if (value == 0 && !draft_->forbids(cell)) return kOpen;
    if (value != penalty) penalty = value, pale = kPenalised * std::exp(value);
    return pale;
  };
  const auto show = [&](Cell cell, float& shown) {
    const bool future = cell.column > cell.row;
    if (future && shown != Mask::kForbidden) --peeks_;
    shown = value_of(cell);
    if (future && shown != Mask::kForbidden) ++peeks_;
  };
  const std::vector<Cell> painted = draft_->take_painted();
  if (seen_ != draft_->revision()) {
    seen_ = draft_->revision();
    peeks_ = 0;
    values_.assign(static_cast<size_t>(T) * static_cast<size_t>(T), Mask::kForbidden);
    size_t i = 0;
    for (int query = 0; query < T; ++query) {
      for (int key = 0; key < T; ++key) show({query, key}, values_[i++]);
    }
  } else if (painted.empty()) {
    return name();
  } else {
    for (const Cell& cell : painted)
      show(cell, values_[static_cast<size_t>(cell.row) * static_cast<size_t>(T) + static_cast<size_t>(cell.column)]);
  }
  ++revision_;
  unnamed_ = true;
  name();
}

/// To name a large mask takes longer than a frame: not while it is painted.
void MaskPage::name() {
  if (!unnamed_ || (own_->size() > kMaskQuick && ImGui::IsMouseDown(0))) return;
  unnamed_ = false;
  const bool hard = std::isinf(draft_->strength());  // then the draft is its pattern, and has a name already
  if (!hard || random_) {
    const Mask pattern = draft_->pattern();
    is_random_ = random_ && pattern == *random_;
    if (!hard) pattern_words_ = nopeek::describe(pattern);
  } else {
    is_random_ = false;
  }
  if (hard) pattern_words_ = words_;
  forbids_any_ = draft_->forbids_any();
}

void MaskPage::make_labels(const Lens& lens) {
  const auto T = static_cast<size_t>(own_->size());
  if (labels_revision_ == lens.text_revision && labels_.size() == T) return;
  labels_revision_ = lens.text_revision;
  labels_ = lens.labels;
  text_size_ = static_cast<int>(labels_.size());
  for (size_t i = labels_.size(); i < T; ++i) labels_.push_back(std::to_string(i));
}

MaskPage::Layout MaskPage::layout(const Rect& panel) const {
  Layout at;
  at.matrix = square_beside_words(panel, 440);
  at.x0 = at.matrix.max.x + 40;
  at.x1 = panel.max.x - 20;
  const float y = panel.min.y;
  if (panel.h() >= 480) {
    at.title = y + 28, at.status = y + 66, at.presets = y + 116, at.lengths = y + 158, at.strength = y + 196;
    at.rule = y + 224, at.verdict = y + 252, at.measured = y + 280, at.train_rule = y + 308, at.train = y + 344;
    at.trained = y + 388, at.names = y + 420, at.figures = y + 450;
  } else {
    at.title = y + 26, at.status = y + 60, at.presets = y + 98, at.lengths = y + 134, at.strength = y + 166;
    at.rule = y + 188, at.verdict = y + 208, at.measured = y + 232, at.train_rule = y + 250, at.train = y + 276;
    at.trained = y + 310, at.names = y + 336, at.figures = y + 362;
  }
  return at;
}

void MaskPage::draw(Lens& lens, const SceneInput& in, const Rect& panel) {
  begin_frame(lens, in);
  const Layout at = layout(panel);
  draw_matrix(lens, in, at.matrix);
  separator(px(at.x0), px(at.x1), px(at.rule));
  separator(px(at.x0), px(at.x1), px(at.train_rule));
  draw_status(lens, at);
  draw_presets(at);
  draw_strength(at);
  draw_verdict(lens, at);
  draw_training(lens, in, at);
}

// The matrix
// ------------------------------------------------------------------------------------------------
void MaskPage::draw_matrix(Lens& lens, const SceneInput& in, const Rect& area) {
  const int T = own_->size();
  // Whole px, so that all cells are of one size.
  const float fit = area.w() / static_cast<float>(T), pitch = fit < 4 ? fit : std::floor(fit * theme().s) / theme().s;
  MatrixSpec spec{
      .label = kMatrix, .texture = kMaskTexture, .values = values_.data(), .revision = revision_, .area = area};
  spec.look = cell_look(pitch);
  spec.pitch_x = spec.pitch_y = std::min(26.0f, pitch);
  spec.row_labels = spec.column_labels = labels_;
  spec.label_width = 54;
  spec.quiet_from = text_size_;
  spec.chosen = focused_ ? cursor_ : Cell{};
  spec.framed_row = draft_->refused_row().value_or(-1);
  spec.paints = true;
  const MatrixEvents events = view_.draw(in.heatmaps, spec);
  focused_ = events.it.focused;
  if (text_size_ < T) {  // what of it the text uses
    Rect used{view_.cell_rect({0, 0}).min, view_.cell_rect({text_size_ - 1, text_size_ - 1}).max};
    ImGui::PushClipRect(events.rect.min, events.rect.grown(px(3)).max, true);
    outline(used.grown(theme().line(1)), colors().secondary, 1, 2);
    ImGui::PopClipRect();
  }
  paint(lens, events);
  if (events.hovered.valid() && !draft_->stroking()) describe_cell(events.hovered, events.it.id);
  draw_refusal(events.rect);
}

gl::HeatmapSpec MaskPage::cell_look(float pitch) const {
  gl::HeatmapSpec look = heatmap_look(pitch);
  look.columns = look.rows = look.T = own_->size();
  look.mapping = gl::Mapping::kWeight;
  return look;
}

void MaskPage::paint(Lens& lens, const MatrixEvents& events) {
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  if (events.chosen) choose(lens, *events.chosen);
  if (focus::activated(events.it.id)) {
    draft_->begin_stroke(cursor_);
    draft_->end_stroke();
  }
  if (events.hovered.valid() && ImGui::IsMouseClicked(0)) {
    brush_ = mouse;
    choose(lens, events.hovered);
    draft_->begin_stroke(events.hovered);
  }
  if (!draft_->stroking()) return;
  if (!ImGui::IsMouseDown(0)) return draft_->end_stroke();
  // All cells between here and where the pointer was, however fast it is.
  const float pitch = events.rect.w() * view_.zoom() / static_cast<float>(own_->size());
  const float dx = mouse.x - brush_.x, dy = mouse.y - brush_.y;
  const int points = static_cast<int>(2 * std::hypot(dx, dy) / pitch) + 1;
  for (int i = 1; i <= points; ++i) {
    const float share = static_cast<float>(i) / static_cast<float>(points);
    const ImVec2 point{brush_.x + dx * share, brush_.y + dy * share};
    if (events.rect.contains(point)) draft_->paint(view_.cell_at(point));
  }
  brush_ = mouse;
}

/// The row of a cell that is worked on is the one that all steps show.
void MaskPage::choose(Lens& lens, Cell cell) {
  cursor_ = cell;
  if (cell.row < text_size_ && cell.column < text_size_) lens.cell = cell;
}

void MaskPage::describe_cell(Cell cell, ImGuiID owner) const {
  const auto name = [&](int i) {
    const std::string& label = labels_[static_cast<size_t>(i)];
    return i < text_size_ ? "'" + label + "' (" + std::to_string(i) + ")" : "position " + label;
  };
  const float value = draft_->value(cell);
  const bool future = cell.column > cell.row;
  std::vector<TipLine> lines{{name(cell.row) + " asks " + name(cell.column),
                              future                    ? "its future"
                              : cell.row == cell.column ? "itself"
                                                        : "its past",
                              colors().hue(!future).text}};
  if (std::isinf(value)) {
    lines.push_back({"added to its score", "\u2212\u221E: exactly 0"});
  } else if (value == 0) {
    lines.push_back({"added to its score", draft_->forbids(cell) ? "0: forbidden, and yet seen" : "0: it is seen"});
  } else {
    lines.push_back({"added to its score", strength_text(value).chars});
    lines.push_back({"its odds shrink by a factor", fmt("%.2g", std::exp(static_cast<double>(value))).chars});
  }
  tooltip(owner, ImGui::GetIO().MousePos, std::move(lines));
}

/// Beside the row itself, for as long as it is the newest edit.
void MaskPage::draw_refusal(const Rect& matrix) const {
  if (!draft_->refused_row()) return;
  const std::string words = "query " + std::to_string(*draft_->refused_row()) + " would see nothing: leave it one key";
  const Rect row = view_.cell_rect({*draft_->refused_row(), 0});
  if (row.max.y < matrix.min.y || row.min.y > matrix.max.y) return;  // out of view
  const float w = text_width(Font::kLabelBold, words) + px(24), h = px(32);
  const float x = std::max(matrix.min.x, matrix.max.x - w);
  const bool below = row.max.y + px(8) + h <= std::max(matrix.max.y, matrix.min.y + px(80));
  const float y = below ? row.max.y + px(6) : row.min.y - px(6) - h;
  const Rect box{{x, y}, {x + w, y + h}};
  fill(box, colors().raised, 8);
  outline(box, colors().text, 1, 8);
  text({x + px(12), box.cy()}, words, Font::kLabelBold, colors().text);
}

// The controls
// ------------------------------------------------------------------------------------------------
void MaskPage::draw_status(const Lens& lens, const Layout& at) {
  const std::string title = opened_ ? "The mask of " + name_ : "The mask of the " + name_;
  text_elided(theme().at(at.x0, at.title), title, px(at.x1 - at.x0 - 84), Font::kBodyBold, colors().text);
  const auto button_at = [&](int i) {
    return theme().rect(at.x1 - 72 + 40 * static_cast<float>(i), at.title - 16, 32, 32);
  };
  if (icon_button("Undo", button_at(0), Icon::kUndo, "Undo (Ctrl+Z)", draft_->can_undo(), Look::kPlain)) draft_->undo();
  if (icon_button("Redo", button_at(1), Icon::kRedo, "Redo (Ctrl+Y)", draft_->can_redo(), Look::kPlain)) draft_->redo();
  const float y = px(at.status);
  if (!lens.draft) {
    const std::string words = words_ + (opened_ ? ", as it runs" : ", as it trains");
    text_elided({px(at.x0), y}, words, px(at.x1 - at.x0), Font::kBody, colors().secondary);
    return;
  }
  const char* label = "Back to its own mask";
  const float w = std::round(text_width(Font::kLabelMedium, label) / theme().s) + 24;
  if (button(label, theme().rect(at.x1 - w, at.status - 16, w, 32))) draft_->drop();
  const float room = px(at.x1 - at.x0 - w - 12);
  const std::string draft = "Draft: " + words_, all = draft + (opened_ ? ", not in use" : ", not yet trained with");
  text_elided({px(at.x0), y}, text_width(Font::kBodyBold, all) <= room ? all : draft + ", untrained", room,
              Font::kBodyBold, colors().text);
}

void MaskPage::draw_presets(const Layout& at) {
  struct Preset {
    const char* title;
    std::function<void()> use;
    bool chosen;
  };
  const int T = own_->size();
  const auto begins = [this](const char* word) { return pattern_words_.starts_with(word); };
  const Preset presets[] = {{"Causal", [&] { draft_->use(Mask::causal(T)); }, begins("causal")},
                            {"Full", [&] { draft_->use(Mask::full(T)); }, begins("full")},
                            {"Off by one", [&] { draft_->use(Mask::off_by_one(T)); }, begins("off by one")},
                            {"Window", [&] { draft_->use(Mask::window(T, std::min(window_, T))); }, begins("window")},
                            {"Prefix", [&] { draft_->use(Mask::prefix(T, std::min(prefix_, T))); }, begins("prefix")},
                            {"Random", [this] { use_random(); }, is_random_}};
  float total = 0;
  for (const Preset& p : presets) total += text_width(Font::kLabelBold, p.title) / theme().s;
  const float pad = std::min(20.0f, std::floor((at.x1 - at.x0 - total) / 6) - 2);
  float x = at.x0;
  for (const Preset& p : presets) {
    const float w = std::round(text_width(Font::kLabelBold, p.title) / theme().s) + pad;
    if (chip(p.title, theme().rect(x, at.presets - 16, w, 32), p.chosen)) p.use();
    x += w + 2;
  }
  const float middle = (at.x0 + at.x1) / 2;
  draw_length("Window width", at.x0, middle - 12, at.lengths, window_, Mask::window);
  draw_length("Prefix length", middle + 12, at.x1, at.lengths, prefix_, Mask::prefix);
}

void MaskPage::draw_length(std::string_view name, float x0, float x1, float y, int& length, Mask (*make)(int, int)) {
  const int T = own_->size();
  double value = std::min(length, T);
  text(theme().at(x0, y), name, Font::kLabel, colors().secondary);
  text(theme().at(x1, y), fmt("%d", std::min(length, T)), Font::kMonoLabel, colors().text, Align::kRight);
  const float label = text_width(Font::kLabel, name) / theme().s + 16;
  const Rect track = theme().rect(x0 + label, y - 16, x1 - 36 - x0 - label, 32);
  if (!slider(name, track, value, {.min = 1, .max = std::max(2.0, static_cast<double>(T)), .whole = true})) return;
  length = std::clamp(static_cast<int>(std::lround(value)), 1, T);
  draft_->use(make(T, length));
}

void MaskPage::use_random() {
  random_ = std::make_shared<const Mask>(Mask::random(own_->size(), Rng(++draws_), 0.5));
  draft_->use(*random_);
}

void MaskPage::draw_strength(const Layout& at) {
  const char* name = "A forbidden cell gets";
  const float y = at.strength, label = text_width(Font::kLabel, name) / theme().s + 16;
  text(theme().at(at.x0, y), name, Font::kLabel, colors().secondary);
  text(theme().at(at.x1, y), strength_text(draft_->strength()), Font::kMono, colors().text, Align::kRight);
  double value = -static_cast<double>(draft_->strength());
  const Rect track = theme().rect(at.x0 + label, y - 16, at.x1 - 60 - at.x0 - label, 32);
  const SliderSpec spec{
      .min = 0, .max = kMostDragged, .ends_at_infinity = true, .negated = true, .typed_max = kMostTyped};
  const bool changed = slider("Strength", track, value, spec);
  if (!ImGui::IsMouseDown(0)) sliding_ = false;
  if (!changed) return;
  draft_->set_strength(value == 0 ? 0.0f : static_cast<float>(-value), sliding_);
  sliding_ = ImGui::IsMouseDown(0);
}

void MaskPage::draw_verdict(const Lens& lens, const Layout& at) const {
  const float x = px(at.x0), room = px(at.x1 - at.x0);
  const std::string of = " of " + std::string(grouped_text(future_cells(own_->size())).chars) + " future cells visible";
  const bool idle = forbids_any_ && draft_->strength() == 0;  // what is painted now has no effect
  const std::string words = idle          ? "can peek: forbidden cells get 0, as if there were no mask"
                            : peeks_ == 0 ? "cannot peek: no future cell visible"
                                          : "can peek: " + std::string(grouped_text(peeks_).chars) + of;
  text_elided({x, px(at.verdict)}, words, room, Font::kBodyBold, colors().hue(peeks_ == 0).text);
  text_elided({x, px(at.measured)}, measured_words(lens), room, Font::kLabel, colors().secondary);
}

/// What the leak test found under this very mask, on the text above.
std::string MaskPage::measured_words(const Lens& lens) const {
  const auto& shown = lens.draft ? lens.draft : own_;
  const bool same =
      lens.leak && lens.leak->test && lens.leak->question.model.mask == shown && lens.leak->question.text == lens.text;
  if (!same) return "Not measured yet: see the page Leak test";
  return "Leak test: " + brief_verdict(*lens.leak->test);
}

// What training makes of it
// ------------------------------------------------------------------------------------------------
std::string MaskPage::trained_words(const LaneSnapshot& lane) const {
  const std::string since =
      lane.changes.empty() ? "the start" : "step " + std::string(grouped_text(lane.changes.back().step).chars);
  if (lie_is_old_) return "Trains with: " + lane.mask_name + ". Measured by " + since + ", before it:";
  return "Trained with: " + lane.mask_name + ", since " + since;
}

void MaskPage::draw_training(const Lens& lens, const SceneInput& in, const Layout& at) {
  const std::string label = opened_ ? "Run " + name_ + " with this mask" : "Train the " + name_ + " with this mask";
  const bool stopped = !opened_ && !in.newest.lanes[in.held_voice].stopped.empty();
  const float w = std::min(at.x1 - at.x0, std::round(text_width(Font::kLabelMedium, label) / theme().s) + 40);
  const Rect rect = theme().rect(at.x0, at.train - 18, w, 36);
  if (button(label, rect, lens.draft && !stopped, Look::kPrimary)) in.actions.use_mask(*lens.draft);
  if (opened_) {
    text_elided(theme().at(at.x0, at.trained), "It does not train here: it runs under the mask that it is given.",
                px(at.x1 - at.x0), Font::kLabel, colors().secondary);
    return;
  }
  const LaneSnapshot& lane = in.numbers.lanes[in.held_voice];
  if (!lane.stopped.empty()) {
    draw_wrapped(px(at.x0), px(at.trained), px(20), 4, "Trains no more: " + lane.stopped, px(at.x1 - at.x0),
                 Font::kLabel, colors().secondary);
    return;
  }
  // Only the present can be trained on.
  const std::string words = lens.draft && in.in_the_past
                                ? "The button goes back to now, step " +
                                      std::string(grouped_text(in.newest.step).chars) + ", and trains on from there."
                                : trained_words(lane);
  text_elided(theme().at(at.x0, at.trained), words, px(at.x1 - at.x0), Font::kLabel, colors().secondary);
  draw_losses(lane, at);
}

void MaskPage::draw_losses(const LaneSnapshot& lane, const Layout& at) const {
  const bool lies = lie_ > kSmallestLie;
  const auto ink = [this](ImU32 color, float value) {
    return lie_is_old_ || !std::isfinite(value) ? colors().secondary : color;
  };
  const float pitch = (at.x1 - at.x0) / 3;
  const auto figure = [&](int i, std::string_view name, std::string_view value, ImU32 color) {
    const float x = at.x0 + pitch * static_cast<float>(i);
    text(theme().at(x, at.names), name, Font::kLabel, colors().secondary);
    text(theme().at(x, at.figures), value, Font::kFigure, color);
  };
  const ImU32 color = colors().hue(lane.masked).text;
  figure(0, "reported loss", loss_text(lane.measured.reported), ink(color, lane.measured.reported));
  figure(1, "honest loss", loss_text(lane.measured.honest), ink(color, lane.measured.honest));
  figure(2, "the lie", lies ? loss_text(lie_) : fmt(std::isnan(lie_) ? "n/a" : "none"),
         lies ? ink(colors().future.hero, lie_) : colors().secondary);
}

// Keys
// ------------------------------------------------------------------------------------------------
/// What it has no use for goes on to the text's undo.
bool MaskPage::key(Lens&, const SceneInput&) {
  const ImGuiIO& io = ImGui::GetIO();
  if (!own_ || !io.KeyCtrl) return false;
  const bool z = character_key_pressed('Z'), y = character_key_pressed('Y');
  if (z && !io.KeyShift && draft_->can_undo()) return draft_->undo(), true;
  if ((y || (z && io.KeyShift)) && draft_->can_redo()) return draft_->redo(), true;
  return false;
}

bool MaskPage::escape(Lens&) {
  if (!draft_) return false;
  const bool stroking = draft_->stroking();
  draft_->end_stroke();
  return stroking;
}

// Words
// ------------------------------------------------------------------------------------------------
/// Losses are a mask's only once they have been measured under it.
Paragraph MaskPage::training_words(const LaneSnapshot& lane) const {
  const Tone t = lane.masked ? Tone::kPast : Tone::kFuture;
  Paragraph p{{"The " + name_, t}};
  if (!lane.stopped.empty()) {
    p.push_back({" trains no more: " + lane.stopped});
    return p;
  }
  const std::string trains = " trains with: " + lane.mask_name;
  if (std::isnan(lane.measured.reported)) {
    p.push_back({trains + ". Nothing is measured yet."});
    return p;
  }
  const Words reported{loss_text(lane.measured.reported).chars, lie_is_old_ ? Tone::kStrong : t},
      honest{loss_text(lane.measured.honest).chars, lie_is_old_ ? Tone::kStrong : t};
  if (lie_is_old_) {
    p.insert(p.end(), {{trains + " from step " + std::string(grouped_text(lane.changes.back().step).chars) +
                        " on. Before that it reported "},
                       reported,
                       {" and earned "},
                       honest,
                       {" from the prefix alone; under this mask nothing is measured yet."}});
    return p;
  }
  p.insert(p.end(), {{trains + ". It reports "}, reported, {" and earns "}, honest, {" from the prefix alone"}});
  p.push_back(lie_ > kSmallestLie ? Words{": a lie of " + std::string(loss_text(lie_).chars) + "."} : Words{"."});
  return p;
}

void MaskPage::explain(const Lens& lens, const SceneInput& in, Explanation& out) {
  if (!own_) return;
  const int T = own_->size();
  Paragraph first{{"Row: who asks. Column: what it may look at, "},
                  {"blue", Tone::kPast},
                  {" in its past, "},
                  {"orange", Tone::kFuture},
                  {" in its future; hatched: nothing; faint: forbidden, but only by a penalty."}};
  if (text_size_ < T) first.push_back({" The text above uses the framed part."});
  out.words.push_back(std::move(first));
  if (lens.draft) {
    Paragraph p{{"The five steps above run under your draft at once"}};
    if (lens.ready()) {
      p.push_back({": this head looks ahead with "});
      p.push_back({percent_text(static_cast<float>(head_peeks_)).chars, head_peeks_ > 0 ? Tone::kFuture : Tone::kPast});
      p.push_back({" of its attention"});
    }
    p.push_back({", with weights trained under another mask: " + own_words_ + "."});
    out.words.push_back(std::move(p));
  }
  if (forbids_any_ && draft_->strength() == 0) {
    out.words.push_back({{"The faint cells are forbidden, but a forbidden cell gets "},
                         {"0", Tone::kStrong},
                         {": it is as if there were no mask."}});
  }
  if (const float s = draft_->strength(); !std::isinf(s) && s < 0) {
    out.words.push_back({{"A forbidden cell gets "},
                         {strength_text(s).chars, Tone::kStrong},
                         {": its odds shrink by a factor "},
                         {fmt("%.2g", std::exp(static_cast<double>(s))).chars, Tone::kStrong},
                         {", but training can win them back. Only \u2212\u221E makes a weight exactly 0."}});
  }
  if (!opened_) out.words.push_back(training_words(in.numbers.lanes[in.held_voice]));
  const auto suggest = [&](const char* label, bool done, std::function<void()> act) {
    out.suggestions.push_back({label, done, [this, label, act] {
                                 done_.insert(label);
                                 act();
                               }});
  };
  if (T > 1) {
    suggest("Let each query see one ahead", pattern_words_ == "off by one",
            [this, T] { draft_->use(Mask::off_by_one(T)); });
    suggest("Forbid the future with only \u22121", words_ == "penalty \u22121", [this, T] {
      draft_->use(Mask::causal(T));
      draft_->set_strength(-1, true);
    });
  }
  if (lens.draft) {
    const std::string label = opened_ ? "Run it with this mask" : "Train with this mask";
    out.suggestions.push_back({label, false, [&lens, &in] { in.actions.use_mask(*lens.draft); }});
  } else {
    suggest("Draw a mask by chance", is_random_, [this] { use_random(); });
  }
}

/// What is added to the scores.
std::optional<ExportedMatrix> MaskPage::matrix(const Lens&) const {
  if (!own_) return {};
  const int T = own_->size();
  ExportedMatrix out;
  out.name = "mask";
  out.of_head = false;
  out.values.resize(T, T);
  for (int query = 0; query < T; ++query) {
    for (int key = 0; key < T; ++key) out.values(query, key) = draft_->value({query, key});
  }
  out.shown = values_;
  out.rows = out.columns = labels_;
  out.look = cell_look(1);
  out.with_scale = false;
  return out;
}

void MaskPage::report(const Lens& lens, nlohmann::json& figures) const {
  if (!own_) return;
  figures["mask"] = own_words_;
  figures["strength"] = std::isinf(draft_->strength()) ? nlohmann::json("-inf") : nlohmann::json(draft_->strength());
  figures["peeks"] = peeks_;
  figures["measured_before"] = lie_is_old_;
  figures["lie"] = std::isfinite(lie_) ? nlohmann::json(lie_) : nlohmann::json();
  // Of the head that the steps above show.
  figures["future_attention"] = lens.ready() ? nlohmann::json(head_peeks_) : nlohmann::json();
  figures["refused_row"] = draft_->refused_row() ? nlohmann::json(*draft_->refused_row()) : nlohmann::json();
}

}  // namespace

std::unique_ptr<MicroscopePage> make_mask_page() { return std::make_unique<MaskPage>(); }

}  // namespace nopeek
