#pragma once
#include <array>
#include <nlohmann/json_fwd.hpp>

#include "app/scenes/mask_draft.h"
#include "app/scenes/microscope_clock.h"
#include "app/scenes/microscope_export.h"
#include "app/scenes/microscope_stages.h"
#include "app/scenes/scene.h"
#include "app/ui/matrix_view.h"
#include "app/ui/token_preview.h"
#include "app/ui/widgets.h"
#include "core/live/live_attention.h"
#include "core/live/live_leak.h"

namespace nopeek {

/// What all pages of the Microscope look at: one text, one head, one row and cell of it, and what core says of them.
struct Lens {
  // The text
  std::shared_ptr<const Tokenizer> tokenizer;
  std::string typed;                // as typed; empty: the corpus' own
  std::vector<TokenId> text;        // what the model reads: not empty, at most its context
  std::vector<std::string> labels;  // of text
  size_t left_out = 0;              // tokens at its end that the held model's context has no room for
  uint64_t text_revision = 1;       // another one with each change of text

  // What core computed; perhaps still of the text, head or mask before
  std::shared_ptr<const AttentionAnswer> answer;  // null before the first
  size_t held = 0;                                // place of the held voice in it
  uint64_t revision = 0;                          // another one with each answer and each voice that is shown
  float progress = -1;                            // of the answer that is waited for; negative: none is

  // What the user looks at
  StageClock clock;              // which of the steps; a page that wants another one calls clock.go_to()
  Stage stage = Stage::kMasked;  // of the clock, as this frame began
  StageMatrices matrices;        // of the answer's held voice, once ready()
  ui::Cell cell{3, 5};           // query and key as chosen: a shorter text has its last ones there

  /// What the mask of the held voice is drafted with. Set anew each frame; a page that takes a draft back drops it
  /// here.
  std::shared_ptr<MaskDraft> edited;
  std::shared_ptr<const Mask> draft;  // of it, for this frame: what the held model runs under; null: its own mask
  std::string draft_name;             // describe(*draft)
  /// The newest leak test, perhaps of another model, mask or text; null before the first.
  std::shared_ptr<const LeakAnswer> leak;

  /// There are numbers to show.
  bool ready() const { return answer && held < answer->voices.size() && answer->voices[held].trace; }
  const AttentionAnswer::Voice& voice() const { return answer->voices[held]; }
  const HeadStages<float>& stages() const { return voice().stages; }
  /// That the numbers are of: weights, mask and name.
  const Model& model() const { return answer->question.models[held]; }
  const std::vector<TokenId>& shown_text() const { return answer->question.text; }
  int T() const { return static_cast<int>(shown_text().size()); }
  std::string label(int position) const {
    return model().tokenizer->label(shown_text()[static_cast<size_t>(position)]);
  }
};

/// What the lower panel shows of the head. A page may change the lens; what it shows comes from the lens' answer, or
/// from questions of its own.
class MicroscopePage {
 public:
  virtual ~MicroscopePage() = default;
  /// Draws into `panel`, in logical px; its background is there already.
  virtual void draw(Lens& lens, const SceneInput& in, const ui::Rect& panel) = 0;
  virtual void explain(const Lens& lens, const SceneInput& in, Explanation& out) = 0;
  virtual void report(const Lens&, nlohmann::json&) const {}
  /// What it shows as its matrix, to be exported; null: the chosen step of the head. Asked only if lens.ready(),
  /// and after draw().
  virtual std::optional<ExportedMatrix> matrix(const Lens&) const { return {}; }
  virtual bool key(Lens&, const SceneInput&) { return false; }
  virtual bool escape(Lens&) { return false; }
};

std::unique_ptr<MicroscopePage> make_steps_page();    // matrix, worksheet of a row, arithmetic of a cell
std::unique_ptr<MicroscopePage> make_qkv_page();      // from the embedding to Q, K and V
std::unique_ptr<MicroscopePage> make_heads_page();    // all heads, and their mean
std::unique_ptr<MicroscopePage> make_twins_page();    // both voices and their difference
std::unique_ptr<MicroscopePage> make_mask_page();     // the mask, to be painted and trained with
std::unique_ptr<MicroscopePage> make_leak_page();     // which outputs move when a token changes
std::unique_ptr<MicroscopePage> make_what_if_page();  // trained with or without, run with or without

/// Every number of a head: its five steps at the top, and below one page of the closer look.
class Microscope final : public Scene {
 public:
  Microscope();
  void draw(const SceneInput& in) override;
  Explanation explain(const SceneInput& in) override;
  void report(nlohmann::json& out) const override;
  bool key(const SceneInput& in) override;
  std::span<const Shortcut> shortcuts() const override;
  bool escape() override;

