#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"
#include "app/ui/widgets.h"

namespace nopeek::ui {
namespace {

constexpr double kFinitePart = 0.95;  // of the track, where it ends at infinity
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Typing {
  ImGuiID id = 0;  // of the slider whose number is being typed; 0: none
  std::string text;
  bool begun = false;
} typing;

double position_of(double value, const SliderSpec& spec) {
  if (spec.ends_at_infinity && std::isinf(value)) return 1;
  const double v = std::clamp(value, spec.min, spec.max);
  const double x = spec.logarithmic ? std::log(v / spec.min) / std::log(spec.max / spec.min)
                                    : (v - spec.min) / (spec.max - spec.min);
  return x * (spec.ends_at_infinity ? kFinitePart : 1);
}

/// Two significant digits: nobody means 61.7 steps a second.
double rounded(double v) {
  if (v == 0) return 0;
  const double unit = std::pow(10, std::floor(std::log10(std::abs(v))) - 1);
  return std::round(v / unit) * unit;
}

double value_at(double x, const SliderSpec& spec) {
  x = std::clamp(x, 0.0, 1.0);
  if (spec.ends_at_infinity) {
    if (x > (1 + kFinitePart) / 2) return kInfinity;
    x = std::min(1.0, x / kFinitePart);
  }
  const double v =
      spec.logarithmic ? spec.min * std::pow(spec.max / spec.min, x) : spec.min + x * (spec.max - spec.min);
  return std::clamp(spec.whole ? std::round(v) : rounded(v), spec.min, spec.max);
}

/// The next value that differs, `steps` hundredths of the track away.
double stepped(double value, double steps, const SliderSpec& spec) {
  double x = position_of(value, spec), next = value;
  if (spec.ends_at_infinity && std::isinf(value) && steps < 0) return spec.max;
  for (int i = 0; i < 100 && next == value && x >= 0 && x <= 1; ++i) next = value_at(x += steps / 100, spec);
  return next;
}

bool read_keys(ImGuiID id, double& value, const SliderSpec& spec) {
  if (focus::current() != id || !focus::letters_are_free() || active_item()) return false;
  const double before = value;
  if (key_pressed(Key::kLeft) || key_pressed(Key::kDown)) value = stepped(value, -1, spec);
  if (key_pressed(Key::kRight) || key_pressed(Key::kUp)) value = stepped(value, +1, spec);
  if (key_pressed(Key::kPageDown)) value = stepped(value, -10, spec);
  if (key_pressed(Key::kPageUp)) value = stepped(value, +10, spec);
  if (key_pressed(Key::kHome)) value = spec.min;
  if (key_pressed(Key::kEnd)) value = spec.ends_at_infinity ? kInfinity : spec.max;
  return value != before;
}

std::string value_text(double value, const SliderSpec& spec) {
  if (std::isinf(value)) return "max";
  char chars[32];
  std::snprintf(chars, sizeof chars, "%.6g", spec.negated && value != 0 ? -value : value);
  return chars;
}

bool parse(const std::string& s, const SliderSpec& spec, double& value) {
  if (spec.ends_at_infinity && (s == "max" || s == "inf" || s == "-inf" || s == "off")) return value = kInfinity, true;
  char* rest = nullptr;
  double v = std::strtod(s.c_str(), &rest);
  if (rest == s.c_str() || std::isnan(v)) return false;
  if (spec.negated) v = std::abs(v);  // whoever leaves the minus out means the same
  if (spec.whole) v = std::round(v);
  const double most = std::max(spec.max, spec.typed_max);
  value = spec.ends_at_infinity && v > most ? kInfinity : std::clamp(v, spec.min, most);
  return true;
}

/// The field that takes the slider's place while its number is typed.
bool type_value(std::string_view label, const Rect& track, double& value, const SliderSpec& spec) {
  const Rect field{{track.min.x, track.cy() - px(16)}, {track.max.x, track.cy() + px(16)}};
  if (!typing.begun) focus_next_field();
  const bool entered = text_field(label, field, typing.text);
  const bool left = typing.begun && !ImGui::IsItemActive() && active_item() != last_item_id();
  const bool escaped = key_pressed(Key::kEscape, false);
  typing.begun |= ImGui::IsItemActive();
  if (!entered && !left && !escaped) return false;
  const double before = value;
  if (!escaped) parse(typing.text, spec, value);
  focus::set(typing.id, entered && focus::visible());
  typing = {};
  return value != before;
}

void draw(const Rect& track, const Interaction& it, float x) {
  const Palette& c = colors();
  const float r = px(it.held ? 10 : it.hovered ? 9 : 8), half = std::max(1.0f, px(2));
  const float knob = std::round(track.min.x + track.w() * x);
  fill({{track.min.x, track.cy() - half}, {track.max.x, track.cy() + half}}, c.hover, 2);
  fill({{track.min.x, track.cy() - half}, {knob, track.cy() + half}}, c.secondary, 2);
  canvas()->AddCircleFilled({knob, track.cy()}, r, c.text, 32);
  if (it.focused) canvas()->AddCircle({knob, track.cy()}, r + px(4), c.text, 32, theme().line(2));
}

}  // namespace

bool slider(std::string_view label, const Rect& track, double& value, const SliderSpec& spec) {
  ImGui::PushID(label.data(), label.data() + label.size());
  const ImGuiID self = ImGui::GetID("slider");
  if (typing.id == self) {
    const bool changed = type_value(label, track, value, spec);
    ImGui::PopID();
    return changed;
  }
  const Interaction it = interact("track", track, true, focus::kHorizontal | focus::kVertical);
  registry::add(label, "slider", registry::enabled() ? value_text(value, spec) : std::string(), track.min, track.max);
  ImGui::PopID();
  const ImGuiIO& io = ImGui::GetIO();
  const bool exact = it.hovered && (ImGui::IsMouseDoubleClicked(0) || (io.KeyCtrl && ImGui::IsMouseClicked(0)));
  if (exact || focus::entered(it.id)) {
    if (exact) clear_active_item();
    typing = {self, value_text(value, spec), false};
    keep_moving();
  }
  const double before = value;
  if (it.held && typing.id == 0 && (ImGui::IsMouseDragging(0, 1) || ImGui::IsMouseClicked(0))) {
    value = value_at((io.MousePos.x - track.min.x) / track.w(), spec);
  }
  read_keys(it.id, value, spec);
  draw(track, it, static_cast<float>(position_of(value, spec)));
  return value != before;
}

}  // namespace nopeek::ui
