#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <utility>

#include "app/scenes/microscope_parts.h"
#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr int kMeanTexture = 120, kAtlasTexture = 121;
constexpr float kHeadsLabels = 84, kHeadsTop = 88, kHeadsInset = 20, kHeadsColumn = 56;
constexpr float kLeastThumb = 60, kMostThumb = 144, kLeastColumn = 92;  // a name and a number stand below
constexpr float kHeadsApart = 12, kCaption = 26;

/// What the heads are sorted by.
enum class Order { kPlace, kFuture, kEntropy, kPrevious };
struct OrderWords {
  const char *name, *number;  // in the list; what the number below a head is
};
constexpr OrderWords kOrders[] = {{"layer and head", "attention to the future"},
                                  {"future attention", "attention to the future"},
                                  {"entropy", "entropy in nats, the sharpest first"},
                                  {"previous token", "attention to the token before"}};

class HeadsPage final : public MicroscopePage {
 public:
  void draw(Lens& lens, const SceneInput& in, const Rect& panel) override;
  void explain(const Lens& lens, const SceneInput& in, Explanation& out) override;
  void report(const Lens& lens, nlohmann::json& out) const override;
  std::optional<ExportedMatrix> matrix(const Lens& lens) const override;

 private:
  struct Grid {
    Rect area{};  // logical px
    int columns = 1, rows = 1, shown_rows = 1;
    float thumb = kLeastThumb, pitch_x = 0, pitch_y = 0;
  };

  void update(const Lens& lens);
  void sort();
  void fill_atlas(const Lens& lens);
  Grid grid_in(const Rect& area) const;
  void draw_mean(Lens& lens, const SceneInput& in, const Rect& panel, float side);
  void draw_heads(Lens& lens, const SceneInput& in, const Rect& panel);
  void draw_head(const Lens& lens, const SceneInput& in, const Grid& grid, size_t place, ImTextureID atlas);
  void draw_scroll_bar(const Grid& grid) const;
  void scroll(const SceneInput& in, const Grid& grid);
  void move_choice(const SceneInput& in, const Grid& grid, size_t place);
  ImTextureID atlas_texture(const SceneInput& in, float thumb);
  float measure(int head) const;
  std::string measure_text(int head) const;
  std::string name(int head) const { return fmt("L%d H%d", head / heads_ + 1, head % heads_ + 1).chars; }
  size_t place_of(const Selection& pick) const;
  void suggest(const SceneInput& in, int sharp, Explanation& out);
  int extreme(float HeadSummary::*number, bool largest) const;

  std::shared_ptr<const AttentionTrace> trace_;
  uint64_t revision_ = 0;
  int layers_ = 1, heads_ = 1;  // heads a layer
  Order order_ = Order::kPlace;
  std::vector<int> sorted_;  // layer * heads_ + head
  bool over_heads_ = false;  // the pointer is there: then the order stays
  bool order_due_ = true;
  std::vector<float> atlas_;  // (layers * S, heads * S)
  int S_ = 1;                 // cells of a thumbnail along each side
  MatrixView mean_;
  std::vector<std::string> labels_;
  int first_row_ = 0;
  std::pair<int, int> picked_{-1, -1};  // that the grid was last scrolled to
  std::optional<Order> pending_order_;  // what a suggestion asked for, until the next frame
};

void HeadsPage::update(const Lens& lens) {
  if (revision_ != lens.revision) {
    revision_ = lens.revision;
    labels_.clear();
    for (int t = 0; t < lens.T(); ++t) labels_.push_back(lens.label(t));
    if (trace_ != lens.voice().trace) {
      trace_ = lens.voice().trace;
      layers_ = lens.model().config().layers;
      heads_ = lens.model().config().heads;
      order_due_ = true;
      fill_atlas(lens);
    }
  }
  // Under the pointer nothing moves.
  const bool fits = sorted_.size() == trace_->heads.size();
  if (order_due_ && (!over_heads_ || !fits)) sort();
}

void HeadsPage::sort() {
  order_due_ = false;
  sorted_.resize(trace_->heads.size());
  std::iota(sorted_.begin(), sorted_.end(), 0);
  if (order_ == Order::kPlace) return;
  const auto key = [&](int head) {  // NaN, of a model that diverged, comes last
    const float value = measure(head) * (order_ == Order::kEntropy ? 1.0f : -1.0f);
    return std::isnan(value) ? std::numeric_limits<float>::infinity() : value;
  };
  std::stable_sort(sorted_.begin(), sorted_.end(), [&](int a, int b) { return key(a) < key(b); });
}

