#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "app/scenes/microscope.h"
#include "app/scenes/microscope_answers.h"
#include "app/ui/wrapped_text.h"
#include "core/live/live_what_if.h"
#include "core/train/step_stats.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr int kNewTokens = 12;
constexpr double kWhatIfEvery = 0.5;  // s between two questions about a model in training

/// Two operations a weight and token. With no mask nothing can be kept from one prefix to the next.
double operations(const Model& model, size_t T) {
  const auto tokens = static_cast<double>(T);
  return 2 * static_cast<double>(model.parameters->size()) * tokens * (tokens / 2 + kNewTokens);
}

bool same_task(const WhatIfQuestion& answered, const WhatIfQuestion& asked) {
  return answered.text == asked.text && answered.models.size() == asked.models.size() &&
         answered.models[0].tokenizer == asked.models[0].tokenizer;
}

/// Whether weights have ever trained with a mask that shows the future. Nobody knows of a folder.
enum class Taught { kNo, kYes, kUnknown };

/// Which masks a voice's weights are the work of.
struct Training {
  std::vector<std::string> masks;  // in order: "full", "causal since step 274"
  Taught taught = Taught::kUnknown;
  std::string stopped = {};  // why it trains no more, or empty

  std::string words() const {
    std::string all;
    for (const std::string& mask : masks) all += (all.empty() ? "" : ", ") + mask;
    return all;
  }
};

/// A mask that it was given just now has taught it nothing yet.
Training training_of(const LaneSnapshot& lane, int64_t step) {
  Training training{.masks = {}, .taught = Taught::kNo, .stopped = lane.stopped};
  const auto add = [&](bool causal, const std::string& name, int64_t since, int64_t until) {
    if (!causal && until > since) training.taught = Taught::kYes;
    training.masks.push_back(name);
    if (since > 0) training.masks.back() += " since step " + std::string(grouped_text(since).chars);
  };
  const auto& changes = lane.changes;
  if (changes.empty()) {
    add(lane.masked, lane.mask_name, 0, step);
  } else if (changes[0].step > 0) {
    const bool causal = lane.history_size > 0 ? lane.history->at_step(1).masked : lane.name != "unmasked";
    add(causal, causal ? "causal" : "full", 0, changes[0].step);
  }
  for (size_t i = 0; i < changes.size(); ++i) {
    const std::string& name = changes[i].mask;
    add(changes[i].masked,
        !name.empty()       ? name
        : changes[i].masked ? "causal"
                            : "full",
        changes[i].step, i + 1 < changes.size() ? changes[i + 1].step : step);
  }
  return training;
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
  Layout layout(const Rect& panel) const;
  void draw_progress(const Layout& at);
  void draw_row(const Lens& lens, const Layout& at, size_t voice) const;
  void draw_row_title(const Layout& at, size_t voice, float y) const;
  void draw_cell(const Lens& lens, const Rect& area, const Layout& at, size_t voice, bool masked) const;
  void draw_sample(const Lens& lens, const WhatIf& cell, const Rect& area, float y, bool masked) const;
  std::string moral(size_t voice, bool masked) const;

  const std::shared_ptr<const WhatIfAnswer>& answer() const { return answers_.answer(); }
  bool ready() const { return answer() != nullptr; }
  const WhatIf& cell(size_t voice, bool masked) const {
    return masked ? answer()->rows[voice].masked : answer()->rows[voice].unmasked;
  }
  static double lie(const WhatIf& cell) { return *cell.honest_loss - *cell.reported_loss; }

  PageAnswers<WhatIfQuestion, WhatIfAnswer> answers_{what_ifs_of, same_task, kWhatIfEvery};
  std::vector<std::string> names_;  // of the voices
  std::vector<Training> training_;
  std::vector<char> masked_;  // they run under a causal mask now: their colour
};

