#include <algorithm>
#include <array>
#include <cmath>

#include "app/scenes/microscope_steps.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr float kWords = 228;      // logical px that the words take at the strip's left
constexpr float kSpared = 28;      // less than a fourth is enough for the scale ...
constexpr float kMaskMore = 20;    // ... and more goes to the mask's sentence and the softmax
constexpr int kMostTermRows = 16;  // more dimensions than that are bars
constexpr const char* kMinusInfinity = "\xE2\x88\x92\xE2\x88\x9E";

/// How far the key lies from the query.
std::string distance_words(int query, int key) {
  if (key == query) return "itself";
  const int n = std::abs(key - query);
  const std::string tokens = std::to_string(n) + (n == 1 ? " token" : " tokens");
  if (key < query) return tokens + " back";
  return tokens + (n == 1 ? " ahead: future, the answer" : " ahead: future");
}

/// One cell of the strip: a name, the arithmetic, its result.
struct StripCell {
  const char* name;
  std::string caption;  // instead of the name
  std::string formula, result;
  ImU32 color;
};

struct StripFonts {
  Font formula = Font::kMono, result = Font::kMonoTitle;
};

float strip_width(const StripCell& cell, StripFonts fonts) {
  return std::ceil(text_width(fonts.formula, cell.formula)) + px(9) + text_width(fonts.result, cell.result);
}

/// Of each cell, in logical px.
std::array<Rect, 4> strip_places(const Rect& strip) {
  const float w = std::floor((strip.w() - kWords - 20) / 4);
  const std::array<float, 4> widths{w, w - kSpared, w + kMaskMore, w + kSpared - kMaskMore};
  std::array<Rect, 4> places;
  float x = strip.min.x + kWords;
  for (size_t i = 0; i < places.size(); ++i) {
    places[i] = {{x, strip.min.y}, {x + widths[i], strip.max.y}};
    x += widths[i];
  }
  return places;
}

/// The largest in which the arithmetic of all cells fits.
StripFonts strip_fonts(const std::array<StripCell, 4>& cells, const std::array<Rect, 4>& places) {
  const auto fits = [&](StripFonts fonts) {
    for (size_t i = 0; i < cells.size(); ++i)
      if (strip_width(cells[i], fonts) > px(places[i].w() - 28)) return false;
    return true;
  };
  constexpr StripFonts kSmaller{Font::kMonoLabel, Font::kMonoTitle}, kSmallest{Font::kMonoLabel, Font::kMonoBold};
  return fits({}) ? StripFonts{} : fits(kSmaller) ? kSmaller : kSmallest;
}

/// What is raised, and can be clicked.
Rect strip_box(const Rect& place) {
  const float inset = theme().low ? 3 : 6;
  return theme().rect(place.min.x + 4, place.min.y + inset, place.w() - 12, place.h() - 2 * inset);
}

void draw_strip_cell(const StripCell& cell, StripFonts fonts, const Rect& place, bool raised, const Interaction& it) {
  const Palette& c = colors();
  const Rect box = strip_box(place);
  fill(box, raised ? c.raised : faded(c.raised, it.hover), 8);
  if (it.focused) focus_ring(box, 8);
  const float x = px(place.min.x + 20);
  const float top = px(place.min.y + (theme().low ? 16 : 22)), low = px(place.min.y + (theme().low ? 41 : 47));
  text_elided({x, top}, cell.caption.empty() ? cell.name : cell.caption, box.max.x - px(8) - x, Font::kSmall,
              c.secondary);
  text({x, low}, cell.formula, fonts.formula, c.text);
  text({x + std::ceil(text_width(fonts.formula, cell.formula)) + px(9), low}, cell.result, fonts.result, cell.color);
}

/// The first, which are the longest, that fit; the last if none do.
std::string fitting(const std::vector<std::string>& words, float room) {
  for (const std::string& w : words) {
    if (text_width(Font::kSmall, w) <= room) return w;
  }
  return words.empty() ? "" : words.back();
}

}  // namespace

