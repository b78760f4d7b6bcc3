#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "app/scenes/microscope.h"
#include "app/ui/registry.h"
#include "core/live/live_what_if.h"
#include "core/train/step_stats.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr int kNewTokens = 12;
constexpr double kEvery = 0.5;          // s between two questions about a model in training
constexpr double kProgressAfter = 0.3;  // s
constexpr double kQuick = 1e11;         // operations that are not asked for first: a second or two

/// Two operations a weight and token. With no mask nothing can be kept from one prefix to the next.
double operations(const Model& model, size_t T) {
  const auto tokens = static_cast<double>(T);
  return 2 * static_cast<double>(model.parameters->size()) * tokens * (tokens / 2 + kNewTokens);
}

/// Trained with the mask or without (rows, the twins), and run with it or without (columns).
class WhatIfPage final : public MicroscopePage {
 public:
  void draw(Lens& lens, const SceneInput& in, const Rect& panel) override;
  void explain(const Lens& lens, const SceneInput& in, Explanation& out) override;
  void report(const Lens& lens, nlohmann::json& figures) const override;

 private:
  struct Layout {
    Rect panel;
    float title = 0, columns = 0, first = 0, row = 0, x = 0, width = 0;  // first: top of the first row of cells
    float losses = 0, words = 0, sample = 0;                             // within a cell
    Font number = Font::kFigure;
  };

  void begin_frame(const Lens& lens, const SceneInput& in);
  void ask(const Lens& lens, const SceneInput& in);
  void take_answer(const Lens& lens);
  Layout layout(const Rect& panel) const;
  void draw_progress(const Layout& at);
  void draw_row(const Lens& lens, const Layout& at, size_t voice) const;
  void draw_row_title(const Layout& at, size_t voice, float y) const;
  void draw_cell(const Lens& lens, const Rect& area, const Layout& at, size_t voice, bool masked) const;
  void draw_sample(const Lens& lens, const WhatIf& cell, const Rect& area, float y, bool masked) const;
  std::string moral(size_t voice, bool masked) const;

  bool ready() const { return answer_ && answer_->rows.size() == names_.size(); }
  const WhatIf& cell(size_t voice, bool masked) const {
    return masked ? answer_->rows[voice].masked : answer_->rows[voice].unmasked;
  }
  static double lie(const WhatIf& cell) { return *cell.honest_loss - *cell.reported_loss; }

  std::unique_ptr<LiveWhatIf> what_if_;  // made when the page is first seen: it is a thread
  WhatIfQuestion question_;
  std::vector<std::string> names_, trained_;  // of the voices; the masks that they trained with
  std::vector<char> trained_masked_;
  bool quick_ = true, wanted_ = false;
  std::shared_ptr<const WhatIfAnswer> answer_;
  double asked_since_ = 0, answered_ = 0;
};

/// "causal", or what it is now and what it was: "full since step 300, causal before".
std::string training_words(const LaneSnapshot& lane) {
  if (lane.changes.empty()) return lane.mask_name + " mask";
  return lane.mask_name + " mask since step " + grouped_text(lane.changes.back().step).chars;
}

// Each frame
// ------------------------------------------------------------------------------------------------
void WhatIfPage::begin_frame(const Lens& lens, const SceneInput& in) {
  if (!what_if_) what_if_ = std::make_unique<LiveWhatIf>(what_ifs_of, in.wake);
  question_ = {{}, lens.text, std::clamp(in.shown.prompt_length, 1, static_cast<int>(lens.text.size())), kNewTokens};
  names_.clear();
  trained_.clear();
  trained_masked_.clear();
  double work = 0;
  for (size_t i = 0; i < in.voices.size(); ++i) {
    const Voice& voice = in.voices[i];
    question_.models.push_back(voice.model);
    names_.push_back(voice_name(in.voices, i, in.opened));
    trained_.push_back(in.opened ? "as it was saved" : training_words(in.shown.lanes[i]));
    trained_masked_.push_back(voice.masked);
    work += operations(voice.model, lens.text.size());
  }
  quick_ = work < kQuick;
  if (answer_ && (answer_->question.text != lens.text || answer_->question.models.size() != names_.size() ||
                  answer_->question.models[0].tokenizer != question_.models[0].tokenizer))
    answer_ = nullptr;
  ask(lens, in);
  take_answer(lens);
}

