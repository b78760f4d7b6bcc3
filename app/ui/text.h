#pragma once
#include <string>
#include <string_view>

#include "app/ui/fonts.h"
#include "app/ui/theme.h"

/// Text by its centre line, as VISUAL.md measures it: y is the middle of the capitals' band, never the top of a box.
/// Everything drawn is reported to the registry, so that a test finds what is clipped or overlaps.
namespace nopeek::ui {

enum class Align { kLeft, kCentre, kRight };

/// Where drawing goes: the current ImGui window's list, unless a Canvas is open.
ImDrawList* canvas();
struct Canvas {
  explicit Canvas(ImDrawList* list);
  ~Canvas();
  Canvas(const Canvas&) = delete;

 private:
  ImDrawList* before_;
};

float text_width(Font which, std::string_view text);
/// Draws `text` with its anchor (left end, middle or right end) at `at`; returns its width. `at` is in px.
float text(ImVec2 at, std::string_view text, Font which, ImU32 color, Align align = Align::kLeft);
/// As much of `text` as fits in `width`, with an ellipsis where something is left out. True if all of it fits.
bool text_elided(ImVec2 at, std::string_view text, float width, Font which, ImU32 color, Align align = Align::kLeft);
std::string elided(std::string_view text, float width, Font which);
/// Turned by -45 degrees about its lower left end, `at`.
void text_turned(ImVec2 at, std::string_view text, Font which, ImU32 color);
/// Turned by 90 degrees, reading downwards from `top`, its centre line at x = top.x.
void text_down(ImVec2 top, std::string_view text, Font which, ImU32 color);

/// A number in a stack buffer: fmt("%.2f", x).view().
struct Number {
  char chars[48];
  std::string_view view() const { return chars; }
  operator std::string_view() const { return chars; }
};
/// printf formatting with U+2212 for a leading minus.
Number fmt(const char* format, ...) IM_FMTARGS(1);
/// Loss with 2 decimals, 'n/a' for NaN.
Number loss_text(float loss);
/// '84 %' with a thin space.
Number percent_text(float share);
/// 1.2 M, 340 k, 87
Number compact_text(double value);
/// 12 345 with thin gaps
Number grouped_text(long long value);

}  // namespace nopeek::ui