std::vector<std::string> mask_words(int query, int key, float added, bool causal) {
  const std::string k = "key " + std::to_string(key), q = "query " + std::to_string(query);
  const std::string infinity = kMinusInfinity;
  if (added == 0) return {};
  if (added != Mask::kForbidden) {
    if (key <= query) return {"the mask makes this key less likely", "mask, finite"};
    return {"the mask adds " + std::string(score_text(static_cast<double>(added)).view()) + ", which leaks",
            "mask, finite: it leaks"};
  }
  if (causal && key > query)
    return {infinity + " because " + k + " > " + q, infinity + ", as " + k + " > " + q, "as " + k + " > " + q};
  return {infinity + " because the mask forbids " + k + " to " + q, "the mask forbids " + k + " to " + q,
          "forbids " + k + " to " + q, "forbids " + k + " to " + std::to_string(query)};
}

/// Who asks whom, and what there is to say of it.
void StepsPage::draw_strip_words(const Layout& at, std::string_view query, std::string_view key, std::string_view words,
                                 ImU32 color) const {
  const float x = px(at.strip.min.x + 20), y = at.strip.min.y, room = px(kWords - 24);
  text_elided({x, px(y + (theme().low ? 18 : 24))}, in_quotes(query) + " asks " + in_quotes(key), room, Font::kBodyBold,
              colors().text);
  text_elided({x, px(y + (theme().low ? 42 : 48))}, words, room, Font::kLabel, color);
}

void StepsPage::draw_strip(Lens& lens, const Layout& at) {
  const Palette& c = colors();
  const HeadStages<float>& s = lens.stages();
  const int q = cell_.row, k = cell_.column;
  const Hue& hue = hue_of(q, k);
  draw_strip_words(at, labels_[static_cast<size_t>(q)], labels_[static_cast<size_t>(k)], distance_words(q, k),
                   hue.text);
  const std::array<Rect, 4> places = strip_places(at.strip);
  const double dot = static_cast<double>(s.scores(q, k)), scaled = static_cast<double>(s.scaled(q, k)),
               masked = static_cast<double>(s.masked(q, k)), weight = static_cast<double>(s.weights(q, k));
  const float added = (*lens.model().mask)(q, k);
  const bool forbidden = added == Mask::kForbidden;
  const std::string sign = added == 0 ? "0" : forbidden ? kMinusInfinity : score_text(static_cast<double>(added)).chars;
  const std::vector<std::string> why = mask_words(q, k, added, causal_);
  const std::array<StripCell, 4> cells{
      {{"dot product", {}, fmt("q%d \xC2\xB7 k%d =", q, k).chars, score_text(dot).chars, hue.text},
       {"scale", {}, scale_operator(s) + " =", score_text(scaled).chars, hue.text},
       {"mask", fitting(why, px(places[2].w() - 32)), (added == 0 ? "+ 0 =" : "+ (" + sign + ") ="),
        score_text(masked).chars, forbidden ? c.text : hue.text},
       {"softmax", {}, "exp / sum =", weight_text(weight).chars, forbidden ? c.text : hue.text}}};
  const StripFonts fonts = strip_fonts(cells, places);
  for (size_t i = 0; i < places.size(); ++i) {
    const Rect& place = places[i];
    const Rect box = strip_box(place);
    const Interaction it = interact(cells[i].name, box);
    registry::add(cells[i].name, "button", cells[i].result, box.min, box.max);
    draw_strip_cell(cells[i], fonts, place, static_cast<size_t>(lens.stage) == i, it);
    if (i + 1 < places.size()) icon(Icon::kChevronRight, theme().at(place.max.x - 2, at.strip.cy()), c.disabled, 0.8f);
    if (it.pressed) lens.clock.go_to(static_cast<Stage>(i));
    if (it.pressed && i == 0) terms_open_ = !terms_open_;
    if (i == 0) draw_strip_vectors(lens, it, place, px(place.min.x + 28) + text_width(Font::kSmall, cells[i].name));
    if (i == 2 && it.hovered && added != 0) tooltip(it, why.front());
    if (i == 3 && it.hovered) {
      tooltip(it.id, ImGui::GetIO().MousePos,
              {{"exp", weight_text(steps_.exp[static_cast<size_t>(k)]).chars},
               {"sum of the row", fmt("%.4f", steps_.sum).chars},
               {"weight", weight_text(weight).chars}});
    }
  }
}