/// What takes long waits for a button.
void WhatIfPage::ask(const Lens&, const SceneInput& in) {
  if (answer_ && answer_->question == question_) return;
  if (quick_ && answer_ && in.smooth && clock_now() - answered_ < kEvery) return keep_moving();
  if (!quick_ && !wanted_) return;
  if (what_if_->progress() < 0) asked_since_ = clock_now();
  what_if_->ask(question_);
}

void WhatIfPage::take_answer(const Lens& lens) {
  const auto newest = what_if_->answer();
  if (!newest || newest == answer_ || newest->question.text != lens.text ||
      newest->question.models.size() != question_.models.size() ||
      newest->question.models[0].tokenizer != question_.models[0].tokenizer)
    return;
  answer_ = newest;
  answered_ = clock_now();
  wanted_ = false;
}

WhatIfPage::Layout WhatIfPage::layout(const Rect& panel) const {
  Layout at{.panel = panel};
  const bool roomy = panel.h() >= 480;
  const auto rows = static_cast<float>(names_.size());
  at.title = panel.min.y + 28;
  at.columns = panel.min.y + (roomy ? 72 : 64);
  at.first = at.columns + 20;
  at.x = panel.min.x + (theme().small() ? 150 : 190);
  at.width = (panel.max.x - 20 - at.x - 12) / 2;
  at.row = std::min(210.0f, (panel.max.y - 16 - at.first) / std::max(2.0f, rows));
  at.number = roomy ? Font::kFigure : Font::kTitle;
  at.losses = roomy ? 32 : 24;
  at.words = at.row * 0.5f + 4;
  at.sample = at.row - (roomy ? 48 : 36);
  return at;
}

void WhatIfPage::draw(Lens& lens, const SceneInput& in, const Rect& panel) {
  begin_frame(lens, in);
  const Layout at = layout(panel);
  text(theme().at(panel.min.x + 20, at.title), "What if", Font::kBodyBold, colors().text);
  draw_progress(at);
  for (const bool masked : {true, false}) {
    const float x = masked ? at.x : at.x + at.width + 12;
    text(theme().at(x + 16, at.columns), masked ? "run with the causal mask" : "run without a mask", Font::kLabelBold,
         colors().hue(masked).text);
  }
  const float bottom = at.first + at.row * static_cast<float>(names_.size()) - 12, between = at.x + at.width + 6;
  fill({theme().at(between, at.columns - 12), {px(between) + theme().line(1), px(bottom)}}, colors().sep);
  for (size_t i = 0; i < names_.size(); ++i) draw_row(lens, at, i);
}

void WhatIfPage::draw_progress(const Layout& at) {
  const float progress = what_if_->progress(), y = at.title, x1 = at.panel.max.x - 20;
  if (progress >= 0) keep_moving();
  if (progress >= 0 && clock_now() - asked_since_ > kProgressAfter && (!quick_ || !ready())) {
    text(theme().at(x1 - 92, y), "Running...", Font::kLabel, colors().secondary, Align::kRight);
    if (button("Cancel", theme().rect(x1 - 80, y - 16, 80, 32))) {
      what_if_->cancel();
      wanted_ = false;
    }
    return;
  }
  const bool due = !quick_ && progress < 0 && !(answer_ && answer_->question == question_);
  const char* words =
      due ? "A large model: this may take a minute." : "The same weights, under the mask and without it.";
  const float end = due ? x1 - 132 : x1;
  text_elided(theme().at(end, y), words, px(end - at.panel.min.x - 120), Font::kLabel, colors().secondary,
              Align::kRight);
  if (due && button(names_.size() == 1 ? "Run both" : "Run the four", theme().rect(x1 - 120, y - 16, 120, 32)))
    wanted_ = true;
}

