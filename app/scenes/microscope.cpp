#include "app/scenes/microscope.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr double kMicroscopeNumbersEvery = 0.1;  // s: faster cannot be read
constexpr double kLongestFrame = 0.25;           // s: the play waits while the scene is not on the screen
constexpr int kMicroscopeQuick = 128;            // a larger mask is not made in each frame of a stroke, but at its end
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
  use_draft(in);
  ask(in);
  take_answer(in);
  if (lens_.ready()) lens_.matrices.use(lens_.answer, lens_.held);
  lens_.clock.advance(std::min(clock_now() - std::exchange(clock_seen_, clock_now()), kLongestFrame), theme().motion);
  lens_.stage = lens_.clock.stage();
  if (lens_.clock.moving()) keep_moving();
  if (!is_open(pages_[page_], in)) page_ = 0;
}

/// Another tokenizer reads the text anew, and so does another context.
void Microscope::use_voices(const SceneInput& in) {
  const Model& held = in.voices[in.held_voice].model;
  const int context = held.config().context;
  in.selection.layer = std::clamp(in.selection.layer, 0, held.config().layers - 1);
  in.selection.head = std::clamp(in.selection.head, 0, held.config().heads - 1);
  lens_.held = in.held_voice;
  if (lens_.tokenizer == held.tokenizer && read_for_ == context) return;
  if (lens_.tokenizer != held.tokenizer) lens_.answer = nullptr;  // of other words
  lens_.tokenizer = held.tokenizer;
  read_text(in);
}

/// The held voice runs under what is drafted for it.
void Microscope::use_draft(const SceneInput& in) {
  const Model& held = in.voices[in.held_voice].model;
  Drafts& drafts = drafts_[in.opened ? 1 : 0];
  if (drafts.tokenizer != held.tokenizer || drafts.config != held.config())
    drafts = {held.tokenizer, held.config(), {}};
  drafts.of_voice.resize(in.voices.size());
  auto& place = drafts.of_voice[in.held_voice];
  if (!place) place = std::make_shared<MaskDraft>();
  lens_.edited = place;
  MaskDraft& draft = *place;
  draft.follow(held.mask);
  const bool at_its_end = held.config().context > kMicroscopeQuick && ImGui::IsMouseDown(0);
  const auto before = std::exchange(lens_.draft, at_its_end ? draft.newest_mask() : draft.mask());
  if (lens_.draft && lens_.draft != before) lens_.draft_name = describe(*lens_.draft);
}

/// The sentence that the lab shows, in words that any tokenizer can read.
std::string Microscope::own_text(const SceneInput& in) { return in.shown.corpus->tokenizer.decode(in.shown.probe); }

/// Of a text that is longer than the held model's context, the beginning; the rest waits for a model that has room.
void Microscope::read_text(const SceneInput& in) {
  read_for_ = in.voices[in.held_voice].model.config().context;
  lens_.text = lens_.tokenizer->encode(lens_.typed.empty() ? own_text(in) : lens_.typed);
  if (lens_.text.empty()) lens_.text.push_back(lens_.tokenizer->eos().value_or(0));
  const size_t fits = std::min(lens_.text.size(), static_cast<size_t>(read_for_));
  lens_.left_out = lens_.text.size() - fits;
  lens_.text.resize(fits);
  lens_.labels.clear();
  for (const TokenId id : lens_.text) lens_.labels.push_back(lens_.tokenizer->label(id));
  ++lens_.text_revision;
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
  // An answer in other words is of the model before: an id of theirs may be none of these.
  if (newest && newest != lens_.answer && newest->question.models[0].tokenizer == lens_.tokenizer) {
    const bool soon = lens_.answer && in.smooth && only_trained(lens_.answer->question, newest->question);
    if (!soon || clock_now() - shown_since_ >= kMicroscopeNumbersEvery) {
      lens_.answer = newest;
      shown_since_ = clock_now();
    } else {
      keep_moving();
    }
  }
  if (lens_.answer) lens_.revision = 2 * lens_.answer->number + lens_.held;
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
  export_what_was_picked(in);
  draw_progress(panel);
}

Explanation Microscope::explain(const SceneInput& in) {
  Explanation out;
  pages_[page_].page->explain(lens_, in, out);
  if (lens_.left_out > 0) {
    out.words.push_back(
        {{"The text is longer than this model\xE2\x80\x99s context: its last " +
          std::string(grouped_text(static_cast<long long>(lens_.left_out)).view()) + " tokens are left out."}});
  }
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
  figures["typed"] = lens_.typed;
  figures["left_out"] = lens_.left_out;
  figures["unknown"] =
      std::count_if(lens_.text.begin(), lens_.text.end(), [&](TokenId id) { return lens_.tokenizer->unknown() == id; });
  figures["editing"] = edit_.open;
  figures["draft"] = lens_.draft ? lens_.draft_name : "";
  figures["undos"] = undo_.size();
  figures["redos"] = redo_.size();
  pages_[page_].page->report(lens_, figures);
}

bool Microscope::escape() { return pages_[page_].page->escape(lens_); }

}  // namespace nopeek
