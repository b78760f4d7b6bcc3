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
void validate_trainer(const Trainer<float>::StateView& trainer, const RunConfig& config, const std::string& whose) {
  const TensorSpec last = parameter_table(config.model).back();
  const auto size = static_cast<Eigen::Index>(last.offset + last.size());
  const auto& [weights, last_good, m, v, t] = trainer;
  need(weights.size() == size && last_good.size() == size && m.size() == size && v.size() == size,
       whose + " weights are not of this model");
  need(last_good.allFinite(), whose + " last good weights are not finite");
  need(m.allFinite() && v.allFinite() && v.minCoeff() >= 0, whose + " AdamW moments are impossible");
}

bool are_records(const LaneView& lane) {
  for (int64_t step = 1; step <= lane.history_size; ++step) {
    if (!is_record(lane.history->at_step(step))) return false;
  }
  return true;
}

void validate_lane(const LaneView& lane, const RunView& run) {
  const std::string whose = "the " + lane.name + " model's";
  need(lane.mask.size() == run.config.model.context, whose + " mask is not as large as the context");
  lane.mask.validate();
  validate_trainer(lane.trainer, run.config, whose);
  const int64_t size = lane.history_size;
  need(lane.history != nullptr || size == 0, whose + " history is missing");
  need(lane.stopped.empty() ? size == run.step : size < run.step, whose + " history is not as long as the run");
  need(lane.trainer.updates == size, whose + " optimiser is not at the step of its history");
  need(are_records(lane), whose + " history has impossible losses");
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

RunView::RunView(const RunState& state)
    : config(state.config),
      corpus(state.corpus),
      step(state.step),
      batcher_rng(state.batcher_rng),
      mask_changed(state.mask_changed),
      leak_suspected(state.leak_suspected),
      leak_found(state.leak_found) {
  for (const LaneState& lane : state.lanes) {
    lanes.push_back({.name = lane.name,
                     .mask = lane.mask,
                     .changes = lane.changes,
                     .trainer = lane.trainer.view(),
                     .history = lane.history,
                     .history_size = lane.history_size,
                     .measured = lane.measured,
                     .stopped = lane.stopped,
                     .parameters = nullptr});
  }
}

RunState RunView::copy() const {
  RunState state{.config = config,
                 .corpus = corpus,
                 .step = step,
                 .batcher_rng = batcher_rng,
                 .mask_changed = mask_changed,
                 .leak_suspected = leak_suspected,
                 .leak_found = leak_found,
                 .lanes = {}};
  for (const LaneView& lane : lanes) {
    const auto& [weights, last_good, m, v, updates] = lane.trainer;
    state.lanes.push_back({.name = lane.name,
                           .mask = lane.mask,
                           .changes = lane.changes,
                           .trainer = {weights, last_good, {m, v, updates}},
                           .history = lane.history,
                           .history_size = lane.history_size,
                           .measured = lane.measured,
                           .stopped = lane.stopped});
  }
  return state;
}

void RunState::validate() const { RunView(*this).validate(); }

void RunView::validate() const {
  need(corpus != nullptr, "it has no text");
  need(!lanes.empty() && lanes.size() <= RunState::kMostLanes, "it has " + std::to_string(lanes.size()) + " models");
  need(step >= 0 && step <= RunState::kMostSteps, "its step is impossible");
  need(Lab::checked(config, *corpus, lanes.size()) == config, "the model is not as wide as the text's vocabulary");
  for (const auto& leak : {leak_suspected, leak_found}) {
    need(!leak || (*leak >= 1 && *leak <= step), "a leak at an impossible step");
  }
  std::set<std::string> names;
  for (const LaneView& lane : lanes) {
    need(is_lane_name(lane.name) && names.insert(lane.name).second,
         "its models need different names of letters and digits");
    validate_lane(lane, *this);
  }
}

}  // namespace nopeek