/// The same of the typed row: only what was typed goes into it.
void StepsPage::draw_typed_strip(const Layout& at) const {
  const Palette& c = colors();
  const ScoreRow& row = *typed_.row();
  const SoftmaxSteps steps = row.steps();
  const auto k = static_cast<size_t>(typed_key_);
  const bool forbidden = row.forbidden[k];
  draw_strip_words(at, row.query, row.keys[k], "typed, not the model\xE2\x80\x99s", c.secondary);
  const ImU32 hue = hue_of(row.query_at, typed_key_).text, behind_mask = forbidden ? c.text : hue;
  const std::string score = score_text(row.scores[k]).chars;
  const std::array<StripCell, 4> cells{
      {{"score", {}, fmt("s%d =", typed_key_).chars, score, hue},
       {"mask",
        {},
        forbidden ? std::string("+ (") + kMinusInfinity + ") =" : "+ 0 =",
        forbidden ? kMinusInfinity : score,
        behind_mask},
       {"less the largest", {}, "\xE2\x88\x92 max =", score_text(steps.shifted[k]).chars, behind_mask},
       {"softmax", {}, "exp / sum =", weight_text(steps.weights[k]).chars, behind_mask}}};
  const std::array<Rect, 4> places = strip_places(at.strip);
  const StripFonts fonts = strip_fonts(cells, places);
  for (size_t i = 0; i < places.size(); ++i) {
    const Rect box = strip_box(places[i]);
    registry::add_drawn(std::string("typed ") + cells[i].name, "number", cells[i].result, box.min, box.max);
    draw_strip_cell(cells[i], fonts, places[i], false, {});
    if (i + 1 < places.size())
      icon(Icon::kChevronRight, theme().at(places[i].max.x - 2, at.strip.cy()), c.disabled, 0.8f);
  }
}

/// Query and key, each to its own scale, behind the words that end at `x` (px).
void StepsPage::draw_strip_vectors(const Lens& lens, const Interaction& it, const Rect& place, float x) const {
  const auto q = lens.stages().query.row(cell_.row), k = lens.stages().key.row(cell_.column);
  const auto HS = static_cast<size_t>(q.cols());
  const Rect box = strip_box(place);
  const Rect bars{{std::ceil(x), box.min.y + px(2)},
                  {std::min(std::ceil(x) + px(96), box.max.x - px(6)), box.min.y + px(30)}};
  const auto largest = [](const auto& v) { return std::max(v.cwiseAbs().maxCoeff(), 1e-12f); };
  draw_vector({bars.min, {bars.max.x, bars.cy() - px(1)}}, {q.data(), HS}, largest(q), 1, colors().secondary,
              fmt("q%d", cell_.row));
  draw_vector({{bars.min.x, bars.cy() + px(1)}, bars.max}, {k.data(), HS}, largest(k), 1,
              hue_of(cell_.row, cell_.column).fill, fmt("k%d", cell_.column));
  if (it.hovered && !bars.contains(ImGui::GetIO().MousePos)) tooltip(it, "Term by term");
}

// The dot product term by term
// ------------------------------------------------------------------------------------------------
void StepsPage::draw_terms(const Lens& lens, const Layout& at) {
  const Palette& c = colors();
  const HeadStages<float>& s = lens.stages();
  const int q = cell_.row, k = cell_.column;
  const auto HS = static_cast<int>(s.query.cols());
  text_elided(theme().at(at.x0, at.panel.min.y + 28), fmt("q%d \xC2\xB7 k%d, term by term", q, k),
              px(at.x1 - 48 - at.x0), Font::kBodyBold, c.text);
  if (icon_button("Close", theme().rect(at.x1 - 32, at.panel.min.y + 12, 32, 32), Icon::kClose,
                  "Back to the row (Esc)"))
    terms_open_ = false;
  text_elided(theme().at(at.x0, at.panel.min.y + 54),
              "query of " + in_quotes(labels_[static_cast<size_t>(q)]) + " times key of " +
                  in_quotes(labels_[static_cast<size_t>(k)]),
              px(at.x1 - at.x0), Font::kLabel, c.secondary);
  if (HS <= kMostTermRows) {
    draw_term_rows(lens, at);
  } else {
    draw_term_bars(lens, at);
  }
  const float y = px(at.strip.min.y - (theme().low ? 14 : 26));
  const std::string words = fmt("sum of the %d products", HS).chars;
  text({px(at.x0), y}, words, Font::kLabel, c.secondary);
  text({px(at.x0) + std::ceil(text_width(Font::kLabel, words)) + px(12), y},
       score_text(static_cast<double>(s.scores(q, k))), Font::kMonoBold, hue_of(q, k).text);
}

