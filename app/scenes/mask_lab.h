#pragma once
#include <array>
#include <map>
#include <set>

#include "app/scenes/scene.h"
#include "app/ui/line_chart.h"
#include "app/ui/widgets.h"

namespace nopeek {

/// "mask on", "mask off", or what else it is, by its name: see describe().
std::string mask_words(const std::string& name);

/// The home scene: twins that differ only in their mask, what they attend to, what they write, and what they report
/// against what they can honestly do. Split over mask_lab.cpp (layout), mask_lab_twin.cpp, mask_lab_matrix.cpp,
/// mask_lab_chart.cpp and mask_lab_words.cpp.
class MaskLab final : public Scene {
 public:
  void draw(const SceneInput& in) override;
  Explanation explain(const SceneInput& in) override;
  bool escape() override;

 private:
  struct Cell {
    int query = -1, key = -1;
    bool valid() const { return query >= 0; }
    bool is_answer() const { return valid() && key == query + 1; }
    bool operator==(const Cell&) const = default;
  };

  /// Where things are in one twin's panel, in logical px of the window.
  struct TwinLayout {
    ui::Rect panel;
    ui::Rect matrix;
    float pitch = 26;
    bool sideways = false;  // picker with a row a layer, the leak meter under it, no legend
    bool legend = true;
    int label_step = 1;  // every so many tokens are labelled
  };

  /// Of the head thumbnails, in logical px and counts.
  struct PickerLayout {
    ImVec2 corner{};
    float pitch = 42, size = 36;
    int columns = 1, rows = 1, shown_columns = 1, shown_rows = 1;
  };

  /// What one lane's panel remembers between frames.
  struct TwinView {
    std::vector<float> weights;  // (T, T) as drawn: on its way to the newest
    std::vector<float> cells;    // the same, forbidden ones -inf
    std::vector<float> heads;    // (L*T, NH*T) all heads side by side, forbidden -inf
    uint64_t run = 0, revision = 0, heads_revision = 0;
    uint64_t heads_run = 0;  // run, step and mask that `heads` belongs to
    int64_t heads_step = -1;
    std::shared_ptr<const Mask> heads_mask;  // kept, so that no other one can take its address
    int layer = -1, head = -1;
    std::shared_ptr<const Mask> mask;  // that `cells` shows, kept likewise
    float leak = 0;                    // as drawn
  };

  /// A lane's curves, prepared for drawing at any length.
  struct LaneCurves {
    ui::Pyramid reported, honest;
    std::shared_ptr<const LaneHistory> history;  // kept, so that no other one can take its address
    void grow(const LaneSnapshot& lane);
  };

  struct ChartLayout {
    ui::Rect panel;
    ui::Plot plot;
  };

  // mask_lab.cpp
  void begin_frame(const SceneInput& in);
  void make_labels(const SceneInput& in);
  TwinLayout twin_layout(const SceneInput& in, ui::Rect panel) const;
  void draw_twins(const SceneInput& in, ui::Rect area);

  // mask_lab_twin.cpp
  void draw_twin(const SceneInput& in, int lane, const TwinLayout& at);
  void draw_head_line(const SceneInput& in, int lane, const TwinLayout& at);
  void draw_title(const SceneInput& in, int lane, const TwinLayout& at);
  void draw_tabs(const SceneInput& in, const TwinLayout& at);
  void draw_leak(const SceneInput& in, int lane, const TwinLayout& at);
  void draw_written(const SceneInput& in, int lane, const TwinLayout& at);
  void draw_legend(const LaneSnapshot& lane, const TwinLayout& at);

  // mask_lab_matrix.cpp
  void update_view(const SceneInput& in, int lane);
  void update_heads(const SceneInput& in, int lane);
  void draw_matrix(const SceneInput& in, int lane, const TwinLayout& at);
  void draw_cells(const SceneInput& in, int lane, const TwinLayout& at);
  void draw_answers(const LaneSnapshot& lane, const TwinLayout& at);
  void draw_token_labels(const TwinLayout& at);
  void point(const SceneInput& in, int lane, const TwinLayout& at);
  void describe_cell(const SceneInput& in, int lane, const ui::Interaction& it, ImVec2 anchor);
  PickerLayout picker_layout(const SceneInput& in, const TwinLayout& at) const;
  void scroll_picker(const SceneInput& in, const TwinLayout& at, const PickerLayout& p);
  void draw_picker(const SceneInput& in, int lane, const TwinLayout& at);
  void draw_scroll_bars(const PickerLayout& p, int first_column, int first_row) const;
  void move_choice(const SceneInput& in, int layer, int head, bool sideways);
  void draw_thumb(const SceneInput& in, int lane, int layer, int head, ui::Rect rect, ImTextureID heads);
  ImTextureID heads_texture(const SceneInput& in, int lane);

  // mask_lab_chart.cpp
  void draw_chart(const SceneInput& in, ui::Rect panel);
  ChartLayout chart_layout(const SceneInput& in, ui::Rect panel);
  void draw_axes(const ChartLayout& at) const;
  void draw_lane_curves(const LaneSnapshot& lane, LaneCurves& curves, const ui::Plot& plot, float alpha);
  void draw_earlier(const SceneInput& in, const ChartLayout& at);
  void draw_earlier_names(const SceneInput& in, const ChartLayout& at);
  float clearance(const SceneInput& in, const ui::Plot& plot, float y, float x0, float x1);
  void draw_curve_labels(const SceneInput& in, const ChartLayout& at);
  void draw_markers(const SceneInput& in, const ChartLayout& at);
  void draw_bracket(const SceneInput& in, const ChartLayout& at);
  void read_chart(const SceneInput& in, const ChartLayout& at);
  void draw_reading(const SceneInput& in, const ChartLayout& at, int64_t step, ImGuiID owner);
  void draw_chart_title(const SceneInput& in, const ChartLayout& at);

  // mask_lab_words.cpp
  void describe_lane(const SceneInput& in, int lane, Explanation& out) const;
  void suggest(const SceneInput& in, Explanation& out);

  static std::string title(const Snapshot& s, int lane, bool capital);
  /// The same, with its side where both twins have the same title.
  static std::string distinct_title(const Snapshot& s, int lane, bool capital);

  std::vector<std::string> labels_;                      // of the probe's tokens
  std::vector<std::string> row_labels_, column_labels_;  // as many characters of them as fit
  uint64_t labels_run_ = 0;
  float labels_scale_ = 0;
  std::map<int, TwinView> views_;
  Cell pointed_, pinned_;                 // under the pointer in this frame; chosen by click or keyboard until Escape
  Cell shown_;                            // the one of them that is framed
  int first_layer_ = 0, first_head_ = 0;  // of the picker, where not all heads fit
  int picked_layer_ = -1, picked_head_ = -1;
  std::map<const LaneHistory*, LaneCurves> curves_;
  uint64_t run_ = 0;
  std::set<std::string> done_;  // suggestions that the user has followed in this run
};

}  // namespace nopeek
