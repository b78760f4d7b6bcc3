#include "core/live/lab.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/error.h"
#include "core/decode/generation.h"

namespace nopeek {

namespace {

constexpr int kProbeLength = 12;                           // a matrix that one can still read
constexpr int kPromptShare = 3;                            // the first third of the probe is the prompt
constexpr int kWrittenWords = 8, kWrittenCharacters = 32;  // with the prompt, a line that one reads at a glance

int written_tokens(const Corpus& corpus) {
  return corpus.tokenizer.kind() == TokenizerKind::kWord ? kWrittenWords : kWrittenCharacters;
}

constexpr double kMostMemory = 4e9;  // bytes; more than that is a slip of the finger, not a demonstration

}  // namespace

void Lab::require_memory(const RunConfig& config, size_t lanes) {
  const double memory = static_cast<double>(lanes) * training_memory(config);
  if (memory <= kMostMemory) return;
  throw Error("These models would take about " + std::to_string(std::lround(memory / 1e9)) +
              " GB of memory, more than the " + std::to_string(std::lround(kMostMemory / 1e9)) +
              " GB that NoPeek allows. Choose a smaller width, context or batch, or fewer layers.");
}

RunConfig Lab::checked(RunConfig config, const Corpus& corpus, size_t lanes) {
  config.model.vocab = corpus.vocab_size();
  config.validate();
  corpus.require_context(config.model.context);
  require_memory(config, lanes);
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
  for (const LaneStart& start : lanes) lanes_.push_back(std::make_unique<Lane>(start, config_));
}

namespace {

std::vector<Lab::LaneStart> starts_of(const RunState& state) {
  std::vector<Lab::LaneStart> starts;
  for (const LaneState& lane : state.lanes) starts.push_back({lane.name, lane.mask});
  return starts;
}

}  // namespace

Lab::Lab(RunState state) : Lab((state.validate(), state.config), state.corpus, starts_of(state)) {
  batcher_.set_rng_state(state.batcher_rng);
  step_ = state.step;
  mask_changed_ = state.mask_changed;
  leak_suspected_ = state.leak_suspected;
  leak_found_ = state.leak_found;
  for (size_t i = 0; i < lanes_.size(); ++i) {
    Lane& lane = *lanes_[i];
    LaneState& saved = state.lanes[i];
    lane.trainer.set_state(std::move(saved.trainer));
    lane.changes = std::move(saved.changes);
    if (!lane.changes.empty() && lane.changes.back().step == step_) lane.trained = nullptr;
    lane.stopped = std::move(saved.stopped);
    lane.measured = saved.measured;
    for (const StepRecord& record : saved.history) lane.history->append(record);
    if (lane.stopped.empty() && !saved.history.empty()) lane.reported = saved.history.back().reported;
  }
}

RunState Lab::state() const {
  RunState state{.config = config_,
                 .corpus = corpus_,
                 .step = step_,
                 .batcher_rng = batcher_.rng_state(),
                 .mask_changed = mask_changed_,
                 .leak_suspected = leak_suspected_,
                 .leak_found = leak_found_,
                 .lanes = {}};
  for (const auto& lane : lanes_) {
    std::vector<StepRecord> history;
    for (int64_t step = 1; step <= lane->history->size(); ++step) history.push_back(lane->history->at_step(step));
    state.lanes.push_back({.name = lane->name,
                           .mask = *lane->mask,
                           .changes = lane->changes,
                           .trainer = lane->trainer.state(),
                           .history = std::move(history),
                           .measured = lane->measured,
                           .stopped = lane->stopped});
  }
  return state;
}

bool Lab::finished() const {
  return std::none_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->stopped.empty(); });
}

void Lab::step(ThreadPool& threads, Measure measure) {
  if (finished()) return;
  ++step_;
  bool recorded = measure == Measure::kNow || step_ == 1 || step_ % config_.train.measure_every == 0;
  recorded |= std::exchange(mask_changed_, false);
  const bool measured = recorded || measure == Measure::kOnlyShow;
  const Batch& batch = batcher_.next();
  // Each part for all lanes at once, so that two lanes fill two cores and four shards fill four.
  const int count = static_cast<int>(lanes_.size());
  const auto run = [&](int parts, auto part_of_lane) {
    threads.run(count * parts, [&](int i) {
      Lane& lane = *lanes_[static_cast<size_t>(i % count)];
      if (lane.stopped.empty()) part_of_lane(lane, i / count);
    });
  };
  const auto& any = lanes_[0]->trainer;
  run(any.shards(), [&](Lane& lane, int shard) { lane.trainer.run_shard(batch, shard, measured); });
  run(any.chunks(), [](Lane& lane, int chunk) { lane.trainer.sum_gradients(chunk); });
  for (const auto& lane : lanes_) begin_update(*lane, recorded);
  run(any.chunks(), [](Lane& lane, int chunk) { lane.trainer.update_weights(chunk); });
  find_leak(measured);
}

void Lab::begin_update(Lane& lane, bool recorded) {
  lane.trained = lane.mask;
  if (!lane.stopped.empty()) return;
  try {
    const StepStats stats = lane.trainer.begin_update();
    lane.history->append({recorded ? stats : StepStats{.reported = stats.reported}, lane.masked});
    lane.reported = stats.reported;
    if (!std::isnan(stats.honest)) lane.measured = stats;
  } catch (const Error& error) {
    lane.stopped = error.what();
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
  lane.trainer.set_mask(mask);
  lane.mask = std::make_shared<const Mask>(std::move(mask));
  lane.mask_name = describe(*lane.mask);
  lane.masked = lane.mask->is_causal();
  mask_changed_ = true;
  // What lies between two steps, such as the strokes of a painted mask, is one change; or none, if it was taken back.
  if (!lane.changes.empty() && lane.changes.back().step == step_) lane.changes.pop_back();
  const bool taken_back = lane.trained != nullptr && *lane.mask == *lane.trained;
  if (!taken_back) lane.changes.push_back({step_, lane.masked, lane.mask_name});
}

LaneSnapshot Lab::look(Lane& lane) {
  const int T = static_cast<int>(probe_.size()), L = config_.model.layers, NH = config_.model.heads;
  LaneSnapshot look;
  look.name = lane.name;
  look.mask = lane.mask;
  look.mask_name = lane.mask_name;
  look.masked = lane.masked;
  look.changes = lane.changes;
  look.stopped = lane.stopped;
  look.reported = lane.reported;
  look.measured = lane.measured;
  look.history = lane.history;
  look.history_size = lane.history->size();

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
  threads.run(static_cast<int>(lanes_.size()),
              [&](int i) { snapshot.lanes[static_cast<size_t>(i)] = look(*lanes_[static_cast<size_t>(i)]); });
  return snapshot;
}

}  // namespace nopeek
