#include "app/ui/theme.h"

#include <algorithm>

namespace nopeek::ui {
namespace {

constexpr ImU32 rgb(unsigned hex) { return IM_COL32((hex >> 16) & 255, (hex >> 8) & 255, hex & 255, 255); }
constexpr ColorScale scale(unsigned a, unsigned b, unsigned c, unsigned d, unsigned e) {
  return {rgb(a), rgb(b), rgb(c), rgb(d), rgb(e)};
}

constexpr Palette kDark{
    .bg = rgb(0x0E1116),
    .panel = rgb(0x171B21),
    .raised = rgb(0x222831),
    .hover = rgb(0x2B323D),
    .sep = rgb(0x2A313B),
    .grid = rgb(0x232A33),
    .text = rgb(0xEEF1F5),
    .secondary = rgb(0xA3ADBA),
    .disabled = rgb(0x66707D),
    .past = {.text = rgb(0x4C9BE8),
             .fill = rgb(0x4C9BE8),
             .dim = rgb(0x1B3654),
             .hi = rgb(0xCFE6FF),
             .hero = rgb(0x4C9BE8),
             .on_fill = rgb(0x07121E),
             .scale = scale(0x1A222C, 0x1E4369, 0x2B6CAD, 0x4C9BE8, 0xA6D3FF)},
    .future = {.text = rgb(0xF28E2B),
               .fill = rgb(0xF28E2B),
               .dim = rgb(0x4A2C0E),
               .hi = rgb(0xFFDDB0),
               .hero = rgb(0xF28E2B),
               .on_fill = rgb(0x1E0F02),
               .scale = scale(0x221D19, 0x5C3611, 0xA85C14, 0xF28E2B, 0xFFC071)},
    .answer_off = rgb(0xFFE3BF),
    .answer_on = rgb(0xB86A1E),
    .forbidden = rgb(0x12161B),
    .hatch = rgb(0x39424E),
    .neutral = scale(0x1C2128, 0x343C47, 0x59636F, 0x95A0AD, 0xE6EBF0),
};

constexpr Palette kLight{
    .bg = rgb(0xEEF0F3),
    .panel = rgb(0xFFFFFF),
    .raised = rgb(0xEDF0F4),
    .hover = rgb(0xE2E6EC),
    .sep = rgb(0xD5DAE1),
    .grid = rgb(0xE4E8ED),
    .text = rgb(0x12161B),
    .secondary = rgb(0x505B69),
    .disabled = rgb(0x97A1AE),
    .past = {.text = rgb(0x1B6AB8),
             .fill = rgb(0x2474C8),
             .dim = rgb(0xD3E5F8),
             .hi = rgb(0x0A376B),
             .hero = rgb(0x1B6AB8),
             .on_fill = rgb(0xFFFFFF),
             .scale = scale(0xEDF2F8, 0xBFDBF6, 0x79B3EB, 0x2F7FD0, 0x0F4C91)},
    .future = {.text = rgb(0xB85500),
               .fill = rgb(0xE2720A),
               .dim = rgb(0xFBE2C6),
               .hi = rgb(0x7A3600),
               .hero = rgb(0xCC5F00),
               .on_fill = rgb(0x201000),
               .scale = scale(0xF9F2E9, 0xFCDAB0, 0xF9B25A, 0xEC7C0E, 0xB54800)},
    .answer_off = rgb(0x7A3200),
    .answer_on = rgb(0xE08A34),
    .forbidden = rgb(0xF3F5F8),
    .hatch = rgb(0xC3CAD3),
    .neutral = scale(0xF1F3F6, 0xD2D8DF, 0x9AA5B1, 0x5A6572, 0x1A2027),
};

constexpr float kReferenceW = 1600, kReferenceH = 900;
constexpr float kLeastW = 1024, kLeastH = 576, kLeastScale = 0.5f;
constexpr float kGreatestScale = 6;  // of the largest font, 40 logical px, see kGreatestEm
constexpr float kWideFrom = 1520, kMediumFrom = 1200, kLowBelow = 840;
constexpr float kPresentScale = 1.25f;

Theme current{.palette = &kDark};

}  // namespace

ImU32 mixed(ImU32 a, ImU32 b, float t) {
  ImU32 out = 0;
  for (int shift = 0; shift < 32; shift += 8) {
    const float x = static_cast<float>((a >> shift) & 255), y = static_cast<float>((b >> shift) & 255);
    out |= static_cast<ImU32>(std::lround(x + (y - x) * t)) << shift;
  }
  return out;
}

ImU32 sample(const ColorScale& scale, float t) {
  const float x = std::clamp(t, 0.0f, 1.0f) * 4;
  const int i = std::min(3, static_cast<int>(x));
  return mixed(scale[static_cast<size_t>(i)], scale[static_cast<size_t>(i) + 1], x - static_cast<float>(i));
}

ImU32 faded(ImU32 color, float alpha) {
  const float a = static_cast<float>(color >> IM_COL32_A_SHIFT) * alpha;
  return (color & ~IM_COL32_A_MASK) | (static_cast<ImU32>(std::lround(a)) << IM_COL32_A_SHIFT);
}

const Theme& theme() { return current; }
void use_theme(const Theme& theme) { current = theme; }

float wished_scale(ImVec2 size, double text_size) {
  return static_cast<float>(text_size) * std::max(1.0f, std::min(size.x / kReferenceW, size.y / kReferenceH));
}

float greatest_scale(ImVec2 size) {
  return std::clamp(std::min(size.x / kLeastW, size.y / kLeastH), kLeastScale, kGreatestScale);
}

double first_text_size(ImVec2 size, float display_scale) {
  double best = 1;
  for (const double text_size : kTextSizes) {
    const float wished = wished_scale(size, text_size);
    if (wished <= std::min(display_scale, greatest_scale(size)) + 0.01f) best = std::max(best, text_size);
  }
  return best;
}

Theme make_theme(ImVec2 size, bool dark, double text_size, bool presenting, bool motion) {
  Theme t;
  t.dark = dark;
  t.palette = dark ? &kDark : &kLight;
  t.window = size;
  t.motion = motion;
  t.s = std::min(wished_scale(size, text_size) * (presenting ? kPresentScale : 1.0f), greatest_scale(size));
  // Half a logical px of slack: 1520.0 must not become 'medium' by rounding.
  t.layout = t.logical_w() >= kWideFrom - 0.5f     ? Layout::kWide
             : t.logical_w() >= kMediumFrom - 0.5f ? Layout::kMedium
                                                   : Layout::kSmall;
  t.low = t.logical_h() < kLowBelow;
  return t;
}

}  // namespace nopeek::ui
