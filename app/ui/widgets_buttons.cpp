#include <algorithm>

#include "app/ui/registry.h"
#include "app/ui/widgets.h"

namespace nopeek::ui {
namespace {

constexpr float kControlRadius = 8;
constexpr float kSwitchSeconds = 0.16f;
constexpr float kToggle = 34;  // width of a small switch without its words

ImU32 surface(const Interaction& it, Look look, bool enabled) {
  const Palette& c = colors();
  if (look == Look::kPrimary) {
    if (!enabled) return c.raised;
    return mixed(c.text, c.panel, it.held ? 0.2f : 0.1f * it.hover);
  }
  if (look == Look::kPlain) return it.held ? c.sep : faded(c.hover, it.hover);
  return it.held ? c.sep : mixed(c.raised, c.hover, it.hover);
}

ImU32 ink(Look look, bool enabled) {
  const Palette& c = colors();
  return !enabled ? c.disabled : look == Look::kPrimary ? c.bg : look == Look::kPlain ? c.secondary : c.text;
}

/// What all buttons begin with: the area, its surface and its ring. Returns the colour of what stands on it.
ImU32 button_base(std::string_view label, const Rect& rect, bool enabled, Look look, const Interaction& it) {
  registry::add(label, "button", "", rect.min, rect.max);
  fill(rect, surface(it, look, enabled), kControlRadius);
  if (it.focused) focus_ring(rect, kControlRadius);
  const ImU32 color = ink(look, enabled);
  return look == Look::kPlain && enabled ? mixed(color, colors().text, it.hover) : color;
}

const char* on_off(bool on) { return on ? "on" : "off"; }

}  // namespace

bool button(std::string_view label, const Rect& rect, bool enabled, Look look, Icon which) {
  const Interaction it = interact(label, rect, enabled);
  const ImU32 color = button_base(label, rect, enabled, look, it);
  if (which == Icon::kNone) {
    text_elided(rect.centre(), label, rect.w() - px(8), Font::kLabelMedium, color, Align::kCentre);
  } else {
    icon(which, {rect.min.x + px(18), rect.cy()}, color, 0.8f);
    text_elided({rect.min.x + px(34), rect.cy()}, label, rect.max.x - rect.min.x - px(38), Font::kLabelMedium, color);
  }
  return it.pressed;
}

bool icon_button(std::string_view label, const Rect& rect, Icon which, std::string_view tip, bool enabled, Look look) {
  const Interaction it = interact(label, rect, enabled);
  const ImU32 color = button_base(label, rect, enabled, look, it);
  icon(which, rect.centre(), color);
  tooltip(it, tip);
  return it.pressed;
}

bool play_button(const Rect& rect, bool playing, bool enabled) {
  return play_button("Play", rect, playing, playing ? "Pause (Space)" : "Play (Space)", enabled);
}

bool play_button(std::string_view label, const Rect& rect, bool playing, std::string_view tip, bool enabled) {
  const Interaction it = interact(label, rect, enabled);
  registry::add(label, "toggle", on_off(playing), rect.min, rect.max);
  fill(rect, surface(it, Look::kPrimary, enabled), kControlRadius);
  if (it.focused) focus_ring(rect, kControlRadius);
  icon(playing ? Icon::kPause : Icon::kPlay, rect.centre(), ink(Look::kPrimary, enabled));
  tooltip(it, tip);
  return it.pressed;
}

bool mask_switch(std::string_view label, const Rect& rect, bool on, bool enabled) {
  const Interaction it = interact(label, rect, enabled);
  registry::add(label, "switch", on_off(on), rect.min, rect.max);
  const Palette& c = colors();
  const float x = moving(it.id, on ? 1.0f : 0.0f, kSwitchSeconds, Ease::kCubicOut);
  const float alpha = enabled ? 1.0f : 0.4f;
  const ImU32 body = mixed(mixed(c.future.fill, c.past.fill, x), c.text, 0.1f * it.hover);
  const ImU32 mark = mixed(c.future.on_fill, c.past.on_fill, x);
  fill(rect, faded(body, alpha), 18);
  if (it.focused) focus_ring(rect, 18);
  const float r = px(it.held ? 13 : 14), inset = rect.h() * 0.5f;
  const float knob = rect.min.x + inset + (rect.w() - 2 * inset) * x;
  canvas()->AddCircleFilled({knob, rect.cy()}, r, faded(mark, alpha), 32);
  const float word = on ? (rect.min.x + knob - r) * 0.5f + px(1) : (rect.max.x + knob + r) * 0.5f - px(1);
  text({word, rect.cy()}, on ? "ON" : "OFF", Font::kBodyBold, faded(mark, alpha), Align::kCentre);
  return it.pressed;
}

float toggle_width(std::string_view shown) { return px(kToggle + 8) + std::ceil(text_width(Font::kLabel, shown)); }

bool toggle(std::string_view label, const Rect& rect, bool on, std::string_view shown, std::string_view tip) {
  const Interaction it = interact(label, rect);
  registry::add(label, "switch", on_off(on), rect.min, rect.max);
  const Palette& c = colors();
  const float x = moving(it.id, on ? 1.0f : 0.0f, kSwitchSeconds, Ease::kCubicOut), r = px(9);
  const Rect body{{rect.min.x, rect.cy() - r}, {rect.min.x + px(kToggle), rect.cy() + r}};
  fill(body, mixed(mixed(c.hover, c.sep, it.hover), mixed(c.text, c.panel, 0.1f * it.hover), x), 9);
  if (it.focused) focus_ring(body, 9);
  const float knob = body.min.x + r + (body.w() - 2 * r) * x;
  canvas()->AddCircleFilled({knob, rect.cy()}, px(it.held ? 6 : 7), mixed(c.secondary, c.bg, x), 24);
  text({body.max.x + px(8), rect.cy()}, shown.empty() ? label : shown, Font::kLabel,
       mixed(c.secondary, c.text, std::max(it.hover, x)));
  tooltip(it, tip);
  return it.pressed;
}

bool nav_item(std::string_view label, const Rect& rect, Icon which, bool active, bool with_label) {
  const Interaction it = interact(label, rect);
  registry::add(label, "button", on_off(active), rect.min, rect.max);
  const Palette& c = colors();
  fill(rect, active ? c.hover : faded(c.raised, it.hover), kControlRadius);
  if (it.focused) focus_ring(rect, kControlRadius);
  const ImU32 color = active ? c.text : mixed(c.secondary, c.text, it.hover);
  icon(which, {with_label ? rect.min.x + px(22) : rect.cx(), rect.cy()}, color);
  if (with_label) {
    text({rect.min.x + px(46), rect.cy()}, label, active ? Font::kBodyBold : Font::kBody, color);
  } else {
    tooltip(it, label);
  }
  return it.pressed;
}

bool suggestion(std::string_view label, const Rect& rect, bool done, bool enabled) {
  const Interaction it = interact(label, rect, enabled);
  registry::add(label, "button", done ? "done" : "", rect.min, rect.max);
  const Palette& c = colors();
  fill(rect, surface(it, Look::kRaised, enabled), kControlRadius);
  if (it.focused) focus_ring(rect, kControlRadius);
  text_elided({rect.min.x + px(12), rect.cy()}, label, rect.w() - px(40), Font::kLabelMedium,
              enabled ? c.text : c.disabled);
  const ImU32 mark = !enabled ? c.disabled : mixed(c.secondary, c.text, it.hover);
  icon(done ? Icon::kTick : Icon::kChevronRight, {rect.max.x - px(14), rect.cy()}, mark);
  return it.pressed;
}

bool chip(std::string_view label, const Rect& rect, bool chosen, std::string_view shown, std::string_view tip) {
  const Interaction it = interact(label, rect);
  if (!tip.empty()) tooltip(it, tip);
  registry::add(label, "button", on_off(chosen), rect.min, rect.max);
  const Palette& c = colors();
  fill(rect, chosen ? c.hover : faded(c.raised, it.hover), kControlRadius);
  if (it.focused) focus_ring(rect, kControlRadius);
  text(rect.centre(), shown.empty() ? label : shown, chosen ? Font::kLabelBold : Font::kLabel,
       chosen ? c.text : c.secondary, Align::kCentre);
  return it.pressed;
}

void progress_bar(const Rect& rect, float fraction) {
  fill(rect, colors().hover, 2);
  Rect done = rect;
  done.max.x = rect.min.x + rect.w() * std::clamp(fraction, 0.0f, 1.0f);
  fill(done, colors().text, 2);
}

}  // namespace nopeek::ui
