#include "app/scenes/microscope.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr double kNumbersEvery = 0.1;   // s: faster cannot be read
constexpr double kLongestFrame = 0.25;  // s: the play waits while the scene is not on the screen
constexpr float kPipeline = 280, kPipelineLow = 224, kPipelineSmall = 56;

/// Only the weights are newer: the same text, head and masks.
bool only_trained(const AttentionQuestion& a, const AttentionQuestion& b) {
  return a.text == b.text && a.layer == b.layer && a.head == b.head &&
         std::equal(a.models.begin(), a.models.end(), b.models.begin(), b.models.end(),
                    [](const Model& x, const Model& y) { return x.mask == y.mask && x.name == y.name; });
}

}  // namespace

std::unique_ptr<Scene> make_microscope() { return std::make_unique<Microscope>(); }

Microscope::Microscope() {
  pages_.push_back({"Steps", false, make_steps_page()});
  pages_.push_back({"Q K V", false, make_qkv_page()});
  pages_.push_back({"Heads", false, make_heads_page()});
  pages_.push_back({"Twins", true, make_twins_page()});
  pages_.push_back({"Mask", false, make_mask_page()});
  pages_.push_back({"Leak test", false, make_leak_page()});
  pages_.push_back({"What if", false, make_what_if_page()});
}

void Microscope::begin_frame(const SceneInput& in) {
  if (!attention_) attention_ = std::make_unique<LiveAttention>(attention_of, in.wake);
  use_voices(in);
  ask(in);
  take_answer(in);
  if (lens_.ready()) lens_.matrices.use(lens_.answer, lens_.held);
  lens_.clock.advance(std::min(clock_now() - std::exchange(clock_seen_, clock_now()), kLongestFrame), theme().motion);
  lens_.stage = lens_.clock.stage();
  if (lens_.clock.moving()) keep_moving();
  if (in.voices.size() < 2 && pages_[page_].of_twins) page_ = 0;
}

/// Another tokenizer reads the text anew, another context cuts it.
void Microscope::use_voices(const SceneInput& in) {
  const Model& held = in.voices[in.held_voice].model;
  const auto context = static_cast<size_t>(held.config().context);
  if (lens_.draft && static_cast<size_t>(lens_.draft->size()) != context) lens_.draft = nullptr;
  if (lens_.tokenizer == held.tokenizer && lens_.text.size() <= context) return;
  lens_.tokenizer = held.tokenizer;
  lens_.answer = nullptr;  // of other words
  read_text(lens_.typed.empty() ? in.shown.corpus->tokenizer.decode(in.shown.probe) : lens_.typed);
  if (lens_.text.size() > context) lens_.text.resize(context), lens_.labels.resize(context);
}

void Microscope::read_text(std::string text) {
  lens_.text = lens_.tokenizer->encode(text);
  if (lens_.text.empty()) lens_.text.push_back(lens_.tokenizer->eos().value_or(0));
  lens_.labels.clear();
  for (const TokenId id : lens_.text) lens_.labels.push_back(lens_.tokenizer->label(id));
  ++lens_.text_revision;
  const int last = static_cast<int>(lens_.text.size()) - 1;
  lens_.cell = {std::min(lens_.cell.row, last), std::min(lens_.cell.column, last)};
}

void Microscope::ask(const SceneInput& in) {
  AttentionQuestion question{{}, lens_.text, in.selection.layer, in.selection.head};
  for (const Voice& voice : in.voices) question.models.push_back(voice.model);
  if (lens_.draft) question.models[in.held_voice].mask = lens_.draft;
  attention_->ask(std::move(question));
}

/// While the model trains, numbers change no faster than they can be read.
void Microscope::take_answer(const SceneInput& in) {
  lens_.progress = attention_->progress();
  const auto newest = attention_->answer();
  if (newest && newest != lens_.answer) {
    const bool soon = lens_.answer && in.smooth && only_trained(lens_.answer->question, newest->question);
    if (!soon || clock_now() - shown_since_ >= kNumbersEvery) {
      lens_.answer = newest;
      lens_.revision = newest->number;
      shown_since_ = clock_now();
    } else {
      keep_moving();
    }
  }
  lens_.held = in.held_voice;
}

float Microscope::draw_tabs(const SceneInput& in, float x, float y, float x_limit) {
  for (size_t i = 0; i < pages_.size(); ++i) {
    if (pages_[i].of_twins && in.voices.size() < 2) continue;
    const float w = std::round(text_width(Font::kLabelBold, pages_[i].title) / theme().s) + 20;
    if (x + w > x_limit) break;
    if (chip(pages_[i].title, theme().rect(x, y, w, 32), i == page_)) page_ = i;
    x += w + 2;
  }
  return x;
}

Rect Microscope::draw_header(const SceneInput& in, const Rect& panel) {
  const float x = panel.min.x + 20, y = panel.min.y + 12;
  if (theme().small()) {
    const float end = draw_tabs(in, x, y, panel.max.x - 420);
    return {{end + 16, y}, {panel.max.x - 20, y + 32}};
  }
  text(theme().at(x, panel.min.y + 28), "One head, five steps", Font::kBodyBold, colors().text);
  draw_tabs(in, panel.min.x + 260, y, panel.max.x);
  return {{x + 184, y}, {x + 232, y + 32}};
}

void Microscope::draw(const SceneInput& in) {
  begin_frame(in);
  const Rect c = in.content;
  const float gap = theme().small() ? 12 : 16;
  const float top = theme().small() ? kPipelineSmall : theme().low ? kPipelineLow : kPipeline;
  const Rect pipeline{c.min, {c.max.x, c.min.y + top}};
  const Rect panel{{c.min.x, pipeline.max.y + gap}, c.max};
  for (const Rect& r : {pipeline, panel})
    fill({theme().at(r.min.x, r.min.y), theme().at(r.max.x, r.max.y)}, colors().panel, 10);
  draw_pipeline(in, pipeline);
  pages_[page_].page->draw(lens_, in, panel);
}

Explanation Microscope::explain(const SceneInput& in) {
  Explanation out;
  pages_[page_].page->explain(lens_, in, out);
  return out;
}

void Microscope::report(nlohmann::json& out) const {
  nlohmann::json& figures = out["microscope"];
  figures["page"] = pages_[page_].title;
  figures["ready"] = lens_.ready() && lens_.progress < 0;
  figures["tokens"] = lens_.text.size();
  figures["stage"] = stage_name(lens_.clock.stage());
  figures["playing"] = lens_.clock.playing();
  figures["text"] = lens_.tokenizer ? lens_.tokenizer->decode(lens_.text) : "";
  pages_[page_].page->report(lens_, figures);
}

bool Microscope::key(const SceneInput& in) { return pages_[page_].page->key(lens_, in) || step_key(); }

std::span<const Shortcut> Microscope::shortcuts() const {
  static constexpr Shortcut kShortcuts[] = {{"Left  Right", "The step of the head before, the next one"},
                                            {"P", "Play or pause the five steps"}};
  return kShortcuts;
}

bool Microscope::escape() { return pages_[page_].page->escape(lens_); }

}  // namespace nopeek
