#include <algorithm>

#include "app/host/app_impl.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr float kShellPanelWidth = 300, kTop = 56, kShellPanelLine = 24, kCodeBlock = 214;
constexpr float kSlideSeconds = 0.18f;

constexpr const char* kCode[] = {
    "q, k, v = split(x @ Wqkv)", "s = q @ k.T / sqrt(d)", "s = s + mask", "p = softmax(s, dim=-1)", "y = p @ v",
    "return x + y @ Wo"};
constexpr size_t kMaskLine = 2;
constexpr std::string_view kPenalty = "penalty ";

/// Behind the line of the mask, by its name: see describe().
std::string mask_comment(std::string_view name) {
  if (name == "causal") return "# future = -inf";
  if (name == "full") return "# off: it peeks";
  if (name.starts_with(kPenalty)) return "# future = " + std::string(name.substr(kPenalty.size()));
  return "# " + std::string(name);
}

struct Piece {
  std::string_view text;
  Tone tone;
};

Font font_of(Tone tone) { return tone == Tone::kPlain ? Font::kBody : Font::kBodyBold; }
ImU32 color_of(Tone tone) {
  return tone == Tone::kPlain || tone == Tone::kStrong ? colors().text
         : tone == Tone::kPast                         ? colors().past.text
                                                       : colors().future.text;
}

/// Sets words of several colours into lines between x0 and x1 (px).
class Setter {
 public:
  Setter(float x0, float x1, float y)
      : x0_(x0), x1_(x1), pen_(x0), y_(y), space_(std::ceil(text_width(Font::kBody, " "))) {}

  void set(const Paragraph& paragraph) {
    for (const Words& words : paragraph) {
      std::string_view rest = words.text;
      while (!rest.empty()) {
        const size_t end = rest.find(' ');
        if (end > 0) word_.push_back({rest.substr(0, end), words.tone});
        if (end == std::string_view::npos) break;
        flush();
        pen_ += space_;
        rest.remove_prefix(end + 1);
      }
    }
    flush();
  }
  float y() const { return y_; }

 private:
  /// A word may be of several pieces, such as a coloured number and its full stop.
  void flush() {
    float width = 0;
    for (const Piece& p : word_) width += text_width(font_of(p.tone), p.text);
    if (pen_ + width > x1_ && pen_ > x0_) pen_ = x0_, y_ += px(kShellPanelLine);
    for (const Piece& p : word_) {
      text({pen_, y_}, p.text, font_of(p.tone), color_of(p.tone));
      pen_ += text_width(font_of(p.tone), p.text);
    }
    word_.clear();
  }
  float x0_, x1_, pen_, y_, space_;
  std::vector<Piece> word_;
};

/// The words from y (px) on; returns where the next thing may begin.
float draw_words(const std::vector<Paragraph>& words, float x0, float x1, float y) {
  for (const Paragraph& paragraph : words) {
    Setter setter(x0, x1, y);
    setter.set(paragraph);
    y = setter.y() + px(kShellPanelLine + 10);
  }
  return y - px(kShellPanelLine + 10) + px(kShellPanelLine * 0.5f);
}

/// The suggestions from y on. `scroll` changes so that the one with the focus lies within `clip`.
float draw_suggestions(const Explanation& e, float left, float right, float y, const Rect& clip, float& scroll) {
  separator(left + px(24), right - px(24), y);
  text({left + px(24), y + px(24)}, "Try this", Font::kSmallBold, colors().secondary);
  y += px(38);
  const registry::Scope scope("Try this");
  for (const Suggestion& s : e.suggestions) {
    const bool pressed = suggestion(s.label, {{left + px(12), y}, {right - px(12), y + px(36)}}, s.done);
    if (pressed && s.act) s.act();
    if (focus::visible() && focus::current() == interaction_id(s.label)) {
      scroll += std::max(0.0f, y + px(44) - clip.max.y) - std::max(0.0f, clip.min.y - y);
    }
    y += px(44);
  }
  return y;
}

}  // namespace

void App::Impl::draw_panel() {
  const float w = theme().logical_w(), h = theme().logical_h();
  if (theme().wide() && settings.panel_open) {
    overlay_open = false;
    draw_panel_content({{w - kShellPanelWidth, kTop}, {w, h}});
    return;
  }
  draw_panel_tab();
  const float shown_part =
      moving(ImGui::GetID("panel overlay"), overlay_open ? 1.0f : 0.0f, kSlideSeconds, Ease::kCubicOut);
  if (shown_part <= 0) return;
  const Rect area{{w - kShellPanelWidth * shown_part, kTop}, {w + kShellPanelWidth * (1 - shown_part), h}};
  const Rect pixels = theme().rect(area.min.x, area.min.y, kShellPanelWidth, h - kTop);
  ImGui::SetNextWindowPos(pixels.min);
  ImGui::SetNextWindowSize({pixels.w(), pixels.h()});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {0, 0});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 0);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 0);
  ImGui::Begin("##panel", nullptr,
               ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoSavedSettings |
                   ImGuiWindowFlags_NoBackground | ImGuiWindowFlags_NoScrollWithMouse | ImGuiWindowFlags_NoNav);
  ImGui::PopStyleVar(3);
  draw_panel_content(area);
  ImGui::End();
}

