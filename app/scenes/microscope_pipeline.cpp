#include <algorithm>
#include <cmath>

#include "app/scenes/microscope.h"
#include "app/ui/focus.h"
#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr int kPipelineTextures = 100;  // keys of the thumbs' pictures: these and the next four
constexpr float kThumb = 144, kThumbLow = 96, kPipelineInset = 20;
constexpr float kPipelinePlay = 48, kPlaySmall = 36;
constexpr float kStop = 5, kKnob = 8;

float thumb_size() { return theme().low ? kThumbLow : kThumb; }

/// Of a stage's matrix, in logical px.
Rect thumb_place(const Rect& panel, int stage) {
  const float size = thumb_size(), pitch = (panel.w() - 2 * kPipelineInset - size) / StageClock::kLast;
  const float x = panel.min.x + kPipelineInset + std::round(pitch * static_cast<float>(stage)), y = panel.min.y + 76;
  return {{x, y}, {x + size, y + size}};
}

}  // namespace

void Microscope::draw_pipeline(const SceneInput& in, const Rect& panel) {
  const Rect room = draw_header(in, panel);
  const bool playing = lens_.clock.playing();
  const char* tip = playing ? "Pause (P)" : "Play the five steps (P)";
  Rect play = theme().rect(panel.min.x + kPipelineInset, panel.max.y - 44, kPipelinePlay, 32);
  if (theme().small()) {
    play = theme().rect(room.min.x, room.min.y, kPlaySmall, 32);
  } else if (theme().low) {
    play = theme().rect(room.min.x, room.min.y, kPipelinePlay, 32);
  }
  if (icon_button("Play steps", play, playing ? Icon::kPause : Icon::kPlay, tip, lens_.ready()))
    lens_.clock.play(!playing);
  if (theme().small()) return draw_stage_names({{room.min.x + kPlaySmall + 8, room.min.y}, room.max});
  draw_thumbs(in, panel);
  draw_operators(panel);
  draw_scrubber(panel);
}

/// Where there is no room for the matrices.
void Microscope::draw_stage_names(const Rect& room) {
  const float w = std::floor(room.w() / kStages);
  for (int i = 0; i < kStages; ++i) {
    const auto stage = static_cast<Stage>(i);
    const Rect place = theme().rect(room.min.x + w * static_cast<float>(i), room.min.y, w - 2, room.h());
    if (chip(stage_name(stage), place, stage == lens_.clock.stage())) lens_.clock.go_to(stage);
  }
}

void Microscope::draw_thumbs(const SceneInput& in, const Rect& panel) {
  for (int i = 0; i < kStages; ++i) draw_thumb(in, static_cast<Stage>(i), thumb_place(panel, i));
}

void Microscope::draw_thumb(const SceneInput& in, Stage stage, const Rect& place) {
  const Palette& c = colors();
  const Rect rect = theme().rect(place.min.x, place.min.y, place.w(), place.h());
  const bool chosen = stage == lens_.clock.stage();
  const Interaction it = interact(stage_name(stage), rect, lens_.ready());
  registry::add(stage_name(stage), "button", chosen ? "on" : "off", rect.min, rect.max);
  if (it.pressed) lens_.clock.go_to(stage);
  text({rect.cx(), px(place.min.y - 16)}, stage_name(stage), chosen ? Font::kBodyBold : Font::kBody,
       chosen || it.hovered ? c.text : c.secondary, Align::kCentre);
  if (!lens_.ready()) return fill(rect, c.raised, 2);
  const StageMatrices& matrices = lens_.matrices;
  const gl::HeatmapSpec look = matrices.look(stage, place.w() / static_cast<float>(lens_.T()));
  draw_heatmap(in.heatmaps, kPipelineTextures + static_cast<int>(stage), look, rect, matrices.values(stage),
               matrices.revision());
  const float pitch = rect.h() / static_cast<float>(look.rows),
              y = rect.min.y + pitch * static_cast<float>(std::min(lens_.cell.row, lens_.T() - 1));
  const float out = px(2), height = std::max(pitch, px(2));
  outline({{rect.min.x - out, std::round(y) - out}, {rect.max.x + out, std::round(y + height) + out}}, c.text, 1.5f, 2);
  if (chosen) outline(rect.grown(px(6)), c.text, 2, 6);
  if (!chosen && it.hovered) outline(rect.grown(px(6)), c.text, 1, 6);
  // Around its name, too, which stands where the ring would be.
  if (it.focused) focus_ring({{rect.min.x - px(6), rect.min.y - px(24)}, {rect.max.x + px(6), rect.max.y + px(6)}}, 6);
}