/// All thumbnails in one matrix, by layer and head: one texture serves them all.
void HeadsPage::fill_atlas(const Lens&) {
  S_ = static_cast<int>(trace_->heads.front().picture.rows());
  const int columns = heads_ * S_;
  atlas_.resize(static_cast<size_t>(layers_ * S_) * static_cast<size_t>(columns));
  for (int i = 0; i < layers_ * heads_; ++i) {
    const Matrix<float>& picture = trace_->heads[static_cast<size_t>(i)].picture;
    MatrixMap<float> all(atlas_.data(), layers_ * S_, columns);
    all.block(i / heads_ * S_, i % heads_ * S_, S_, S_) = picture;
  }
}

/// The number that the heads are sorted by.
float HeadsPage::measure(int head) const {
  const HeadSummary& h = trace_->heads[static_cast<size_t>(head)];
  switch (order_) {
    case Order::kEntropy:
      return h.entropy;
    case Order::kPrevious:
      return h.previous_token;
    case Order::kPlace:
    case Order::kFuture:
      break;
  }
  return h.future_attention;
}

std::string HeadsPage::measure_text(int head) const {
  if (order_ == Order::kEntropy) return loss_text(measure(head)).chars;
  return percent_text(measure(head)).chars;
}

size_t HeadsPage::place_of(const Selection& pick) const {
  const auto found = std::find(sorted_.begin(), sorted_.end(), pick.layer * heads_ + pick.head);
  return found == sorted_.end() ? 0 : static_cast<size_t>(found - sorted_.begin());
}

/// As large as all of them fit; where they would become too small, they scroll.
HeadsPage::Grid HeadsPage::grid_in(const Rect& area) const {
  Grid best;
  best.area = area;
  const int count = static_cast<int>(sorted_.size());
  const auto thumb_for = [&](int columns) {
    const int rows = (count + columns - 1) / columns;
    const float w = area.w() / static_cast<float>(columns) - kHeadsApart,
                h = area.h() / static_cast<float>(rows) - kHeadsApart - kCaption;
    return w + kHeadsApart < kLeastColumn ? 0 : std::min({w, h, kMostThumb});
  };
  best.thumb = 0;
  for (int columns = 1; columns <= count; ++columns) {
    if (thumb_for(columns) <= best.thumb) continue;
    best.thumb = thumb_for(columns);
    best.columns = columns;
  }
  const bool scrolls = best.thumb < kLeastThumb;
  if (scrolls) {
    best.columns = std::max(1, static_cast<int>(area.w() / kLeastColumn));
    best.thumb = kLeastColumn - kHeadsApart;
  }
  // Cells of one size: a whole number of px each.
  const float cell = std::floor(px(best.thumb) / static_cast<float>(S_));
  if (cell >= 1) best.thumb = cell * static_cast<float>(S_) / theme().s;
  best.pitch_x =
      std::max({best.thumb + kHeadsApart, kLeastColumn, scrolls ? area.w() / static_cast<float>(best.columns) : 0});
  best.pitch_y = best.thumb + kCaption + kHeadsApart;
  best.rows = (count + best.columns - 1) / best.columns;
  best.shown_rows = std::clamp(static_cast<int>((area.h() + kHeadsApart) / best.pitch_y), 1, best.rows);
  return best;
}

/// The wheel scrolls, and whatever is chosen comes into view.
void HeadsPage::scroll(const SceneInput& in, const Grid& grid) {
  const Rect area = theme().rect(grid.area.min.x, grid.area.min.y, grid.area.w(), grid.area.h());
  const ImGuiIO& io = ImGui::GetIO();
  over_heads_ = area.contains(io.MousePos);
  if (over_heads_ && io.MouseWheel != 0) first_row_ += io.MouseWheel > 0 ? -1 : 1;
  const std::pair<int, int> pick{in.selection.layer, in.selection.head};
  if (picked_ != pick) {
    picked_ = pick;
    const int row = static_cast<int>(place_of(in.selection)) / grid.columns;
    first_row_ = std::clamp(first_row_, row - grid.shown_rows + 1, row);
  }
  first_row_ = std::clamp(first_row_, 0, grid.rows - grid.shown_rows);
}

