#pragma once
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "app/scenes/microscope.h"
#include "app/scenes/typed_row.h"
#include "app/ui/in_quotes.h"

namespace nopeek {

/// The page Steps: the matrix of the chosen stage, the softmax of its chosen row as a worksheet, and the arithmetic of
/// its chosen cell. Split over microscope_steps.cpp (flow, layout, matrix), microscope_worksheet.cpp (the row),
/// microscope_sum.cpp (the output as a weighted sum), microscope_arithmetic.cpp (the cell) and
/// microscope_steps_words.cpp.
class StepsPage final : public MicroscopePage {
 public:
  void draw(Lens& lens, const SceneInput& in, const ui::Rect& panel) override;
  void explain(const Lens& lens, const SceneInput& in, Explanation& out) override;
  void report(const Lens& lens, nlohmann::json& figures) const override;
  bool key(Lens& lens, const SceneInput& in) override;
  bool escape(Lens& lens) override;

 private:
  /// In logical px.
  struct Layout {
    ui::Rect panel;
    ui::Rect matrix;            // room for its cells
    float pitch = 26;           // of its cells, at most
    float separator = 0;        // between the matrix and the worksheet
    float x0 = 0, x1 = 0;       // of the worksheet
    float header = 0, top = 0;  // centre of its header; where its rows begin
    float row_pitch = 26;
    int rows = 12;          // that are on the screen
    float sum = 0;          // centre of the line below them
    ui::Rect strip;         // of the arithmetic
    bool with_bars = true;  // the worksheet's last column
    float row_y(int line) const { return top + row_pitch * static_cast<float>(line); }
    float middle(int line) const { return row_y(line) + row_pitch * 0.5f; }
    float bottom() const { return row_y(rows); }
  };

  /// Right ends of the worksheet's columns, logical px from its left end.
  static constexpr float kScore = 132, kScaled = 200, kMasked = 272, kShifted = 340, kExp = 416, kWeight = 492,
                         kBars = 508;

  // microscope_steps.cpp
  Layout layout(const Lens& lens, const ui::Rect& panel) const;
  void update(const Lens& lens);
  void draw_title(const Lens& lens, const SceneInput& in, const Layout& at) const;
  void draw_matrix(Lens& lens, const SceneInput& in, const Layout& at);
  void describe_cell(const Lens& lens, ui::Cell cell, ImGuiID owner) const;
  void draw_waiting(const Lens& lens, const Layout& at) const;
  /// Which keys the rows show: the wheel scrolls, and a newly chosen key comes into view.
  void scroll_rows(const Layout& at, int keys, int chosen);
  void draw_scroll_bar(const Layout& at, int keys) const;

  // microscope_worksheet.cpp
  void draw_worksheet(Lens& lens, const Layout& at);
  void draw_columns(const Layout& at, std::span<const char* const> names, int raised) const;
  void draw_key(Lens& lens, const Layout& at, int line, int key);
  void draw_typed(const Layout& at);
  void draw_typed_key(const Layout& at, const SoftmaxSteps& steps, int line, int key);
  void draw_score_field(const Layout& at, int line, size_t key);
  void draw_typed_buttons(const Layout& at);
  void draw_sum_line(const Layout& at, double exp_sum, double weight_sum, std::string_view words) const;
  void type_over(const Lens& lens);
  void open_row(ScoreRow row);

  // microscope_sum.cpp
  void draw_sum_table(Lens& lens, const Layout& at);
  void draw_weighted_sum(const Lens& lens, const Layout& at) const;
  /// Signed bars on their middle line. Names the one under the pointer.
  void draw_vector(const ui::Rect& rect, std::span<const float> values, float largest, float factor, ImU32 color,
                   std::string_view name) const;

  // microscope_arithmetic.cpp
  void draw_strip(Lens& lens, const Layout& at);
  void draw_typed_strip(const Layout& at) const;
  void draw_strip_words(const Layout& at, std::string_view query, std::string_view key, std::string_view words,
                        ImU32 color) const;
  void draw_strip_vectors(const Lens& lens, const ui::Interaction& it, const ui::Rect& place, float x) const;
  void draw_terms(const Lens& lens, const Layout& at);
  void draw_term_rows(const Lens& lens, const Layout& at) const;
  void draw_term_bars(const Lens& lens, const Layout& at) const;

  // microscope_steps_words.cpp
  void explain_row(const Lens& lens, Explanation& out) const;
  void explain_typed(Explanation& out) const;
  void suggest(const Lens& lens, const SceneInput& in, Explanation& out);

  ui::MatrixView view_;
  ui::Cell cell_{};                                 // the lens' one, in the matrix that is shown
  int dimension_ = 0;                               // chosen one of the output
  std::vector<std::function<void(Lens&)>> wishes_;  // of the suggestions, for the next frame

  // The chosen row, of this answer and voice
  uint64_t of_revision_ = 0;
  size_t of_held_ = 0;
  int of_row_ = -1;
  SoftmaxSteps steps_;        // of its masked scores
  std::vector<int> largest_;  // keys by falling weight
  int visible_ = 0;           // keys that the mask leaves it
  bool causal_ = true;        // that mask, in all of its rows
  std::vector<std::string> labels_;

  // The rows
  int first_key_ = 0;
  int seen_key_ = -1;  // the one that was brought into view last

  // What is typed
  TypedRow typed_;
  int typed_key_ = 0;  // chosen one of its keys
  int typing_ = -1;    // key
  std::string typing_text_;
  std::string refusal_;
  int refused_ = -1;      // key that it is about
  int focus_score_ = -1;  // key whose field takes the caret

  bool terms_open_ = false;
  std::set<std::string> done_;
};

// What the parts share
// ------------------------------------------------------------------------------------------------
/// A score, with 2 decimals where there is room, or the sign for minus infinity.
ui::Number score_text(double score);
/// 4 decimals; '0' is exactly 0.
ui::Number weight_text(double weight);
/// Of a key as seen from a query: the past is blue.
inline const ui::Hue& hue_of(int query, int key) { return ui::colors().hue(key <= query); }
/// Why a mask adds `added` to this score; the longest words first. `causal`: it hides all of the future.
std::vector<std::string> mask_words(int query, int key, float added, bool causal);

}  // namespace nopeek
