// Long work that is asked to stop: it throws Cancelled, and nothing that anybody reads is half done.
#include "core/base/stop.h"

#include <doctest/doctest.h>

#include <barrier>
#include <thread>

#include "core/nn/matmul.h"
#include "tests/core/run_states.h"

namespace nopeek::test::stop_test {
namespace {

TEST_CASE("a wish to stop holds for its thread and its scope, and the scope before comes back") {
  std::atomic<bool> outer = false, inner = true;
  CHECK_FALSE(StopScope::asked());
  {
    const StopScope scope(&outer);
    CHECK_NOTHROW(stop_if_asked());
    {
      const StopScope nested(&inner);
      CHECK_THROWS_AS(stop_if_asked(), Cancelled);
      std::jthread([] { CHECK_FALSE(StopScope::asked()); }).join();
    }
    CHECK_NOTHROW(stop_if_asked());
    outer = true;
    CHECK_THROWS_AS(stop_if_asked(), Cancelled);
  }
  CHECK(StopScope::current() == nullptr);
}

TEST_CASE("a product of matrices and the making of weights stop") {
  std::atomic<bool> stop = true;
  const StopScope scope(&stop);
  Matrix<float> a = Matrix<float>::Ones(200, 400), b = Matrix<float>::Ones(400, 400), c(200, 400);
  CHECK_THROWS_AS(matmul<float>(a, b, c), Cancelled);
  ModelConfig config = small_run().model;
  config.vocab = 10;
  Parameters<float> parameters(config);
  CHECK_THROWS_AS(parameters.initialise(Rng(1)), Cancelled);
}

TEST_CASE("a step that is stopped at its beginning is no step, and neither is a snapshot") {
  Lab lab(small_run(), small_corpus(), Lab::twins(8)), undisturbed(small_run(), small_corpus(), Lab::twins(8));
  train(lab, 7), train(undisturbed, 7);
  ThreadPool two(2);
  std::atomic<bool> stop = true;
  {
    const StopScope scope(&stop);
    CHECK_THROWS_AS(lab.step(two), Cancelled);
    CHECK_THROWS_AS(lab.snapshot(two), Cancelled);
  }
  check_same(lab.state(), undisturbed.state());
  train(lab, 5), train(undisturbed, 5);
  check_same(lab.state(), undisturbed.state());
}

TEST_CASE("a step that is stopped anywhere is made whole or not at all") {
  RunConfig config = small_run();
  config.model.context = 24;  // four shards
  config.train.batch = 32;
  Lab lab(config, small_corpus(), Lab::twins(24)), undisturbed(config, small_corpus(), Lab::twins(24));
  ThreadPool two(2), one(1);
  int stopped = 0;
  for (int round = 0; round < 60; ++round) {
    std::atomic<bool> stop = false;
    std::barrier begin(2);
    std::jthread other([&] {
      begin.arrive_and_wait();
      for (int i = 0; i < 40 * round; ++i) std::this_thread::yield();
      stop = true;
    });
    try {
      const StopScope scope(&stop);
      begin.arrive_and_wait();
      lab.step(two);
    } catch (const Cancelled&) {
      ++stopped;
    }
    other.join();
    while (undisturbed.steps() < lab.steps()) undisturbed.step(one);
    for (size_t i = 0; i < 2; ++i) {
      REQUIRE(hash_of(lab.trainer(i).parameters()) == hash_of(undisturbed.trainer(i).parameters()));
    }
  }
  CHECK(lab.steps() + stopped == 60);
  check_same(lab.state(), undisturbed.state());
}

}  // namespace
}  // namespace nopeek::test::stop_test
