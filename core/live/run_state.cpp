#include "core/live/run_state.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/error.h"
#include "core/live/lab.h"

namespace nopeek {

bool is_lane_name(const std::string& name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), good);
}

namespace {

void need(bool ok, const std::string& what) {
  if (!ok) throw Error("The run does not fit together: " + what + ".");
}

bool is_record(const StepRecord& record) {
  return std::isfinite(record.reported) && !std::isinf(record.honest) && !std::isinf(record.future_attention);
}

/// Weights may be anything: a step that ruins them is told by the next one, which goes back to the last good ones.
void validate_trainer(const Trainer<float>::State& trainer, const RunConfig& config, const std::string& whose) {
  const TensorSpec last = parameter_table(config.model).back();
  const auto size = static_cast<Eigen::Index>(last.offset + last.size());
  const auto& [m, v, t] = trainer.optimiser;
  need(trainer.weights.size() == size && trainer.last_good.size() == size && m.size() == size && v.size() == size,
       whose + " weights are not of this model");
  need(trainer.last_good.allFinite(), whose + " last good weights are not finite");
  need(m.allFinite() && v.allFinite() && v.minCoeff() >= 0, whose + " AdamW moments are impossible");
}

void validate_lane(const LaneState& lane, const RunState& run) {
  const std::string whose = "the " + lane.name + " model's";
  need(lane.mask.size() == run.config.model.context, whose + " mask is not as large as the context");
  lane.mask.validate();
  validate_trainer(lane.trainer, run.config, whose);
  const auto size = static_cast<int64_t>(lane.history.size());
  need(lane.stopped.empty() ? size == run.step : size < run.step, whose + " history is not as long as the run");
  need(lane.trainer.optimiser.t == size, whose + " optimiser is not at the step of its history");
  need(std::all_of(lane.history.begin(), lane.history.end(), is_record), whose + " history has impossible losses");
  need(is_record({{lane.measured.reported, lane.measured.honest, lane.measured.future_attention}, true}) ||
           std::isnan(lane.measured.reported),
       whose + " measured losses are impossible");
  int64_t step = 0;
  for (const MaskChange& change : lane.changes) {
    need(change.step >= step && change.step <= run.step, whose + " mask was changed at an impossible step");
    step = change.step;
  }
}

}  // namespace

void RunState::validate() const {
  need(corpus != nullptr, "it has no text");
  need(!lanes.empty() && lanes.size() <= kMostLanes, "it has " + std::to_string(lanes.size()) + " models");
  need(step >= 0 && step <= LaneHistory::kBlock * LaneHistory::kBlocks, "its step is impossible");
  need(Lab::checked(config, *corpus, lanes.size()) == config, "the model is not as wide as the text's vocabulary");
  for (const auto& leak : {leak_suspected, leak_found}) {
    need(!leak || (*leak >= 1 && *leak <= step), "a leak at an impossible step");
  }
  std::set<std::string> names;
  for (const LaneState& lane : lanes) {
    need(is_lane_name(lane.name) && names.insert(lane.name).second,
         "its models need different names of letters and digits");
    validate_lane(lane, *this);
  }
}

}  // namespace nopeek
