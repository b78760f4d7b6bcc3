#include "app/scenes/generate.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/ui/registry.h"
#include "core/base/error.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr double kGenerateNumbersEvery = 0.1;  // s: faster cannot be read
constexpr double kGenerateProgressAfter = 0.3;
constexpr double kPlayEvery = 0.6;     // s a token
constexpr size_t kLongestReplay = 64;  // tokens that the other twin writes beside
constexpr float kStrip = 112, kStripLow = 104, kTimeline = 212, kTimelineLow = 140;
constexpr float kDistribution = 688, kUsualWidth = 1152, kSamplingSmall = 288, kMiddleSmall = 356;

bool same_models(std::span<const Voice> voices, const std::vector<Model>& models) {
  return std::equal(voices.begin(), voices.end(), models.begin(), models.end(), [](const Voice& v, const Model& m) {
    return v.model.parameters == m.parameters && v.model.mask == m.mask;
  });
}

}  // namespace

std::unique_ptr<Scene> make_generate() { return std::make_unique<Generate>(); }

std::string Generate::label(TokenId id) const { return tokenizer_->label(id); }

Number Generate::u_text(double u) { return fmt("%.3f", std::min(u, 0.999)); }

std::optional<size_t> Generate::other() const {
  if (voices_.size() != 2) return std::nullopt;
  return 1 - held_;
}

std::string Generate::voice_name(size_t voice) const { return nopeek::voice_name(voices_, voice, opened_); }

const LiveNextToken::Answer::Voice* Generate::held_answer() const {
  return shown_ && shown_held_ < shown_->voices.size() ? &shown_->voices[shown_held_] : nullptr;
}

size_t Generate::window_start() const {
  const auto context = static_cast<size_t>(held().model.config().context);
  return text_.size() > context ? text_.size() - context : 0;
}

bool Generate::landed() const {
  return ready() && (!theme().motion || dragging_ || clock_now() - dart_since_ >= kFallSeconds);
}

bool Generate::outdated() const { return !ready() && clock_now() - asked_since_ > kGenerateProgressAfter; }

// Each frame
// ------------------------------------------------------------------------------------------------
void Generate::begin_frame(const SceneInput& in) {
  if (!next_) next_ = std::make_unique<LiveNextToken>(in.wake);
  use_voices(in);
  if (pending_go_) {
    draft_.tree.go_to(*std::exchange(pending_go_, std::nullopt));
    text_changed();
  }
  ask();
  take_answer();
  act();
  ask();  // for what was just written, so that its answer is there in the next frame
  if (rows_due_) update_rows();
  if (ready() && (dart_revision_ != revision_ || dart_u_ != u_)) {
    dart_revision_ = revision_;
    dart_u_ = u_;
    dart_since_ = clock_now();
  }
  if (playing_ || (ready() && !landed())) keep_moving();
}

/// Whose words these are. Another tokenizer reads the prompt anew; the same one keeps the text.
void Generate::use_voices(const SceneInput& in) {
  frozen_ = frozen_ && opened_ == in.opened;
  opened_ = in.opened;
  if (!frozen_) voices_.assign(in.voices.begin(), in.voices.end());  // they are in.voices', which end with the frame
  held_ = std::min(in.held_voice, voices_.size() - 1);
  if (tokenizer_ == held().model.tokenizer) return;
  tokenizer_ = held().model.tokenizer;
  undo_.clear();  // ids of other words
  redo_.clear();
  shown_ = nullptr;
  shown_revision_ = 0;
  rows_.clear();
  error_.clear();
  has_other_ = false;
  end_edit(false);
  read_prompt(draft_.typed ? draft_.prompt : default_prompt(in), draft_.typed);
}

void Generate::ask() {
  if (text_.empty()) return;
  const bool same_draws = asked_.us.empty() || asked_.sampling == sampling_;
  if (asked_revision_ == revision_ && asked_.cache == cache_ && same_draws && same_models(voices_, asked_.models))
    return;
  if (asked_revision_ != revision_) asked_since_ = clock_now();
  asked_revision_ = revision_;
  asked_.models.clear();
  for (const Voice& voice : voices_) asked_.models.push_back(voice.model);
  asked_.text = text_;
  asked_.cache = cache_;
  asked_.us.clear();
  if (other()) {
    asked_.replayer = *other();
    asked_.prompt = draft_.tree.prompt().size();
    for (size_t i = 0; i < std::min(path_.size(), kLongestReplay); ++i)
      asked_.us.push_back(draft_.tree.node(path_[i]).token.u);
  }
  asked_.sampling = sampling_;
  next_->ask(asked_);
}

/// Another text is shown at once, newer weights as often as numbers can be read.
void Generate::take_answer() {
  auto answer = next_->answer();
  if (!answer) return;
  const bool fits = answer->question.text == text_ && answer->voices.size() == voices_.size() &&
                    answer->question.models.front().tokenizer == tokenizer_;
  if (!fits) return;
  if (answer == shown_ && shown_revision_ == revision_ && shown_held_ == held_) return;
  const bool another = shown_revision_ != revision_ || shown_held_ != held_;
  if (!another && clock_now() - shown_since_ < kGenerateNumbersEvery) return keep_moving();
  show_answer(std::move(answer));
}

