#pragma once
#include <imgui.h>

#include <array>
#include <cmath>

/// Colours, lengths and the layout class: every constant of the look is in theme.cpp's two tables. Drawing code asks
/// theme() for the values of the frame being built.
namespace nopeek::ui {

struct Rect {
  ImVec2 min, max;
  float w() const { return max.x - min.x; }
  float h() const { return max.y - min.y; }
  float cx() const { return (min.x + max.x) * 0.5f; }
  float cy() const { return (min.y + max.y) * 0.5f; }
  ImVec2 centre() const { return {cx(), cy()}; }
  bool contains(ImVec2 p) const { return p.x >= min.x && p.x < max.x && p.y >= min.y && p.y < max.y; }
  Rect grown(float by) const { return {{min.x - by, min.y - by}, {max.x + by, max.y + by}}; }
};

/// Five stops at t = 0, 0.25, 0.5, 0.75, 1; linear between them on 8-bit sRGB.
using ColorScale = std::array<ImU32, 5>;
ImU32 sample(const ColorScale& scale, float t);
/// `color` with its opacity times `alpha`.
ImU32 faded(ImU32 color, float alpha);
/// From a to b, channel by channel.
ImU32 mixed(ImU32 a, ImU32 b, float t);

/// Blue is masked, honest, past; orange is unmasked, peeking, future. Nothing else has a colour.
struct Hue {
  ImU32 text, fill, dim, hi, hero, on_fill;
  ColorScale scale;
};

struct Palette {
  ImU32 bg, panel, raised, hover, sep, grid;
  ImU32 text, secondary, disabled;
  Hue past, future;
  ImU32 answer_off, answer_on;  // outline of a query's own target, by the state of the mask
  ImU32 forbidden, hatch;
  ColorScale neutral;
  const Hue& hue(bool masked) const { return masked ? past : future; }
};

enum class Layout { kWide, kMedium, kSmall };

struct Theme {
  bool dark = true;
  float s = 1;               // logical px -> px
  ImVec2 window{1600, 900};  // px
  Layout layout = Layout::kWide;
  bool low = false;
  bool motion = true;  // false: every duration is 0
  const Palette* palette = nullptr;

  const Palette& colors() const { return *palette; }
  float logical_w() const { return window.x / s; }
  float logical_h() const { return window.y / s; }
  /// A length in px, whole.
  float px(float logical) const { return std::round(logical * s); }
  /// A line width in px: never below 1.
  float line(float logical) const { return std::max(1.0f, logical * s); }
  ImVec2 at(float x, float y) const { return {px(x), px(y)}; }
  /// The rectangle at logical x, y; its edges are rounded, not its size, so that neighbours stay in step.
  Rect rect(float x, float y, float w, float h) const { return {at(x, y), at(x + w, y + h)}; }
  bool wide() const { return layout == Layout::kWide; }
  bool small() const { return layout == Layout::kSmall; }
};

/// Of the frame that is being built.
const Theme& theme();
inline const Palette& colors() { return theme().colors(); }
inline float px(float logical) { return theme().px(logical); }

/// The theme for a window of `size` px. `text_size` is what the user chose; it counts less where the logical size would
/// fall below 1024 x 576, and the scale never exceeds 6. Presenting enlarges by a quarter under the same rule.
Theme make_theme(ImVec2 size, bool dark, double text_size, bool presenting, bool motion);
void use_theme(const Theme& theme);
/// What text sizes there are to choose from.
inline constexpr std::array kTextSizes{0.8, 1.0, 1.25, 1.5};
/// The one to begin with where nobody has chosen yet: on a display that asks for a scale (as people set it for all
/// programs), the largest that stays within it and leaves the least logical size; 1 on others.
double first_text_size(ImVec2 size, float display_scale);
/// The scale that `text_size` would get, before the lower bound of the logical size.
float wished_scale(ImVec2 size, double text_size);
/// Larger ones would leave less than the least logical size, or need larger glyphs than fonts can have.
float greatest_scale(ImVec2 size);

}  // namespace nopeek::ui
