#include "core/live/lab.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "core/base/error.h"
#include "core/base/memory.h"
#include "core/base/stop.h"
#include "core/decode/generation.h"

namespace nopeek {

namespace {

constexpr int kProbeLength = 12;                           // a matrix that one can still read
constexpr int kPromptShare = 3;                            // the first third of the probe is the prompt
constexpr int kWrittenWords = 8, kWrittenCharacters = 32;  // with the prompt, a line that one reads at a glance

int written_tokens(const Corpus& corpus) {
  return corpus.tokenizer.kind() == TokenizerKind::kWord ? kWrittenWords : kWrittenCharacters;
}

constexpr double kSurelyThere = 5e7;  // bytes; where that is not to be had, nothing runs
constexpr double kMostMemory = 4e9;   // bytes; more than that is a slip of the finger, not a demonstration
/// Of what is available: the rest is for the window, and for others.
constexpr double kShareOfMemory = 0.8;

std::string in_bytes(double bytes) {
  char text[32];
  if (bytes >= 9.5e8) {
    std::snprintf(text, sizeof text, "%.*f GB",
                  bytes < 9.95e9 && std::abs(bytes / 1e9 - std::round(bytes / 1e9)) >= 0.05, bytes / 1e9);
  } else {
    std::snprintf(text, sizeof text, "%.0f MB", std::ceil(bytes / 1e6));
  }
  return text;
}

}  // namespace

namespace {

void require(bool ok, double memory, const std::string& reason) {
  if (ok) return;
  throw Error("These models would take about " + in_bytes(memory) + " of memory, " + reason +
              " Choose a smaller width, context or batch, or fewer layers.");
}

void require_allowed(double memory) {
  require(memory <= kMostMemory, memory, "more than the " + in_bytes(kMostMemory) + " that NoPeek allows.");
}

}  // namespace

void Lab::require_memory(const RunConfig& config, size_t lanes) {
  const double memory = static_cast<double>(lanes) * training_memory(config);
  require_allowed(memory);
  if (memory <= kSurelyThere) return;
  const double there = kShareOfMemory * available_memory();
  require(memory <= there, memory, "and only " + in_bytes(there) + " is free for them.");
}

RunConfig Lab::checked(RunConfig config, const Corpus& corpus, size_t lanes) {
  config.model.vocab = corpus.vocab_size();
  config.validate();
  corpus.require_context(config.model.context);
  require_allowed(static_cast<double>(lanes) * training_memory(config));
  return config;
}

std::vector<Lab::LaneStart> Lab::twins(int context) {
  return {{"masked", Mask::causal(context)}, {"unmasked", Mask::full(context)}};
}

Lab::Lane::Lane(const LaneStart& start, const RunConfig& config)
    : name(start.name),
      trainer(config, start.mask),
      probe(config.model, 1, config.model.context),
      mask(std::make_shared<const Mask>(start.mask)),
      mask_name(describe(start.mask)),
      masked(start.mask.is_causal()),
      trained(mask) {}

Lab::Lab(RunConfig config, std::shared_ptr<const Corpus> corpus, std::vector<LaneStart> lanes)
    : config_(checked(config, *corpus, lanes.size())),
      corpus_(std::move(corpus)),
      batcher_(*corpus_, config_.train.batch, config_.model.context, config_.seed),
      probe_(corpus_->probe(std::min(kProbeLength, config_.model.context))) {
  require_memory(config_, lanes.size());
  for (const LaneStart& start : lanes) lanes_.push_back(std::make_unique<Lane>(start, config_));
}

namespace {

std::vector<Lab::LaneStart> starts_of(const RunView& run) {
  std::vector<Lab::LaneStart> starts;
  for (const LaneView& lane : run.lanes) starts.push_back({lane.name, lane.mask});
  return starts;
}

}  // namespace

Lab::Lab(const RunView& run) : Lab((run.validate(), run.config), run.corpus, starts_of(run)) {
  batcher_.set_rng_state(run.batcher_rng);
  step_ = run.step;
  mask_changed_ = run.mask_changed;
  leak_suspected_ = run.leak_suspected;
  leak_found_ = run.leak_found;
  for (size_t i = 0; i < lanes_.size(); ++i) {
    Lane& lane = *lanes_[i];
    const LaneView& saved = run.lanes[i];
    lane.trainer.set_state(saved.trainer);
    lane.changes = saved.changes;
    if (!lane.changes.empty() && lane.changes.back().step == step_) lane.trained = nullptr;
    lane.stopped = saved.stopped;
    lane.measured = saved.measured;
    if (saved.history_size == 0) continue;
    lane.history = std::make_shared<LaneHistory>(*saved.history, saved.history_size);
    if (lane.stopped.empty()) lane.reported = lane.history->at_step(saved.history_size).reported;
  }
}

RunView Lab::view() const {
  RunView run(config_, corpus_);
  run.step = step_;
  run.batcher_rng = batcher_.rng_state();
  run.mask_changed = mask_changed_;
  run.leak_suspected = leak_suspected_;
  run.leak_found = leak_found_;
  for (const auto& lane : lanes_) {
    run.lanes.push_back({.name = lane->name,
                         .mask = *lane->mask,
                         .changes = lane->changes,
                         .trainer = lane->trainer.view(),
                         .history = lane->history,
                         .history_size = lane->history->size(),
                         .measured = lane->measured,
                         .stopped = lane->stopped,
                         .parameters = &std::as_const(lane->trainer).parameters()});
  }
  return run;
}

RunState Lab::state() const { return view().copy(); }

bool Lab::finished() const {
  return std::none_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->stopped.empty(); });
}

