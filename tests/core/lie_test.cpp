// The lesson itself, on the shipped corpus and the size that the app starts with: the unmasked twin reports a loss that
// it cannot keep, and a mask toggled in the middle of a run shows it at once. CONCEPTS: B4, B5, B8.
#include <doctest/doctest.h>

#include <cmath>

#include "core/train/leak_test.h"
#include "tests/core/support.h"

namespace nopeek::test::lie_test {
namespace {

// Minutes of arithmetic under a sanitizer, on code that the other tests run there too.
#ifdef NOPEEK_SANITIZED
constexpr bool kTooSlow = true;
#else
constexpr bool kTooSlow = false;
#endif

StepRecord newest(const Lab& lab, size_t lane) { return lab.history(lane).at_step(lab.history(lane).size()); }

TEST_CASE(
    "the unmasked twin lies, the masked one does not; toggled, each takes the other's part from the next step on" *
    doctest::skip(kTooSlow)) {
  RunConfig config;  // tiny
  Lab lab(config, shipped_corpus("pull-requests"), Lab::twins(config.model.context));
  ThreadPool one(1);
  const Batch validation = consecutive_windows(lab.corpus()->validation, config.model.context, 64);
  std::optional<int64_t> first_leak;
  const auto train = [&](int steps) {
    for (int i = 1; i <= steps; ++i) {
      lab.step(one, i == steps ? Lab::Measure::kNow : Lab::Measure::kAsDue);
      if (!first_leak && newest(lab, 1).reported < newest(lab, 0).reported / 2) first_leak = lab.steps();
    }
  };

  train(300);
  {
    const StepRecord &truth = newest(lab, 0), &lie = newest(lab, 1);
    CHECK(std::abs(truth.reported - truth.honest) < 1e-5f);
    CHECK(truth.future_attention == 0.0f);
    CHECK(truth.reported < 1.3f);
    CHECK(lie.reported < 0.4f);
    CHECK(lie.honest > truth.honest + 0.5f);
    CHECK(lie.future_attention > 0.1f);
    // Silent: the validation loss falls along with the training loss.
    CHECK(lab.trainer(1).evaluate(validation) < 0.4);
    CHECK(lab.trainer(0).evaluate(validation) > 0.7);
    REQUIRE(first_leak.has_value());
    CHECK(lab.snapshot(one).leak_found == first_leak);
    CHECK(*first_leak > 30);
  }

  const float lied = newest(lab, 1).reported, honest = newest(lab, 0).reported;
  lab.set_mask(0, Mask::full(config.model.context));
  lab.set_mask(1, Mask::causal(config.model.context));
  train(1);
  CHECK(std::abs(newest(lab, 1).honest - newest(lab, 1).reported) < 1e-5f);
  CHECK(newest(lab, 1).future_attention == 0.0f);
  CHECK(newest(lab, 1).reported > lied + 1);
  CHECK(std::abs(newest(lab, 0).honest - newest(lab, 0).reported) > 1e-3f);
  CHECK(newest(lab, 0).future_attention > 0.05f);
  const float jumped = newest(lab, 1).reported;
  for (const size_t lane : {size_t{0}, size_t{1}}) {
    const bool was_masked = lane == 0;
    CHECK(lab.history(lane).at_step(300).masked == was_masked);
    CHECK(lab.history(lane).at_step(301).masked == !was_masked);
    const auto changes = lab.snapshot(one).lanes[lane].changes;
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].step == 300);
    CHECK(changes[0].masked == !was_masked);
  }

  train(150);
  CHECK(newest(lab, 0).reported < honest - 0.5f);  // the honest one has learned to peek
  CHECK(newest(lab, 1).reported < jumped - 0.5f);  // and the other one to predict
  CHECK(newest(lab, 1).reported > lied + 0.3f);
  CHECK(lab.snapshot(one).leak_found == first_leak);  // kept
}