ImTextureID HeadsPage::atlas_texture(const SceneInput& in, float thumb) {
  if (!in.heatmaps) return {};
  const int cell = std::max(1, static_cast<int>(px(thumb) / static_cast<float>(S_)));
  gl::HeatmapSpec spec = heatmap_look(static_cast<float>(cell) / theme().s);
  spec.columns = heads_ * S_;
  spec.rows = layers_ * S_;
  spec.T = S_;
  spec.width = spec.columns * cell;
  spec.height = spec.rows * cell;
  return in.heatmaps->draw(kAtlasTexture, spec, atlas_.data(), revision_);
}

void HeadsPage::draw(Lens& lens, const SceneInput& in, const Rect& panel) {
  if (draw_waiting(lens, panel)) return;
  if (pending_order_) {
    order_ = *std::exchange(pending_order_, std::nullopt);
    order_due_ = true;
    over_heads_ = false;
    picked_ = {-1, -1};
  }
  update(lens);
  const float most = std::min(panel.h() - kHeadsTop - kHeadsInset, panel.w() * 0.42f - kHeadsLabels);
  const float side = square_in({{0, 0}, {most, most}}, lens.T()).w();
  draw_mean(lens, in, panel, side);
  const float x = panel.min.x + kHeadsLabels + std::max(side, 160.0f) + 32;
  fill(theme().rect(x, panel.min.y + 16, 1, panel.h() - 32), colors().sep);
  draw_heads(lens, in, {{x + 32, panel.min.y}, panel.max});
}

void HeadsPage::draw_mean(Lens& lens, const SceneInput& in, const Rect& panel, float side) {
  const float y = panel.min.y + 28;
  constexpr char kTitle[] = "Mean over all heads";
  text(theme().at(panel.min.x + kHeadsInset, y), kTitle, Font::kBodyBold, colors().text);
  MatrixSpec spec;
  spec.label = "Mean";
  spec.texture = kMeanTexture;
  spec.values = trace_->mean.data();
  spec.revision = revision_;
  spec.area = {{panel.min.x + kHeadsLabels, panel.min.y + kHeadsTop},
               {panel.min.x + kHeadsLabels + side, panel.min.y + kHeadsTop + side}};
  spec.look = heatmap_look(side / static_cast<float>(lens.T()));
  spec.look.columns = spec.look.rows = spec.look.T = lens.T();
  spec.row_labels = spec.column_labels = labels_;
  const int last = lens.T() - 1;
  spec.chosen = {std::min(lens.cell.row, last), std::min(lens.cell.column, last)};
  spec.framed_row = spec.chosen.row;
  const MatrixEvents events = mean_.draw(in.heatmaps, spec);
  if (events.hovered.valid()) {
    const float w = trace_->mean(events.hovered.row, events.hovered.column);
    describe_cell(
        lens, events,
        std::isinf(w) ? "forbidden" : (std::isnan(w) ? fmt("n/a") : fmt("%.3f", static_cast<double>(w))).view());
  }
  if (events.chosen) lens.cell = *events.chosen;
}

void HeadsPage::draw_heads(Lens& lens, const SceneInput& in, const Rect& panel) {
  const float y = panel.min.y + 28, right = panel.max.x - kHeadsInset;
  const int count = static_cast<int>(sorted_.size());
  const std::string title = count == 1 ? "The only head" : "All " + std::to_string(count) + " heads";
  text(theme().at(panel.min.x, y), title, Font::kBodyBold, colors().text);
  std::vector<Option> options;
  for (const OrderWords& order : kOrders)
    options.push_back({.label = order.name, .chosen = &order == &kOrders[static_cast<size_t>(order_)]});
  const float list = 168;
  const int picked = combo("Sort by", theme().rect(right - list, y - 16, list, 32),
                           std::string("by ") + kOrders[static_cast<size_t>(order_)].name, options);
  if (picked >= 0) pending_order_ = static_cast<Order>(picked);
  const float title_end = px(panel.min.x) + text_width(Font::kBodyBold, title) + px(12);
  const float room = px(right - list - 16) - title_end;
  if (room > px(60))
    text_elided({title_end, px(y)}, kOrders[static_cast<size_t>(order_)].number, room, Font::kLabel,
                colors().secondary);

  const Grid grid = grid_in({{panel.min.x, panel.min.y + kHeadsColumn}, {right - 8, panel.max.y - kHeadsInset}});
  scroll(in, grid);
  const ImTextureID atlas = atlas_texture(in, grid.thumb);
  const size_t from = static_cast<size_t>(first_row_ * grid.columns),
               to = std::min(sorted_.size(), from + static_cast<size_t>(grid.shown_rows * grid.columns));
  for (size_t place = from; place < to; ++place) draw_head(lens, in, grid, place, atlas);
  draw_scroll_bar(grid);
}

