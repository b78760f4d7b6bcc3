// Each allocation of what a lab does fails once: either it is done all the same, or somebody is told and nothing has
// happened. And then the run goes on as if nothing had.
#include <doctest/doctest.h>

#include <new>
#include <thread>
#include <utility>

#include "core/decode/decoder.h"
#include "tests/core/allocation/allocator.h"
#include "tests/core/run_states.h"
#include "tests/core/watched_lab.h"

namespace nopeek::test::out_of_memory_test {
namespace {

bool armed() { return failing_allocation != 0; }

/// Calls act(), of whose allocations the first fails, then the second, and so on until none is left to fail; then
/// behind(whether act() threw) each time. Returns how many failed.
template <class Act, class Behind>
int64_t fail_each(const Act& act, const Behind& behind) {
  for (int64_t n = 1;; ++n) {
    bool threw = false;
    failing_allocation = allocation_count + n;
    try {
      act();
    } catch (const std::bad_alloc&) {
      threw = true;
    }
    const bool all_done = failing_allocation.exchange(0) != 0;
    behind(threw);
    if (all_done) return n - 1;
  }
}

/// The twins at the end of a block of their history: the next step needs another one.
RunState at_the_end_of_a_block() {
  RunState run = fresh_state(2);
  run.step = LaneHistory::kBlock;
  for (LaneState& lane : run.lanes) {
    auto history = std::make_shared<LaneHistory>();
    while (history->size() < run.step) history->append({{1.5f, kNotMeasured, kNotMeasured}, true});
    lane.history = std::move(history);
    lane.history_size = lane.trainer.optimiser.t = run.step;
  }
  return run;
}

TEST_CASE("a step without memory is no step: made again, it is the same to the last bit" * doctest::skip(!kCounts)) {
  ThreadPool one(1);
  for (const bool diverges : {false, true}) {
    Lab undisturbed(at_the_end_of_a_block());
    undisturbed.set_mask(1, Mask::window(8, 2));
    if (diverges) undisturbed.trainer(0).parameters().flat().setConstant(std::nanf(""));
    const RunState still = undisturbed.state();
    undisturbed.step(one);
    CHECK(undisturbed.state().lanes[0].stopped.empty() == !diverges);
    int failures = 0;
    // A new lab for each: what is there after one try is not asked for by the next.
    for (int64_t n = 1;; ++n) {
      Lab lab(still);
      bool threw = false;
      failing_allocation = allocation_count + n;
      try {
        lab.step(one);
      } catch (const std::bad_alloc&) {
        threw = true;
      }
      const bool all_done = failing_allocation.exchange(0) != 0;
      if (threw) {
        ++failures;
        check_same(lab.state(), still);
        lab.step(one);
      }
      check_same(lab.state(), undisturbed.state());
      if (all_done) break;
    }
    CHECK(failures >= (diverges ? 3 : 2));
  }
}

TEST_CASE("a mask without memory is no mask, and a snapshot, a state and a lab without are none" *
          doctest::skip(!kCounts)) {
  Lab lab(small_run(), small_corpus(), Lab::twins(8));
  train(lab, 3);
  ThreadPool one(1);
  const Mask masks[] = {Mask::off_by_one(8), Mask::full(8)};
  int64_t failures = fail_each(
      [&] {
        lab.set_mask(1, masks[0]);
        lab.set_mask(1, masks[1]);
      },
      [&](bool threw) {
        if (threw) lab.set_mask(1, masks[1]);  // it may have come half way
        CHECK(lab.trainer(1).mask() == masks[1]);
        CHECK(lab.state().lanes[1].mask == masks[1]);
        CHECK(lab.state().lanes[1].changes.empty());
      });
  CHECK(failures > 4);
  const RunState before = lab.state();
  const auto unchanged = [&](bool) { check_same(lab.state(), before); };
  Lab other(before);
  failures = fail_each([&] { lab.snapshot(one); }, [](bool) {});
  CHECK(failures > 20);
  CHECK(fail_each([&] { lab.state(); }, unchanged) > 8);
  CHECK(fail_each([&] { const Lab next(before); }, unchanged) > 50);
  train(lab, 5), train(other, 5);
  for (size_t i = 0; i < 2; ++i) {
    CHECK(hash_of(lab.trainer(i).parameters()) == hash_of(other.trainer(i).parameters()));
  }
}

TEST_CASE("room of an earlier, smaller pass that cannot grow is not freed twice" * doctest::skip(!kCounts)) {
  RunConfig small = small_run();
  small.model.dropout = 0.1;
  RunConfig large = small;
  large.model.context = 12;
  ThreadPool one(1);
  Lab reference(large, small_corpus(), Lab::twins(12));
  reference.step(one);
  for (int64_t n = 1, failed = 1; failed != 0; ++n) {
    Lab earlier(small, small_corpus(), Lab::twins(8)), lab(large, small_corpus(), Lab::twins(12));
    earlier.step(one);  // what a thread keeps for itself fits this one by now
    failing_allocation = allocation_count + n;
    try {
      lab.step(one);
      failed = 0;
    } catch (const std::bad_alloc&) {
      lab.step(one);
    }
    failing_allocation = 0;
    check_same(lab.state(), reference.state());
  }
}

TEST_CASE("a decoder without memory for a text answers the same once there is some" * doctest::skip(!kCounts)) {
  Lab lab(small_run(), small_corpus(), Lab::twins(8));
  train(lab, 3);
  const std::vector<TokenId> text = lab.corpus()->probe(6), begin(text.begin(), text.begin() + 2);
  for (size_t lane = 0; lane < 2; ++lane) {
    const auto& trainer = std::as_const(lab.trainer(lane));
    Decoder<float> reference(trainer.parameters(), trainer.mask());
    const auto logits = [&](Decoder<float>& decoder) {
      const auto all = decoder.next_logits(text);
      return std::vector<float>(all.begin(), all.end());
    };
    const std::vector<float> expected = logits(reference);
    for (int64_t n = 1, failed = 1; failed != 0; ++n) {
      Decoder<float> decoder(trainer.parameters(), trainer.mask());
      decoder.next_logits(begin);
      failing_allocation = allocation_count + n;
      try {
        decoder.next_logits(text);
        failed = 0;
      } catch (const std::bad_alloc&) {
      }
      failing_allocation = 0;
      CHECK(logits(decoder) == expected);
    }
  }
}

/// A live lab beside an undisturbed one.
class Disturbed {
 public:
  /// Of the allocations of what `command` brings about, lets each fail once; `done` tells from a snapshot that it came
  /// about. After each failure the run must be what the undisturbed lab makes in as many steps.
  template <class MakeCommand, class Done>
  int fail_each(const MakeCommand& make_command, const Done& done) {
    int failures = 0;
    for (int64_t n = 1;; ++n) {
      Command command = make_command();
      const auto before = lab.now();
      bool refused = false;
      failing_allocation = allocation_count + n;
      try {
        lab.post(std::move(command));
      } catch (const std::bad_alloc&) {
        refused = true;
      }
      while (armed() && !done(*before, *lab.now())) std::this_thread::yield();
      const bool all_done = failing_allocation.exchange(0) != 0;
      settle();
      const std::string told = lab.take_failure();
      const bool came = done(*before, *lab.now());
      CHECK((came || refused || contains(told, "There is not enough memory")));
      failures += came ? 0 : 1;
      if (lab.now()->run != 1) return failures;
      check_run();
      lab.step_once();
      check_run();
      if (all_done) return failures;
    }
  }

