#include <algorithm>
#include <cmath>

#include "app/scenes/mask_lab.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr float kHeroInset = 20, kHeroApart = 136;  // right edges of the two hero numbers

std::string lane_label(const LaneSnapshot& lane) {
  return lane.name == "masked" ? "Masked" : lane.name == "unmasked" ? "Unmasked" : lane.name;
}

/// A line under the twin's name: what its mask does, or did last, or why it stopped.
std::string subtitle(const LaneSnapshot& lane) {
  if (!lane.stopped.empty()) return "stopped at step " + std::to_string(lane.history_size + 1);
  if (!lane.changes.empty()) {
    return mask_words(lane.mask_name) + " since step " + std::to_string(lane.changes.back().step);
  }
  const std::string sees = lane.masked ? "sees only the past" : "can see the future";
  const bool plain = lane.mask_name == "causal" || lane.mask_name == "full";
  return plain ? sees : lane.mask_name + ": " + sees;
}

void hero(float right, float top, std::string_view label, float loss, const Hue& hue, bool dashed, bool not_yet) {
  const float label_w = text(theme().at(right, top + 26), label, Font::kLabel, colors().secondary, Align::kRight);
  const bool measured = std::isfinite(loss);
  text(theme().at(right, top + 58), not_yet ? fmt("\xE2\x88\x92") : loss_text(loss), Font::kHero,
       measured ? hue.hero : colors().secondary, Align::kRight);
  const float x1 = px(right) - (label_w > 0 ? label_w : text_width(Font::kLabel, label)) - px(8), x0 = x1 - px(29);
  const float y = px(top + 26), half = std::max(1.0f, theme().line(3) * 0.5f);
  if (!dashed) return fill({{x0, y - half}, {x1, y + half}}, hue.fill, 1);
  for (float x = x0; x < x1; x += px(11)) fill({{x, y - half}, {std::min(x1, x + px(7)), y + half}}, hue.fill, 1);
}

/// As many whole words of `s` as fit, or characters where there are no words.
std::string fitting(std::string s, float width, bool words) {
  while (!s.empty() && text_width(Font::kBodyBold, s) > width) {
    const size_t space = words ? s.rfind(' ') : std::string::npos;
    size_t keep = words ? (space == std::string::npos ? 0 : space) : s.size() - 1;
    while (!words && keep > 0 && (static_cast<unsigned char>(s[keep]) & 0xC0) == 0x80) --keep;
    s.resize(keep);
  }
  return s;
}

/// A rounded panel with a cap of `hue` along its top if it is held.
void panel_with_cap(const Rect& panel, const Hue& hue, bool held) {
  fill(panel, colors().panel, 10);
  if (!held) return;
  ImDrawList& list = *canvas();
  list.PushClipRect(panel.min, {panel.max.x, panel.min.y + px(4)}, true);
  fill(panel, hue.fill, 10);
  list.PopClipRect();
}

}  // namespace

void MaskLab::draw_twin(const SceneInput& in, int lane_index, const TwinLayout& at) {
  const LaneSnapshot& lane = in.shown.lanes[static_cast<size_t>(lane_index)];
  const std::string label = lane_label(lane);
  const Rect panel = theme().rect(at.panel.min.x, at.panel.min.y, at.panel.w(), at.panel.h());
  panel_with_cap(panel, colors().hue(lane.masked), in.selection.lane == lane_index);
  ImGui::PushID(lane_index);
  {
    const registry::Scope scope(label);
    update_view(in, lane_index);
    draw_head_line(in, lane_index, at);
    draw_matrix(in, lane_index, at);
    draw_picker(in, lane_index, at);
    if (at.legend) draw_legend(lane, at);
    draw_leak(in, lane_index, at);
    draw_written(in, lane_index, at);
  }
  // Last, so that whatever is on the panel gets the mouse first.
  const Interaction it = interact("hold", panel);
  registry::add(label, "button", in.selection.lane == lane_index ? "on" : "off", panel.min, panel.max);
  if (it.focused) outline(panel, colors().text, 2, 10);
  if (it.pressed) in.actions.hold(lane_index);
  ImGui::PopID();
}