void HeadsPage::draw_head(const Lens&, const SceneInput& in, const Grid& grid, size_t place, ImTextureID atlas) {
  const int head = sorted_[place], slot = static_cast<int>(place) - first_row_ * grid.columns;
  const float x = grid.area.min.x + grid.pitch_x * static_cast<float>(slot % grid.columns),
              y = grid.area.min.y + grid.pitch_y * static_cast<float>(slot / grid.columns);
  const Rect cells = theme().rect(x, y, grid.thumb, grid.thumb);
  const Rect rect{cells.min, {cells.min.x + px(grid.pitch_x - kHeadsApart), cells.max.y + px(kCaption - 4)}};
  const std::string label = name(head);
  const Interaction it = interact(label, rect, true, focus::kHorizontal | focus::kVertical);
  const bool chosen = head == in.selection.layer * heads_ + in.selection.head;
  registry::add(label, "button", measure_text(head), rect.min, rect.max);
  if (it.pressed) {
    in.selection.layer = head / heads_;
    in.selection.head = head % heads_;
  }
  if (atlas) {
    const auto w = static_cast<float>(heads_), h = static_cast<float>(layers_);
    const auto column = static_cast<float>(head % heads_), row = static_cast<float>(head / heads_);
    canvas()->AddImage(atlas, cells.min, cells.max, {column / w, row / h}, {(column + 1) / w, (row + 1) / h});
  }
  if (chosen) outline(cells.grown(px(4)), colors().text, 2, 4);
  if (!chosen && it.hovered) outline(cells.grown(px(2)), colors().text, 1, 2);
  if (it.focused) {
    focus_ring(cells, 4);
    move_choice(in, grid, place);
  }
  const float line = cells.max.y + px(15);
  text({rect.min.x, line}, label, chosen ? Font::kSmallBold : Font::kSmall,
       chosen ? colors().text : colors().secondary);
  const HeadSummary& h = trace_->heads[static_cast<size_t>(head)];
  const bool future = order_ != Order::kEntropy && order_ != Order::kPrevious && h.future_attention > 0;
  text({rect.max.x, line}, measure_text(head), Font::kSmall, future ? colors().future.text : colors().text,
       Align::kRight);
  if (it.hovered) {
    tooltip(it.id, ImGui::GetIO().MousePos,
            {{fmt("Layer %d, head %d", head / heads_ + 1, head % heads_ + 1).chars, {}},
             {"attention to the future", percent_text(h.future_attention).chars},
             {"entropy", std::string(loss_text(h.entropy).chars) + " nats"},
             {"attention to the token before", percent_text(h.previous_token).chars}});
  }
}

/// Arrows on a focused thumbnail choose its neighbour, in view or not, and take the focus along.
void HeadsPage::move_choice(const SceneInput& in, const Grid& grid, size_t place) {
  const int across = (key_pressed(Key::kRight) ? 1 : 0) - (key_pressed(Key::kLeft) ? 1 : 0);
  const int down = (key_pressed(Key::kDown) ? 1 : 0) - (key_pressed(Key::kUp) ? 1 : 0);
  if (across == 0 && down == 0) return;
  const int wanted = static_cast<int>(place) + across + down * grid.columns;
  if (wanted < 0 || wanted >= static_cast<int>(sorted_.size())) return;
  const int head = sorted_[static_cast<size_t>(wanted)];
  in.selection.layer = head / heads_;
  in.selection.head = head % heads_;
  focus::set(interaction_id(name(head)), true);
}

void HeadsPage::draw_scroll_bar(const Grid& grid) const {
  if (grid.shown_rows >= grid.rows) return;
  const float x = grid.area.max.x + 4, h = grid.pitch_y * static_cast<float>(grid.shown_rows) - kHeadsApart;
  const float from = static_cast<float>(first_row_) / static_cast<float>(grid.rows),
              share = static_cast<float>(grid.shown_rows) / static_cast<float>(grid.rows);
  fill(theme().rect(x, grid.area.min.y, 3, h), colors().raised, 1);
  fill(theme().rect(x, grid.area.min.y + h * from, 3, h * share), colors().secondary, 1);
}

