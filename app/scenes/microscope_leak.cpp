#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "app/scenes/microscope_answers.h"
#include "app/scenes/microscope_parts.h"
#include "app/ui/in_quotes.h"
#include "app/ui/wrapped_text.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr int kLeakTexture = 161;
constexpr double kLeakEvery = 0.25;  // s between two tests of a model in training

bool same_words(const LeakQuestion& answered, const LeakQuestion& asked) {
  return answered.text == asked.text && answered.model.tokenizer == asked.model.tokenizer;
}

/// Which outputs move when a token of the text changes. Row = output, column = changed token.
class LeakPage final : public MicroscopePage {
 public:
  void draw(Lens& lens, const SceneInput& in, const Rect& panel) override;
  void explain(const Lens& lens, const SceneInput& in, Explanation& out) override;
  void report(const Lens& lens, nlohmann::json& figures) const override;
  std::optional<ExportedMatrix> matrix(const Lens& lens) const override;
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
  void update_values();
  Layout layout(const Rect& panel) const;
  void draw_grid(Lens& lens, const SceneInput& in, const Rect& area);
  gl::HeatmapSpec look(float pitch) const;
  void light_column(const Rect& grid) const;
  void draw_verdict(const Lens& lens, const Layout& at);
  void draw_progress(const Layout& at);
  std::string state_words() const;
  void draw_methods(const Layout& at);
  void draw_token(Lens& lens, const Layout& at);
  void draw_legend(const Layout& at) const;
  void choose(Lens& lens, Cell cell);
  std::string place_words() const;
  std::string agree_words() const;
  std::string column_words() const;
  std::string cell_words(Cell cell) const;

  /// There is a test of this very text; perhaps of the weights or the mask before.
  bool ready() const { return answer() && answer()->test; }
  const std::shared_ptr<const LeakAnswer>& answer() const { return answers_.answer(); }
  const LeakTest& test() const { return *answer()->test; }
  std::string quoted(int position) const { return in_quotes(labels_[static_cast<size_t>(position)]); }
  const Matrix<float>& grid() const { return method_ == Method::kChange ? test().moved : test().gradient; }
  /// The verdict is of the mask that the model runs under now.
  bool of_this_mask() const { return ready() && answer()->question.model.mask == model_.mask; }

  PageAnswers<LeakQuestion, LeakAnswer> answers_{leak_of, same_words, kLeakEvery};
  Model model_;  // as it runs on this screen
  std::string name_;
  bool opened_ = false, stopped_ = false;

  Method method_ = Method::kChange, shown_method_ = Method::kChange;
  std::shared_ptr<const LeakAnswer> shown_;
  std::vector<std::string> labels_;  // of its text
  std::vector<float> values_;        // (T, T), -inf where it is exactly 0
  uint64_t revision_ = 0;
  float least_ = 0, most_ = 0;  // of those that are not 0

  MatrixView view_;
  Cell hovered_{};
  int column_ = -1;  // the changed token that is stepped to
};

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
  model_ = in.voices[in.held_voice].model;
  if (lens.draft) model_.mask = lens.draft;
  opened_ = in.opened;
  stopped_ = !opened_ && !in.shown.lanes[in.held_voice].stopped.empty();
  name_ = opened_ ? model_.name : "the " + voice_name(in.voices, in.held_voice, false) + " twin";
  const int T = static_cast<int>(lens.text.size());
  answers_.ask({model_, lens.text}, leak_test_work(*model_.parameters, T), in.smooth && of_this_mask(), in.wake);
  if (answer()) lens.leak = answer();
  if (column_ >= T) column_ = -1;
  update_values();
}

