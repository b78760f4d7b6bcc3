// A saved run of one model, as run.json, corpus.safetensors, and the model's config.json, tokenizer.json,
// model.safetensors and training.safetensors. One that opens trains two steps, is saved, and comes back bit for bit.
#include "core/live/lab.h"
#include "core/live/run_folder.h"
#include "tests/fuzz/fuzz.h"

namespace nopeek::fuzz {

namespace {

bool same(float a, float b) { return a == b || (a != a && b != b); }

bool same(const StepStats& a, const StepStats& b) {
  return same(a.reported, b.reported) && same(a.honest, b.honest) && same(a.future_attention, b.future_attention);
}

void require_same(const LaneState& a, const LaneState& b) {
  require(a.name == b.name && a.mask == b.mask && a.stopped == b.stopped && a.changes == b.changes,
          "a model comes back");
  require(same(a.measured, b.measured), "what was measured comes back");
  require(same_bits(a.trainer.weights, b.trainer.weights), "weights come back bit for bit");
  require(same_bits(a.trainer.last_good, b.trainer.last_good), "last good weights come back bit for bit");
  require(same_bits(a.trainer.optimiser.m, b.trainer.optimiser.m), "first moments come back bit for bit");
  require(same_bits(a.trainer.optimiser.v, b.trainer.optimiser.v), "second moments come back bit for bit");
  require(a.trainer.optimiser.t == b.trainer.optimiser.t, "updates come back");
  require(a.history_size == b.history_size, "the history comes back");
  for (int64_t i = 1; i <= a.history_size; ++i) {
    const StepRecord x = a.history->at_step(i), y = b.history->at_step(i);
    require(same(x, y) && x.masked == y.masked, "each step comes back");
  }
}

void require_same(const RunState& a, const RunState& b) {
  require(a.config == b.config && a.step == b.step && a.batcher_rng == b.batcher_rng, "the run comes back");
  require(a.mask_changed == b.mask_changed && a.leak_suspected == b.leak_suspected && a.leak_found == b.leak_found,
          "what is known of leaks comes back");
  require(a.corpus->train == b.corpus->train && a.corpus->validation == b.corpus->validation, "the text comes back");
  require(a.lanes.size() == b.lanes.size(), "all models come back");
  for (size_t i = 0; i < a.lanes.size(); ++i) require_same(a.lanes[i], b.lanes[i]);
}

/// A run that may be large or long to train is one that is only opened here.
bool is_small(const RunConfig& config) {
  return training_memory(config) < 4e6 && config.train.batch * config.model.context <= 256;
}

RunState trained(RunState run) {
  ThreadPool one(1);
  Lab lab(std::move(run));
  for (int i = 0; i < 2; ++i) lab.step(one);
  lab.snapshot(one);
  return lab.state();
}

std::filesystem::path write_parts(const std::vector<std::string_view>& parts) {
  const auto path = folder() / "run";
  std::filesystem::create_directories(path / "masked");
  const char* names[] = {"run.json",
                         "corpus.safetensors",
                         "masked/config.json",
                         "masked/tokenizer.json",
                         "masked/model.safetensors",
                         "masked/training.safetensors"};
  for (size_t i = 0; i < parts.size(); ++i) write_plain(path / names[i], parts[i]);
  return path;
}

}  // namespace

void run_input(std::string_view input) {
  const auto path = write_parts(parts_of(input, 6));
  accepted([&] {
    RunState run = load_run(path);
    if (!is_small(run.config)) return;
    must("a run that opens goes on, is saved and opens again", [&] {
      const RunState on = trained(std::move(run));
      save_run(folder() / "again", on);
      require_same(on, load_run(folder() / "again"));
    });
  });
}

}  // namespace nopeek::fuzz
