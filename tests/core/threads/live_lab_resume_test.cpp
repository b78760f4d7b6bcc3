// The lab under one's eyes gives its state away while it runs, and takes up a saved one.
#include <doctest/doctest.h>

#include <future>

#include "core/live/run_folder.h"
#include "core/live/run_log.h"
#include "tests/core/run_states.h"
#include "tests/core/watched_lab.h"

namespace nopeek::test::live_lab_resume_test {
namespace {

std::shared_ptr<const RunState> take_state(WatchedLab& lab) {
  auto promise = std::make_shared<std::promise<std::shared_ptr<const RunState>>>();
  auto state = promise->get_future();
  lab.post(
      VisitRun{[promise](const RunView& run) { promise->set_value(std::make_shared<const RunState>(run.copy())); }});
  REQUIRE(state.wait_for(std::chrono::minutes(2)) == std::future_status::ready);
  return state.get();
}

/// The twins of live_start(), `steps` steps on.
RunState state_after(int steps) {
  const Restart start = live_start();
  Lab lab(start.config, start.corpus, Lab::twins(start.config.model.context));
  train(lab, steps);
  return lab.state();
}

TEST_CASE("the state of a running lab is that of a step boundary: a lab of the same seed without threads agrees") {
  WatchedLab lab;
  lab.wait_for_step(20);
  const auto running = take_state(lab);
  const auto later = take_state(lab);
  CHECK(running->step >= 20);
  CHECK(later->step >= running->step);
  check_same(*running, state_after(static_cast<int>(running->step)));
  lab.pause();
  const auto paused = take_state(lab);  // also where nothing moves
  check_same(*paused, state_after(static_cast<int>(paused->step)));
}

TEST_CASE("a lab that begins with a saved run goes on with it: steps, curves and bits") {
  TemporaryFolder home;
  save_run(home / "run", state_after(40));
  WatchedLab lab(Resume{std::make_shared<const RunState>(load_run(home / "run"))}, /*paused=*/true);
  CHECK(lab.now()->step == 40);
  CHECK(lab.now()->lanes[1].history_size == 40);
  CHECK(lab.now()->lanes[1].reported == lab.now()->lanes[1].history->at_step(40).reported);
  lab.post(SetPaused{false});
  lab.wait_for_step(100);
  lab.pause();
  const auto state = take_state(lab);
  check_same(*state, state_after(static_cast<int>(state->step)));
}

TEST_CASE("a run that is taken up gets a number of its own, and the one before stays as an earlier run") {
  WatchedLab lab;
  const auto before = lab.wait_for_step(10);
  RunState other = state_after(30);
  other.lanes[1].changes = {{12, true}};
  lab.post(SetPaused{true});
  lab.post(Resume{std::make_shared<const RunState>(other)});
  const auto now = lab.wait([&](const Snapshot& s) { return s.run != before->run; });
  CHECK(now->step == 30);
  CHECK(now->run == before->run + 1);
  REQUIRE(now->earlier->size() == 1);
  CHECK(now->earlier->front().steps >= 10);
  CHECK(now->lanes[1].changes.size() == 1);
  CHECK(now->checkpoints->size() <= 1);  // of this run alone
  // A mask for the new run's context fits; the next restart begins from nothing.
  lab.post(SetMask{0, Mask::full(8)});
  lab.post(live_start(9));
  CHECK(lab.wait([&](const Snapshot& s) { return s.run == before->run + 2; })->earlier->size() == 2);
}

TEST_CASE("masks that are posted behind a resume must fit its context") {
  WatchedLab lab(live_start(), true);
  Restart wide = live_start();
  wide.config.model.context = 12;
  Lab other(wide.config, wide.corpus, Lab::twins(12));
  lab.post(Resume{std::make_shared<const RunState>(other.state())});
  CHECK_THROWS_AS(lab.post(SetMask{0, Mask::causal(8)}), Error);
  CHECK_NOTHROW(lab.post(SetMask{1, Mask::causal(12)}));
  CHECK(lab.wait([](const Snapshot& s) { return s.config.model.context == 12 && s.lanes[1].masked; })->step == 0);
}

TEST_CASE("what cannot be taken up is refused when it is posted, and the lab goes on") {
  WatchedLab lab(live_start(), true);
  const uint64_t run = lab.now()->run;
  const auto error = [&](const RunState& state) {
    return error_of([&] { lab.post(Resume{std::make_shared<const RunState>(state)}); });
  };
  RunState alone = state_after(3);
  alone.lanes.pop_back();
  CHECK(contains(error(alone), "1 model, and the window shows the twins"));
  RunState named = state_after(3);
  named.lanes[0].name = "other";
  CHECK(contains(error(named), "twins"));
  RunState broken = state_after(3);
  --broken.lanes[0].history_size;
  CHECK_THROWS_AS(LiveLab(Resume{std::make_shared<const RunState>(broken)}), Error);
  // Whether all its weights are sound takes longer than a post may: that is told later.
  CHECK(error(broken).empty());
  CHECK(contains(lab.wait_for_failure(), "history"));
  CHECK(lab.step_once()->run == run);
}

TEST_CASE("100 steps are 40 and 60 for any number of threads") {
  RunConfig config = small_run();
  config.model.context = 24;  // four shards
  config.model.dropout = 0.1;
  config.train.batch = 32;
  Lab straight(config, small_corpus(), Lab::twins(24)), first(config, small_corpus(), Lab::twins(24));
  ThreadPool one(1), two(2), three(3);
  for (int i = 0; i < 25; ++i) straight.step(one);
  for (int i = 0; i < 10; ++i) first.step(three);
  TemporaryFolder home;
  save_run(home / "run", first.state());
  Lab second(load_run(home / "run"));
  for (int i = 0; i < 15; ++i) second.step(two);
  check_same(second.state(), straight.state());
}

}  // namespace
}  // namespace nopeek::test::live_lab_resume_test