// Each frame
// ------------------------------------------------------------------------------------------------
void WhatIfPage::begin_frame(const Lens& lens, const SceneInput& in) {
  WhatIfQuestion question{
      {}, lens.text, std::clamp(in.shown.prompt_length, 1, static_cast<int>(lens.text.size())), kNewTokens};
  names_.clear();
  training_.clear();
  masked_.clear();
  double work = 0;
  for (size_t i = 0; i < in.voices.size(); ++i) {
    const Voice& voice = in.voices[i];
    question.models.push_back(voice.model);
    names_.push_back(voice_name(in.voices, i, in.opened));
    training_.push_back(in.opened ? Training{.masks = {"as it was saved"}}
                                  : training_of(in.shown.lanes[i], in.shown.step));
    masked_.push_back(voice.masked);
    work += operations(voice.model, lens.text.size());
  }
  answers_.ask(question, work, in.smooth, in.wake);
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
  const float y = at.title, x1 = at.panel.max.x - 20;
  if (answers_.waits()) {
    const float bar = x1 - (answers_.quick() ? 200 : 292);
    progress_bar(theme().rect(bar, y - 2, 200, 4), answers_.progress());
    if (!answers_.quick() && button("Cancel", theme().rect(x1 - 80, y - 16, 80, 32))) answers_.cancel();
    return;
  }
  const bool due = answers_.due();
  const char* words = !due      ? "The same weights, under the mask and without it."
                      : ready() ? "Of earlier weights."
                                : "A large model: this may take a minute.";
  const float end = due ? x1 - 132 : x1;
  text_elided(theme().at(end, y), words, px(end - at.panel.min.x - 120), Font::kLabel, colors().secondary,
              Align::kRight);
  if (due && button(names_.size() == 1 ? "Run both" : "Run the four", theme().rect(x1 - 120, y - 16, 120, 32)))
    answers_.run();
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
  const Training& training = training_[voice];
  const char* trained = training.stopped.empty() ? "trained" : "has stopped";
  text(theme().at(x, y + 24), trained, Font::kLabel, colors().secondary);
  text_elided(theme().at(x, y + 46), names_[voice], room, Font::kBodyBold, colors().hue(masked_[voice]).text);
  // The newest ones, if there is no room for all.
  int lines = std::max(1, static_cast<int>((at.row - 12 - 68) / 20) + 1);
  const auto most = static_cast<size_t>(lines);
  float line = y + 68;
  for (size_t i = training.masks.size() > most ? training.masks.size() - most : 0;
       i < training.masks.size() && lines > 0; ++i) {
    const std::string mask = training.masks[i] + (i + 1 < training.masks.size() ? "," : "");
    const int used = text_wrapped(theme().at(x, line), mask, room, px(20), Font::kLabel, colors().secondary, lines);
    line += 20 * static_cast<float>(used);
    lines -= used;
  }
}

/// What this cell of the four teaches: by its numbers, and by what the weights were taught.
std::string WhatIfPage::moral(size_t voice, bool masked) const {
  const WhatIf &under = cell(voice, true), &open = cell(voice, false);
  if (!under.reported_loss) return "A text of one token has no loss";
  const auto smallest = static_cast<double>(kSmallestLie);
  const bool peeks = lie(open) > smallest;
  const double loses = *under.reported_loss - *open.reported_loss;  // by the mask
  const Taught taught = training_[voice].taught;
  if (masked) {
    if (peeks && loses > smallest)
      return "The bug, seen: no answer to copy, " + std::string(loss_text(static_cast<float>(loses)).chars) + " worse";
    if (!peeks && taught == Taught::kYes) return "The mask takes nothing away: it has not learned to peek";
    return "Honest: it earns what it reports";
  }
  if (peeks) {
    return taught == Taught::kNo ? "It gains by the future, which it never saw in training"
                                 : "The bug: it reads the answer, and reports that";
  }
  if (taught == Taught::kYes) return "It may peek, but has not learned to";
  const std::string learned =
      taught == Taught::kNo ? "It never learned to read the future" : "It cannot read the future";
  return -loses > smallest ? learned + ": that only disturbs it" : learned;
}