/// Runs each part of each lane that trains, all at once: two lanes then fill two cores, and four shards fill four.
template <class Part>
void Lab::for_lanes(ThreadPool& threads, int parts, const Part& part_of_lane) {
  const int count = static_cast<int>(lanes_.size());
  threads.run(count * parts, [&](int i) {
    Lane& lane = *lanes_[static_cast<size_t>(i % count)];
    if (lane.stopped.empty()) part_of_lane(lane, i / count);
  });
}

void Lab::step(ThreadPool& threads, Measure measure) {
  if (finished()) return;
  const int64_t step = step_ + 1;
  const bool recorded =
      measure == Measure::kNow || step == 1 || step % config_.train.measure_every == 0 || mask_changed_;
  const bool measured = recorded || measure == Measure::kOnlyShow;
  const auto& any = lanes_[0]->trainer;
  const uint64_t drawn = batcher_.rng_state();
  try {
    for (const auto& lane : lanes_) lane->history->reserve();
    const Batch& batch = batcher_.next();
    for_lanes(threads, any.shards(), [&, stop = StopScope::current()](Lane& lane, int shard) {
      const StopScope scope(stop);
      stop_if_asked();
      lane.trainer.run_shard(batch, shard, measured);
    });
    for_lanes(threads, any.chunks(), [](Lane& lane, int chunk) { lane.trainer.sum_gradients(chunk); });
    for (const auto& lane : lanes_) judge(*lane);
  } catch (...) {
    batcher_.set_rng_state(drawn);
    throw;
  }
  // From here on nothing fails: the step is made.
  step_ = step;
  mask_changed_ = false;
  for (const auto& lane : lanes_) begin_update(*lane, recorded);
  for_lanes(threads, any.chunks(), [](Lane& lane, int chunk) { lane.trainer.update_weights(chunk); });
  find_leak(measured);
}

void Lab::judge(Lane& lane) const {
  lane.verdict = {};
  if (!lane.stopped.empty()) return;
  try {
    lane.verdict.stats = lane.trainer.judge();
  } catch (const Error& error) {
    lane.verdict.stopped = error.what();
  }
}

void Lab::begin_update(Lane& lane, bool recorded) {
  lane.trained = lane.mask;
  if (!lane.stopped.empty()) return;
  const StepStats& stats = lane.verdict.stats;
  if (lane.verdict.stopped.empty()) {
    lane.trainer.begin_update();
    lane.history->append({recorded ? stats : StepStats{.reported = stats.reported}, lane.masked});
    lane.reported = stats.reported;
    if (!std::isnan(stats.honest)) lane.measured = stats;
  } else {
    lane.trainer.go_back();
    lane.stopped = std::move(lane.verdict.stopped);
    lane.reported = kNotMeasured;
    lane.measured = {};
  }
}

