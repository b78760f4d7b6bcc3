#include "app/ui/motion.h"

#include <cmath>
#include <unordered_map>

#include "app/ui/theme.h"

namespace nopeek::ui {
namespace {

struct Track {
  float from, to;
  double since;
};
std::unordered_map<ImGuiID, Track> tracks;
double now = 0;
float frame_seconds = 0;
bool moved = false;

float eased(float x, Ease ease) { return ease == Ease::kLinear ? x : 1 - (1 - x) * (1 - x) * (1 - x); }

float value_at(const Track& track, float seconds, Ease ease) {
  const double x = seconds > 0 ? (now - track.since) / seconds : 1;
  return x >= 1 ? track.to : track.from + (track.to - track.from) * eased(static_cast<float>(x), ease);
}

}  // namespace

void begin_motion(float seconds_since_last_frame) {
  frame_seconds = seconds_since_last_frame;
  now += frame_seconds;
  moved = false;
}

double clock_now() { return now; }

float moving(ImGuiID id, float target, float seconds, Ease ease) {
  if (!theme().motion) seconds = 0;
  const auto [it, fresh] = tracks.try_emplace(id, Track{target, target, now});
  Track& track = it->second;
  if (!fresh && track.to != target) track = {value_at(track, seconds, ease), target, now};
  const float value = value_at(track, seconds, ease);
  moved |= value != target;
  return value;
}

float approach(float seconds) { return theme().motion ? 1 - std::exp(-frame_seconds / seconds) : 1; }

bool in_motion() { return moved; }
void keep_moving() { moved = true; }

}  // namespace nopeek::ui