void WhatIfPage::draw_cell(const Lens& lens, const Rect& area, const Layout& at, size_t voice, bool masked) const {
  if (!ready()) return;
  const float x = area.min.x + 16, room = px(area.w() - 32);
  if (const std::string& error = answer()->rows[voice].error; !error.empty()) {
    text_wrapped(theme().at(x, area.min.y + 28), error, room, px(20), Font::kLabel, colors().secondary, 3);
    return;
  }
  const WhatIf& here = cell(voice, masked);
  const auto loss = [](const std::optional<double>& value) {
    return loss_text(value ? static_cast<float>(*value) : kNotMeasured);
  };
  const ImU32 color = colors().hue(masked).text;
  const auto figure = [&](float from, const char* name, const Number& value) {
    const ImU32 shade = value.view() == "n/a" ? colors().secondary : color;
    const float w = text(theme().at(from, area.min.y + at.losses), value, at.number, shade);
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
  const auto& question = answer()->question;
  const std::vector<TokenId> prompt(question.text.begin(), question.text.begin() + question.prompt_length);
  const float x0 = px(area.min.x + 16), x1 = px(area.max.x - 16);
  const std::string given = lens.tokenizer->decode(prompt);
  const float w = std::min(text_width(Font::kLabel, given), (x1 - x0) / 2);
  text_elided({x0, px(y)}, given, w + 1, Font::kLabel, colors().secondary);
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
    const WhatIfAnswer::Row& row = answer()->rows[i];
    if (!row.error.empty() || !row.masked.reported_loss) continue;
    const Tone tone = masked_[i] ? Tone::kPast : Tone::kFuture;
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
  for (size_t i = 0; i < names_.size(); ++i) {
    if (!training_[i].stopped.empty())
      out.words.push_back({{"The " + names_[i] + " twin trains no more: " + training_[i].stopped}});
  }
  out.words.push_back({{"Text is written from the past alone: what counts is the loss under the mask."}});
  if (in.newest.paused && !in.opened)
    out.suggestions.push_back({"Train on", false, [&in] { in.actions.set_paused(false); }});
  if (!in.opened) {
    const int held = static_cast<int>(in.held_voice);
    const bool masked = in.voices[in.held_voice].masked;
    const std::string name = "the " + voice_name(in.voices, in.held_voice, false) + " twin";
    out.suggestions.push_back(
        {(masked ? "Unmask " : "Mask ") + name, false, [&in, held, masked] { in.actions.set_mask(held, !masked); }});
  }
  if (in.opened) {
    const Voice& voice = in.voices[in.held_voice];
    const int T = voice.model.config().context;
    if (answers_.due()) out.suggestions.push_back({"Run both", false, [this] { answers_.run(); }});
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
  out["ready"] = ready() && answers_.current();
  if (!ready()) return;
  for (size_t i = 0; i < answer()->rows.size(); ++i) {
    nlohmann::json& row = out[answer()->question.models[i].name];
    row["error"] = answer()->rows[i].error;
    row["trained"] = training_[i].words();
    row["moral"] = {{"masked", moral(i, true)}, {"unmasked", moral(i, false)}};
    for (const bool masked : {true, false}) {
      const WhatIf& here = cell(i, masked);
      const auto loss = [](const std::optional<double>& v) { return v ? nlohmann::json(*v) : nlohmann::json(); };
      row[masked ? "masked" : "unmasked"] = {{"reported", loss(here.reported_loss)},
                                             {"honest", loss(here.honest_loss)},
                                             {"written", answer()->question.models[i].tokenizer->decode(here.written)}};
    }
  }
}

}  // namespace

std::unique_ptr<MicroscopePage> make_what_if_page() { return std::make_unique<WhatIfPage>(); }

}  // namespace nopeek
