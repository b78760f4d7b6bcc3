#pragma once
#include <imgui.h>

/// Movement as functions of one clock, which counts the frames' times. With reduced motion every duration is 0.
namespace nopeek::ui {

enum class Ease { kLinear, kCubicOut };

/// Advances the clock; once a frame, before anything is drawn.
void begin_motion(float seconds_since_last_frame);
/// Seconds since the start.
double clock_now();
/// Moves to `target` within `seconds` whenever the target of `id` changes; at once when it is first seen.
float moving(ImGuiID id, float target, float seconds, Ease ease = Ease::kLinear);
/// The share of the way that an exponential approach with time constant `seconds` goes in this frame.
float approach(float seconds);

/// Something is under way, and asks for another frame soon.
bool in_motion();
/// The same, for what is not a `moving` value: a delay that runs, a smoothed matrix.
void keep_moving();

}  // namespace nopeek::ui