void MaskLab::draw_head_line(const SceneInput& in, int lane_index, const TwinLayout& at) {
  const LaneSnapshot& numbers = in.numbers.lanes[static_cast<size_t>(lane_index)];
  const Hue& hue = colors().hue(in.shown.lanes[static_cast<size_t>(lane_index)].masked);
  if (theme().small()) {
    draw_tabs(in, at);
  } else {
    draw_title(in, lane_index, at);
  }
  const float right = at.panel.max.x - kHeroInset, top = at.panel.min.y;
  hero(right - kHeroApart, top, "reported", numbers.measured.reported, hue, false, in.numbers.step == 0);
  hero(right, top, "honest", numbers.measured.honest, hue, true, in.numbers.step == 0);
}

void MaskLab::draw_title(const SceneInput& in, int lane_index, const TwinLayout& at) {
  const LaneSnapshot& lane = in.shown.lanes[static_cast<size_t>(lane_index)];
  const float x = at.panel.min.x, y = at.panel.min.y;
  fill(theme().rect(x + 20, y + 27, 14, 14), colors().hue(lane.masked).fill, 3);
  text(theme().at(x + 44, y + 34), title(in.shown, lane_index, true), Font::kTitle, colors().text);
  const std::string line = subtitle(lane);
  const float room = px(at.panel.w() - kHeroInset - kHeroApart - 130 - 20);
  const bool whole = text_elided(theme().at(x + 20, y + 62), line, room, Font::kLabel, colors().secondary);
  const Rect area = theme().rect(x + 20, y + 50, room / theme().s, 24);
  if (!whole && area.contains(ImGui::GetIO().MousePos))
    tooltip(ImGui::GetID("subtitle"), ImGui::GetIO().MousePos, {{line, {}}});
}

/// In the small class only the held twin has room: its name, and the other's as a tab.
void MaskLab::draw_tabs(const SceneInput& in, const TwinLayout& at) {
  float x = px(at.panel.min.x + 20);
  const float y = px(at.panel.min.y + 34);
  for (int i = 0; i < static_cast<int>(in.shown.lanes.size()); ++i) {
    const LaneSnapshot& lane = in.shown.lanes[static_cast<size_t>(i)];
    const bool held = i == in.selection.lane;
    const std::string name = title(in.shown, i, true);
    const Font face = held ? Font::kTitle : Font::kLabel;
    const float mark = px(held ? 14 : 10), gap = px(held ? 10 : 6), w = mark + gap + text_width(face, name);
    const Rect rect{{x - px(4), y - px(16)}, {x + w + px(4), y + px(16)}};
    ImGui::PushID(i);
    const Interaction it = interact("tab", rect);
    registry::add(lane_label(lane) + " tab", "button", held ? "on" : "off", rect.min, rect.max);
    if (it.pressed) in.actions.hold(i);
    if (!held) fill(rect, faded(colors().raised, it.hover), 6);
    if (it.focused) focus_ring(rect, 6);
    fill({{x, y - mark * 0.5f}, {x + mark, y + mark * 0.5f}}, colors().hue(lane.masked).fill, 3);
    text({x + mark + gap, y}, name, face, held ? colors().text : mixed(colors().secondary, colors().text, it.hover));
    ImGui::PopID();
    x += w + px(18);
  }
  const std::string line = subtitle(in.shown.lanes[static_cast<size_t>(in.selection.lane)]);
  text_elided(theme().at(at.panel.min.x + 20, at.panel.min.y + 62), line, px(at.panel.w() - 330), Font::kLabel,
              colors().secondary);
}

/// 'Looks at the future': the chosen head's leak on the probe.
void MaskLab::draw_leak(const SceneInput& in, int lane_index, const TwinLayout& at) {
  const LaneSnapshot& lane = in.shown.lanes[static_cast<size_t>(lane_index)];
  const LaneSnapshot& numbers = in.numbers.lanes[static_cast<size_t>(lane_index)];
  const auto head = static_cast<size_t>(in.selection.layer * in.shown.config.model.heads + in.selection.head);
  const float shown_leak = views_[lane_index].leak, leak = head < numbers.leak.size() ? numbers.leak[head] : NAN;
  const float right = at.panel.max.x - 20;
  Rect bar;
  if (at.sideways) {
    const float x = at.matrix.max.x + 16, y = std::max(at.matrix.max.y, at.panel.min.y + 240);
    text(theme().at(x, y - 44), "Looks at the future", Font::kLabel, colors().text);
    bar = theme().rect(x, y - 18, right - x, 16);
    text(theme().at(right, y - 44), percent_text(leak), Font::kTitle, leak > 0 ? colors().future.text : colors().text,
         Align::kRight);
  } else {
    const float y =
        at.panel.min.y +
        (theme().small() ? std::min(at.panel.h() - 62, at.matrix.max.y + 26 - at.panel.min.y) : at.panel.h() - 62);
    text(theme().at(at.panel.min.x + 20, y), "Looks at the future", Font::kBody, colors().text);
    bar = theme().rect(at.panel.min.x + 180, y - 8, at.panel.w() - 180 - 92, 16);
    text(theme().at(right, y), percent_text(leak), Font::kTitle, leak > 0 ? colors().future.text : colors().text,
         Align::kRight);
  }
  if (lane.masked) {
    hatch(bar);
  } else {
    fill(bar, colors().raised, 4);
    Rect filled = bar;
    filled.max.x = bar.min.x + bar.w() * std::clamp(shown_leak, 0.0f, 1.0f);
    if (filled.w() >= 1) fill(filled, colors().future.fill, 4);
  }
  if (!bar.contains(ImGui::GetIO().MousePos)) return;
  const float T = static_cast<float>(std::max<size_t>(1, in.shown.probe.size()));
  tooltip(ImGui::GetID("leak"), ImGui::GetIO().MousePos,
          {{lane.masked ? "The mask forbids it" : "An even spread would give",
            lane.masked ? "" : percent_text((T - 1) / (2 * T)).chars}});
}