// The cells
// ------------------------------------------------------------------------------------------------
void WhatIfPage::draw_row(const Lens& lens, const Layout& at, size_t voice) const {
  const float y = at.first + at.row * static_cast<float>(voice);
  separator(px(at.panel.min.x + 20), px(at.panel.max.x - 20), px(y));
  draw_row_title(at, voice, y);
  for (const bool masked : {true, false}) {
    const float x = masked ? at.x : at.x + at.width + 12;
    draw_cell(lens, {{x, y}, {x + at.width, y + at.row - 12}}, at, voice, masked);
  }
}

void WhatIfPage::draw_row_title(const Layout& at, size_t voice, float y) const {
  const float x = at.panel.min.x + 20, room = px(at.x - x - 12);
  const ImU32 color = colors().hue(trained_masked_[voice]).text;
  text(theme().at(x, y + 24), "trained", Font::kLabel, colors().secondary);
  text_elided(theme().at(x, y + 46), names_[voice], room, Font::kBodyBold, color);
  // In two lines: the mask, and since when.
  const std::string& words = trained_[voice];
  const size_t since = words.find(" since");
  text_elided(theme().at(x, y + 68), words.substr(0, since), room, Font::kLabel, colors().secondary);
  if (since != std::string::npos)
    text_elided(theme().at(x, y + 88), words.substr(since + 1), room, Font::kLabel, colors().secondary);
}

/// What this cell of the four teaches, by its numbers.
std::string WhatIfPage::moral(size_t voice, bool masked) const {
  const WhatIf& here = cell(voice, masked);
  if (!here.reported_loss) return "A text of one token has no loss";
  const bool peeks = lie(here) > static_cast<double>(kSmallestLie);
  if (trained_masked_[voice]) {
    if (masked) return "Honest: it earns what it reports";
    const double more = *here.reported_loss - *cell(voice, true).reported_loss;
    return more > static_cast<double>(kSmallestLie) ? "It never learned to read the future: that only disturbs it"
                                                    : "It never learned to read the future";
  }
  if (!masked) return peeks ? "The bug: it reads the answer, and reports that" : "It may peek, but has not learned to";
  const double more = *here.reported_loss - *cell(voice, false).reported_loss;
  return more > static_cast<double>(kSmallestLie) ? "The bug, seen: no answer to copy, little learned"
                                                  : "The mask takes nothing away: it has not learned to peek";
}

void WhatIfPage::draw_cell(const Lens& lens, const Rect& area, const Layout& at, size_t voice, bool masked) const {
  if (!ready()) return;
  const float x = area.min.x + 16, room = px(area.w() - 32);
  if (const std::string& error = answer_->rows[voice].error; !error.empty()) {
    text_elided(theme().at(x, area.min.y + 28), error, room, Font::kLabel, colors().secondary);
    return;
  }
  const WhatIf& here = cell(voice, masked);
  const auto loss = [](const std::optional<double>& value) {
    return loss_text(value ? static_cast<float>(*value) : kNotMeasured);
  };
  const ImU32 color = colors().hue(masked).text;
  const auto figure = [&](float from, const char* name, const Number& value) {
    const float w = text(theme().at(from, area.min.y + at.losses), value, at.number, color);
    text({px(from) + w + px(8), px(area.min.y + at.losses + (at.number == Font::kFigure ? 5 : 2))}, name, Font::kLabel,
         colors().secondary);
  };
  figure(x, "reported", loss(here.reported_loss));
  figure(x + (area.w() - 32) / 2, "honest", loss(here.honest_loss));
  text_elided(theme().at(x, area.min.y + at.words), moral(voice, masked), room, Font::kLabelMedium, colors().text);
  draw_sample(lens, here, area, area.min.y + at.sample, masked);
}

