#include <imgui.h>
#include <imgui_stdlib.h>

#include <algorithm>
#include <memory>
#include <string>

#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"
#include "app/ui/widgets.h"

namespace nopeek::ui {
namespace {

constexpr float kRow = 36, kListPad = 6, kHeading = 28;
constexpr ImGuiWindowFlags kBare = ImGuiWindowFlags_NoTitleBar | ImGuiWindowFlags_NoResize | ImGuiWindowFlags_NoMove |
                                   ImGuiWindowFlags_NoScrollbar | ImGuiWindowFlags_NoScrollWithMouse |
                                   ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoNav;

bool field_wants_focus = false;
std::vector<std::unique_ptr<focus::Layer>> dialogs;  // open ones, the outermost first
ImGuiID return_focus_to = 0;                         // the widget that opened the present popup

/// While it lives, what is pasted is one line: Dear ImGui drops a line break where it should leave a blank, and the
/// words on both sides of it become one. Newer versions have another hook for the clipboard.
#if IMGUI_VERSION_NUM < 19110
class OneLinePaste {
 public:
  OneLinePaste() : before_(ImGui::GetIO().GetClipboardTextFn) {
    get = before_;
    if (before_) ImGui::GetIO().GetClipboardTextFn = read;
  }
  ~OneLinePaste() { ImGui::GetIO().GetClipboardTextFn = before_; }
  OneLinePaste(const OneLinePaste&) = delete;

 private:
  using Get = const char* (*)(void*);
  static const char* read(void* user) {
    const char* text = get(user);
    if (!text) return nullptr;
    line = text;
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
    return line.c_str();
  }
  inline static Get get = nullptr;
  inline static std::string line;
  Get before_;
};
#else
struct OneLinePaste {
  ~OneLinePaste() {}
};
#endif

void push_window_style(ImU32 back) {
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {0, 0});
  ImGui::PushStyleVar(ImGuiStyleVar_PopupRounding, px(8));
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, px(10));
  ImGui::PushStyleVar(ImGuiStyleVar_PopupBorderSize, 1);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
  ImGui::PushStyleColor(ImGuiCol_PopupBg, back);
  ImGui::PushStyleColor(ImGuiCol_WindowBg, back);
  ImGui::PushStyleColor(ImGuiCol_Border, colors().sep);
}
void pop_window_style() {
  ImGui::PopStyleColor(3);
  ImGui::PopStyleVar(5);
}

float list_width(std::span<const Option> options, float least) {
  float widest = least;
  for (const Option& o : options) {
    const std::string& shown = o.shown.empty() ? o.label : o.shown;
    const float detail = o.detail.empty() ? 0 : text_width(Font::kLabel, o.detail) + px(24);
    widest = std::max(widest, px(36) + text_width(Font::kLabelMedium, shown) + detail + px(16) + 2 * px(kListPad));
  }
  return widest;
}

float list_height(std::span<const Option> options) {
  float h = 2 * px(kListPad);
  for (const Option& o : options) h += px(kRow) + (o.heading.empty() ? 0 : px(kHeading));
  return h;
}

bool option_row(const Option& o, const Rect& row, bool focus_it) {
  const Palette& c = colors();
  const Interaction it = interact(o.label, row);
  registry::add(o.label, "option", o.chosen ? "on" : "off", row.min, row.max);
  if (focus_it) focus::set(it.id, true);
  fill(row, o.chosen ? c.hover : faded(c.hover, it.hover), 6);
  if (it.focused) outline(row, c.text, 2, 6);
  if (o.chosen) icon(Icon::kTick, {row.min.x + px(16), row.cy()}, c.text, 0.9f);
  text({row.min.x + px(32), row.cy()}, o.shown.empty() ? o.label : o.shown, Font::kLabelMedium, c.text);
  text({row.max.x - px(12), row.cy()}, o.detail, Font::kLabel, c.secondary, Align::kRight);
  return it.pressed;
}

/// The open list of `label`, below (or above) `anchor`. Returns the picked index, or -1.
int option_list(std::string_view label, const Rect& anchor, std::span<const Option> options) {
  const ImVec2 size{list_width(options, anchor.w()), std::min(list_height(options), theme().window.y - px(16))};
  ImVec2 at{anchor.min.x, anchor.max.y + px(4)};
  if (at.y + size.y > theme().window.y - px(8)) at.y = std::max(px(8), anchor.min.y - px(4) - size.y);
  at.x = std::clamp(at.x, px(8), std::max(px(8), theme().window.x - px(8) - size.x));
  ImGui::SetNextWindowPos(at);
  ImGui::SetNextWindowSize(size);
  push_window_style(colors().raised);
  int picked = -1;
  if (ImGui::BeginPopup("list", kBare & ~(ImGuiWindowFlags_NoScrollbar | ImGuiWindowFlags_NoScrollWithMouse))) {
    const focus::Layer layer;
    const bool appearing = ImGui::IsWindowAppearing();
    if (appearing) return_focus_to = focus::visible() ? focus::current() : 0;
    std::string scope(label);
    float y = at.y + px(kListPad) - ImGui::GetScrollY();
    for (size_t i = 0; i < options.size(); ++i) {
      const Option& o = options[i];
      if (!o.heading.empty()) {
        text({at.x + px(18), y + px(kHeading) * 0.5f}, o.heading, Font::kSmallBold, colors().secondary);
        y += px(kHeading);
        scope = o.heading;
      }
      const registry::Scope in(scope);
      const Rect row{{at.x + px(kListPad), y}, {at.x + size.x - px(kListPad), y + px(kRow)}};
      if (option_row(o, row, appearing && return_focus_to && (o.chosen || i == 0))) picked = static_cast<int>(i);
      y += px(kRow);
    }
    if (picked >= 0 || key_pressed(Key::kEscape, false)) {
      ImGui::CloseCurrentPopup();
      if (return_focus_to) focus::set(return_focus_to, true);
    }
    ImGui::EndPopup();
  }
  pop_window_style();
  return picked;
}