/// The head with the most, or the least, of it.
int HeadsPage::extreme(float HeadSummary::*number, bool largest) const {
  const auto less = [&](const HeadSummary& a, const HeadSummary& b) { return a.*number < b.*number; };
  const auto& all = trace_->heads;
  const auto found =
      largest ? std::max_element(all.begin(), all.end(), less) : std::min_element(all.begin(), all.end(), less);
  return static_cast<int>(found - all.begin());
}

void HeadsPage::explain(const Lens& lens, const SceneInput& in, Explanation& out) {
  if (!lens.ready() || !trace_) return;
  const int back = extreme(&HeadSummary::previous_token, true), sharp = extreme(&HeadSummary::entropy, false),
            peeks = extreme(&HeadSummary::future_attention, true);
  const auto of = [&](int head) -> const HeadSummary& { return trace_->heads[static_cast<size_t>(head)]; };
  const auto voice = voice_name(in.voices, in.held_voice, in.opened);
  const bool masked = in.voices[in.held_voice].masked;
  out.words.push_back({{"All heads of "},
                       {in.opened ? voice : "the " + voice + " twin", masked ? Tone::kPast : Tone::kFuture},
                       {" on one text, and their mean. A click chooses the head that all pages show."}});
  explain_stopped(in, out);
  if (lens.T() == 1) {
    out.words.push_back({{"A text of one token: every head gives it all of its weight."}});
    return suggest(in, sharp, out);
  }
  out.words.push_back({{name(back), Tone::kStrong},
                       {" looks most at the token before: "},
                       {percent_text(of(back).previous_token).chars, Tone::kStrong},
                       {". The sharpest is "},
                       {name(sharp), Tone::kStrong},
                       {" with " + std::string(loss_text(of(sharp).entropy).view()) +
                        " nats; looking everywhere alike would be more."}});
  if (of(peeks).future_attention > 0) {
    out.words.push_back({{name(peeks), Tone::kStrong},
                         {" spends "},
                         {percent_text(of(peeks).future_attention).chars, Tone::kFuture},
                         {" of its attention on tokens that come later."}});
  } else if (of(peeks).future_attention == 0) {  // not NaN, of a model that diverged
    out.words.push_back({{"None looks at a later token: the mask makes that exactly 0."}});
  }
  suggest(in, sharp, out);
}

void HeadsPage::suggest(const SceneInput& in, int sharp, Explanation& out) {
  const auto by = [&](const char* label, Order order) {
    out.suggestions.push_back({label, order_ == order, [this, order] { pending_order_ = order; }});
  };
  by("Sort by the token before", Order::kPrevious);
  by("Sort by entropy", Order::kEntropy);
  Selection& pick = in.selection;
  const int heads = heads_;
  const bool there = pick.layer * heads_ + pick.head == sharp;
  out.suggestions.push_back({"Choose the sharpest head", there, [&pick, heads, sharp] {
                               pick.layer = sharp / heads;
                               pick.head = sharp % heads;
                             }});
}

/// The mean.
std::optional<ExportedMatrix> HeadsPage::matrix(const Lens& lens) const {
  if (!trace_ || revision_ != lens.revision) return {};
  const Matrix<float>& mean = trace_->mean;
  ExportedMatrix out = stage_matrix(lens, Stage::kWeights);
  out.name = "mean of all heads";
  out.of_head = false;
  out.stage.reset();
  out.values = (mean.array() == Mask::kForbidden).select(0.0f, mean.array());
  out.shown.assign(mean.data(), mean.data() + mean.size());
  return out;
}

void HeadsPage::report(const Lens& lens, nlohmann::json& out) const {
  if (!lens.ready() || !trace_ || sorted_.empty()) return;
  out["sorted_by"] = kOrders[static_cast<size_t>(order_)].name;
  out["first"] = name(sorted_.front());
  out["heads"] = sorted_.size();
  for (const HeadSummary& head : trace_->heads) {
    out["future_attention"].push_back(head.future_attention);
    out["entropy"].push_back(head.entropy);
    out["previous_token"].push_back(head.previous_token);
  }
}

}  // namespace

std::unique_ptr<MicroscopePage> make_heads_page() { return std::make_unique<HeadsPage>(); }

}  // namespace nopeek