void LeakPage::update_values() {
  if (!ready() || (shown_ == answer() && shown_method_ == method_)) return;
  shown_ = answer();
  shown_method_ = method_;
  ++revision_;
  labels_.clear();
  const LeakQuestion& question = shown_->question;
  for (const TokenId id : question.text) labels_.push_back(question.model.tokenizer->label(id));
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
  at.matrix = square_beside_words(panel, 430);
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
  MatrixSpec spec{.label = "Leak test cells",
                  .texture = kLeakTexture,
                  .values = values_.data(),
                  .revision = revision_,
                  .area = area};
  spec.look = look(pitch);
  spec.pitch_x = spec.pitch_y = pitch;
  spec.row_labels = spec.column_labels = labels_;
  spec.label_width = 54;
  spec.chosen = column_ >= 0 ? Cell{std::min(lens.cell.row, T - 1), column_} : Cell{};
  spec.alpha = of_this_mask() ? 1.0f : 0.4f;
  const MatrixEvents events = view_.draw(in.heatmaps, spec);
  hovered_ = events.hovered;
  if (events.chosen) choose(lens, *events.chosen);
  light_column(events.rect);
  if (hovered_.valid()) tooltip(events.it.id, ImGui::GetIO().MousePos, {{cell_words(hovered_), {}}});
}

gl::HeatmapSpec LeakPage::look(float pitch) const {
  gl::HeatmapSpec look = heatmap_look(pitch);
  look.columns = look.rows = look.T = static_cast<int>(grid().rows());
  look.mapping = gl::Mapping::kLogarithm;
  look.low = std::log10(std::max(least_, 1e-30f));
  look.high = std::max(std::log10(std::max(most_, 1e-30f)), look.low + 1);
  return look;
}

