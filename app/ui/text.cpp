#include "app/ui/text.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "app/ui/registry.h"
#include "core/text/utf8.h"

namespace nopeek::ui {
namespace {

constexpr float kBaseline = 0.364f;  // of the em, below the centre line
constexpr float kCapHeight = 0.727f;
constexpr char kEllipsis[] = "\xE2\x80\xA6";
constexpr char kMinus[] = "\xE2\x88\x92";
constexpr char kThin[] = "\xE2\x80\x89";
constexpr char kNoBreak[] = "\xC2\xA0";

ImDrawList* current_canvas = nullptr;

const char* begin(std::string_view s) { return s.data(); }
const char* end(std::string_view s) { return s.data() + s.size(); }

void report(std::string_view what, ImVec2 min, ImVec2 max) {
  if (registry::enabled()) registry::add_drawn(what, "text", what, min, max);
}

/// Bytes of the code point at `i`. What is drawn may be a file's name, and so no valid UTF-8: never past the end.
size_t bytes_at(std::string_view s, size_t i) {
  return std::min<size_t>(static_cast<size_t>(utf8::length(s[i])), s.size() - i);
}

/// Calls place(glyph, pen) for each glyph that can be seen, with its distance from the baseline's left end.
template <class Place>
void each_glyph(std::string_view s, const ImFont& face, Place&& place) {
  float pen = 0;
  for (size_t i = 0; i < s.size();) {
    const size_t n = bytes_at(s, i);
    const bool drawable = n == static_cast<size_t>(utf8::length(s[i])) && n < 4;
    const ImFontGlyph* g = face.FindGlyph(static_cast<ImWchar>(drawable ? utf8::decode(s.substr(i, n)) : 0xFFFD));
    i += n;
    if (!g) continue;
    if (g->Visible) place(*g, pen);
    pen += g->AdvanceX;
  }
}

/// From the baseline's left end. Advances are exact and glyphs stand on whole pixels: widths as designed, edges sharp.
void run_level(ImVec2 base, std::string_view s, const ImFont& face, ImU32 color) {
  ImDrawList& list = *canvas();
  const float top = base.y - std::round(face.Ascent);
  each_glyph(s, face, [&](const ImFontGlyph& g, float pen) {
    const float x = std::round(base.x + pen);
    list.PrimReserve(6, 4);
    list.PrimRectUV({x + g.X0, top + g.Y0}, {x + g.X1, top + g.Y1}, {g.U0, g.V0}, {g.U1, g.V1}, color);
  });
}

/// Glyph by glyph along the unit vector `along`, from the baseline's left end.
void run(ImVec2 base, ImVec2 along, std::string_view s, const ImFont& face, ImU32 color) {
  ImDrawList& list = *canvas();
  const float ascent = std::round(face.Ascent);
  const auto place = [&](float x, float y) {
    return ImVec2(base.x + along.x * x - along.y * y, base.y + along.y * x + along.x * y);
  };
  each_glyph(s, face, [&](const ImFontGlyph& g, float pen) {
    const float x0 = pen + g.X0, x1 = pen + g.X1, y0 = g.Y0 - ascent, y1 = g.Y1 - ascent;
    list.PrimReserve(6, 4);
    list.PrimQuadUV(place(x0, y0), place(x1, y0), place(x1, y1), place(x0, y1), {g.U0, g.V0}, {g.U1, g.V0},
                    {g.U1, g.V1}, {g.U0, g.V1}, color);
  });
}

}  // namespace

ImDrawList* canvas() { return current_canvas ? current_canvas : ImGui::GetWindowDrawList(); }
Canvas::Canvas(ImDrawList* list) : before_(current_canvas) { current_canvas = list; }
Canvas::~Canvas() { current_canvas = before_; }

float text_width(Font which, std::string_view s) {
  const ImFont* face = font(which);
  return s.empty() ? 0 : face->CalcTextSizeA(face->FontSize, FLT_MAX, 0, begin(s), end(s)).x;
}

float text(ImVec2 at, std::string_view s, Font which, ImU32 color, Align align) {
  if (s.empty()) return 0;
  const ImFont* face = font(which);
  const bool measured = align != Align::kLeft || registry::enabled();
  const float width = measured ? text_width(which, s) : 0;
  const float x = std::round(at.x - (align == Align::kRight ? width : align == Align::kCentre ? width * 0.5f : 0));
  const float baseline = std::round(at.y + kBaseline * em(which));
  run_level({x, baseline}, s, *face, color);
  if (measured) report(s, {x, baseline - std::round(kCapHeight * em(which))}, {x + width, baseline});
  return width;
}

std::string elided(std::string_view s, float width, Font which) {
  if (text_width(which, s) <= width) return std::string(s);
  const float room = width - text_width(which, kEllipsis);
  float used = 0;
  size_t kept = 0;
  while (kept < s.size()) {
    const size_t n = bytes_at(s, kept);
    used += text_width(which, s.substr(kept, n));
    if (used > room) break;
    kept += n;
  }
  return std::string(s.substr(0, kept)) + kEllipsis;
}

bool text_elided(ImVec2 at, std::string_view s, float width, Font which, ImU32 color, Align align) {
  if (text_width(which, s) <= width) {
    text(at, s, which, color, align);
    return true;
  }
  text(at, elided(s, width, which), which, color, align);
  return false;
}

void text_turned(ImVec2 at, std::string_view s, Font which, ImU32 color) {
  constexpr float kDiagonal = 0.70710678f;
  run(at, {kDiagonal, -kDiagonal}, s, *font(which), color);
  if (!registry::enabled()) return;
  const float reach = text_width(which, s) * kDiagonal, up = kCapHeight * em(which) * kDiagonal;
  registry::add_drawn(s, "turned text", s, {at.x - up, at.y - reach - up}, {at.x + reach, at.y});
}

void text_down(ImVec2 top, std::string_view s, Font which, ImU32 color) {
  const float shift = std::round(kBaseline * em(which));
  run({top.x - shift, top.y}, {0, 1}, s, *font(which), color);
  report(s, {top.x - shift, top.y}, {top.x + shift, top.y + text_width(which, s)});
}

Number fmt(const char* format, ...) {
  char plain[44];
  va_list args;
  va_start(args, format);
  std::vsnprintf(plain, sizeof plain, format, args);
  va_end(args);
  Number out;
  const bool negative = plain[0] == '-';
  std::snprintf(out.chars, sizeof out.chars, "%s%s", negative ? kMinus : "", plain + (negative ? 1 : 0));
  return out;
}

Number loss_text(float loss) {
  if (!std::isfinite(loss)) return fmt("n/a");
  if (loss >= 99.995f) return fmt("%.0f", static_cast<double>(loss));
  return fmt("%.2f", static_cast<double>(loss));
}

Number percent_text(float share) {
  if (!std::isfinite(share)) return fmt("n/a");
  return fmt("%.0f%s%%", static_cast<double>(share) * 100, kNoBreak);
}

Number compact_text(double value) {
  if (value >= 9.95e5) return fmt(value < 9.95e6 ? "%.1f%sM" : "%.0f%sM", value / 1e6, kThin);
  if (value >= 9.5e2) return fmt(value < 9.95e3 ? "%.1f%sk" : "%.0f%sk", value / 1e3, kThin);
  return fmt("%.0f", value);
}

Number grouped_text(long long value) {
  if (value < 10000) return fmt("%lld", value);
  if (value < 1000000) return fmt("%lld%s%03lld", value / 1000, kThin, value % 1000);
  return fmt("%lld%s%03lld%s%03lld", value / 1000000, kThin, value / 1000 % 1000, kThin, value % 1000);
}

}  // namespace nopeek::ui