std::string chosen_label(std::span<const Option> options) {
  for (const Option& o : options) {
    if (o.chosen) return o.label;
  }
  return {};
}

}  // namespace

int combo(std::string_view label, const Rect& rect, std::string_view shown, std::span<const Option> options,
          bool enabled) {
  const Palette& c = colors();
  ImGui::PushID(label.data(), label.data() + label.size());
  const Interaction it = interact("combo", rect, enabled);
  if (registry::enabled()) registry::add(label, "combo", chosen_label(options), rect.min, rect.max);
  if (it.pressed) ImGui::OpenPopup("list");
  fill(rect, it.held ? c.sep : mixed(c.raised, c.hover, it.hover), 8);
  if (it.focused) focus_ring(rect, 8);
  const ImU32 color = enabled ? c.text : c.disabled;
  const bool whole = text_elided({rect.min.x + px(14), rect.cy()}, shown, rect.w() - px(44), Font::kLabelMedium, color);
  icon(Icon::kChevronDown, {rect.max.x - px(18), rect.cy()}, enabled ? c.secondary : c.disabled);
  if (!whole) tooltip(it, shown);
  const int picked = option_list(label, rect, options);
  ImGui::PopID();
  return picked;
}

int icon_menu(std::string_view label, const Rect& rect, Icon which, std::string_view tip,
              std::span<const Option> options, Look look, bool enabled) {
  ImGui::PushID(label.data(), label.data() + label.size());
  if (icon_button(label, rect, which, tip, enabled, look)) ImGui::OpenPopup("list");
  const int picked = option_list(label, rect, options);
  ImGui::PopID();
  return picked;
}

void focus_next_field() { field_wants_focus = true; }

bool text_field(std::string_view label, const Rect& rect, std::string& value, std::string_view hint, bool error) {
  const Palette& c = colors();
  ImFont* face = font(Font::kMonoLabel);
  ImGui::PushID(label.data(), label.data() + label.size());
  const ImGuiID id = ImGui::GetID("##field");
  const bool ring = focus::add(id, rect, focus::kText | focus::kHorizontal);
  const bool active = active_item() == id;
  if (field_wants_focus || (ring && !active)) ImGui::SetKeyboardFocusHere();
  field_wants_focus = false;
  fill(rect, active ? c.hover : c.raised, 8);
  if (error) outline(rect, c.secondary, 1.5f, 8);
  if (ring || active) focus_ring(rect, 8);
  ImGui::PushFont(face);
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {px(12), std::floor((rect.h() - face->FontSize) * 0.5f)});
  ImGui::PushStyleColor(ImGuiCol_FrameBg, 0);
  ImGui::PushStyleColor(ImGuiCol_Text, c.text);
  ImGui::PushStyleColor(ImGuiCol_TextDisabled, c.disabled);
  ImGui::PushStyleColor(ImGuiCol_TextSelectedBg, faded(c.secondary, 0.4f));
  ImGui::SetCursorScreenPos(rect.min);
  ImGui::SetNextItemWidth(rect.w());
  const std::string hint_text(hint);
  const OneLinePaste one_line;
  const bool entered = ImGui::InputTextWithHint(
      "##field", hint_text.c_str(), &value, ImGuiInputTextFlags_EnterReturnsTrue | ImGuiInputTextFlags_AutoSelectAll);
  if (ImGui::IsItemClicked()) focus::set(id, false);
  registry::add(label, "field", value, rect.min, rect.max);
  ImGui::PopStyleColor(4);
  ImGui::PopStyleVar();
  ImGui::PopFont();
  ImGui::PopID();
  return entered;
}

bool begin_dialog(std::string_view title, ImVec2 logical_size, bool& open, Rect& content) {
  const std::string name(title);
  if (open && !ImGui::IsPopupOpen(name.c_str())) ImGui::OpenPopup(name.c_str());
  if (!open && !ImGui::IsPopupOpen(name.c_str())) return false;
  const ImVec2 window = theme().window;
  const ImVec2 size{std::min(px(logical_size.x), window.x - px(32)), std::min(px(logical_size.y), window.y - px(32))};
  const ImVec2 at{std::floor((window.x - size.x) * 0.5f), std::floor((window.y - size.y) * 0.5f)};
  ImGui::SetNextWindowPos(at);
  ImGui::SetNextWindowSize(size);
  push_window_style(colors().panel);
  const bool begun = ImGui::BeginPopupModal(name.c_str(), nullptr, kBare);
  pop_window_style();
  if (!begun) return false;
  dialogs.push_back(std::make_unique<focus::Layer>());
  registry::push_scope(title);
  if (!open || key_pressed(Key::kEscape, false)) {
    open = false;
    ImGui::CloseCurrentPopup();
  }
  text({at.x + px(24), at.y + px(32)}, title, Font::kBodyBold, colors().text);
  content = {{at.x + px(24), at.y + px(64)}, {at.x + size.x - px(24), at.y + size.y - px(24)}};
  return true;
}

void end_dialog() {
  registry::pop_scope();
  dialogs.pop_back();
  ImGui::EndPopup();
}

}  // namespace nopeek::ui
