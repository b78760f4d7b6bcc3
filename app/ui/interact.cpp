#include "app/ui/interact.h"

#include <algorithm>

#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"

namespace nopeek::ui {
namespace {

constexpr float kHoverSeconds = 0.08f;
constexpr double kTipDelay = 0.15;

struct Tip {
  ImGuiID owner = 0;
  double since = 0;
  bool asked = false;  // in this frame
  ImVec2 anchor{};
  std::vector<TipLine> lines;
} tip;

void draw_tip() {
  const float pad_x = px(12), pad_y = px(8), line = px(20), gap = px(16);
  float names = 0, values = 0;
  for (const TipLine& l : tip.lines) {
    names = std::max(names, text_width(Font::kLabel, l.name));
    values = std::max(values, text_width(Font::kMonoLabel, l.value));
  }
  const ImVec2 size{names + (values > 0 ? gap + values : 0) + 2 * pad_x,
                    line * static_cast<float>(tip.lines.size()) + 2 * pad_y};
  const ImVec2 window = theme().window;
  ImVec2 at{tip.anchor.x + px(12), tip.anchor.y + px(16)};
  if (at.x + size.x > window.x - px(4)) at.x = std::max(px(4), tip.anchor.x - px(8) - size.x);
  if (at.y + size.y > window.y - px(4)) at.y = std::max(px(4), tip.anchor.y - px(8) - size.y);
  const Canvas canvas(ImGui::GetForegroundDrawList());
  const registry::Scope scope("Tooltip");
  const Rect box{at, {at.x + size.x, at.y + size.y}};
  fill(box, colors().raised, 8);
  outline(box, colors().sep, 1, 8);
  float y = at.y + pad_y + line * 0.5f;
  for (const TipLine& l : tip.lines) {
    text({at.x + pad_x, y}, l.name, Font::kLabel, l.value.empty() ? colors().text : colors().secondary);
    text({box.max.x - pad_x, y}, l.value, Font::kMonoLabel, l.color ? l.color : colors().text, Align::kRight);
    y += line;
  }
}

}  // namespace

Interaction interact(std::string_view label, const Rect& rect, bool enabled, unsigned own_keys) {
  Interaction out;
  ImGui::SetCursorScreenPos(rect.min);
  ImGui::PushID(label.data(), label.data() + label.size());
  if (!enabled) ImGui::BeginDisabled();
  out.pressed = ImGui::InvisibleButton("", {std::max(1.0f, rect.w()), std::max(1.0f, rect.h())});
  out.id = last_item_id();
  out.hovered = enabled && ImGui::IsItemHovered();
  out.held = enabled && ImGui::IsItemActive();
  if (!enabled) ImGui::EndDisabled();
  ImGui::PopID();
  if (enabled) {
    if (ImGui::IsItemClicked()) focus::set(out.id, false);
    out.focused = focus::add(out.id, rect, own_keys);
    out.pressed |= focus::activated(out.id);
  }
  out.hover = moving(out.id ^ 0x9E3779B9u, out.hovered ? 1.0f : 0.0f, kHoverSeconds);
  return out;
}

ImGuiID interaction_id(std::string_view label) {
  ImGui::PushID(label.data(), label.data() + label.size());
  const ImGuiID id = ImGui::GetID("");
  ImGui::PopID();
  return id;
}

void fill(const Rect& rect, ImU32 color, float logical_radius) {
  canvas()->AddRectFilled(rect.min, rect.max, color, logical_radius * theme().s);
}

void outline(const Rect& rect, ImU32 color, float logical_width, float logical_radius) {
  const float w = theme().line(logical_width);
  // ImGui centres a frame on its edges; ours lies inside.
  const Rect inner = rect.grown(-w * 0.5f + 0.5f);
  canvas()->AddRect(inner.min, inner.max, color, std::max(0.0f, logical_radius * theme().s - w * 0.5f), 0, w);
}

void focus_ring(const Rect& rect, float logical_radius) {
  outline(rect.grown(px(4)), colors().text, 2, logical_radius + 4);
}

void separator(float x0, float x1, float y) {
  canvas()->AddRectFilled({x0, y}, {x1, y + theme().line(1)}, colors().sep);
}

void hatch(const Rect& rect) {
  ImDrawList& list = *canvas();
  fill(rect, colors().forbidden);
  list.PushClipRect(rect.min, rect.max, true);
  const float pitch = px(6), h = rect.h();
  // A line rising to the right keeps x + y; those with x + y a multiple of the pitch are drawn.
  const float first = std::ceil((rect.min.x + rect.min.y) / pitch) * pitch;
  for (float sum = first; sum < rect.max.x + rect.max.y; sum += pitch) {
    const float x = sum - rect.max.y;
    list.AddLine({x, rect.max.y}, {x + h, rect.min.y}, colors().hatch, theme().line(1));
  }
  list.PopClipRect();
}

void tooltip(ImGuiID owner, ImVec2 anchor, std::vector<TipLine> lines) {
  if (tip.owner != owner) tip.since = clock_now();
  tip.owner = owner;
  tip.asked = true;
  tip.anchor = anchor;
  tip.lines = std::move(lines);
}

void tooltip(const Interaction& owner, std::string_view text) {
  if (!owner.hovered || owner.held || text.empty()) return;
  tooltip(owner.id, ImGui::GetIO().MousePos, {{std::string(text), {}}});
}

void begin_widgets(float seconds_since_last_frame) {
  begin_motion(seconds_since_last_frame);
  registry::new_frame();
  focus::begin_frame();
  tip.asked = false;
}

void end_widgets() {
  if (!tip.asked) {
    tip.owner = 0;
  } else if (clock_now() - tip.since >= kTipDelay || !theme().motion) {
    draw_tip();
  } else {
    keep_moving();
  }
}

}  // namespace nopeek::ui
