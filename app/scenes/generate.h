#pragma once
#include <optional>
#include <set>

#include "app/scenes/scene.h"
#include "app/ui/token_preview.h"
#include "app/ui/widgets.h"
#include "core/decode/generation.h"
#include "core/live/live_next_token.h"

namespace nopeek {

/// What a drawn token takes to fall into its place: nothing is written on before.
inline constexpr double kFallSeconds = 0.3;

/// Text from the model, one token at a time: what it knows (the context window), what it bets on (the next token's
/// distribution through all stages of the sampling), and how chance decides (the draw). Split over generate.cpp (flow
/// and layout), generate_actions.cpp (what can be done), generate_strip.cpp, generate_distribution.cpp,
/// generate_draw.cpp, generate_sampling.cpp, generate_timeline.cpp and generate_words.cpp.
class Generate final : public Scene {
 public:
  void draw(const SceneInput& in) override;
  Explanation explain(const SceneInput& in) override;
  Code code() const override;
  void report(nlohmann::json& out) const override;
  bool key(const SceneInput& in) override;
  std::span<const Shortcut> shortcuts() const override;
  bool escape() override;

 private:
  /// All that undo brings back.
  struct Draft {
    Generation tree;
    std::vector<size_t> ranks = {0};  // by node: the token's place among all when it was written, from 1
    std::string prompt;               // as typed
    bool typed = false;               // by a person; else the corpus' own
  };

  /// A line of the distribution: one of the likeliest, or the one that is drawn.
  struct Row {
    size_t place = 0;     // among the candidates
    std::string label;    // as shown
    std::string name;     // the same, or with its id where two tokens look alike
    double other_p = -1;  // p of the other voice; negative: there is none
  };

  /// A branch that was left: its tokens and where they stand.
  struct Fork {
    std::vector<int> nodes;
    int depth = 1;  // of the first one: tokens behind the prompt
    int row = -1;   // of the timeline; -1: no room
    int shown = 0;  // so many of its tokens, before a newer branch is in the way
    bool covers(int at) const { return row >= 0 && at >= depth && at < depth + shown; }
  };

  struct DistributionLayout {
    ui::Rect panel;  // logical px, as all of these
    float pitch = 26, top = 52, x_bar = 0, w_bar = 312, x_p = 0, x_sum = 0, w_sum = 128;
    int lines = 11;  // with the one for the rest
  };

  struct SamplingLayout {
    ui::Rect panel;
    bool inline_sliders = false;
    float slider = 0, pitch = 0, seed = 0, buttons = 0, button_h = 40, captions = 0, toggles = 0, cost = 0, rule = 0,
          entropy = 0, number = 0;
  };

  struct TimelineLayout {
    ui::Rect area;
    float x0 = 0, pitch = 77;  // left end of the baseline; from column to column
    int columns = 12;
    float baseline = 0, top = 0, per_nat = 32, words = 0, other = 0, forks = 0, fork_pitch = 24;
    int fork_rows = 2;
    bool title = true;
  };

  /// Where the strip's chips are, in px.
  struct Chip {
    float x = 0, w = 0;
    size_t token = 0;  // of the text
  };

  // generate.cpp
  void begin_frame(const SceneInput& in);
  void use_voices(const SceneInput& in);
  void ask();
  void take_answer();
  void show_answer(std::shared_ptr<const LiveNextToken::Answer> answer);
  void act();
  void text_changed();
  void update_rows();
  void update_forks();
  std::string voice_name(size_t voice) const;
  const Voice& held() const { return voices_[held_]; }
  const LiveNextToken::Answer::Voice* held_answer() const;
  std::optional<size_t> other() const;  // the other twin's place
  /// The distribution on the screen is of this text.
  bool ready() const { return shown_ && shown_revision_ == revision_ && error_.empty(); }
  bool landed() const;  // the dart
  /// What is on the screen is of another text, and has been for too long to be taken for this one's.
  bool outdated() const;
  const Candidate& drawn() const { return distribution_.candidates()[drawn_]; }
  size_t window_start() const;
  std::string label(TokenId id) const;
  static ui::Number u_text(double u);  // u is below 1, and looks it

  // generate_actions.cpp
  static std::string default_prompt(const SceneInput& in);
  void read_prompt(std::string text, bool typed);
  void keep_for_undo();
  void undo() { swap_draft(undo_, redo_); }
  void redo() { swap_draft(redo_, undo_); }
  void swap_draft(std::vector<Draft>& from, std::vector<Draft>& to);
  void step_back();
  void step() { ++pending_steps_; }
  void play(bool on);
  void write(size_t candidate, bool forced);
  void force(TokenId id);
  void redraw();
  void set_u(double u);
  void set_seed(uint64_t seed);
  void start_over();
  void go_to(int node);
  void begin_edit();
  void end_edit(bool take);

  // generate_strip.cpp
  void draw_strip(const SceneInput& in, ui::Rect panel);
  float draw_tabs(ui::Rect panel);
  void lay_chips(float x0, float x1);
  void draw_chips(ui::Rect panel, float x0, float x1);
  void draw_chip(const Chip& chip, float y, bool dropped);
  void draw_next_chip(float x, float w, float y);
  void draw_chip_labels(float x0, float x1, float y) const;
  void draw_bracket(ui::Rect panel, float limit) const;
  void draw_prompt_area(float y);
  void draw_text_buttons(ui::Rect panel);
  void draw_editor(ui::Rect panel, float x0, float x1);
  void describe_token(int node, ImGuiID owner) const;

