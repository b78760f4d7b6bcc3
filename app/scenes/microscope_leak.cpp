#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "app/scenes/microscope.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr int kTexture = 161;
constexpr float kLabelRoom = 84;
constexpr double kEvery = 0.25;         // s between two tests of a model in training, which wants the processor, too
constexpr double kProgressAfter = 0.3;  // s
constexpr double kQuick = 1e11;         // operations that are not asked for first: a second or two

/// A pass costs two operations a weight and token; there are T + 1 of them, and T ways back of twice as much.
double operations(const Model& model, size_t T) {
  return 8 * static_cast<double>(model.parameters->size()) * static_cast<double>(T) * static_cast<double>(T);
}

/// Which outputs move when a token of the text changes. Row = output, column = changed token.
class LeakPage final : public MicroscopePage {
 public:
  void draw(Lens& lens, const SceneInput& in, const Rect& panel) override;
  void explain(const Lens& lens, const SceneInput& in, Explanation& out) override;
  void report(const Lens& lens, nlohmann::json& figures) const override;
  bool escape(Lens& lens) override;

 private:
  enum class Method { kChange, kGradient };
  struct Layout {
    Rect matrix;
    float x0 = 0, x1 = 0;
    float title = 0, verdict = 0, place = 0, step = 0, rule = 0, methods = 0, about = 0, agree = 0, token_rule = 0,
          token = 0, moved = 0, pointed = 0, legend_rule = 0, legend = 0, command = 0;
  };

  void begin_frame(Lens& lens, const SceneInput& in);
  void ask(Lens& lens, const SceneInput& in);
  void take_answer(Lens& lens);
  void update_values(const Lens& lens);
  Layout layout(const Rect& panel) const;
  void draw_grid(Lens& lens, const SceneInput& in, const Rect& area);
  void light_column(const Rect& grid) const;
  void draw_verdict(const Lens& lens, const Layout& at);
  void draw_progress(const Layout& at);
  void draw_methods(const Layout& at);
  void draw_token(Lens& lens, const Layout& at);
  void draw_legend(const Layout& at) const;
  void choose(Lens& lens, Cell cell);
  std::string place_words(const Lens& lens) const;
  std::string agree_words(const Lens& lens) const;
  std::string column_words(const Lens& lens) const;
  std::string cell_words(const Lens& lens, Cell cell) const;

  /// There is a test of this very text; perhaps of the weights or the mask before.
  bool ready() const { return answer_ && answer_->test; }
  const LeakTest& test() const { return *answer_->test; }
  const Matrix<float>& grid() const { return method_ == Method::kChange ? test().moved : test().gradient; }
  const std::vector<LeakTest::Cell>& places() const {
    return method_ == Method::kChange ? test().at : test().gradient_at;
  }
  /// The verdict is of the mask that the model runs under now.
  bool of_this_mask() const { return ready() && answer_->question.model.mask == model_.mask; }

  std::unique_ptr<LiveLeak> leak_;  // made when the page is first seen: it is a thread
  Model model_;                     // as it runs on this screen
  std::string name_;
  bool opened_ = false, wanted_ = false, quick_ = true;
  std::shared_ptr<const LeakAnswer> answer_;
  double asked_since_ = 0, answered_ = 0;

  Method method_ = Method::kChange, shown_method_ = Method::kChange;
  std::shared_ptr<const LeakAnswer> shown_;
  std::vector<float> values_;  // (T, T), -inf where it is exactly 0
  uint64_t revision_ = 0;
  float least_ = 0, most_ = 0;  // of those that are not 0

  MatrixView view_;
  Cell hovered_{};
  int column_ = -1;  // the changed token that is stepped to
};

std::string quoted(const Lens& lens, int position) { return "'" + lens.labels[static_cast<size_t>(position)] + "'"; }

std::string power_text(float value) {
  if (std::isinf(value)) return "no number";
  return fmt(value >= 0.01f && value < 1000 ? "%.3f" : "%.1e", static_cast<double>(value)).chars;
}

/// "0–4, 6 and 9"
std::string ranges(const std::vector<int>& sorted) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < sorted.size();) {
    size_t end = i;
    while (end + 1 < sorted.size() && sorted[end + 1] == sorted[end] + 1) ++end;
    parts.push_back(std::to_string(sorted[i]) + (end > i ? "\u2013" + std::to_string(sorted[end]) : ""));
    i = end + 1;
  }
  if (parts.size() > 4) return std::to_string(sorted.size()) + " of them";
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  return out;
}