/// The prompt, and behind it as much of what was written as fits.
void WhatIfPage::draw_sample(const Lens& lens, const WhatIf& here, const Rect& area, float y, bool masked) const {
  const auto& question = answer_->question;
  const std::vector<TokenId> prompt(question.text.begin(), question.text.begin() + question.prompt_length);
  const float x0 = px(area.min.x + 16), x1 = px(area.max.x - 16);
  const float w = std::min(text_width(Font::kLabel, lens.tokenizer->decode(prompt)), (x1 - x0) / 2);
  text_elided({x0, px(y)}, lens.tokenizer->decode(prompt), w + 1, Font::kLabel, colors().secondary);
  const float pen = x0 + w + px(6);
  const std::string written = here.written.empty() ? "(ends at once)" : lens.tokenizer->decode(here.written);
  text_elided({pen, px(y)}, written, x1 - pen, Font::kLabel, colors().hue(masked).text);
}

// Words
// ------------------------------------------------------------------------------------------------
void WhatIfPage::explain(const Lens&, const SceneInput& in, Explanation& out) {
  out.words.push_back(
      {{"A mask is no part of the weights. So weights that were trained with it can be run without, and "
        "the other way round."}});
  for (size_t i = 0; ready() && i < names_.size(); ++i) {
    const WhatIfAnswer::Row& row = answer_->rows[i];
    if (!row.error.empty() || !row.masked.reported_loss) continue;
    const Tone tone = trained_masked_[i] ? Tone::kPast : Tone::kFuture;
    const auto loss = [](const std::optional<double>& value) {
      return std::string(loss_text(static_cast<float>(*value)).chars);
    };
    const std::string name = in.opened ? names_[i] : "The " + names_[i] + " twin";
    out.words.push_back({{name, tone},
                         {" reports "},
                         {loss(row.unmasked.reported_loss), Tone::kFuture},
                         {" where it may look ahead, and "},
                         {loss(row.masked.reported_loss), Tone::kPast},
                         {" under the mask."}});
  }
  out.words.push_back({{"Text is written from the past alone: what counts is the loss under the mask."}});
  if (in.newest.paused && !in.opened)
    out.suggestions.push_back({"Train on", false, [&in] { in.actions.set_paused(false); }});
  if (!in.opened) {
    const int held = static_cast<int>(in.held_voice);
    const bool masked = in.voices[in.held_voice].masked;
    const std::string name = "the " + voice_name(in.voices, in.held_voice, false) + " twin";
    out.suggestions.push_back({masked ? "Train " + name + " without it" : "Give " + name + " the mask", false,
                               [&in, held, masked] { in.actions.set_mask(held, !masked); }});
  }
  if (in.opened) {
    const Voice& voice = in.voices[in.held_voice];
    const int T = voice.model.config().context;
    if (!quick_ && !ready()) out.suggestions.push_back({"Run both", false, [this] { wanted_ = true; }});
    out.suggestions.push_back(
        {voice.masked ? "Run it without a mask" : "Run it under the causal mask", false,
         [&in, T, masked = voice.masked] { in.actions.use_mask(masked ? Mask::full(T) : Mask::causal(T)); }});
  }
  if (in.voices.size() == 2) {
    const int other = 1 - static_cast<int>(in.held_voice);
    out.suggestions.push_back({"Look at the other twin above", false, [&in, other] { in.actions.hold(other); }});
  }
}

void WhatIfPage::report(const Lens&, nlohmann::json& figures) const {
  nlohmann::json& out = figures["what_if"];
  out["ready"] = ready() && answer_->question == question_;
  if (!ready()) return;
  for (size_t i = 0; i < answer_->rows.size(); ++i) {
    nlohmann::json& row = out[answer_->question.models[i].name];
    row["error"] = answer_->rows[i].error;
    for (const bool masked : {true, false}) {
      const WhatIf& here = cell(i, masked);
      const auto loss = [](const std::optional<double>& v) { return v ? nlohmann::json(*v) : nlohmann::json(); };
      row[masked ? "masked" : "unmasked"] = {{"reported", loss(here.reported_loss)},
                                             {"honest", loss(here.honest_loss)},
                                             {"written", answer_->question.models[i].tokenizer->decode(here.written)}};
    }
  }
}

}  // namespace

std::unique_ptr<MicroscopePage> make_what_if_page() { return std::make_unique<WhatIfPage>(); }

}  // namespace nopeek
