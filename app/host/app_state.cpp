#include <cmath>

#include "app/host/app_impl.h"

namespace nopeek {

using nlohmann::json;
using namespace ui;

namespace {

json number(double v) { return std::isfinite(v) ? json(v) : json(); }

const char* mask_word(const LaneSnapshot& lane) {
  return lane.mask_name == "causal" ? "on" : lane.mask_name == "full" ? "off" : "custom";
}

json lane_state(const Snapshot& snapshot, const LaneSnapshot& lane, const Selection& selection) {
  const ModelConfig& model = snapshot.config.model;
  const bool chosen = selection.layer < model.layers && selection.head < model.heads;  // else of an opened model
  const auto head = static_cast<size_t>(selection.layer * snapshot.config.model.heads + selection.head);
  return {{"reported", number(static_cast<double>(lane.reported))},
          {"honest", number(static_cast<double>(lane.measured.honest))},
          {"future_attention", number(static_cast<double>(lane.measured.future_attention))},
          {"mask", mask_word(lane)},
          {"mask_name", lane.mask_name},
          {"stopped", lane.stopped},
          {"leak", chosen && head < lane.leak.size() ? number(static_cast<double>(lane.leak[head])) : json()},
          {"written", snapshot.corpus->tokenizer.decode(lane.written)}};
}

/// What an unmasked lane hides: its honest loss minus the one that it reports.
json lie(const Snapshot& snapshot) {
  for (const LaneSnapshot& lane : snapshot.lanes) {
    if (!lane.masked)
      return number(static_cast<double>(lane.measured.honest) - static_cast<double>(lane.measured.reported));
  }
  return {};
}

const char* layout_word() { return theme().wide() ? "wide" : theme().small() ? "small" : "medium"; }

}  // namespace

json App::Impl::state() const {
  const Snapshot& s = *shown;
  json out{{"step", s.step},
           {"scene", scene_title()},
           {"theme", settings.dark ? "dark" : "light"},
           {"size", {{"w", theme().window.x}, {"h", theme().window.y}}},
           {"scale", static_cast<double>(theme().s)},
           {"class", layout_word()},
           {"paused", newest->paused},
           {"rate", settings.rate},  // 0: as fast as the machine can
           {"seed", s.config.seed},
           {"corpus", s.corpus->name},
           {"run", s.run},
           {"held", held_voice().model.name},
           {"held_mask", held_is_masked() ? "on" : "off"},
           {"held_mask_name", held_voice().mask_name},
           {"opened", opened ? opened->model.name : ""},
           {"layer", selection.layer + 1},
           {"head", selection.head + 1},
           {"tokens_per_s", number(newest->tokens_per_second)},
           {"steps_per_s", number(newest->steps_per_second)},
           {"leak_found", s.leak_found ? json(*s.leak_found) : json()},
           {"lie", lie(s)},
           {"message", messages.newest()}};
  for (const LaneSnapshot& lane : s.lanes) out[lane.name] = lane_state(s, lane, selection);
  for (const auto& each : scenes) {
    if (each) each->report(out);
  }
  return out;
}

}  // namespace nopeek