  // generate_distribution.cpp
  DistributionLayout distribution_layout(ui::Rect panel) const;
  void draw_distribution(ui::Rect panel);
  void draw_legend(const DistributionLayout& at) const;
  void draw_row(const DistributionLayout& at, size_t line);
  void draw_greedy_mark(float x_end, float y, float x_limit) const;
  void draw_rest(const DistributionLayout& at) const;
  void draw_cuts(const DistributionLayout& at) const;
  void draw_cut(const DistributionLayout& at, size_t rows_above, std::string_view words) const;
  std::string rest_words() const;
  std::string top_p_words() const;
  void draw_cumulative(const DistributionLayout& at) const;
  void draw_waiting(const DistributionLayout& at) const;
  void describe_row(const Row& row, ImGuiID owner) const;

  // generate_draw.cpp
  void draw_draw(ui::Rect panel);
  void draw_segments(const ui::Rect& bar);
  void draw_dart(const ui::Rect& bar, float title_end, float y_words);
  void read_draw_bar(const ui::Rect& bar);

  // generate_sampling.cpp
  SamplingLayout sampling_layout(ui::Rect panel) const;
  void draw_sampling(ui::Rect panel);
  void draw_sliders(const SamplingLayout& at);
  void draw_slider(const SamplingLayout& at, int line, std::string_view name, double& value, const ui::SliderSpec& spec,
                   std::string_view shown, bool off, bool idle);
  void draw_fields(const SamplingLayout& at);
  void draw_transport(const SamplingLayout& at);
  void draw_toggles(const SamplingLayout& at);
  void draw_cost(const SamplingLayout& at);
  void draw_entropy(const SamplingLayout& at) const;

  // generate_timeline.cpp
  void draw_timeline(ui::Rect panel);
  void draw_history(ui::Rect area, TimelineLayout at);
  TimelineLayout timeline_layout(ui::Rect panel) const;
  void scroll_timeline(const TimelineLayout& at);
  double next_surprise() const;  // nats
  void draw_surprise(const TimelineLayout& at);
  void draw_bar(const TimelineLayout& at, int column, float nats, bool next) const;
  void draw_other_text(const TimelineLayout& at) const;
  void place_forks(const TimelineLayout& at);
  void draw_forks(const TimelineLayout& at);
  void draw_fork(const TimelineLayout& at, const Fork& fork, int number);
  void draw_connector(const TimelineLayout& at, const Fork& fork, float x1, float y) const;
  float column_x(const TimelineLayout& at, int depth) const;  // logical; tokens behind the prompt, from 1
  bool in_view(const TimelineLayout& at, int depth) const;

  // generate_words.cpp
  std::string newest_words() const;
  void explain_bet(Explanation& out) const;
  void explain_draw(Explanation& out) const;
  void explain_other(const SceneInput& in, Explanation& out) const;
  void explain_state(const SceneInput& in, Explanation& out) const;
  void suggest(const SceneInput& in, Explanation& out);

  // The text
  Draft draft_;
  std::vector<Draft> undo_, redo_;
  uint64_t revision_ = 1;            // of the text; each change is another one
  std::vector<TokenId> text_;        // prompt and path
  std::vector<int> path_;            // its nodes behind the prompt
  std::vector<std::string> labels_;  // of text_
  std::vector<Fork> forks_;          // of the path, in order of their places
  int hidden_forks_ = 0;

  // The voices
  std::unique_ptr<LiveNextToken> next_;  // made when the scene is first seen: it is a thread
  std::vector<Voice> voices_;            // of this frame; frozen: of the one in which they were
  size_t held_ = 0;
  bool opened_ = false;
  bool frozen_ = false;  // the models of one step write, while the lab goes on
  std::shared_ptr<const Tokenizer> tokenizer_;

  // Questions and answers
  LiveNextToken::Question asked_;
  uint64_t asked_revision_ = 0;
  double asked_since_ = 0;  // when this text was first asked for
  std::shared_ptr<const LiveNextToken::Answer> shown_;
  uint64_t shown_revision_ = 0;
  size_t shown_held_ = 0;
  double shown_since_ = 0;
  std::string error_;  // instead of a distribution
  Distribution distribution_, other_distribution_;
  bool has_other_ = false;
  double cached_ms_ = -1, full_ms_ = -1;  // of the newest pass with the cache, and without
  int cached_positions_ = 0, full_positions_ = 0;

  // How it is drawn from
  SamplingConfig sampling_;
  bool cache_ = true;
  int max_new_ = 64;
  double u_ = 0;
  size_t drawn_ = 0;
  std::vector<Row> rows_;
  double rest_p_ = 0;  // of the candidates without a row
  bool rows_due_ = true;
  int most_rows_ = 10;
  double scale_ = 1;  // p that the bars' full width stands for
  double dart_since_ = 0;
  uint64_t dart_revision_ = 0;
  double dart_u_ = -1;
  bool dragging_ = false;  // the dart follows the pointer
  ui::Rect dart_gap_{};    // px: a word in the draw's bar that the dart's line leaves free; empty: none

  // What is under way
  int pending_steps_ = 0;
  std::optional<int> pending_go_;  // to a node
  std::optional<TokenId> pending_force_;
  bool playing_ = false;
  int play_left_ = 0;
  double next_write_ = 0;
  bool editing_ = false;
  bool edit_begun_ = false;
  std::string edit_text_;
  ui::TokenPreview edit_tokens_;
  std::string seed_text_, max_text_;
  bool seed_typing_ = false, max_typing_ = false;

  // The look
  std::vector<Chip> chips_;
  ui::Rect hole_{};    // between the oldest chips and the newest, where not all fit; empty: none
  size_t hidden_ = 0;  // tokens left out there
  float next_x_ = 0, next_w_ = 0;
  bool history_tab_ = false;
  int scroll_ = 0;  // columns that the timeline is moved back
  std::set<std::string> done_;
};

}  // namespace nopeek