void Generate::show_answer(std::shared_ptr<const LiveNextToken::Answer> answer) {
  shown_ = std::move(answer);
  shown_revision_ = revision_;
  shown_held_ = held_;
  shown_since_ = clock_now();
  rows_due_ = true;
  const LiveNextToken::Answer::Voice& mine = shown_->voices[held_];
  error_ = mine.error;
  has_other_ = false;
  if (!error_.empty()) return;
  distribution_ = mine.ranked;
  const bool full = mine.computed >= static_cast<int>(text_.size() - window_start());
  (full ? full_ms_ : cached_ms_) = mine.milliseconds;
  (full ? full_positions_ : cached_positions_) = mine.computed;
  if (!other() || !shown_->voices[*other()].error.empty()) return;
  other_distribution_ = shown_->voices[*other()].ranked;
  has_other_ = true;  // else a twin that diverged: it has no say
}

/// What was asked for while an answer was awaited, and the next token of the play.
void Generate::act() {
  if (!error_.empty() && shown_revision_ == revision_) {
    playing_ = false;
    pending_steps_ = 0;
    pending_force_.reset();
  }
  if (!ready()) return;
  if (rows_due_) update_rows();
  if (pending_force_) {
    const TokenId id = *std::exchange(pending_force_, std::nullopt);
    write(distribution_.rank(id), true);
  } else if (pending_steps_ > 0) {
    --pending_steps_;
    write(drawn_, false);
  } else if (playing_ && clock_now() >= next_write_) {
    next_write_ = clock_now() + kPlayEvery;
    const TokenId id = drawn().id;
    write(drawn_, false);
    if (--play_left_ <= 0 || id == tokenizer_->eos()) playing_ = false;
  }
}

void Generate::text_changed() {
  ++revision_;
  pending_go_.reset();  // of another tree, perhaps
  path_ = draft_.tree.path(draft_.tree.current());
  text_ = draft_.tree.text();
  labels_.clear();
  for (const TokenId id : text_) labels_.push_back(label(id));
  draft_.ranks.resize(draft_.tree.nodes().size(), 0);
  scroll_ = 0;
  rows_due_ = true;
  update_forks();
}

/// The lines of the distribution: the likeliest, and the drawn one if it is not among them.
void Generate::update_rows() {
  rows_due_ = false;
  u_ = draft_.tree.u();
  if (!ready()) return rows_.resize(std::min(rows_.size(), static_cast<size_t>(most_rows_)));
  if (!(distribution_.config() == sampling_)) distribution_.filter(sampling_);
  drawn_ = distribution_.draw(u_);
  // The twin is asked the same question, cuts left aside: they are of one's own ranking.
  if (has_other_) other_distribution_.filter({.temperature = sampling_.temperature});
  const auto& all = distribution_.candidates();
  const size_t count = std::min<size_t>(static_cast<size_t>(most_rows_), all.size());
  rows_.resize(count);
  rest_p_ = 1;
  double largest = 0;
  for (size_t i = 0; i < count; ++i) {
    Row& row = rows_[i];
    row.place = i + 1 == count && drawn_ >= count ? drawn_ : i;
    const Candidate& c = all[row.place];
    row.label = label(c.id);
    const bool twice = std::any_of(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(i),
                                   [&](const Row& r) { return r.label == row.label; });
    row.name = twice ? row.label + " #" + std::to_string(c.id) : row.label;
    row.other_p = has_other_ ? other_distribution_.of(c.id).p_temperature : -1;
    rest_p_ -= c.p_temperature;
    largest = std::max({largest, c.p_temperature, row.other_p});
  }
  scale_ = std::max(0.1, std::ceil(largest * 10 - 1e-9) / 10);
  rest_p_ = std::max(0.0, rest_p_);
}

// The page
// ------------------------------------------------------------------------------------------------
void Generate::draw(const SceneInput& in) {
  begin_frame(in);
  const Rect c = in.content;
  const bool small = theme().small(), low = theme().low;
  const float gap = small ? 12 : 16;
  const float strip = !small ? (low ? kStripLow : kStrip) : std::clamp(c.h() - gap - kMiddleSmall, kStripLow, 140.0f);
  const float timeline = small ? 0 : low ? kTimelineLow : kTimeline;
  const Rect top{c.min, {c.max.x, c.min.y + strip}};
  const Rect middle{{c.min.x, top.max.y + gap}, {c.max.x, c.max.y - (small ? 0 : timeline + gap)}};
  const float bets = small ? c.w() - gap - kSamplingSmall : kDistribution + std::max(0.0f, c.w() - kUsualWidth) * 0.6f;
  draw_strip(in, top);
  draw_distribution({middle.min, {middle.min.x + bets, middle.max.y}});
  draw_sampling({{middle.min.x + bets + gap, middle.min.y}, middle.max});
  if (!small) draw_timeline({{c.min.x, middle.max.y + gap}, c.max});
}

}  // namespace nopeek