TEST_CASE(
    "masks that almost hide the future: the weaker the penalty the larger the lie, and the leak test finds them all" *
    doctest::skip(kTooSlow)) {
  const RunConfig config;  // tiny
  const int T = config.model.context;
  Lab lab(config, shipped_corpus("pull-requests"),
          {{"minus-1", Mask::penalised_future(T, -1)},
           {"minus-5", Mask::penalised_future(T, -5)},
           {"minus-10", Mask::penalised_future(T, -10)},
           {"minus-inf", Mask::penalised_future(T, Mask::kForbidden)},
           {"off-by-one", Mask::off_by_one(T)}});
  ThreadPool two(2);
  constexpr int kSteps = 400;
  for (int i = 1; i <= kSteps; ++i) lab.step(two, i == kSteps ? Lab::Measure::kNow : Lab::Measure::kAsDue);
  const auto gap = [&](size_t lane) { return newest(lab, lane).honest - newest(lab, lane).reported; };
  const auto tested = [&](size_t lane) {
    return leak_test(lab.trainer(lane).parameters(), lab.trainer(lane).mask(), lab.corpus()->probe(12));
  };
  CHECK(gap(0) > 0.2f);
  CHECK(gap(1) > 0.01f);
  CHECK(gap(1) < gap(0) / 2);
  // Of -10 the losses say next to nothing, though not nothing; the outputs do.
  CHECK(std::abs(gap(2)) > 1e-5f);
  CHECK(std::abs(gap(2)) < 0.05f);
  CHECK(std::abs(gap(3)) < 1e-5f);
  CHECK(gap(4) > 1.0f);
  CHECK(newest(lab, 4).reported < 0.3f);
  for (size_t lane = 0; lane < lab.lane_count(); ++lane) {
    CAPTURE(lab.name(lane));
    const LeakTest test = tested(lane);
    CHECK(test.agree());
    CHECK(test.leaks() == (lane != 3));
    CHECK((newest(lab, lane).future_attention > 0) == (lane != 3));
  }
  CHECK(tested(2).at.size() == 12 * 11 / 2);
  CHECK(tested(4).at.size() == 11 + 10);  // one token further with each of two layers
}

TEST_CASE("setting the mask that a lane already has is no change") {
  Lab lab(small_run(), small_corpus(), Lab::twins(8));
  ThreadPool one(1);
  lab.step(one);
  lab.set_mask(0, Mask::causal(8));
  lab.set_mask(1, Mask::full(8));
  CHECK(lab.snapshot(one).lanes[0].changes.empty());
  CHECK(lab.snapshot(one).lanes[1].changes.empty());
  CHECK_FALSE(lab.state().mask_changed);
}

TEST_CASE("every change of mask is told with its step and its name; of several between two steps, what came of them") {
  Lab lab(small_run(), small_corpus(), Lab::twins(8));
  ThreadPool one(1);
  const auto changes = [&](size_t lane) { return lab.snapshot(one).lanes[lane].changes; };
  lab.set_mask(0, Mask::full(8));  // before the first step
  lab.set_mask(0, Mask::causal(8));
  CHECK(changes(0).empty());
  lab.step(one);
  lab.set_mask(0, Mask::window(8, 3));  // causal as before
  lab.set_mask(1, Mask::off_by_one(8));
  lab.set_mask(1, Mask::penalised_future(8, -5));  // and as little causal as before
  lab.step(one);
  CHECK(changes(0) == std::vector<MaskChange>{{1, true, "window of 3"}});
  CHECK(changes(1) == std::vector<MaskChange>{{1, false, "penalty \u22125"}});
  CHECK(lab.snapshot(one).lanes[1].mask_name == "penalty \u22125");
  lab.set_mask(1, Mask::causal(8));
  CHECK(changes(1).size() == 2);
  lab.set_mask(1, Mask::penalised_future(8, -5));  // taken back
  CHECK(changes(1).size() == 1);
  lab.set_mask(1, Mask::causal(8));
  // What was trained with before the break is not saved; a change that waits for its step is told in any case.
  Lab resumed(lab.state());
  CHECK(resumed.snapshot(one).lanes[1].changes == changes(1));
  resumed.set_mask(1, Mask::full(8));
  resumed.set_mask(1, Mask::causal(8));
  CHECK(resumed.snapshot(one).lanes[1].changes == changes(1));
  resumed.set_mask(1, Mask::full(8));
  resumed.step(one);
  CHECK(resumed.snapshot(one).lanes[1].changes.back() == MaskChange{2, false, "full"});
  CHECK(resumed.snapshot(one).lanes[1].changes.size() == 2);
}

}  // namespace
}  // namespace nopeek::test::lie_test