// Each frame
// ------------------------------------------------------------------------------------------------
void LeakPage::begin_frame(Lens& lens, const SceneInput& in) {
  if (!leak_) leak_ = std::make_unique<LiveLeak>(leak_of, in.wake);
  const bool other_text = answer_ && (answer_->question.text != lens.text ||
                                      answer_->question.model.tokenizer != in.voices[in.held_voice].model.tokenizer);
  if (other_text) answer_ = nullptr;
  model_ = in.voices[in.held_voice].model;
  if (lens.draft) model_.mask = lens.draft;
  opened_ = in.opened;
  name_ = opened_ ? model_.name : "the " + voice_name(in.voices, in.held_voice, false) + " twin";
  quick_ = operations(model_, lens.text.size()) < kQuick;
  ask(lens, in);
  take_answer(lens);
  if (column_ >= static_cast<int>(lens.text.size())) column_ = -1;
  update_values(lens);
}

/// What takes long waits for a button.
void LeakPage::ask(Lens& lens, const SceneInput& in) {
  const LeakQuestion question{model_, lens.text};
  if (answer_ && answer_->question == question) return;
  const bool newer_weights = answer_ && of_this_mask() && in.smooth;
  if (quick_ && newer_weights && clock_now() - answered_ < kEvery) return keep_moving();
  if (!quick_ && !wanted_) return;
  if (leak_->progress() < 0) asked_since_ = clock_now();
  leak_->ask(question);
}

void LeakPage::take_answer(Lens& lens) {
  const auto newest = leak_->answer();
  if (!newest || newest == answer_ || newest->question.text != lens.text ||
      newest->question.model.tokenizer != model_.tokenizer)
    return;
  answer_ = lens.leak = newest;
  answered_ = clock_now();
  wanted_ = false;
}

void LeakPage::update_values(const Lens&) {
  if (!ready() || (shown_ == answer_ && shown_method_ == method_)) return;
  shown_ = answer_;
  shown_method_ = method_;
  ++revision_;
  values_.assign(grid().data(), grid().data() + grid().size());
  least_ = std::numeric_limits<float>::infinity();
  most_ = 0;
  for (float& value : values_) {
    if (value == 0) {
      value = Mask::kForbidden;
      continue;
    }
    if (!std::isfinite(value)) value = std::numeric_limits<float>::max();
    least_ = std::min(least_, value);
    most_ = std::max(most_, value);
  }
}

LeakPage::Layout LeakPage::layout(const Rect& panel) const {
  Layout at;
  const float side = std::min(panel.h() - 52 - 16, panel.w() - kLabelRoom - 40 - 430);
  at.matrix = {{panel.min.x + kLabelRoom, panel.min.y + 52},
               {panel.min.x + kLabelRoom + side, panel.min.y + 52 + side}};
  at.x0 = at.matrix.max.x + 40;
  at.x1 = panel.max.x - 20;
  const float y = panel.min.y;
  if (panel.h() >= 480) {
    at.title = y + 28, at.verdict = y + 70, at.place = y + 102, at.step = y + 126, at.rule = y + 148;
    at.methods = y + 178, at.about = y + 212, at.agree = y + 236, at.token_rule = y + 258, at.token = y + 290;
    at.moved = y + 324, at.pointed = y + 348, at.legend_rule = y + 372, at.legend = y + 398, at.command = y + 486;
  } else {
    at.title = y + 26, at.verdict = y + 58, at.place = y + 84, at.step = y + 105, at.rule = y + 120;
    at.methods = y + 142, at.about = y + 169, at.agree = y + 190, at.token_rule = y + 206, at.token = y + 228;
    at.moved = y + 255, at.pointed = y + 276, at.legend_rule = y + 292, at.legend = y + 311, at.command = y + 376;
  }
  return at;
}

void LeakPage::draw(Lens& lens, const SceneInput& in, const Rect& panel) {
  begin_frame(lens, in);
  const Layout at = layout(panel);
  hovered_ = {};
  if (ready()) draw_grid(lens, in, at.matrix);
  draw_verdict(lens, at);
  draw_progress(at);
  if (!ready()) return;
  for (const float y : {at.rule, at.token_rule, at.legend_rule}) separator(px(at.x0), px(at.x1), px(y));
  draw_methods(at);
  draw_token(lens, at);
  draw_legend(at);
}