/// The probe's first tokens, and what the twin makes of them. The prompt stays; of the rest, as much as fits.
void MaskLab::draw_written(const SceneInput& in, int lane_index, const TwinLayout& at) {
  const LaneSnapshot& lane = in.numbers.lanes[static_cast<size_t>(lane_index)];
  const Tokenizer& tokenizer = in.numbers.corpus->tokenizer;
  const float y = theme().small() ? std::min(at.panel.max.y - 28, at.matrix.max.y + 61) : at.panel.max.y - 28;
  text(theme().at(at.panel.min.x + 20, y), "Writes", Font::kLabel, colors().secondary);
  const auto prompt_end =
      in.numbers.probe.begin() + std::min<std::ptrdiff_t>(in.numbers.prompt_length, std::ssize(in.numbers.probe));
  std::string prompt = tokenizer.decode({in.numbers.probe.begin(), prompt_end});
  if (tokenizer.kind() == TokenizerKind::kWord && !prompt.empty()) prompt += ' ';
  std::string written = tokenizer.decode(lane.written);
  std::replace(prompt.begin(), prompt.end(), '\n', ' ');
  std::replace(written.begin(), written.end(), '\n', ' ');
  ImVec2 pen = theme().at(at.panel.min.x + 92, y);
  const float end = px(at.panel.max.x - 20) - px(8);
  prompt = elided(prompt, (end - pen.x) * 0.6f, Font::kBody);
  text(pen, prompt, Font::kBody, colors().secondary);
  pen.x += text_width(Font::kBody, prompt);
  const Hue& hue = colors().hue(lane.masked);
  written = fitting(written, end - pen.x, tokenizer.kind() == TokenizerKind::kWord);
  text(pen, written, Font::kBodyBold, hue.text);
  const float caret = pen.x + text_width(Font::kBodyBold, written) + px(4);
  fill({{caret, pen.y - px(9)}, {caret + theme().line(2), pen.y + px(9)}}, hue.text);
}

void MaskLab::draw_legend(const LaneSnapshot& lane, const TwinLayout& at) {
  const Palette& c = colors();
  const float x = at.matrix.max.x + 12, bottom = at.matrix.max.y;
  const auto swatches = [&](const ColorScale& scale, float y) {
    for (int i = 0; i < 4; ++i)
      fill(theme().rect(x + 7 * static_cast<float>(i), y - 6, 7, 12), scale[static_cast<size_t>(i) + 1]);
  };
  const auto caption = [&](const char* what, float y) { text(theme().at(x + 34, y), what, Font::kLabel, c.secondary); };
  swatches(c.past.scale, bottom - 56);
  caption("past", bottom - 56);
  if (lane.masked) {
    hatch(theme().rect(x, bottom - 38, 28, 12));
  } else {
    swatches(c.future.scale, bottom - 32);
  }
  caption(lane.masked ? "forbidden" : "future", bottom - 32);
  const Rect answer = theme().rect(x + 7, bottom - 15, 14, 14);
  if (lane.masked) {
    hatch(answer);
  } else {
    fill(answer, c.future.scale[4], 2);
  }
  outline(answer, lane.masked ? c.answer_on : c.answer_off, 1.5f, 2);
  caption("answer", bottom - 8);
}

}  // namespace nopeek
