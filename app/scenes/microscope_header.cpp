#include <algorithm>
#include <cmath>
#include <utility>

#include "app/scenes/microscope.h"
#include "app/ui/focus.h"
#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr float kHeaderTop = 12, kHeight = 32, kHeaderInset = 20, kHeaderGap = 16;
constexpr float kIcon = 28, kIcons = 4 + 2 * kIcon;  // of the buttons behind the tabs; both with the gap before them
constexpr float kHeaderPlay = 48;                    // the room that the pipeline's play button takes where it is low
constexpr float kChip = 36, kCombo = 104, kHeaderTabs = 112;  // a head's chip; the combos of heads, and of pages
constexpr float kNames = 400;                                 // what the names of the steps take in the small class
constexpr float kLayerWord = 42, kHeadWord = 40;              // 'layer' and 'head' with the gap behind them
constexpr float kHeaderBetween = 20;                          // of the layers and the heads
constexpr size_t kHeaderMostUndos = 100;
constexpr double kHeaderProgressAfter = 0.3;  // s
constexpr char kTextDialog[] = "The text";

float chips_width(const ModelConfig& model) {
  return kLayerWord + kHeadWord + kHeaderBetween + kChip * static_cast<float>(model.layers + model.heads);
}

/// One chip for each of `count`; returns the one that was clicked, or `chosen`.
int chip_row(const char* word, float x, float y, int count, int chosen) {
  for (int i = 0; i < count; ++i) {
    const Rect at = theme().rect(x + kChip * static_cast<float>(i), y, kChip, kHeight);
    if (chip(fmt("%s %d", word, i + 1), at, i == chosen, fmt("%d", i + 1))) chosen = i;
  }
  return chosen;
}

/// The same as a list.
int list_of(const char* title, const char* word, float x, float y, int count, int chosen) {
  std::vector<Option> options;
  for (int i = 0; i < count; ++i) options.push_back({.label = fmt("%s %d", word, i + 1).chars, .chosen = i == chosen});
  const int picked =
      combo(title, theme().rect(x, y, kCombo, kHeight), options[static_cast<size_t>(chosen)].label, options);
  return picked < 0 ? chosen : picked;
}

}  // namespace

Rect Microscope::draw_header(const SceneInput& in, const Rect& panel) {
  const ModelConfig& model = in.voices[in.held_voice].model.config();
  const bool small = theme().small();
  const float y = panel.min.y + kHeaderTop;
  float x = panel.min.x + (small ? 12 : kHeaderInset), right = panel.max.x - (small ? 12 : kHeaderInset);
  Rect room{{x, y}, {x, y + kHeight}};
  if (lens_.draft) {
    x = draw_draft(x, y) + (small ? 8 : 0);
  } else if (!small) {
    constexpr char kTitle[] = "One head, five steps";
    text(theme().at(x, panel.min.y + 28), kTitle, Font::kBodyBold, colors().text);
    x += std::round(text_width(Font::kBodyBold, kTitle) / theme().s);
  }
  if (!small) {
    room.min.x = room.max.x = x;
    if (theme().low) room.min.x = x + 26, room.max.x = room.min.x + kHeaderPlay;
    x = room.max.x + kHeaderGap;
  }
  // What does not fit becomes a list: first the heads, which are the more, then the pages.
  const float spare = right - x - (small ? kNames + kHeaderGap : 0) - kIcons - kHeaderGap * 0.5f;
  const float tabs = tabs_width(in), chips = chips_width(model), combos = 2 * kCombo + 8;
  const bool as_chips = tabs + chips <= spare || (tabs + combos > spare && kHeaderTabs + chips <= spare);
  const bool as_tabs = tabs + (as_chips ? chips : combos) <= spare;

  right -= as_chips ? chips : combos;
  draw_head_picker(in, right, y, as_chips);
  x = as_tabs ? draw_tabs(in, x, y) : draw_tab_list(in, x, y);
  if (icon_button("Edit text", theme().rect(x + 4, y, kIcon, kHeight), Icon::kPencil, text_line(/*with_key=*/true),
                  true, Look::kPlain))
    begin_edit(in);
  draw_export_menu(theme().rect(x + 4 + kIcon, y, kIcon, kHeight));
  if (small) room = {{x + kIcons + kHeaderGap, y}, {right - kHeaderGap, y + kHeight}};
  draw_text_dialog(in);
  return room;
}

