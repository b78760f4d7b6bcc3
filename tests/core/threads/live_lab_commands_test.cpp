// The lab under one's eyes: what one may ask of it.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <future>
#include <stdexcept>

#include "core/live/run_log.h"
#include "tests/core/watched_lab.h"

namespace nopeek::test::live_lab_commands_test {
namespace {

Mask blind_mask() {
  Mask mask = Mask::causal(8);
  mask.set(0, 0, Mask::kForbidden);
  return mask;
}

TEST_CASE("made paused, it stands at step 0 until it is asked to go") {
  WatchedLab lab(live_start(), /*paused=*/true);
  CHECK(lab.now()->paused);
  // Commands are carried out in order: had a step come in between, this snapshot would show it.
  lab.post(SetRate{40});
  CHECK(lab.wait([](const Snapshot& s) { return s.target_rate == 40; })->step == 0);
  lab.post(SetPaused{false});
  const auto running = lab.wait_for_step(3);
  CHECK_FALSE(running->paused);
}

TEST_CASE("pausing stops, and what is shown as paused moves no more") {
  WatchedLab lab;
  lab.wait_for_step(5);
  const auto paused = lab.pause();
  CHECK(paused->steps_per_second == 0);
  CHECK(paused->tokens_per_second == 0);
  for (int i = 0; i < 5; ++i) {
    const double rate = 100 + i;
    lab.post(SetRate{rate});
    CHECK(lab.wait([=](const Snapshot& s) { return s.target_rate == rate; })->step == paused->step);
  }
}

TEST_CASE("one step is exactly one step, and pauses; as many are made as are asked for") {
  WatchedLab lab;
  lab.wait_for_step(3);
  lab.post(StepOnce{});
  const int64_t start = lab.wait([](const Snapshot& s) { return s.paused; })->step;
  lab.post(SetRate{77});  // behind the step
  const int64_t stands = lab.wait([](const Snapshot& s) { return s.target_rate == 77; })->step;
  CHECK(stands <= start + 1);
  CHECK(lab.step_once()->step == stands + 1);
  CHECK(lab.step_once()->step == stands + 2);

  for (int i = 0; i < 7; ++i) lab.post(StepOnce{});  // faster than they can be made
  lab.post(SetRate{88});
  CHECK(lab.wait([](const Snapshot& s) { return s.target_rate == 88; })->step == stands + 9);
}

TEST_CASE("commands take effect in the order in which they were posted") {
  WatchedLab lab(live_start(), true);
  lab.post(StepOnce{});
  lab.post(SetMask{0, Mask::full(8)});  // after step 1
  lab.post(StepOnce{});
  lab.post(SetMask{0, Mask::causal(8)});  // after step 2
  lab.post(StepOnce{});
  const auto end = lab.wait_for_step(3);
  const auto& history = *end->lanes[0].history;
  CHECK(history.at_step(1).masked);
  CHECK_FALSE(history.at_step(2).masked);
  CHECK(history.at_step(3).masked);
}

TEST_CASE("a mask acts from the next step on, is seen at once, and the change is noted") {
  WatchedLab lab;
  lab.wait_for_step(40);
  const int64_t step = lab.pause()->step;
  lab.post(SetMask{1, Mask::causal(8)});
  const auto changed = lab.wait([](const Snapshot& s) { return s.lanes[1].masked; });
  CHECK(changed->step == step);
  CHECK(changed->lanes[1].name == "unmasked");
  CHECK(*changed->lanes[1].mask == Mask::causal(8));
  CHECK(changed->lanes[1].mean_leak == 0.0f);  // of the probe, under the new mask
  REQUIRE(changed->lanes[1].changes.size() == 1);
  CHECK(changed->lanes[1].changes[0].step == step);
  CHECK(changed->lanes[1].changes[0].masked);
  CHECK(changed->lanes[0].changes.empty());

  const auto stepped = lab.step_once();
  CHECK_FALSE(stepped->lanes[1].history->at_step(step).masked);
  CHECK(stepped->lanes[1].history->at_step(step + 1).masked);
}

TEST_CASE("a live run with masks changed between steps equals a lab that is told the same") {
  WatchedLab live(live_start(), true);
  Lab lab(live_start().config, small_corpus(), Lab::twins(8));
  ThreadPool one(1);
  const std::pair<int, Mask> changes[] = {
      {0, Mask::full(8)}, {1, Mask::off_by_one(8)}, {0, Mask::penalised_future(8, -2)}, {1, Mask::causal(8)}};
  for (const auto& [lane, mask] : changes) {
    live.post(SetMask{lane, mask});
    lab.set_mask(lane, mask);
    for (int i = 0; i < 5; ++i) live.step_once(), lab.step(one);
  }
  const auto snapshot = live.now();
  const Snapshot expected = lab.snapshot(one);
  CHECK(run_log(*snapshot) == run_log(expected));
  CHECK(hash_of_lanes(*snapshot) == hash_of_lanes(expected));
}

TEST_CASE("a restart keeps the run that was, with its curves, and begins at step 0 with the new settings") {
  WatchedLab lab;
  lab.wait_for_step(12);
  const auto before = lab.pause();
  Restart next = live_start(7);
  next.config.model.context = 5;
  lab.post(next);
  const auto after = lab.wait([](const Snapshot& s) { return s.run == 2; });
  CHECK(after->step == 0);
  CHECK(after->paused);
  CHECK(after->config.seed == 7);
  CHECK(after->config.model.context == 5);
  CHECK(after->lanes[0].mask->size() == 5);
  CHECK_FALSE(after->leak_found.has_value());
  REQUIRE(after->earlier->size() == 1);
  const EarlierRun& earlier = after->earlier->front();
  CHECK(earlier.corpus == "small");
  CHECK(earlier.steps == before->step);
  CHECK(earlier.config == before->config);
  REQUIRE(earlier.lanes.size() == 2);
  CHECK(earlier.lanes[0].history_size == before->step);
  CHECK(earlier.lanes[1].history->at_step(before->step).reported == before->lanes[1].reported);

  // Masks now have the new size.
  CHECK_THROWS_AS(lab.post(SetMask{0, Mask::full(8)}), Error);
  CHECK_NOTHROW(lab.post(SetMask{0, Mask::full(5)}));
  // A run without a step is not worth keeping; and there is an end to keeping.
  lab.post(live_start(8));
  CHECK(lab.wait([](const Snapshot& s) { return s.run == 3; })->earlier->size() == 1);
  for (uint64_t run = 4; run <= 12; ++run) {
    lab.step_once();
    lab.post(live_start(run));
    lab.wait([=](const Snapshot& s) { return s.run == run; });
  }
  const auto last = lab.now();
  CHECK(last->earlier->size() == 4);
  CHECK(last->earlier->back().config.seed == 11);
  CHECK(last->earlier->front().config.seed == 8);
}

TEST_CASE("restarts faster than they can be carried out: masks must fit the last one that was asked for") {
  WatchedLab lab;
  for (int round = 0; round < 30; ++round) {
    for (const int context : {4, 6, 8}) {
      Restart next = live_start();
      next.config.model.context = context;
      lab.post(next);
      CHECK_THROWS_AS(lab.post(SetMask{0, Mask::full(context + 1)}), Error);
      CHECK_NOTHROW(lab.post(SetMask{0, Mask::full(context)}));
    }
  }
  const auto end = lab.wait([](const Snapshot& s) { return s.run == 91 && !s.lanes[0].masked; });
  CHECK(end->config.model.context == 8);
}

TEST_CASE("a command that cannot work throws where it is posted and leaves the lab as it was") {
  WatchedLab lab;
  lab.wait_for_step(5);
  const auto before = lab.pause();

  CHECK(contains(error_of([&] { lab.post(SetMask{0, blind_mask()}); }), "Row 0"));
  CHECK(contains(error_of([&] { lab.post(SetMask{0, Mask::causal(9)}); }), "context"));
  CHECK_FALSE(error_of([&] { lab.post(SetMask{2, Mask::causal(8)}); }).empty());
  CHECK_FALSE(error_of([&] { lab.post(SetMask{-1, Mask::causal(8)}); }).empty());
  for (const double rate : {0.0, -1.0, std::nan("")}) CHECK_FALSE(error_of([&] { lab.post(SetRate{rate}); }).empty());
  Restart heads = live_start();
  heads.config.model.heads = 3;
  CHECK(contains(error_of([&] { lab.post(heads); }), "heads"));
  Restart text = live_start();
  text.corpus = std::make_shared<const Corpus>(make_corpus("tiny", "a b c"));
  CHECK(contains(error_of([&] { lab.post(text); }), "tiny"));
  Restart rate = live_start();
  rate.config.train.learning_rate = -1;
  CHECK(contains(error_of([&] { lab.post(rate); }), "Learning rate"));
  CHECK_THROWS_AS(LiveLab{heads}, Error);

  lab.post(SetRate{55});  // the next command finds everything in its place
  const auto after = lab.wait([](const Snapshot& s) { return s.target_rate == 55; });
  CHECK(after->run == before->run);
  CHECK(after->step == before->step);
  CHECK(hash_of_lanes(*after) == hash_of_lanes(*before));
  CHECK_NOTHROW(lab.post(SetMask{0, Mask::full(8)}));  // the context is still that of this run
  CHECK(lab.step_once()->step == before->step + 1);
}

TEST_CASE("who visits the run sees it between two steps; what goes wrong there is told, and the lab goes on") {
  WatchedLab lab;
  lab.wait_for_step(5);
  std::atomic<int64_t> visited = -1;
  lab.post(VisitRun{[&](const RunView& run) {
    run.validate();
    visited = run.step;
    throw std::runtime_error("the disk is gone");
  }});
  CHECK(lab.wait_for_failure() == "the disk is gone");
  CHECK(visited >= 5);
  CHECK(lab.take_failure().empty());  // told once
  lab.wait_for_step(visited + 5);
}

TEST_CASE("masks for a run that is refused later are not given to the one that stays") {
  WatchedLab lab(live_start(), true);
  Restart wide = live_start();
  wide.config.model.context = 12;
  RunState broken = Lab(wide.config, wide.corpus, Lab::twins(12)).state();
  broken.lanes[0].trainer.last_good(0) = INFINITY;
  std::promise<void> both_posted;
  lab.post(VisitRun{[posted = both_posted.get_future().share()](const RunView&) { posted.wait(); }});
  lab.post(Resume{std::make_shared<const RunState>(broken)});
  lab.post(SetMask{0, Mask::full(12)});
  both_posted.set_value();
  CHECK(contains(lab.wait_for_failure(), "last good weights"));
  lab.post(SetRate{31});
  const auto after = lab.wait([](const Snapshot& s) { return s.target_rate == 31; });
  CHECK(after->run == 1);
  CHECK(after->lanes[0].masked);
  CHECK(lab.take_failure().empty());
  CHECK_THROWS_AS(lab.post(SetMask{0, Mask::full(12)}), Error);
  CHECK_NOTHROW(lab.post(SetMask{0, Mask::full(8)}));
  CHECK_FALSE(lab.step_once()->lanes[0].history->at_step(1).masked);
}

TEST_CASE("any speed above 0 works, from next to nothing to as fast as the machine can") {
  WatchedLab lab(live_start(), true);
  for (const double rate : {1e-300, 1e-9, 1.0, 1e9, 1e300, std::numeric_limits<double>::infinity()}) {
    lab.post(SetRate{rate});
    const auto set = lab.wait([=](const Snapshot& s) { return s.target_rate == rate; });
    lab.post(SetPaused{false});
    lab.wait([](const Snapshot& s) { return !s.paused; });
    lab.pause();  // also out of a wait of years
  }
  lab.post(SetPaused{false});
  lab.wait_for_step(10);
}

}  // namespace
}  // namespace nopeek::test::live_lab_commands_test
