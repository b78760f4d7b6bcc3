// Lanes in lockstep, one thread.
#include "core/live/lab.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/live/run_log.h"
#include "tests/core/support.h"

namespace nopeek::test::lab_test {
namespace {

Lab twins(const RunConfig& config = small_run()) { return {config, small_corpus(), Lab::twins(config.model.context)}; }

void run(Lab& lab, int steps) {
  ThreadPool one(1);
  for (int i = 0; i < steps; ++i) lab.step(one);
}

TEST_CASE("the twins start from equal weights and differ in nothing but the mask") {
  Lab lab = twins();
  CHECK(lab.name(0) == "masked");
  CHECK(lab.name(1) == "unmasked");
  CHECK(hash_of(lab.trainer(0).parameters()) == hash_of(lab.trainer(1).parameters()));
  CHECK(lab.trainer(0).config() == lab.trainer(1).config());
  CHECK(lab.trainer(0).mask() == Mask::causal(8));
  CHECK(lab.trainer(1).mask() == Mask::full(8));
  run(lab, 1);
  CHECK(hash_of(lab.trainer(0).parameters()) != hash_of(lab.trainer(1).parameters()));
}

TEST_CASE("two lanes with the same mask stay equal, bit for bit: their batches are the same") {
  const RunConfig config = small_run();
  Lab lab(config, small_corpus(), {{"a", Mask::causal(8)}, {"b", Mask::causal(8)}});
  run(lab, 25);
  CHECK(hash_of(lab.trainer(0).parameters()) == hash_of(lab.trainer(1).parameters()));
}

TEST_CASE("a lane is not touched by the other: the masked twin equals the masked lane alone") {
  const RunConfig config = small_run();
  Lab both = twins(config), alone(config, small_corpus(), {Lab::twins(8)[0]});
  run(both, 30), run(alone, 30);
  CHECK(hash_of(both.trainer(0).parameters()) == hash_of(alone.trainer(0).parameters()));
  for (int64_t step = 1; step <= 30; ++step) {
    CHECK(run_log_row(step, "masked", both.history(0).at_step(step)) ==
          run_log_row(step, "masked", alone.history(0).at_step(step)));
  }
}

TEST_CASE("looking does not change: a lab whose snapshot is taken at each step trains as one that no one looks at") {
  Lab watched = twins(), alone = twins();
  ThreadPool one(1);
  for (int i = 0; i < 20; ++i) {
    watched.step(one);
    watched.snapshot(one);
  }
  run(alone, 20);
  CHECK(run_log(watched.snapshot(one)) == run_log(alone.snapshot(one)));
  for (size_t lane = 0; lane < 2; ++lane) {
    CHECK(hash_of(watched.trainer(lane).parameters()) == hash_of(alone.trainer(lane).parameters()));
  }
}

TEST_CASE("another seed gives another run") {
  RunConfig config = small_run();
  Lab first = twins(config);
  config.seed = 2;
  Lab second = twins(config);
  CHECK(hash_of(first.trainer(0).parameters()) != hash_of(second.trainer(0).parameters()));
}

TEST_CASE("a snapshot agrees with the histories, the masks and itself") {
  RunConfig config = small_run();
  Lab lab = twins(config);
  ThreadPool one(1);
  run(lab, 23);
  const Snapshot snapshot = lab.snapshot(one);
  const int T = static_cast<int>(snapshot.probe.size()), L = config.model.layers, NH = config.model.heads;
  CHECK(snapshot.step == 23);
  CHECK_FALSE(snapshot.finished);
  CHECK(snapshot.config.model.vocab == small_corpus()->vocab_size());
  CHECK(snapshot.corpus == small_corpus());
  CHECK(T == 6);
  CHECK((snapshot.prompt_length >= 1 && snapshot.prompt_length <= T));
  REQUIRE(snapshot.lanes.size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    const LaneSnapshot& lane = snapshot.lanes[i];
    CHECK(lane.name == lab.name(i));
    CHECK(lane.masked == lane.mask->is_causal());
    CHECK(lane.masked == (i == 0));
    CHECK(lane.stopped.empty());
    CHECK(lane.history_size == 23);
    CHECK(lane.reported == lane.history->at_step(23).reported);
    REQUIRE(lane.attention.size() == static_cast<size_t>(L * NH * T * T));
    REQUIRE(lane.leak.size() == static_cast<size_t>(L * NH));
    float mean = 0;
    for (int l = 0; l < L; ++l) {
      for (int h = 0; h < NH; ++h) {
        const float* weights = lane.head(l, h, NH, T);
        double future = 0;
        for (int q = 0; q < T; ++q) {
          double sum = 0;
          for (int k = 0; k < T; ++k)
            sum += weights[q * T + k], future += k > q ? weights[q * T + k] / static_cast<float>(T) : 0;
          CHECK(sum == doctest::Approx(1).epsilon(1e-5));
        }
        const float leak = lane.leak[static_cast<size_t>(l * NH + h)];
        CHECK(leak == doctest::Approx(future).epsilon(1e-5));
        mean += leak / static_cast<float>(L * NH);
        if (lane.masked) CHECK(leak == 0.0f);
      }
    }
    CHECK(lane.mean_leak == doctest::Approx(mean));
    for (const TokenId id : lane.written) CHECK((id > Tokenizer::kEos && id < snapshot.config.model.vocab));
  }
}

TEST_CASE("the probe's attention is that of the newest weights under the lane's own mask") {
  Lab lab = twins();
  ThreadPool one(1);
  run(lab, 15);
  const Snapshot snapshot = lab.snapshot(one);
  const int T = static_cast<int>(snapshot.probe.size());
  for (size_t i = 0; i < 2; ++i) {
    Activations<float> activations(lab.config().model, 1, T);
    forward<float>(lab.trainer(i).parameters(), snapshot.probe, 1, T, {&lab.trainer(i).mask(), 1}, Dropout{},
                   activations);
    for (int l = 0; l < 2; ++l) {
      const auto& expected = activations.views().layers[static_cast<size_t>(l)].attention;
      const Matrix<float> shown = Eigen::Map<const Matrix<float>>(snapshot.lanes[i].head(l, 0, 2, T), 2 * T, T);
      CHECK(same_bits(shown, expected));
    }
  }
}

TEST_CASE("a mask that does not fit or blinds a row is refused, and the lane trains on as before") {
  Lab lab = twins(), untouched = twins();
  run(lab, 5), run(untouched, 5);
  Mask blind = Mask::causal(8);
  blind.set(0, 0, Mask::kForbidden);
  CHECK_THROWS_AS(lab.set_mask(0, blind), Error);
  CHECK_THROWS_AS(lab.set_mask(0, Mask::causal(7)), Error);
  CHECK_THROWS(lab.set_mask(2, Mask::causal(8)));
  CHECK_THROWS(lab.set_mask(-1, Mask::causal(8)));
  run(lab, 5), run(untouched, 5);
  CHECK(hash_of(lab.trainer(0).parameters()) == hash_of(untouched.trainer(0).parameters()));
}

TEST_CASE("the first step under another mask is measured, and says nothing of the steps before") {
  Lab lab = twins();
  ThreadPool one(1);
  run(lab, 13);
  lab.set_mask(1, Mask::causal(8));
  run(lab, 2);
  const StepRecord& first = lab.history(1).at_step(14);
  CHECK(first.masked);
  CHECK(first.honest == doctest::Approx(first.reported).epsilon(1e-5));
  CHECK(first.future_attention == 0.0f);
  CHECK(std::isnan(lab.history(1).at_step(15).honest));
  CHECK(std::isnan(lab.history(0).at_step(13).honest));
}

TEST_CASE("measuring for the eye leaves weights and log as they are, and shows both losses of the newest step") {
  Lab shown = twins(), plain = twins();
  ThreadPool one(1);
  for (int i = 0; i < 13; ++i) shown.step(one, Lab::Measure::kOnlyShow);
  run(plain, 13);
  const Snapshot s = shown.snapshot(one), p = plain.snapshot(one);
  CHECK(run_log(s) == run_log(p));
  CHECK(hash_of(shown.trainer(1).parameters()) == hash_of(plain.trainer(1).parameters()));
  for (size_t lane = 0; lane < 2; ++lane) {
    CHECK(s.lanes[lane].measured.reported == s.lanes[lane].reported);
    CHECK(p.lanes[lane].measured.reported == p.lanes[lane].history->at_step(10).reported);
    CHECK(p.lanes[lane].measured.honest == p.lanes[lane].history->at_step(10).honest);
  }
  CHECK(s.lanes[0].measured.honest == doctest::Approx(s.lanes[0].reported).epsilon(1e-5));
}

TEST_CASE("a text that the past alone predicts has no leak to find, however far apart two losses near zero are") {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "I love causal attention\n\n";
  RunConfig config = small_run();
  config.train.learning_rate = 1e-2;
  Lab lab(config, std::make_shared<const Corpus>(make_corpus("toy", text)), Lab::twins(config.model.context));
  ThreadPool one(1);
  bool half = false;
  for (int i = 0; i < 400; ++i) {
    lab.step(one);
    half |= lab.history(1).at_step(i + 1).reported < lab.history(0).at_step(i + 1).reported / 2;
  }
  CHECK(lab.snapshot(one).lanes[0].reported < 0.1f);
  CHECK_FALSE(lab.snapshot(one).leak_found.has_value());
  CHECK(half);  // the reported losses alone would have cried leak
}

TEST_CASE("a lane that diverges stops with the reason and sound weights, and the other goes on as if alone") {
  const RunConfig config = small_run();
  Lab lab = twins(config), sound = twins(config);
  ThreadPool one(1);
  run(lab, 10), run(sound, 10);
  lab.trainer(0).parameters().flat().setConstant(std::nanf(""));
  run(lab, 15), run(sound, 15);

  const Snapshot snapshot = lab.snapshot(one);
  CHECK(contains(snapshot.lanes[0].stopped, "at step 11"));
  CHECK(snapshot.lanes[0].history_size == 10);
  CHECK(std::isnan(snapshot.lanes[0].reported));
  CHECK(lab.trainer(0).parameters().flat().allFinite());
  for (const float weight : snapshot.lanes[0].attention) REQUIRE(std::isfinite(weight));
  CHECK(snapshot.lanes[1].stopped.empty());
  CHECK(snapshot.lanes[1].history_size == 25);
  CHECK(hash_of(lab.trainer(1).parameters()) == hash_of(sound.trainer(1).parameters()));
  CHECK_FALSE(snapshot.finished);
  CHECK(snapshot.step == 25);

  lab.trainer(1).parameters().flat().setConstant(std::nanf(""));
  run(lab, 5);
  CHECK(lab.finished());
  CHECK(lab.steps() == 26);
  CHECK(lab.snapshot(one).finished);
}

TEST_CASE("learning rate 10: every lane ends with a reason or goes on with finite numbers, and can be looked at") {
  for (const double rate : {10.0, 1e6, 1e300}) {
    RunConfig config = small_run();
    config.train.learning_rate = rate;
    Lab lab = twins(config);
    ThreadPool one(1);
    run(lab, 60);
    for (const LaneSnapshot& lane : lab.snapshot(one).lanes) {
      for (int64_t step = 1; step <= lane.history_size; ++step)
        REQUIRE(std::isfinite(lane.history->at_step(step).reported));
      for (const float weight : lane.attention) REQUIRE(std::isfinite(weight));
      CHECK((lane.history_size == 60 || contains(lane.stopped, "Try a lower learning rate than ")));
    }
  }
}

TEST_CASE("a lab that cannot work is refused: text too short, heads that do not divide the width") {
  RunConfig config = small_run();
  const auto tiny = std::make_shared<const Corpus>(make_corpus("tiny", "a b c"));
  CHECK(contains(error_of([&] { Lab(config, tiny, Lab::twins(8)); }), "tiny"));
  config.model.heads = 5;
  CHECK(contains(error_of([&] { Lab(config, small_corpus(), Lab::twins(8)); }), "heads"));
}

TEST_CASE("history: records keep their place and value while others are added, over many blocks") {
  LaneHistory history;
  StepRecord record;
  record.reported = 1;
  history.append(record);
  const LaneHistory::Block* first = &history.block(0);
  constexpr int64_t kSize = 40 * LaneHistory::kBlock + 7;  // six tables of blocks
  for (int64_t i = 2; i <= kSize; ++i) {
    record.reported = static_cast<float>(i);
    record.masked = i % 3 == 0;
    history.append(record);
  }
  CHECK(history.size() == kSize);
  CHECK(&history.block(0) == first);
  for (int64_t step = 1; step <= kSize; ++step) {
    REQUIRE(history.at_step(step).reported == static_cast<float>(step));
    REQUIRE(history.at_step(step).masked == (step % 3 == 0 || step == 1));
  }
  for (const int64_t size : {int64_t{0}, int64_t{1}, LaneHistory::kBlock, 2 * LaneHistory::kBlock + 1, kSize}) {
    LaneHistory copy(history, size);
    REQUIRE(copy.size() == size);
    copy.append({{-1, -2, -3}, true});
    for (int64_t step = 1; step <= size; ++step) REQUIRE(copy.at_step(step).reported == static_cast<float>(step));
    CHECK(copy.at_step(size + 1).honest == -2);
  }
}

}  // namespace
}  // namespace nopeek::test::lab_test
