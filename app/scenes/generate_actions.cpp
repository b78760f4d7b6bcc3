#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/scenes/generate.h"
#include "app/ui/focus.h"
#include "app/ui/imgui_compat.h"

namespace nopeek {

using namespace ui;
using nlohmann::json;

namespace {

constexpr size_t kActionsMostUndos = 100;
constexpr double kBelowOne = 0x1.fffffffffffffp-1;

json number(double v) { return std::isfinite(v) ? json(v) : json(); }

}  // namespace

/// The beginning of the text that the lab shows, in words that any tokenizer can read.
std::string Generate::default_prompt(const SceneInput& in) {
  const auto count = std::min<std::ptrdiff_t>(in.shown.prompt_length, std::ssize(in.shown.probe));
  return in.shown.corpus->tokenizer.decode({in.shown.probe.begin(), in.shown.probe.begin() + count});
}

void Generate::read_prompt(std::string text, bool typed) {
  std::vector<TokenId> ids = tokenizer_->encode(text);
  // A model has to be given something: nothing at all is the beginning of a document.
  if (ids.empty()) ids.push_back(tokenizer_->eos().value_or(0));
  draft_ = Draft{Generation(std::move(ids), draft_.tree.seed()), {0}, std::move(text), typed};
  pending_steps_ = 0;
  pending_force_.reset();
  playing_ = false;
  text_changed();
}

void Generate::keep_for_undo() {
  undo_.push_back(draft_);
  if (undo_.size() > kActionsMostUndos) undo_.erase(undo_.begin());
  redo_.clear();
}

/// The newest draft of one of undo_ and redo_ is taken up, and the present one goes to the other.
void Generate::swap_draft(std::vector<Draft>& from, std::vector<Draft>& to) {
  if (from.empty()) return;
  to.push_back(std::exchange(draft_, std::move(from.back())));
  from.pop_back();
  playing_ = false;
  text_changed();
}

void Generate::step_back() {
  playing_ = false;
  pending_steps_ = 0;
  if (draft_.tree.back()) text_changed();
}

void Generate::play(bool on) {
  playing_ = on;
  play_left_ = max_new_;
  next_write_ = clock_now();
}

void Generate::write(size_t candidate, bool forced) {
  const auto step = shown_->question.models[shown_held_].step;
  if (forced) keep_for_undo();
  draft_.tree.append(written_token(distribution_, candidate, u_, forced, step));
  draft_.ranks.resize(draft_.tree.nodes().size(), 0);
  draft_.ranks[static_cast<size_t>(draft_.tree.current())] = candidate + 1;
  text_changed();
}

void Generate::force(TokenId id) {
  playing_ = false;
  pending_force_ = id;
}

void Generate::redraw() {
  keep_for_undo();
  draft_.tree.redraw();
  rows_due_ = true;
}

void Generate::set_u(double u) {
  draft_.tree.set_u(std::clamp(u, 0.0, kBelowOne));
  rows_due_ = true;
}

void Generate::set_seed(uint64_t seed) {
  if (seed == draft_.tree.seed()) return;
  keep_for_undo();
  draft_.tree.set_seed(seed);
  rows_due_ = true;
}

void Generate::start_over() {
  keep_for_undo();
  read_prompt(draft_.prompt, draft_.typed);
}

/// When the next frame begins: whoever calls this is drawing the text that it ends.
void Generate::go_to(int node) {
  playing_ = false;
  pending_steps_ = 0;
  pending_go_ = node;
  keep_moving();
}

void Generate::begin_edit() {
  if (editing_) return;
  playing_ = false;
  editing_ = true;
  edit_begun_ = false;
  edit_text_ = draft_.prompt;
  history_tab_ = false;
}

void Generate::end_edit(bool take) {
  if (!editing_) return;
  editing_ = false;
  if (!take || edit_text_ == draft_.prompt) return;
  keep_for_undo();
  read_prompt(edit_text_, true);
}

/// Space stays the training's; arrows, Enter and letters act on the text.
bool Generate::key(const SceneInput&) {
  const ImGuiIO& io = ImGui::GetIO();
  if (io.KeyAlt || io.KeySuper || voices_.empty()) return false;
  if (io.KeyCtrl) {
    const bool z = character_key_pressed('Z'), y = character_key_pressed('Y');
    if (z && !io.KeyShift) undo();
    if (y || (z && io.KeyShift)) redo();
    return z || y;
  }
  const bool arrows_free = !focus::visible() && !(focus::current_own_keys() & focus::kHorizontal);
  if ((key_pressed(Key::kLeft) && arrows_free) || key_pressed(Key::kBackspace)) return step_back(), true;
  if (key_pressed(Key::kRight) && arrows_free) return step(), true;
  if (key_pressed(Key::kEnter) && !focus::visible()) return step(), true;
  if (character_key_pressed('P')) return play(!playing_), true;
  if (character_key_pressed('D')) return redraw(), true;
  if (character_key_pressed('E')) return begin_edit(), true;
  return false;
}

std::span<const Shortcut> Generate::shortcuts() const {
  static constexpr Shortcut kShortcuts[] = {{"Right, Enter", "Write the next token"},
                                            {"Left, Backspace", "Back by one token"},
                                            {"P", "Play or pause the text"},
                                            {"D", "Draw again"},
                                            {"E", "Edit the prompt"},
                                            {"Ctrl Z", "Undo"},
                                            {"Ctrl Y", "Redo, also Ctrl Shift Z"}};
  return kShortcuts;
}

bool Generate::escape() {
  const bool was_busy = editing_ || playing_;
  playing_ = false;
  end_edit(false);
  return was_busy;
}

void Generate::report(json& out) const {
  json& g = out["generate"] = json::object();
  g["ready"] = ready();
  if (!tokenizer_) return;
  g["text"] = tokenizer_->decode(text_);
  g["prompt"] = draft_.prompt;
  g["tokens"] = text_.size();
  g["written"] = path_.size();
  g["position"] = text_.size();
  g["nodes"] = draft_.tree.nodes().size() - 1;
  const auto& nodes = draft_.tree.nodes();
  g["forks"] = std::count_if(nodes.begin() + 1, nodes.end(), [](const auto& n) { return n.children.empty(); });
  g["seed"] = draft_.tree.seed();
  g["u"] = u_;
  g["temperature"] = sampling_.temperature;
  g["top_k"] = sampling_.top_k;
  g["top_p"] = sampling_.top_p;
  g["max_new"] = max_new_;
  g["cache"] = cache_;
  g["frozen"] = frozen_;
  g["playing"] = playing_;
  g["editing"] = editing_;
  g["undos"] = undo_.size();
  g["redos"] = redo_.size();
  g["error"] = error_;
  size_t unknown = 0;
  for (const TokenId id : draft_.tree.prompt()) unknown += tokenizer_->unknown() == id ? 1 : 0;
  g["unknown"] = unknown;
  if (!ready()) return;
  const LiveNextToken::Answer::Voice& voice = *held_answer();
  const Model& model = shown_->question.models[shown_held_];
  const auto context = static_cast<size_t>(model.config().context);
  g["window_start"] = text_.size() > context ? text_.size() - context : 0;
  g["next"] = label(drawn().id);
  g["next_p"] = number(drawn().p);
  g["greedy"] = label(distribution_.best().id);
  g["entropy"] = number(distribution_.temperature_entropy());
  g["entropy_filtered"] = number(distribution_.entropy());
  g["perplexity"] = number(perplexity(distribution_.temperature_entropy()));
  g["kept"] = distribution_.kept();
  g["computed"] = voice.computed;
  g["cached"] = voice.cached;
  g["pass_ms"] = number(voice.milliseconds);
  g["step"] = model.step;
  if (shown_->voices.size() == 2) g["replayed"] = tokenizer_->decode(shown_->voices[1 - shown_held_].replayed);
}

}  // namespace nopeek
