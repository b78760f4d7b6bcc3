#pragma once
// States of runs to save, and what it means that two are equal.
#include <doctest/doctest.h>

#include "core/live/lab.h"
#include "tests/core/support.h"

namespace nopeek::test {

inline void train(Lab& lab, int steps) {
  ThreadPool one(1);
  for (int i = 0; i < steps; ++i) lab.step(one);
}

/// The twins after some steps.
inline RunState fresh_state(int steps) {
  Lab lab(small_run(), small_corpus(), Lab::twins(8));
  train(lab, steps);
  return lab.state();
}

/// Another record at `step`, and the same before and after.
inline void replace_record(LaneState& lane, int64_t step, const StepRecord& record) {
  auto history = std::make_shared<LaneHistory>();
  for (int64_t s = 1; s <= lane.history_size; ++s) history->append(s == step ? record : lane.history->at_step(s));
  lane.history = std::move(history);
}

inline bool same_figures(const StepStats& a, const StepStats& b) {
  const auto same = [](float x, float y) { return x == y || (x != x && y != y); };
  return same(a.reported, b.reported) && same(a.honest, b.honest) && same(a.future_attention, b.future_attention);
}

inline void check_same(const LaneState& a, const LaneState& b) {
  CHECK(a.name == b.name);
  CHECK(a.mask == b.mask);
  CHECK(a.stopped == b.stopped);
  CHECK(same_figures(a.measured, b.measured));
  CHECK(same_bits(a.trainer.weights, b.trainer.weights));
  CHECK(same_bits(a.trainer.last_good, b.trainer.last_good));
  CHECK(same_bits(a.trainer.optimiser.m, b.trainer.optimiser.m));
  CHECK(same_bits(a.trainer.optimiser.v, b.trainer.optimiser.v));
  CHECK(a.trainer.optimiser.t == b.trainer.optimiser.t);
  CHECK(a.changes == b.changes);
  REQUIRE(a.history_size == b.history_size);
  for (int64_t step = 1; step <= a.history_size; ++step) {
    REQUIRE(same_figures(a.history->at_step(step), b.history->at_step(step)));
    REQUIRE(a.history->at_step(step).masked == b.history->at_step(step).masked);
  }
}

/// Bit for bit.
inline void check_same(const RunState& a, const RunState& b) {
  CHECK(a.config == b.config);
  CHECK(a.corpus->name == b.corpus->name);
  CHECK(a.corpus->source == b.corpus->source);
  CHECK(a.corpus->train == b.corpus->train);
  CHECK(a.corpus->validation == b.corpus->validation);
  CHECK(a.corpus->tokenizer.kind() == b.corpus->tokenizer.kind());
  CHECK(a.corpus->tokenizer.parts().tokens == b.corpus->tokenizer.parts().tokens);
  CHECK(a.step == b.step);
  CHECK(a.batcher_rng == b.batcher_rng);
  CHECK(a.mask_changed == b.mask_changed);
  CHECK(a.leak_suspected == b.leak_suspected);
  CHECK(a.leak_found == b.leak_found);
  REQUIRE(a.lanes.size() == b.lanes.size());
  for (size_t i = 0; i < a.lanes.size(); ++i) check_same(a.lanes[i], b.lanes[i]);
}

}  // namespace nopeek::test