/// The narrow strip at the right edge that opens the panel.
void App::Impl::draw_panel_tab() {
  const registry::Scope scope("Panel");
  const float w = theme().logical_w(), h = theme().logical_h(), tab = panel_width();
  const Rect rect = theme().rect(w - tab, kTop, tab, h - kTop);
  const Interaction it = interact("What you are seeing", rect);
  registry::add("What you are seeing", "button", overlay_open ? "on" : "off", rect.min, rect.max);
  fill(rect, mixed(colors().panel, colors().raised, it.hover));
  canvas()->AddRectFilled(rect.min, {rect.min.x + theme().line(1), rect.max.y}, colors().sep);
  if (it.focused) outline(rect, colors().text, 2);
  icon(Icon::kChevronLeft, theme().at(w - tab * 0.5f, kTop + 31), mixed(colors().secondary, colors().text, it.hover));
  text_down(theme().at(w - tab * 0.5f, kTop + 64), "What you are seeing", Font::kLabelMedium, colors().secondary);
  if (!it.pressed) return;
  if (theme().wide()) {
    settings.panel_open = true;
  } else {
    overlay_open = true;
  }
}

void App::Impl::draw_panel_content(Rect area) {
  const registry::Scope scope("Panel");
  const Rect box{theme().at(area.min.x, area.min.y), theme().at(area.max.x, area.max.y)};
  fill(box, colors().panel);
  canvas()->AddRectFilled(box.min, {box.min.x + theme().line(1), box.max.y}, colors().sep);
  text(theme().at(area.min.x + 24, kTop + 32), scene_title(), Font::kTitle, colors().text);
  if (icon_button("Close panel", theme().rect(area.max.x - 44, kTop + 16, 32, 32), Icon::kChevronRight,
                  "Close the panel", true, Look::kPlain)) {
    (theme().wide() ? settings.panel_open : overlay_open) = false;
  }
  draw_code(area);
  draw_panel_words(area);
}

/// What is between the title and the code; it scrolls if it is too long.
void App::Impl::draw_panel_words(Rect area) {
  const Rect clip{theme().at(area.min.x + 1, kTop + 52), theme().at(area.max.x, area.max.y - kCodeBlock - 8)};
  const float left = px(area.min.x), right = left + px(kShellPanelWidth);
  ImGui::PushClipRect(clip.min, clip.max, true);
  const float top = clip.min.y + px(16) - panel_scroll;
  text({left + px(24), top}, "What you are seeing", Font::kSmallBold, colors().secondary);
  const SceneInput input = scene_input();
  scene_at_work = scene;
  const Explanation e = scene_now().explain(input);
  float y = draw_words(e.words, left + px(24), right - px(24), top + px(28));
  // As in the design where there is room; closer where that saves scrolling.
  const float suggestions = px(38) + px(44) * static_cast<float>(e.suggestions.size());
  const float spare = clip.max.y - y - suggestions - panel_scroll;
  const float offset = panel_scroll;  // with which this frame is drawn
  y = draw_suggestions(e, left, right, y + std::clamp(spare, px(12), px(28)), clip, panel_scroll);
  scene_at_work.reset();
  ImGui::PopClipRect();
  const float too_much = std::max(0.0f, y + offset - clip.max.y);
  if (clip.contains(ImGui::GetIO().MousePos)) panel_scroll -= ImGui::GetIO().MouseWheel * px(40);
  panel_scroll = std::clamp(panel_scroll, 0.0f, too_much);
  if (too_much <= 0) return;
  const float share = clip.h() / (clip.h() + too_much), at = panel_scroll / (clip.h() + too_much);
  const float x = right - px(6);
  fill({{x, clip.min.y + clip.h() * at}, {x + px(3), clip.min.y + clip.h() * (at + share)}}, colors().hover, 2);
}

/// The six lines that matter in this scene.
void App::Impl::draw_code(Rect area) {
  const Code code = scene_now().code();
  if (code.lines.empty()) return draw_attention_code(area);
  const float left = area.min.x, h = area.max.y;
  separator(px(left + 24), px(left + kShellPanelWidth - 24), px(h - kCodeBlock));
  text(theme().at(left + 24, h - kCodeBlock + 24), code.title, Font::kSmallBold, colors().secondary);
  float y = h - 156;
  for (const std::string& line : code.lines) {
    text(theme().at(left + 24, y), line, Font::kCode, colors().secondary);
    y += 24;
  }
}

/// The third line is the held lane's mask.
void App::Impl::draw_attention_code(Rect area) {
  const Palette& c = colors();
  const float left = area.min.x, h = area.max.y;
  const std::string& mask = held_voice().mask_name;
  const Hue& hue = c.hue(held_voice().masked);
  separator(px(left + 24), px(left + kShellPanelWidth - 24), px(h - kCodeBlock));
  text(theme().at(left + 24, h - kCodeBlock + 24), "Attention, six lines", Font::kSmallBold, c.secondary);
  for (size_t i = 0; i < std::size(kCode); ++i) {
    const float y = h - 156 + 24 * static_cast<float>(i);
    const ImVec2 at = theme().at(left + 24, y);
    if (i != kMaskLine) {
      text(at, kCode[i], Font::kCode, c.secondary);
      continue;
    }
    fill(theme().rect(left + 12, y - 12, kShellPanelWidth - 24, 24), hue.dim);
    fill(theme().rect(left + 12, y - 12, 3, 24), hue.fill);
    const float code_w = text_width(Font::kMonoBold, kCode[i]);
    text(at, kCode[i], Font::kMonoBold, hue.hi);
    if (mask == "full")
      canvas()->AddRectFilled({at.x - px(2), at.y}, {at.x + code_w + px(2), at.y + theme().line(1.5f)}, hue.hi);
    text_elided({at.x + code_w + px(16), at.y}, mask_comment(mask), px(kShellPanelWidth - 36) - code_w - px(16),
                Font::kMonoBold, hue.hi);
  }
}

}  // namespace nopeek