// The grid
// ------------------------------------------------------------------------------------------------
void LeakPage::draw_grid(Lens& lens, const SceneInput& in, const Rect& area) {
  const int T = static_cast<int>(lens.text.size());
  const float fit = area.w() / static_cast<float>(T),
              pitch = std::min(36.0f, fit < 4 ? fit : std::floor(fit * theme().s) / theme().s);
  MatrixSpec spec{
      .label = "Leak test cells", .texture = kTexture, .values = values_.data(), .revision = revision_, .area = area};
  spec.look = heatmap_look(pitch);
  spec.look.columns = spec.look.rows = spec.look.T = T;
  spec.look.mapping = gl::Mapping::kLogarithm;
  spec.look.low = std::log10(std::max(least_, 1e-30f));
  spec.look.high = std::max(std::log10(std::max(most_, 1e-30f)), spec.look.low + 1);
  spec.pitch_x = spec.pitch_y = pitch;
  spec.row_labels = spec.column_labels = lens.labels;
  spec.label_width = 54;
  spec.chosen = column_ >= 0 ? Cell{std::min(lens.cell.row, T - 1), column_} : Cell{};
  spec.alpha = of_this_mask() ? 1.0f : 0.4f;
  const MatrixEvents events = view_.draw(in.heatmaps, spec);
  hovered_ = events.hovered;
  if (events.chosen) choose(lens, *events.chosen);
  light_column(events.rect);
  if (hovered_.valid()) tooltip(events.it.id, ImGui::GetIO().MousePos, {{cell_words(lens, hovered_), {}}});
}

/// All other columns step back.
void LeakPage::light_column(const Rect& grid) const {
  if (column_ < 0) return;
  const int last = static_cast<int>(answer_->question.text.size()) - 1;
  const Rect column{view_.cell_rect({0, column_}).min, view_.cell_rect({last, column_}).max};
  const ImU32 veil = faded(colors().panel, 0.55f);
  const float left = std::clamp(column.min.x, grid.min.x, grid.max.x),
              right = std::clamp(column.max.x, grid.min.x, grid.max.x);
  fill({grid.min, {left, grid.max.y}}, veil);
  fill({{right, grid.min.y}, grid.max}, veil);
}

void LeakPage::choose(Lens& lens, Cell cell) {
  column_ = cell.column;
  lens.cell = cell;
}

// The verdict
// ------------------------------------------------------------------------------------------------
std::string LeakPage::place_words(const Lens& lens) const {
  if (!test().leaks()) return "No output depends on a later token: not one bit of it.";
  const auto [output, token] = test().at.front();
  std::string words = "at output " + quoted(lens, output) + ", token " + quoted(lens, token);
  if (test().at.size() > 1) words += " (and " + std::to_string(test().at.size() - 1) + " more)";
  return words;
}

void LeakPage::draw_verdict(const Lens& lens, const Layout& at) {
  const float room = px(at.x1 - at.x0);
  const std::string title = "Leak test of " + name_ + (lens.draft ? ", under the draft" : "");
  text_elided(theme().at(at.x0, at.title), title, room, Font::kBodyBold, colors().text);
  if (answer_ && !answer_->error.empty()) {
    text_elided(theme().at(at.x0, at.verdict), "No verdict", room, Font::kTitle, colors().text);
    text_elided(theme().at(at.x0, at.place), answer_->error, room, Font::kLabel, colors().secondary);
    return;
  }
  if (!ready()) return;
  const bool current = of_this_mask();
  const ImU32 color = current ? colors().hue(!test().leaks()).text : colors().disabled;
  text(theme().at(at.x0, at.verdict), test().leaks() ? "Leaks from the future" : "PASS", Font::kTitle, color);
  text_elided(theme().at(at.x0, at.place), place_words(lens), room, Font::kBody,
              current ? colors().text : colors().disabled);
}