/// What leads from one matrix to the next.
void Microscope::draw_operators(const Rect& panel) const {
  const Palette& c = colors();
  const std::string scaling = lens_.ready() ? scale_operator(lens_.stages()) : kUnknownScale;
  for (int i = 0; i + 1 < kStages; ++i) {
    const Rect from = thumb_place(panel, i), to = thumb_place(panel, i + 1);
    const auto stage = static_cast<Stage>(i + 1);
    const float x0 = px(from.max.x + 14), x1 = px(to.min.x - 11), y = px(from.cy());
    text({(x0 + x1) * 0.5f, y - px(16)}, stage_operator(stage, scaling), Font::kMonoLabel,
         stage == Stage::kMasked && lens_.ready() ? c.hue(lens_.matrices.masked()).text : c.text, Align::kCentre);
    canvas()->AddLine({x0, y}, {x1 - px(5), y}, c.disabled, theme().line(1.5f));
    canvas()->AddTriangleFilled({x1 - px(6), y - px(4)}, {x1, y}, {x1 - px(6), y + px(4)}, c.disabled);
  }
}

/// Its knob is where the clock is; dragging it sets the clock.
void Microscope::draw_scrubber(const Rect& panel) {
  const Palette& c = colors();
  const float x0 = px(thumb_place(panel, 0).cx()), x1 = px(thumb_place(panel, StageClock::kLast).cx());
  const float y = px(panel.max.y - (theme().low ? 24 : 28)), half = std::max(1.0f, px(2));
  const auto x_at = [&](float place) { return x0 + (x1 - x0) * place / StageClock::kLast; };
  const float reach = px(kKnob);
  const Rect area{{x0 - reach, y - px(14)}, {x1 + reach, y + px(14)}};
  const Interaction it = interact("Steps of the head", area, lens_.ready(), focus::kHorizontal);
  StageClock& clock = lens_.clock;
  registry::add("Steps of the head", "area", fmt("%.3g", static_cast<double>(clock.place())), area.min, area.max);
  const float pointed =
      std::clamp((ImGui::GetIO().MousePos.x - x0) / (x1 - x0), 0.0f, 1.0f) * static_cast<float>(StageClock::kLast);
  if (it.held && ImGui::IsMouseDragging(0, px(3))) clock.scrub(pointed);
  if (it.id != 0 && ImGui::IsItemDeactivated()) clock.go_to(static_cast<Stage>(std::lround(pointed)));
  if (it.focused) {
    const int by = (key_pressed(Key::kRight) ? 1 : 0) - (key_pressed(Key::kLeft) ? 1 : 0);
    if (by != 0) clock.step(by);
  }
  const float knob = x_at(clock.place());
  fill({{x0, y - half}, {x1, y + half}}, c.hover, 2);
  fill({{x0, y - half}, {knob, y + half}}, c.secondary, 2);
  for (int i = 0; i < kStages; ++i) {
    const float x = x_at(static_cast<float>(i));
    canvas()->AddCircleFilled({x, y}, px(kStop), x <= knob ? c.secondary : c.hover, 20);
  }
  canvas()->AddCircleFilled({knob, y}, px(it.held ? kKnob + 2 : it.hovered ? kKnob + 1 : kKnob), c.text, 32);
  if (it.focused) canvas()->AddCircle({knob, y}, px(kKnob + 4), c.text, 32, theme().line(2));
  if (it.hovered && !it.held) tooltip(it, stage_name(static_cast<Stage>(std::lround(pointed))));
}

bool Microscope::step_key() {
  const ImGuiIO& io = ImGui::GetIO();
  if (io.KeyCtrl || io.KeyAlt || io.KeySuper || !lens_.ready()) return false;
  if (character_key_pressed('P')) return lens_.clock.play(!lens_.clock.playing()), true;
  if (focus::visible() || (focus::current_own_keys() & focus::kHorizontal)) return false;
  const int by = (key_pressed(Key::kRight) ? 1 : 0) - (key_pressed(Key::kLeft) ? 1 : 0);
  if (by == 0) return false;
  lens_.clock.step(by);
  return true;
}

}  // namespace nopeek