/// All other columns step back.
void LeakPage::light_column(const Rect& grid) const {
  if (column_ < 0) return;
  const int last = static_cast<int>(answer()->question.text.size()) - 1;
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
std::string LeakPage::place_words() const {
  if (!test().leaks()) {
    const std::string beyond = beyond_words(test());
    return beyond.empty() ? "No output depends on a later token: not one bit of it." : beyond;
  }
  const auto [output, token] = test().at.front();
  std::string words = "at output " + quoted(output) + ", token " + quoted(token);
  if (test().at.size() > 1) words += " (and " + std::to_string(test().at.size() - 1) + " more)";
  return words;
}

void LeakPage::draw_verdict(const Lens& lens, const Layout& at) {
  const float room = px(at.x1 - at.x0);
  const std::string title = "Leak test of " + name_ + (lens.draft ? ", under the draft" : "");
  text_elided(theme().at(at.x0, at.title), title, room, Font::kBodyBold, colors().text);
  if (answer() && !answer()->error.empty()) {
    text_elided(theme().at(at.x0, at.verdict), "No verdict", room, Font::kTitle, colors().text);
    text_wrapped(theme().at(at.x0, at.place), answer()->error, room, px(20), Font::kLabel, colors().secondary);
    return;
  }
  if (!ready()) return;
  const bool current = of_this_mask();
  const bool open = !test().leaks() && test().open_beyond > 0;  // no leak, and no clean bill
  const ImU32 color = !current ? colors().disabled : open ? colors().text : colors().hue(!test().leaks()).text;
  const std::string words = test().leaks() ? "Leaks from the future" : brief_verdict(test());
  text_elided(theme().at(at.x0, at.verdict), words, room, Font::kTitle, color);
  text_elided(theme().at(at.x0, at.place), place_words(), room, Font::kBody,
              current ? colors().text : colors().disabled);
}

/// Which step the verdict is of, or how far the next one is.
void LeakPage::draw_progress(const Layout& at) {
  if (answer() && !answer()->error.empty() && !answers_.waits()) return;
  if (answers_.waits()) {
    const float taken = answers_.quick() ? 0 : 92;
    progress_bar(theme().rect(at.x0, at.step - 2, at.x1 - at.x0 - taken, 4), answers_.progress());
    if (!answers_.quick() && button("Cancel", theme().rect(at.x1 - 80, at.step - 14, 80, 28))) answers_.cancel();
    return;
  }
  const bool due = answers_.due();
  if (due && button("Run the test", theme().rect(at.x1 - 108, at.step - 14, 108, 28))) answers_.run();
  text_elided(theme().at(at.x0, at.step), state_words(), px(at.x1 - at.x0 - (due ? 120 : 0)), Font::kLabel,
              colors().secondary);
}

std::string LeakPage::state_words() const {
  if (answers_.due()) return ready() ? "Of another mask, or of earlier weights." : "Large: this may take a minute.";
  if (!ready()) return "";
  std::string words;
  if (!opened_) words = "of step " + std::string(grouped_text(answer()->question.model.step).chars);
  if (stopped_) return words + ": it has stopped, and trains no more";
  if (!test().leaks() && test().open_beyond > 0)
    words += (opened_ ? "" : "; ") + std::string("a longer text tests them");
  return words;
}

// The methods
// ------------------------------------------------------------------------------------------------
std::string LeakPage::agree_words() const {
  if (test().agree()) {
    return test().leaks()   ? "Both methods agree: it leaks."
           : test().whole() ? "Both methods agree: it does not leak."
                            : "Both methods agree: it does not leak here.";
  }
  const auto& faint = test().gradient_at.empty() ? test().at : test().gradient_at;
  const std::string where = quoted(faint.front().output) + ", " + quoted(faint.front().token);
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
std::string LeakPage::column_words() const {
  if (column_ < 0) return "Step through the tokens: which outputs move when one changes?";
  std::vector<int> before;
  for (int output = 0; output < column_; ++output) {
    if (grid()(output, column_) != 0) before.push_back(output);
  }
  const bool change = method_ == Method::kChange;
  const std::string token = quoted(column_);
  if (before.empty())
    return change ? "Change " + token + ": no output before it moves." : "No loss before " + token + " depends on it.";
  const std::string which = (before.size() == 1 ? "output " : "outputs ") + ranges(before);
  if (!change) return "The loss at " + which + " depends on " + token + ", which comes later.";
  return "Change " + token + ": " + which + ", before it, " + (before.size() == 1 ? "moves: it" : "move: they") +
         " could see it.";
}

std::string LeakPage::cell_words(Cell cell) const {
  const float value = grid()(cell.row, cell.column);
  const std::string output = quoted(cell.row) + " (" + std::to_string(cell.row) + ")";
  const std::string token = quoted(cell.column) + " (" + std::to_string(cell.column) + ")";
  if (method_ == Method::kGradient)
    return "loss at " + output + ", by " + token + ": " + (value == 0 ? "exactly 0" : power_text(value));
  return "output " + output + ", " + token +
         " changed: " + (value == 0 ? "exactly 0" : "moves by " + power_text(value));
}

void LeakPage::draw_token(Lens& lens, const Layout& at) {
  const float room = px(at.x1 - at.x0);
  const int T = static_cast<int>(lens.text.size());
  text_elided(theme().at(at.x0, at.about),
              method_ == Method::kChange ? "How far an output\u2019s logits move when one token is another one."
                                         : "How much the loss at an output depends on what is embedded at a token.",
              room, Font::kLabel, colors().secondary);
  text_elided(theme().at(at.x0, at.agree), agree_words(), room, Font::kLabel, colors().text);
  const auto step = [&](const char* label, float x, Icon icon, int by) {
    if (icon_button(label, theme().rect(x, at.token - 16, 32, 32), icon, label))
      choose(lens, {lens.cell.row, column_ < 0 ? (by > 0 ? 0 : T - 1) : (column_ + by + T) % T});
  };
  step("Previous token", at.x0, Icon::kChevronLeft, -1);
  step("Next token", at.x0 + 36, Icon::kChevronRight, +1);
  const std::string token = column_ < 0 ? "no token chosen" : quoted(column_) + " at " + std::to_string(column_);
  text_elided(theme().at(at.x0 + 80, at.token), token, room - px(80), Font::kBodyBold,
              column_ < 0 ? colors().secondary : colors().text);
  text_elided(theme().at(at.x0, at.moved), column_words(), room, Font::kLabel, colors().text);
  const Cell pointed = hovered_.valid() ? hovered_
                       : column_ >= 0   ? Cell{std::min(lens.cell.row, T - 1), column_}
                                        : Cell{};
  if (pointed.valid())
    text_elided(theme().at(at.x0, at.pointed), cell_words(pointed), room, Font::kLabel, colors().secondary);
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
  const float w = text(theme().at(x, at.command), "On the command line", Font::kLabel, colors().secondary);
  text_elided({px(x) + w + px(12), px(at.command)}, "nopeek leaktest --model DIR", px(at.x1 - x - 12) - w,
              Font::kMonoSmall, colors().text);
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
    out.words.push_back({{test().leaks()   ? "It leaks"
                          : test().whole() ? "It passes"
                                           : "It passes so far",
                          tone},
                         {": " + std::to_string(test().at.size()) + " of " + std::to_string(T * (T - 1) / 2) +
                          " pairs of an output and a later token are not exactly 0."}});
    if (!test().whole()) {
      out.words.push_back({{"That is said of the " + std::to_string(test().tested()) + " positions of this text. The " +
                            "model reads " + std::to_string(test().positions) + "."}});
    }
    if (const std::string beyond = beyond_words(test()); !beyond.empty())
      out.words.push_back({{beyond, Tone::kFuture}, {" Write a longer one to test them, too."}});
    if (!test().leaks())
      out.words.push_back({{"Hatched means exactly 0, not small: the mask gave that token no weight at all."}});
  }
  if (stopped_) out.words.push_back({{"This twin trains no more: " + in.shown.lanes[in.held_voice].stopped}});
  const int last = static_cast<int>(lens.text.size()) - 1;
  if (ready()) {
    const bool change = method_ == Method::kChange;
    out.suggestions.push_back({change ? "Ask the gradient instead" : "Change tokens instead", !change,
                               [this, change] { method_ = change ? Method::kGradient : Method::kChange; }});
    out.suggestions.push_back({"Change the last token", column_ == last, [this, last] { column_ = last; }});
  }
  if (answers_.due()) out.suggestions.push_back({"Run the leak test", false, [this] { answers_.run(); }});
  if (in.opened) {
    const Voice& voice = in.voices[in.held_voice];
    const int T = voice.model.config().context;
    out.suggestions.push_back(
        {voice.masked ? "Run it without a mask" : "Run it under the causal mask", false,
         [&in, T, masked = voice.masked] { in.actions.use_mask(masked ? Mask::full(T) : Mask::causal(T)); }});
  }
  if (in.voices.size() == 2) {
    const int other = 1 - static_cast<int>(in.held_voice);
    out.suggestions.push_back({"Test the other twin", false, [&in, other] { in.actions.hold(other); }});
  }
}

std::optional<ExportedMatrix> LeakPage::matrix(const Lens&) const {
  if (!ready() || values_.empty()) return {};
  ExportedMatrix out;
  out.name = method_ == Method::kChange ? "leak test" : "leak test by gradient";
  out.of_head = false;
  out.values = grid();
  out.shown = values_;
  out.row = "output";
  out.rows = out.columns = labels_;
  out.look = look(1);
  out.hatched = "exactly 0";
  return out;
}

void LeakPage::report(const Lens& lens, nlohmann::json& figures) const {
  const bool current = of_this_mask() && answer()->question.text == lens.text;
  figures["leaks"] = current ? nlohmann::json(test().at.size()) : nlohmann::json();
  figures["verdict"] = current ? verdict(test()) : "";
  figures["agree"] = current ? nlohmann::json(test().agree()) : nlohmann::json();
  figures["changed_token"] = column_ >= 0 ? nlohmann::json(column_) : nlohmann::json();
  figures["leak_error"] = answer() ? answer()->error : "";
}

}  // namespace

std::unique_ptr<MicroscopePage> make_leak_page() { return std::make_unique<LeakPage>(); }

}  // namespace nopeek