  WatchedLab lab{live_start(), /*paused=*/true};

 private:
  /// Until all that was posted is carried out.
  void settle() {
    const double rate = ++settled_;
    lab.post(SetRate{rate});
    lab.wait([=](const Snapshot& s) { return s.target_rate == rate; });
  }
  void check_run() {
    const auto now = lab.now();
    while (undisturbed_.steps() < now->step) undisturbed_.step(one_, Lab::Measure::kOnlyShow);
    REQUIRE(undisturbed_.steps() == now->step);
    for (size_t i = 0; i < 2; ++i) {
      REQUIRE(hash_of(*now->lanes[i].weights) == hash_of(undisturbed_.trainer(i).parameters()));
    }
    REQUIRE(now->paused);
    REQUIRE(now->lanes[0].history_size == now->step);
  }

  ThreadPool one_{1};
  Lab undisturbed_{live_start().config, live_start().corpus, Lab::twins(8)};
  double settled_ = 1000;
};

TEST_CASE("under the window: whatever allocation fails, a restart comes or is refused, and the old run goes on" *
          doctest::skip(!kCounts)) {
  Disturbed disturbed;
  disturbed.lab.step_once();
  const int failures =
      disturbed.fail_each([] { return Command(live_start(2)); },
                          [](const Snapshot& before, const Snapshot& s) { return s.run > before.run; });
  CHECK(failures > 50);
  CHECK(disturbed.lab.now()->earlier->size() == 1);
}

TEST_CASE("under the window: the same of taking up a saved run" * doctest::skip(!kCounts)) {
  const Restart start = live_start(3);
  Lab other(start.config, start.corpus, Lab::twins(8));
  train(other, 4);
  const auto state = std::make_shared<const RunState>(other.state());
  Disturbed disturbed;
  disturbed.lab.step_once();
  const int failures =
      disturbed.fail_each([&] { return Command(Resume{state}); },
                          [](const Snapshot& before, const Snapshot& s) { return s.run > before.run; });
  CHECK(failures > 50);
  CHECK(disturbed.lab.now()->step == 4);
}

TEST_CASE("under the window: the same of a step and its snapshot" * doctest::skip(!kCounts)) {
  Disturbed disturbed;
  const auto stepped = [](const Snapshot& before, const Snapshot& s) { return s.step > before.step; };
  CHECK(disturbed.fail_each([] { return Command(StepOnce{}); }, stepped) > 20);
}

}  // namespace
}  // namespace nopeek::test::out_of_memory_test
