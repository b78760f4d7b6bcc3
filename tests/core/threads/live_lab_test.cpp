// The lab under one's eyes: what it publishes.
#include "core/live/live_lab.h"

#include <doctest/doctest.h>

#include <thread>

#include "core/live/run_log.h"
#include "tests/core/watched_lab.h"

namespace nopeek::test::live_lab_test {
namespace {

TEST_CASE("training starts by itself, and there is a snapshot from the first moment") {
  WatchedLab lab;
  REQUIRE(lab.now() != nullptr);
  CHECK(lab.now()->lanes.size() == 2);
  CHECK(lab.now()->run == 1);
  const auto later = lab.wait_for_step(20);
  CHECK_FALSE(later->paused);
  CHECK(later->target_rate == std::numeric_limits<double>::infinity());
  CHECK(later->lanes[0].history_size == later->step);
}

TEST_CASE("what a live lab publishes is, bit for bit, what a lab computes in the same number of steps") {
  WatchedLab live;
  live.wait_for_step(35);
  const auto snapshot = live.pause();
  Lab lab(live_start().config, small_corpus(), Lab::twins(live_start().config.model.context));
  ThreadPool one(1);
  while (lab.steps() < snapshot->step) lab.step(one);
  const Snapshot expected = lab.snapshot(one);
  CHECK(run_log(*snapshot) == run_log(expected));
  CHECK(hash_of_lanes(*snapshot) == hash_of_lanes(expected));
  CHECK(snapshot->probe == expected.probe);
  CHECK(snapshot->leak_found == expected.leak_found);
  CHECK(snapshot->config == expected.config);
}

TEST_CASE("an old snapshot does not change while training goes on") {
  WatchedLab lab;
  const auto old = lab.wait_for_step(15);
  const uint64_t lanes = hash_of_lanes(*old), log = hash_of(run_log(*old));
  const int64_t step = old->step;
  lab.post(SetMask{1, Mask::causal(8)});
  // Across a border of history blocks, a mask change and a restart.
  lab.wait_for_step(LaneHistory::kBlock / 8);
  lab.post(live_start(2));
  lab.wait([](const Snapshot& s) { return s.run == 2 && s.step > 10; });
  CHECK(hash_of_lanes(*old) == lanes);
  CHECK(hash_of(run_log(*old)) == log);
  CHECK(old->step == step);
  CHECK(old->run == 1);
  CHECK(old->lanes[1].mask->is_causal() == false);
}

TEST_CASE("a reader on another thread may read a snapshot's history while training appends to it") {
  WatchedLab lab;
  double sum = 0;
  std::jthread reader([&] {
    for (int64_t last = 0; last < 300;) {
      const auto snapshot = lab.now();
      for (const LaneSnapshot& lane : snapshot->lanes) {
        for (int64_t step = 1; step <= lane.history_size; ++step) sum += lane.history->at_step(step).reported;
      }
      last = snapshot->step;
    }
  });
  lab.wait_for_step(300);
  reader.join();
  CHECK(sum > 0);
}

TEST_CASE("snapshots come in order: steps never go back within a run, and runs only grow") {
  WatchedLab lab;
  uint64_t run = 0;
  int64_t step = -1;
  bool in_order = true;
  int seen = 0;
  const auto watch = [&](const Snapshot& s) {
    in_order &= s.run > run || (s.run == run && s.step >= step);
    run = s.run, step = s.step;
    return ++seen >= 30;
  };
  lab.wait(watch);
  lab.post(live_start(3));
  seen = 0;
  lab.wait(watch);
  CHECK(in_order);
}

TEST_CASE("checkpoints: in order, from the first step on, carrying what was published, thinned evenly when many") {
  WatchedLab lab;
  const auto early = lab.wait_for_step(100);
  REQUIRE(early->checkpoints != nullptr);
  const auto& first = *early->checkpoints;
  REQUIRE(first.size() >= 11);
  for (size_t i = 0; i < first.size(); ++i) {
    CHECK(first[i]->step == 10 * static_cast<int64_t>(i));
    CHECK(first[i]->checkpoints == nullptr);
    CHECK(first[i]->lanes[0].history_size == first[i]->step);
    CHECK(first[i]->lanes[0].attention.size() == early->lanes[0].attention.size());
  }
  const uint64_t of_fifth = hash_of_lanes(*first[5]);

  const auto late = lab.wait_for_step(2600);  // the 257th comes at 2560
  const auto& thinned = *late->checkpoints;
  CHECK(thinned.size() <= 256);
  CHECK(thinned.size() > 100);
  for (size_t i = 0; i < thinned.size(); ++i) CHECK(thinned[i]->step == 20 * static_cast<int64_t>(i));
  CHECK(hash_of_lanes(*first[5]) == of_fifth);  // the old list is as it was

  lab.post(live_start(2));
  const auto fresh = lab.wait([](const Snapshot& s) { return s.run == 2; });
  for (const auto& checkpoint : *fresh->checkpoints) CHECK(checkpoint->run == 2);
}

TEST_CASE("a lab can be destroyed while it trains, while it is paused, slow or finished, and at once") {
  for (int i = 0; i < 20; ++i) LiveLab at_once(live_start());
  for (int i = 0; i < 5; ++i) {
    WatchedLab running;
    running.wait_for_step(1 + i);
  }
  { WatchedLab paused(live_start(), true); }
  {
    WatchedLab slow;
    slow.post(SetRate{1e-3});  // the next step is due in a quarter of an hour
    slow.wait([](const Snapshot& s) { return s.target_rate == 1e-3; });
  }
  {
    Restart start = live_start();
    start.config.train.learning_rate = 1e6;
    WatchedLab finished(start);
    finished.wait([](const Snapshot& s) { return s.finished; });
    finished.post(live_start());
  }
}

TEST_CASE("when no lane can go on the lab says so, keeps what there is, and a restart brings it back") {
  Restart start = live_start();
  start.config.train.learning_rate = 1e6;
  WatchedLab lab(start);
  const auto end = lab.wait([](const Snapshot& s) { return s.finished; });
  for (const LaneSnapshot& lane : end->lanes) {
    CHECK(contains(lane.stopped, "lower learning rate"));
    for (const float weight : lane.attention) REQUIRE(std::isfinite(weight));
  }
  lab.post(StepOnce{});
  CHECK(lab.wait([](const Snapshot& s) { return s.paused; })->step == end->step);
  lab.post(live_start());
  const auto fresh = lab.wait([](const Snapshot& s) { return s.run == 2; });
  CHECK_FALSE(fresh->finished);
  CHECK(fresh->paused);
  // The step that was asked for belonged to the run that was over.
  lab.post(SetRate{50});
  CHECK(lab.wait([](const Snapshot& s) { return s.target_rate == 50; })->step == 0);
  CHECK(lab.step_once()->step == 1);
}

}  // namespace
}  // namespace nopeek::test::live_lab_test
