#include "app/scenes/mask_lab.h"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace nopeek {

using namespace ui;

namespace {

constexpr float kChartHeight = 260, kChartHeightLow = 198;
// Of a twin's panel: what is above and below the matrix, beside it on the left, and on the right with the picker.
constexpr float kFixed = 220, kFixedLow = 190, kMaskLabLeft = 84, kMaskLabTop = 136, kMaskLabRight = 36, kPicker = 94;
constexpr float kRoundingSlack = 0.01f;             // 26 px must not become 25 because 1920 / 1.2 is not quite 1600
constexpr float kRowLabel = 60, kColumnLabel = 64;  // px that a token's label may take

}  // namespace

std::unique_ptr<Scene> make_mask_lab() { return std::make_unique<MaskLab>(); }

std::string mask_words(const std::string& name) {
  return name == "causal" ? "mask on" : name == "full" ? "mask off" : name;
}

std::string MaskLab::title(const Snapshot& s, int lane, bool capital) {
  std::string word = s.lanes[static_cast<size_t>(lane)].masked ? "masked" : "unmasked";
  if (capital) word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
  return word;
}

std::string MaskLab::distinct_title(const Snapshot& s, int lane, bool capital) {
  const bool alike = s.lanes.size() == 2 && s.lanes[0].masked == s.lanes[1].masked;
  return title(s, lane, capital) + (!alike ? "" : lane == 0 ? " left" : " right");
}

void MaskLab::make_labels(const SceneInput& in) {
  if (labels_run_ == in.shown.run && labels_scale_ == theme().s) return;
  labels_run_ = in.shown.run;
  labels_scale_ = theme().s;
  labels_.clear();
  for (TokenId id : in.shown.probe) labels_.push_back(in.shown.corpus->tokenizer.label(id));
  row_labels_.clear();
  column_labels_.clear();
  for (const std::string& l : labels_) {
    row_labels_.push_back(elided(l, px(kRowLabel - 6), Font::kLabel));
    column_labels_.push_back(elided(l, px(kColumnLabel), Font::kLabel));
  }
}

void MaskLab::begin_frame(const SceneInput& in) {
  // Of the twins, whichever model is held: one that was opened may have more heads.
  in.selection.layer = std::clamp(in.selection.layer, 0, in.shown.config.model.layers - 1);
  in.selection.head = std::clamp(in.selection.head, 0, in.shown.config.model.heads - 1);
  if (run_ != in.newest.run) {
    run_ = in.newest.run;
    done_.clear();
    pinned_ = {};
  }
  make_labels(in);
  const int T = static_cast<int>(in.shown.probe.size());
  if (pinned_.query >= T || pinned_.key >= T) pinned_ = {};
  shown_ = pointed_.valid() ? pointed_ : pinned_;
  if (shown_.is_answer()) done_.insert("answer");
  if (in.selection.layer == 1) done_.insert("layer 2");
  if (in.in_the_past && in.newest.leak_found) done_.insert("back");
  pointed_ = {};
}

MaskLab::TwinLayout MaskLab::twin_layout(const SceneInput& in, Rect panel) const {
  TwinLayout at;
  const auto T = static_cast<float>(std::max<size_t>(1, in.shown.probe.size()));
  at.panel = panel;
  at.sideways = theme().low && !theme().small();
  const int heads = in.shown.config.model.heads;
  const float picker = at.sideways ? 36 + 42 * static_cast<float>(std::clamp(heads, 3, 4)) : kPicker;
  const float by_height = (panel.h() - (at.sideways ? kFixedLow : kFixed)) / T;
  const float by_width = (panel.w() - kMaskLabLeft - kMaskLabRight - picker) / T;
  const float least = T > 16 ? 12 : 18;
  at.pitch = std::clamp(std::floor(std::min(by_height, by_width) + kRoundingSlack), least, 36.0f);
  at.label_step = at.pitch < 16 ? 2 : 1;
  const ImVec2 corner{panel.min.x + kMaskLabLeft, panel.min.y + kMaskLabTop};
  at.matrix = {corner, {corner.x + at.pitch * T, corner.y + at.pitch * T}};
  at.legend = !at.sideways && at.matrix.h() >= 150;
  return at;
}

void MaskLab::draw_twins(const SceneInput& in, Rect area) {
  if (theme().small()) return draw_twin(in, in.selection.lane, twin_layout(in, area));
  const float width = (area.w() - 16) * 0.5f;
  for (int lane = 0; lane < static_cast<int>(in.shown.lanes.size()); ++lane) {
    const float x = area.min.x + (width + 16) * static_cast<float>(lane);
    draw_twin(in, lane, twin_layout(in, {{x, area.min.y}, {x + width, area.max.y}}));
  }
}

void MaskLab::draw(const SceneInput& in) {
  begin_frame(in);
  const Rect c = in.content;
  if (theme().small()) {
    // One twin beside the chart; the chart gets what the matrix at its pitch leaves.
    const auto T = static_cast<float>(std::max<size_t>(4, in.shown.probe.size()));
    const float pitch =
        std::clamp(std::floor((c.h() - kFixed - 4) / T + kRoundingSlack), T > 16 ? 12.0f : 18.0f, 36.0f);
    const float width = std::clamp(kMaskLabLeft + kMaskLabRight + kPicker + pitch * T + 1, 480.0f, c.w() * 0.56f);
    draw_twins(in, {c.min, {c.min.x + width, c.max.y}});
    draw_chart(in, {{c.min.x + width + 12, c.min.y}, c.max});
    return;
  }
  const float chart = theme().low ? kChartHeightLow : kChartHeight;
  draw_twins(in, {c.min, {c.max.x, c.max.y - chart - 16}});
  draw_chart(in, {{c.min.x, c.max.y - chart}, c.max});
}

bool MaskLab::escape() {
  const bool was_pinned = pinned_.valid();
  pinned_ = {};
  return was_pinned;
}

}  // namespace nopeek