/// In the title's place on all pages: the numbers are not those of the mask that the switch shows.
float Microscope::draw_draft(float x, float y) {
  const std::string words = "under a draft: " + lens_.draft_name;
  const std::string shown = (theme().small() ? "draft" : words) + "  \u00D7";
  const float w = std::round(text_width(Font::kLabelBold, shown) / theme().s) + 20;
  const Rect rect = theme().rect(x, y, w, kHeight);
  if (chip("Drop the draft", rect, true, shown, words + ". Click to go back to the model\u2019s own mask"))
    lens_.edited->drop();
  return x + w;
}

void Microscope::draw_head_picker(const SceneInput& in, float x, float y, bool as_chips) {
  const ModelConfig& model = in.voices[in.held_voice].model.config();
  Selection& pick = in.selection;
  if (!as_chips) {
    pick.layer = list_of("Layer", "layer", x, y, model.layers, pick.layer);
    pick.head = list_of("Head", "head", x + kCombo + 8, y, model.heads, pick.head);
    return;
  }
  const auto word = [&](const char* what) {
    text(theme().at(x, y + kHeight * 0.5f), what, Font::kLabel, colors().secondary);
  };
  word("layer");
  x += kLayerWord;
  pick.layer = chip_row("layer", x, y, model.layers, pick.layer);
  x += kChip * static_cast<float>(model.layers) + kHeaderBetween;
  word("head");
  x += kHeadWord;
  pick.head = chip_row("head", x, y, model.heads, pick.head);
}

// The pages
// ------------------------------------------------------------------------------------------------
float Microscope::tab_width(const Page& page) {
  return std::round(text_width(Font::kLabelBold, page.title) / theme().s) + 20;
}

float Microscope::tabs_width(const SceneInput& in) const {
  float w = 0;
  for (const Page& page : pages_) w += is_open(page, in) ? tab_width(page) + 2 : 0;
  return w;
}

float Microscope::draw_tabs(const SceneInput& in, float x, float y) {
  for (size_t i = 0; i < pages_.size(); ++i) {
    if (!is_open(pages_[i], in)) continue;
    const float w = tab_width(pages_[i]);
    if (chip(pages_[i].title, theme().rect(x, y, w, kHeight), i == page_)) page_ = i;
    x += w + 2;
  }
  return x;
}

float Microscope::draw_tab_list(const SceneInput& in, float x, float y) {
  std::vector<Option> options;
  std::vector<size_t> places;
  for (size_t i = 0; i < pages_.size(); ++i) {
    if (!is_open(pages_[i], in)) continue;
    options.push_back({.label = pages_[i].title, .chosen = i == page_});
    places.push_back(i);
  }
  const int picked = combo("Page", theme().rect(x, y, kHeaderTabs, kHeight), pages_[page_].title, options);
  if (picked >= 0) page_ = places[static_cast<size_t>(picked)];
  return x + kHeaderTabs;
}

// The text
// ------------------------------------------------------------------------------------------------
std::string Microscope::text_line(bool with_key) const {
  std::string line = "Edit the text: ";
  line += std::to_string(lens_.text.size()) + (lens_.text.size() == 1 ? " token" : " tokens");
  if (lens_.left_out > 0) line += ", " + std::to_string(lens_.left_out) + " more do not fit";
  return with_key ? line + " (E)" : line;
}

void Microscope::begin_edit(const SceneInput& in) {
  edit_.open = true;
  edit_.fresh = true;
  edit_.text = lens_.typed.empty() ? own_text(in) : lens_.typed;
}

/// What is typed from now on is what the models read; the corpus' own sentence if it is nothing.
void Microscope::use_text(const SceneInput& in, std::string typed) {
  if (typed == own_text(in)) typed.clear();
  if (typed == lens_.typed) return;
  undo_.push_back(std::exchange(lens_.typed, std::move(typed)));
  if (undo_.size() > kHeaderMostUndos) undo_.erase(undo_.begin());
  redo_.clear();
  read_text(in);
}

void Microscope::swap_text(const SceneInput& in, std::vector<std::string>& from, std::vector<std::string>& to) {
  if (from.empty()) return;
  to.push_back(std::exchange(lens_.typed, std::move(from.back())));
  from.pop_back();
  read_text(in);
}