 private:
  struct Page {
    const char* title;
    bool of_twins;  // makes sense only where there are two voices
    std::unique_ptr<MicroscopePage> page;
  };

  // microscope.cpp
  void begin_frame(const SceneInput& in);
  void use_voices(const SceneInput& in);
  void use_draft(const SceneInput& in);
  static std::string own_text(const SceneInput& in);
  void read_text(const SceneInput& in);
  void ask(const SceneInput& in);
  void take_answer(const SceneInput& in);

  // microscope_header.cpp; all lengths are logical px
  /// The title row of `panel`, 56 high: title, pages, text, layer and head. Returns the room that it leaves for the
  /// pipeline: for the play button in a low window, for the names of the steps in the small class, else none.
  ui::Rect draw_header(const SceneInput& in, const ui::Rect& panel);
  float draw_draft(float x, float y);  // returns its right end
  void draw_head_picker(const SceneInput& in, float x, float y, bool as_chips);
  static bool is_open(const Page& page, const SceneInput& in) { return !page.of_twins || in.voices.size() > 1; }
  static float tab_width(const Page& page);
  float tabs_width(const SceneInput& in) const;
  float draw_tabs(const SceneInput& in, float x, float y);      // returns their right end
  float draw_tab_list(const SceneInput& in, float x, float y);  // the same
  std::string text_line(bool with_key) const;
  void begin_edit(const SceneInput& in);
  void use_text(const SceneInput& in, std::string typed);
  void swap_text(const SceneInput& in, std::vector<std::string>& from, std::vector<std::string>& to);
  void draw_text_dialog(const SceneInput& in);
  void walk_heads(const SceneInput& in, int by);

  void draw_progress(const ui::Rect& panel);

  // microscope_export.cpp
  void draw_export_menu(const ui::Rect& place);
  void export_what_was_picked(const SceneInput& in);
  void export_steps(const SceneInput& in);
  void export_pictures(const SceneInput& in, std::string name, std::vector<ExportedMatrix> matrices,
                       std::vector<int> delays);
  void say_whose(const SceneInput& in, ExportedMatrix& matrix) const;
  static std::string file_name(const ExportedMatrix& matrix, const std::string& what);

  // microscope_pipeline.cpp
  void draw_pipeline(const SceneInput& in, const ui::Rect& panel);
  void draw_stage_names(const ui::Rect& room);
  void draw_thumbs(const SceneInput& in, const ui::Rect& panel);
  void draw_thumb(const SceneInput& in, Stage stage, const ui::Rect& place);
  void draw_operators(const ui::Rect& panel) const;
  void draw_scrubber(const ui::Rect& panel);
  bool step_key();

  Lens lens_;
  int read_for_ = 0;  // the context that the text was read for
  std::vector<Page> pages_;
  size_t page_ = 0;
  std::unique_ptr<LiveAttention> attention_;  // made when the scene is first seen: it is a thread
  double shown_since_ = 0;
  double waited_since_ = 0;  // for an answer to another text or head; 0: it is there
  int export_picked_ = -1;   // of the list, until the page has been drawn and so agrees with the lens; -1: nothing
  uint64_t pictures_ = 0;    // that have been exported
  double clock_seen_ = 0;    // clock_now() when the play was last moved on

  /// One draft for each voice, so that one can look at the other twin and come back. Of other words, or a model of
  /// another size, a draft says nothing: they begin anew.
  struct Drafts {
    std::shared_ptr<const Tokenizer> tokenizer;
    ModelConfig config;
    std::vector<std::shared_ptr<MaskDraft>> of_voice;
  };
  std::array<Drafts, 2> drafts_;  // of the lab's twins, and of an opened model

  // The text's editor
  struct Edit {
    bool open = false, fresh = false;
    std::string text;
    ui::TokenPreview tokens;
  };
  Edit edit_;
  std::vector<std::string> undo_, redo_;  // as typed
};

}  // namespace nopeek