/// Which step the verdict is of, or how far the next one is.
void LeakPage::draw_progress(const Layout& at) {
  const float progress = leak_->progress();
  const bool waits = progress >= 0 && clock_now() - asked_since_ > kProgressAfter && (!quick_ || !ready());
  if (progress >= 0) keep_moving();
  if (waits) {
    progress_bar(theme().rect(at.x0, at.step - 2, at.x1 - at.x0 - 92, 4), progress);
    if (button("Cancel", theme().rect(at.x1 - 80, at.step - 14, 80, 28))) {
      leak_->cancel();
      wanted_ = false;
    }
    return;
  }
  const bool due = !quick_ && progress < 0 && !(answer_ && same_function(answer_->question.model, model_));
  if (due && button("Run the test", theme().rect(at.x1 - 108, at.step - 14, 108, 28))) wanted_ = true;
  std::string words;
  if (due) words = ready() ? "Of another mask, or of earlier weights." : "Large: this may take a minute.";
  if (!due && ready() && !opened_) words = "of step " + std::string(grouped_text(answer_->question.model.step).chars);
  text_elided(theme().at(at.x0, at.step), words, px(at.x1 - at.x0 - (due ? 120 : 0)), Font::kLabel, colors().secondary);
}

// The methods
// ------------------------------------------------------------------------------------------------
std::string LeakPage::agree_words(const Lens& lens) const {
  if (test().agree()) return test().leaks() ? "Both methods agree: it leaks." : "Both methods agree: it does not leak.";
  const auto& faint = test().gradient_at.empty() ? test().at : test().gradient_at;
  const std::string where = quoted(lens, faint.front().output) + ", " + quoted(lens, faint.front().token);
  return test().leaks() ? "They disagree: the gradient sees no path."
                        : "They disagree: the gradient sees a path at " + where + ", too faint to move a bit.";
}

void LeakPage::draw_methods(const Layout& at) {
  float x = at.x0;
  const auto method = [&](const char* label, Method which) {
    const float w = std::round(text_width(Font::kLabelBold, label) / theme().s) + 24;
    if (chip(label, theme().rect(x, at.methods - 16, w, 32), method_ == which)) method_ = which;
    x += w + 2;
  };
  method("Changed token", Method::kChange);
  method("Gradient", Method::kGradient);
}

// The changed token
// ------------------------------------------------------------------------------------------------
std::string LeakPage::column_words(const Lens& lens) const {
  if (column_ < 0) return "Step through the tokens: which outputs move when one changes?";
  std::vector<int> before;
  for (int output = 0; output < column_; ++output) {
    if (grid()(output, column_) != 0) before.push_back(output);
  }
  const bool change = method_ == Method::kChange;
  const std::string token = quoted(lens, column_);
  if (before.empty())
    return change ? "Change " + token + ": no output before it moves." : "No loss before " + token + " depends on it.";
  const std::string which = (before.size() == 1 ? "output " : "outputs ") + ranges(before);
  if (!change) return "The loss at " + which + " depends on " + token + ", which comes later.";
  return "Change " + token + ": " + which + ", before it, " + (before.size() == 1 ? "moves: it" : "move: they") +
         " could see it.";
}

std::string LeakPage::cell_words(const Lens& lens, Cell cell) const {
  const float value = grid()(cell.row, cell.column);
  const std::string output = quoted(lens, cell.row) + " (" + std::to_string(cell.row) + ")";
  const std::string token = quoted(lens, cell.column) + " (" + std::to_string(cell.column) + ")";
  if (method_ == Method::kGradient)
    return "loss at " + output + ", by " + token + ": " + (value == 0 ? "exactly 0" : power_text(value));
  return "output " + output + ", " + token +
         " changed: " + (value == 0 ? "exactly 0" : "moves by " + power_text(value));
}

void LeakPage::draw_token(Lens& lens, const Layout& at) {
  const float room = px(at.x1 - at.x0);
  const int T = static_cast<int>(lens.text.size());
  text_elided(theme().at(at.x0, at.about),
              method_ == Method::kChange ? "How far an output's logits move when one token is another one."
                                         : "How much the loss at an output depends on what is embedded at a token.",
              room, Font::kLabel, colors().secondary);
  text_elided(theme().at(at.x0, at.agree), agree_words(lens), room, Font::kLabel, colors().text);
  const auto step = [&](const char* label, float x, Icon icon, int by) {
    if (icon_button(label, theme().rect(x, at.token - 16, 32, 32), icon, label))
      choose(lens, {lens.cell.row, column_ < 0 ? (by > 0 ? 0 : T - 1) : (column_ + by + T) % T});
  };
  step("Previous token", at.x0, Icon::kChevronLeft, -1);
  step("Next token", at.x0 + 36, Icon::kChevronRight, +1);
  const std::string token = column_ < 0 ? "no token chosen" : quoted(lens, column_) + " at " + std::to_string(column_);
  text_elided(theme().at(at.x0 + 80, at.token), token, room - px(80), Font::kBodyBold,
              column_ < 0 ? colors().secondary : colors().text);
  text_elided(theme().at(at.x0, at.moved), column_words(lens), room, Font::kLabel, colors().text);
  const Cell pointed = hovered_.valid() ? hovered_
                       : column_ >= 0   ? Cell{std::min(lens.cell.row, T - 1), column_}
                                        : Cell{};
  if (pointed.valid())
    text_elided(theme().at(at.x0, at.pointed), cell_words(lens, pointed), room, Font::kLabel, colors().secondary);
}

