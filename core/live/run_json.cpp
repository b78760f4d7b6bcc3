#include "core/live/run_json.h"

#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/json_fields.h"
#include "core/io/shown.h"

namespace nopeek {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

constexpr int kVersion = 1;
constexpr uint64_t kMostBytes = 40u << 20;
constexpr int64_t kMostSteps = RunState::kMostSteps;
constexpr double kMost = std::numeric_limits<double>::max();

ordered_json json_from(const RunConfig& config) {
  const ModelConfig& m = config.model;
  const TrainConfig& t = config.train;
  return {{"seed", std::to_string(config.seed)},
          {"model",
           {{"vocab", m.vocab},
            {"context", m.context},
            {"channels", m.channels},
            {"layers", m.layers},
            {"heads", m.heads},
            {"dropout", m.dropout}}},
          {"train",
           {{"batch", t.batch},
            {"learning_rate", t.learning_rate},
            {"warmup_steps", t.warmup_steps},
            {"beta1", t.beta1},
            {"beta2", t.beta2},
            {"epsilon", t.epsilon},
            {"weight_decay", t.weight_decay},
            {"grad_clip", t.grad_clip},
            {"measure_every", t.measure_every}}}};
}

RunConfig read_config(const Fields& config) {
  // Finer limits are validate()'s.
  const auto integer = [](const Fields& fields, const char* key) {
    return static_cast<int>(fields.integer(key, 0, std::numeric_limits<int>::max()));
  };
  const auto number = [](const Fields& fields, const char* key) { return fields.number(key, 0, kMost); };
  const Fields m = config.object("model"), t = config.object("train");
  RunConfig run;
  run.seed = config.bits("seed");
  run.model = {.vocab = integer(m, "vocab"),
               .context = integer(m, "context"),
               .channels = integer(m, "channels"),
               .layers = integer(m, "layers"),
               .heads = integer(m, "heads"),
               .dropout = number(m, "dropout")};
  run.train = {.batch = integer(t, "batch"),
               .learning_rate = number(t, "learning_rate"),
               .warmup_steps = integer(t, "warmup_steps"),
               .beta1 = number(t, "beta1"),
               .beta2 = number(t, "beta2"),
               .epsilon = number(t, "epsilon"),
               .weight_decay = number(t, "weight_decay"),
               .grad_clip = number(t, "grad_clip"),
               .measure_every = integer(t, "measure_every")};
  run.validate();
  return run;
}

// JSON has no NaN: what was not measured is null.
json json_from(float value) { return std::isnan(value) ? json() : json(value); }

float read_measured(const Fields& fields, const char* key) {
  constexpr double kMostFloat = std::numeric_limits<float>::max();
  if (fields.find(key) == nullptr) return kNotMeasured;
  return static_cast<float>(fields.number(key, -kMostFloat, kMostFloat));
}

json json_from(const std::optional<int64_t>& step) { return step ? json(*step) : json(); }

std::optional<int64_t> read_step(const Fields& fields, const char* key) {
  if (fields.find(key) == nullptr) return std::nullopt;
  return fields.integer(key, 1, kMostSteps);
}

ordered_json json_from(const LaneView& lane) {
  ordered_json changes = ordered_json::array();
  for (const MaskChange& change : lane.changes) {
    changes.push_back({{"step", change.step}, {"masked", change.masked}, {"mask", change.mask}});
  }
  return {{"name", lane.name},
          {"updates", lane.trainer.updates},
          {"mask_changes", changes},
          {"measured",
           {{"reported", json_from(lane.measured.reported)},
            {"honest", json_from(lane.measured.honest)},
            {"future_attention", json_from(lane.measured.future_attention)}}},
          {"stopped", lane.stopped}};
}

LaneState read_lane(const Fields& fields) {
  LaneState lane{.name = fields.text("name"),
                 .mask = Mask::causal(1),
                 .changes = {},
                 .trainer = {},
                 .history = nullptr,
                 .history_size = 0,
                 .measured = {},
                 .stopped = one_line(fields.text("stopped", ""))};
  if (!is_lane_name(lane.name)) fields.fail("name", "letters and digits: a folder is called so");
  lane.trainer.optimiser.t = fields.integer("updates", 0, kMostSteps);
  const Fields measured = fields.object("measured");
  lane.measured = {.reported = read_measured(measured, "reported"),
                   .honest = read_measured(measured, "honest"),
                   .future_attention = read_measured(measured, "future_attention")};
  const json& changes = fields.at("mask_changes");
  if (!changes.is_array()) fields.fail("mask_changes", "an array");
  for (const json& entry : changes) {
    const Fields change(entry, fields.what() + ", \"mask_changes\"");
    const bool masked = change.flag("masked");
    // Runs of before masks had names were toggled, between these two.
    const std::string mask = one_line(change.text("mask", masked ? "causal" : "full"));
    lane.changes.push_back({change.integer("step", 0, kMostSteps), masked, mask});
  }
  return lane;
}

}  // namespace

std::string run_json(const RunView& run) {
  ordered_json out;
  out["version"] = kVersion;
  out["step"] = run.step;
  out["config"] = json_from(run.config);
  out["corpus"] = {{"name", run.corpus->name}, {"source", run.corpus->source}};
  out["batcher_rng"] = std::to_string(run.batcher_rng);
  out["mask_changed"] = run.mask_changed;
  out["leak_suspected"] = json_from(run.leak_suspected);
  out["leak_found"] = json_from(run.leak_found);
  out["lanes"] = ordered_json::array();
  for (const LaneView& lane : run.lanes) out["lanes"].push_back(json_from(lane));
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

SavedRun read_run_json(const std::filesystem::path& path) {
  const std::string shown = nopeek::shown(path);
  const Fields fields(parse_json(read_file(path, kMostBytes), shown), shown);
  if (fields.integer("version", 1, std::numeric_limits<int>::max()) != kVersion) {
    throw Error(shown + " was saved by a newer NoPeek. Open it with that one.");
  }
  SavedRun saved;
  RunState& run = saved.run;
  run.config = read_config(fields.object("config"));
  run.step = fields.integer("step", 0, kMostSteps);
  run.batcher_rng = fields.bits("batcher_rng");
  run.mask_changed = fields.flag("mask_changed");
  run.leak_suspected = read_step(fields, "leak_suspected");
  run.leak_found = read_step(fields, "leak_found");
  saved.corpus_name = one_line(fields.object("corpus").text("name"));
  saved.corpus_source = one_line(fields.object("corpus").text("source", ""));
  const json& lanes = fields.at("lanes");
  if (!lanes.is_array() || lanes.empty() || lanes.size() > RunState::kMostLanes) {
    fields.fail("lanes", "an array of 1 to " + std::to_string(RunState::kMostLanes) + " models");
  }
  for (const json& lane : lanes) run.lanes.push_back(read_lane(Fields(lane, shown + ", \"lanes\"")));
  return saved;
}

}  // namespace nopeek