/// With all numbers, in two columns.
void StepsPage::draw_term_rows(const Lens& lens, const Layout& at) const {
  const Palette& c = colors();
  const HeadStages<float>& s = lens.stages();
  const auto q = s.query.row(cell_.row), k = s.key.row(cell_.column);
  const int HS = static_cast<int>(q.cols()), lines = (HS + 1) / 2;
  const float bottom = at.strip.min.y - (theme().low ? 28 : 44), width = std::floor((at.x1 - at.x0 - 24) / 2);
  const float pitch = std::min(30.0f, std::floor((bottom - at.top) / static_cast<float>(lines)));
  const float largest = std::max(q.cwiseProduct(k).cwiseAbs().maxCoeff(), 1e-12f);
  for (int column = 0; column < (HS > 1 ? 2 : 1); ++column) {
    const float x = at.x0 + (width + 24) * static_cast<float>(column);
    const auto header = [&](float right, const char* name) {
      text(theme().at(x + right, at.header), name, Font::kMonoSmall, c.secondary, Align::kRight);
    };
    header(20, "i"), header(78, "q"), header(134, "k"), header(196, "q\xC3\x97k");
  }
  for (int i = 0; i < HS; ++i) {
    const float x = at.x0 + (i < lines ? 0 : width + 24);
    const float y = px(at.top + pitch * (static_cast<float>(i % lines) + 0.5f));
    const double product = static_cast<double>(q(i)) * static_cast<double>(k(i));
    text({px(x + 20), y}, fmt("%d", i), Font::kMonoSmall, c.disabled, Align::kRight);
    text({px(x + 78), y}, score_text(static_cast<double>(q(i))), Font::kMonoLabel, c.text, Align::kRight);
    text({px(x + 134), y}, score_text(static_cast<double>(k(i))), Font::kMonoLabel, c.text, Align::kRight);
    text({px(x + 196), y}, score_text(product), Font::kMonoLabel, hue_of(cell_.row, cell_.column).text, Align::kRight);
    const float x0 = px(x + 208), x1 = px(x + width), middle = std::round((x0 + x1) * 0.5f), half = (x1 - x0) * 0.5f;
    const float end = middle + half * static_cast<float>(product) / largest;
    canvas()->AddRectFilled({middle, y - px(7)}, {middle + theme().line(1), y + px(7)}, c.sep);
    canvas()->AddRectFilled({std::min(middle, end), y - px(5)}, {std::max(middle, end), y + px(5)}, c.secondary);
  }
}

/// As bars, whose numbers are named at the pointer.
void StepsPage::draw_term_bars(const Lens& lens, const Layout& at) const {
  const Palette& c = colors();
  const HeadStages<float>& s = lens.stages();
  const RowVector<float> q = s.query.row(cell_.row), k = s.key.row(cell_.column), products = q.cwiseProduct(k);
  const auto HS = static_cast<size_t>(q.size());
  const float bottom = at.strip.min.y - (theme().low ? 28 : 44), height = (bottom - at.header + 6) / 3;
  const std::string names[] = {fmt("q%d", cell_.row).chars, fmt("k%d", cell_.column).chars, "q\xC3\x97k"};
  const RowVector<float>* const vectors[] = {&q, &k, &products};
  for (int i = 0; i < 3; ++i) {
    const float y = at.header - 6 + height * static_cast<float>(i);
    text(theme().at(at.x0, y + height * 0.5f), names[i], Font::kMonoLabel, c.secondary);
    draw_vector(theme().rect(at.x0 + 56, y + 4, at.x1 - at.x0 - 56, height - 8), {vectors[i]->data(), HS},
                std::max(vectors[i]->cwiseAbs().maxCoeff(), 1e-12f), 1,
                i == 2 ? hue_of(cell_.row, cell_.column).fill : c.secondary, names[i]);
  }
}

}  // namespace nopeek