void LeakPage::draw_legend(const Layout& at) const {
  const float x = at.x0, y = at.legend;
  hatch(theme().rect(x, y - 7, 24, 14));
  text_elided(theme().at(x + 34, y), "exactly 0: not one bit", px(at.x1 - x - 34), Font::kLabel, colors().secondary);
  const auto scale = [&](float from, float line, const ColorScale& stops, const char* name) {
    constexpr int kPieces = 12;
    for (int i = 0; i < kPieces; ++i) {
      const float t = 0.2f + 0.8f * static_cast<float>(i) / (kPieces - 1);
      fill(theme().rect(from + 8 * static_cast<float>(i), line - 6, 8, 12), sample(stops, t));
    }
    text(theme().at(from + 8 * kPieces + 10, line), name, Font::kLabel, colors().secondary);
  };
  scale(x, y + 24, colors().past.scale, "past");
  scale(x + 150, y + 24, colors().future.scale, "future");
  text_elided(theme().at(x + 310, y + 24), power_text(least_) + " to " + power_text(most_), px(at.x1 - x - 310),
              Font::kMonoSmall, colors().secondary);
  text_elided(theme().at(x, at.command), "Without a window: nopeek leaktest --model DIR", px(at.x1 - x),
              Font::kMonoSmall, colors().disabled);
}

bool LeakPage::escape(Lens&) {
  const bool chosen = column_ >= 0;
  column_ = -1;
  return chosen;
}

// Words
// ------------------------------------------------------------------------------------------------
void LeakPage::explain(const Lens& lens, const SceneInput& in, Explanation& out) {
  out.words.push_back(
      {{"The test that a loss curve cannot fool: change one token, and look which outputs move. An output may "
        "depend on its past alone. Every "},
       {"orange", Tone::kFuture},
       {" cell is an output that knew a token after it."}});
  if (ready() && of_this_mask()) {
    const Tone tone = test().leaks() ? Tone::kFuture : Tone::kPast;
    const size_t T = lens.text.size();
    out.words.push_back({{test().leaks() ? "It leaks" : "It passes", tone},
                         {": " + std::to_string(test().at.size()) + " of " + std::to_string(T * (T - 1) / 2) +
                          " pairs of an output and a later token are not exactly 0."}});
    if (!test().leaks())
      out.words.push_back({{"Hatched means exactly 0, not small: the mask gave that token no weight at all."}});
  }
  out.suggestions.push_back({method_ == Method::kChange ? "Ask the gradient instead" : "Change tokens instead",
                             method_ == Method::kGradient,
                             [this] { method_ = method_ == Method::kChange ? Method::kGradient : Method::kChange; }});
  const int last = static_cast<int>(lens.text.size()) - 1;
  if (ready() && last > 0) {
    out.suggestions.push_back({"Change the last token", column_ == last, [this, last] { column_ = last; }});
  }
  if (in.voices.size() == 2) {
    const int other = 1 - static_cast<int>(in.held_voice);
    out.suggestions.push_back({"Test the other twin", false, [&in, other] { in.actions.hold(other); }});
  }
}

void LeakPage::report(const Lens& lens, nlohmann::json& figures) const {
  const bool current = of_this_mask() && answer_->question.text == lens.text;
  figures["leaks"] = current ? nlohmann::json(test().at.size()) : nlohmann::json();
  figures["verdict"] = current ? verdict(test()) : "";
  figures["agree"] = current ? nlohmann::json(test().agree()) : nlohmann::json();
  figures["changed_token"] = column_ >= 0 ? nlohmann::json(column_) : nlohmann::json();
  figures["leak_error"] = answer_ ? answer_->error : "";
}

}  // namespace

std::unique_ptr<MicroscopePage> make_leak_page() { return std::make_unique<LeakPage>(); }

}  // namespace nopeek