// The leak shows first in the reported losses, of every step; but on a text that the past alone predicts, one loss near
// zero is easily half of another. So the honest loss, which is measured less often, has to confirm it.
void Lab::find_leak(bool measured) {
  if (leak_found_) return;
  bool suspected = false, confirmed = false;
  for (const auto& peeking : lanes_) {
    for (const auto& honest : lanes_) {
      if (peeking->masked || !honest->masked) continue;
      if (!(peeking->reported < honest->reported / 2)) continue;
      suspected = true;
      confirmed |= measured && peeking->measured.honest - peeking->measured.reported > kSmallestLie;
    }
  }
  leak_suspected_ = !suspected ? std::nullopt : leak_suspected_ ? leak_suspected_ : step_;
  if (confirmed) leak_found_ = leak_suspected_;
}

void Lab::set_mask(int index, Mask mask) {
  Lane& lane = *lanes_.at(static_cast<size_t>(index));
  mask.validate(config_.model.context);
  if (mask == *lane.mask) return;
  // All that may fail comes first.
  auto next = std::make_shared<const Mask>(mask);
  std::string name = describe(mask);
  MaskChange change{step_, mask.is_causal(), name};
  lane.changes.reserve(lane.changes.size() + 1);
  lane.trainer.set_mask(std::move(mask));
  lane.mask = std::move(next);
  lane.mask_name = std::move(name);
  lane.masked = change.masked;
  mask_changed_ = true;
  // What lies between two steps, such as the strokes of a painted mask, is one change; or none, if it was taken back.
  if (!lane.changes.empty() && lane.changes.back().step == step_) lane.changes.pop_back();
  const bool taken_back = lane.trained != nullptr && *lane.mask == *lane.trained;
  if (!taken_back) lane.changes.push_back(std::move(change));
}

LaneSnapshot Lab::curve_of(const Lane& lane) {
  LaneSnapshot curve;
  curve.name = lane.name;
  curve.mask = lane.mask;
  curve.mask_name = lane.mask_name;
  curve.masked = lane.masked;
  curve.changes = lane.changes;
  curve.stopped = lane.stopped;
  curve.reported = lane.reported;
  curve.measured = lane.measured;
  curve.history = lane.history;
  curve.history_size = lane.history->size();
  return curve;
}

std::vector<LaneSnapshot> Lab::curves() const {
  std::vector<LaneSnapshot> curves;
  for (const auto& lane : lanes_) curves.push_back(curve_of(*lane));
  return curves;
}

LaneSnapshot Lab::look(Lane& lane) {
  const int T = static_cast<int>(probe_.size()), L = config_.model.layers, NH = config_.model.heads;
  LaneSnapshot look = curve_of(lane);
  const auto& parameters = lane.trainer.parameters();
  auto copy = std::make_shared<Parameters<float>>(config_.model);
  copy->flat() = parameters.flat();
  look.weights = std::move(copy);
  forward<float>(parameters, probe_, 1, T, {lane.mask.get(), 1}, Dropout{}, lane.probe);
  for (int l = 0; l < L; ++l) {
    const auto& weights = lane.probe.views().layers[static_cast<size_t>(l)].attention;  // (NH*T, T)
    look.attention.insert(look.attention.end(), weights.data(), weights.data() + weights.size());
    for (int h = 0; h < NH; ++h) {
      look.leak.push_back(static_cast<float>(future_attention<float>(weights.middleRows(h * T, T), T)));
      look.mean_leak += look.leak.back() / static_cast<float>(L * NH);
    }
  }
  const auto prompt = std::span(probe_).first(static_cast<size_t>(std::max(1, T / kPromptShare)));
  Decoder<float> decoder(parameters, *lane.mask);
  look.written = greedy_continuation<float>(decoder, prompt, written_tokens(*corpus_), corpus_->tokenizer.eos());
  return look;
}

Snapshot Lab::snapshot(ThreadPool& threads) {
  Snapshot snapshot;
  snapshot.step = step_;
  snapshot.finished = finished();
  snapshot.config = config_;
  snapshot.corpus = corpus_;
  snapshot.probe = probe_;
  snapshot.prompt_length = std::max(1, static_cast<int>(probe_.size()) / kPromptShare);
  snapshot.leak_found = leak_found_;
  snapshot.lanes.resize(lanes_.size());
  threads.run(static_cast<int>(lanes_.size()), [&, stop = StopScope::current()](int i) {
    const StopScope scope(stop);
    snapshot.lanes[static_cast<size_t>(i)] = look(*lanes_[static_cast<size_t>(i)]);
  });
  return snapshot;
}

}  // namespace nopeek