/// Its field, the tokens that it is read as, and what the vocabulary lacks. A text that is too long is not taken, and
/// not cut either.
void Microscope::draw_text_dialog(const SceneInput& in) {
  Rect area;
  if (!begin_dialog(kTextDialog, {720, 252}, edit_.open, area)) return;
  const int context = in.voices[in.held_voice].model.config().context;
  if (std::exchange(edit_.fresh, false)) focus_next_field();
  edit_.tokens.read(lens_.tokenizer, edit_.text);
  const bool fits = edit_.tokens.tokens() <= context;
  const float h = px(36), w = px(88), gap = px(12), bottom = area.max.y;
  const bool entered =
      text_field("Text", {area.min, {area.max.x, area.min.y + px(40)}}, edit_.text, own_text(in), !fits);
  edit_.tokens.read(lens_.tokenizer, edit_.text);
  edit_.tokens.draw(area.min.x, area.max.x, area.min.y + px(62), context);
  text({area.min.x, area.min.y + px(94)},
       "Enter takes it, Esc keeps the old one. Nothing: the corpus\xE2\x80\x99 own sentence.", Font::kLabel,
       colors().secondary);
  if (icon_button("Undo", {{area.min.x, bottom - h}, {area.min.x + h, bottom}}, Icon::kUndo, "The text before (Ctrl+Z)",
                  !undo_.empty())) {
    swap_text(in, undo_, redo_);
    begin_edit(in);
  }
  if (icon_button("Redo", {{area.min.x + h + px(8), bottom - h}, {area.min.x + 2 * h + px(8), bottom}}, Icon::kRedo,
                  "The text after (Ctrl+Y)", !redo_.empty())) {
    swap_text(in, redo_, undo_);
    begin_edit(in);
  }
  if (button("Cancel", {{area.max.x - 2 * w - gap, bottom - h}, {area.max.x - w - gap, bottom}})) edit_.open = false;
  const bool used = button("Use", {{area.max.x - w, bottom - h}, area.max}, fits, Look::kPrimary);
  if ((entered || used) && fits) {
    use_text(in, edit_.text);
    edit_.open = false;
  } else if (entered) {
    focus_next_field();
  }
  end_dialog();
}

/// How far the answer is that the page waits for, along its top; what is shown until then is of the text before.
/// Newer weights are not waited for.
void Microscope::draw_progress(const Rect& panel) {
  const bool due = lens_.progress >= 0 && (!lens_.answer || lens_.answer->question.text != lens_.text);
  if (!due) waited_since_ = 0;
  if (due && waited_since_ == 0) waited_since_ = clock_now();
  if (!due) return;
  keep_moving();
  if (clock_now() - waited_since_ < kHeaderProgressAfter) return;
  const Rect bar = theme().rect(panel.min.x + kHeaderInset, panel.min.y + 4, panel.w() - 2 * kHeaderInset, 3);
  registry::add_drawn("Progress", "area", percent_text(lens_.progress), bar.min, bar.max);
  progress_bar(bar, lens_.progress);
}

// The keyboard
// ------------------------------------------------------------------------------------------------
bool Microscope::key(const SceneInput& in) {
  if (pages_[page_].page->key(lens_, in)) return true;
  const ImGuiIO& io = ImGui::GetIO();
  if (io.KeyAlt || io.KeySuper || !lens_.tokenizer) return false;
  if (io.KeyCtrl) {
    const bool z = character_key_pressed('Z'), y = character_key_pressed('Y');
    if (z && !io.KeyShift) swap_text(in, undo_, redo_);
    if (y || (z && io.KeyShift)) swap_text(in, redo_, undo_);
    return z || y;
  }
  if (character_key_pressed('E')) return begin_edit(in), true;
  if (character_key_pressed('[')) return walk_heads(in, -1), true;
  if (character_key_pressed(']')) return walk_heads(in, +1), true;
  return step_key();
}

/// Through all heads of all layers, and on from the last to the first.
void Microscope::walk_heads(const SceneInput& in, int by) {
  const ModelConfig& model = in.voices[in.held_voice].model.config();
  const int all = model.layers * model.heads, now = in.selection.layer * model.heads + in.selection.head;
  const int next = (now + by + all) % all;
  in.selection.layer = next / model.heads;
  in.selection.head = next % model.heads;
}

std::span<const Shortcut> Microscope::shortcuts() const {
  static constexpr Shortcut kShortcuts[] = {{"Left  Right", "The step of the head before, the next one"},
                                            {"P", "Play or pause the five steps"},
                                            {"[  ]", "The head before, the next one"},
                                            {"E", "Edit the text"},
                                            {"Ctrl Z", "The text before"},
                                            {"Ctrl Y", "The text after, also Ctrl Shift Z"}};
  return kShortcuts;
}

}  // namespace nopeek
