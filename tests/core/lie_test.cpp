// The lesson itself, on the shipped corpus and the size that the app starts with: the unmasked twin reports a loss that
// it cannot keep, and a mask toggled in the middle of a run shows it at once. CONCEPTS: B4, B5, B8.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/core/support.h"

namespace nopeek::test {
namespace {

// Minutes of arithmetic under a sanitizer, on code that the other tests run there too.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kTooSlow = true;
#else
constexpr bool kTooSlow = false;
#endif

const StepRecord& newest(const Lab& lab, size_t lane) { return lab.history(lane).at_step(lab.history(lane).size()); }

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
  resumed.step(one);
  CHECK(resumed.snapshot(one).lanes[1].changes.back() == MaskChange{2, false, "full"});
  CHECK(resumed.snapshot(one).lanes[1].changes.size() == 2);
}

}  // namespace
}  // namespace nopeek::test
