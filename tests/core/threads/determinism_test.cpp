// Same seed, same bits: over repeats and over any number of threads. The proof is a hash of all weights and of the log.
#include <doctest/doctest.h>

#include "core/live/run_log.h"
#include "tests/core/support.h"

namespace nopeek::test::determinism_test {
namespace {

struct Hashes {
  uint64_t masked, unmasked, log, attention;
  bool operator==(const Hashes&) const = default;
};

Hashes run(const RunConfig& config, int threads, int steps) {
  Lab lab(config, small_corpus(), Lab::twins(config.model.context));
  ThreadPool pool(threads);
  for (int i = 0; i < steps; ++i) lab.step(pool);
  const Snapshot snapshot = lab.snapshot(pool);
  const auto& attention = snapshot.lanes[1].attention;
  return {hash_of(lab.trainer(0).parameters()), hash_of(lab.trainer(1).parameters()), hash_of(run_log(snapshot)),
          fnv1a(attention.data(), attention.size() * sizeof(float))};
}

/// Four shards, so that with two lanes eight tasks compete for the threads.
RunConfig four_shards() {
  RunConfig config = small_run();
  config.model.context = 24;
  config.train.batch = 32;
  return config;
}

TEST_CASE("weights, log and attention are the same bits over repeats and for 1, 2 and 3 threads") {
  RunConfig config = four_shards();
  constexpr int kSteps = 12;
  const Hashes once = run(config, 1, kSteps);
  CHECK(run(config, 1, kSteps) == once);
  for (const int threads : {2, 3}) {
    for (int repeat = 0; repeat < 2; ++repeat) CHECK(run(config, threads, kSteps) == once);
  }
  config.seed = 2;
  CHECK_FALSE(run(config, 1, kSteps) == once);
}

TEST_CASE("more weights than a thread updates at a time: the same bits for 1, 2 and 3 threads") {
  RunConfig config = four_shards();
  config.model.channels = 48;
  Trainer<float> trainer((config.model.vocab = small_corpus()->vocab_size(), config), Mask::causal(24));
  REQUIRE(trainer.chunks() > 3);
  const Hashes once = run(config, 1, 5);
  for (const int threads : {2, 3}) CHECK(run(config, threads, 5) == once);
}

TEST_CASE("what the program allocated before does not matter: the memory of models begins at an aligned address") {
  // Eigen sums a row from its first aligned element on, so the address decides the order. This shifts malloc's next
  // blocks by 16 bytes a round.
  RunConfig config = small_run();
  const Hashes once = run(config, 1, 5);
  std::vector<std::unique_ptr<char[]>> shifts;
  for (size_t i = 0; i < 8; ++i) {
    for (const size_t size : {24u, 40u, 1000u, 9000u}) shifts.push_back(std::make_unique<char[]>(size + 16 * i));
    CHECK(run(config, 1, 5) == once);
  }
  Parameters<float> parameters(Lab(config, small_corpus(), Lab::twins(8)).config().model);
  CHECK(reinterpret_cast<uintptr_t>(parameters.flat().data()) % EIGEN_MAX_ALIGN_BYTES == 0);
}

TEST_CASE("dropout too is the same for any number of threads") {
  RunConfig config = four_shards();
  config.model.dropout = 0.2;
  const Hashes once = run(config, 1, 6);
  CHECK(run(config, 2, 6) == once);
  CHECK(run(config, 3, 6) == once);
  config.model.dropout = 0;
  CHECK_FALSE(run(config, 1, 6) == once);
}

TEST_CASE("the sum over shards is made in one order: more shards than threads, fewer, and a lane alone") {
  RunConfig config = four_shards();
  Trainer<float> straight((config.model.vocab = small_corpus()->vocab_size(), config), Mask::causal(24));
  Trainer<float> backwards(config, Mask::causal(24));
  Batcher batcher(*small_corpus(), config.train.batch, 24, 5);
  REQUIRE(straight.shards() == 4);
  ThreadPool pool(3);
  for (int i = 0; i < 5; ++i) {
    const Batch& batch = batcher.next();
    straight.step(batch, pool, true);
    for (int shard = 3; shard >= 0; --shard) backwards.run_shard(batch, shard, true);  // as late threads might
    backwards.update(pool);
  }
  CHECK(hash_of(straight.parameters()) == hash_of(backwards.parameters()));
}

}  // namespace
}  // namespace nopeek::test::determinism_test
