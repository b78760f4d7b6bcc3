// What `nopeek bench` counts and measures. Times are whatever the machine makes of them: asserted is what must hold
// between them.
#include "core/bench/bench.h"

#include <doctest/doctest.h>

#include "tests/core/support.h"

namespace nopeek::test::bench_test {
namespace {

TEST_CASE("percentiles of a list, whatever its order") {
  const Spread ten = spread_of({10, 3, 1, 9, 2, 8, 4, 7, 5, 6, 0});
  CHECK(ten.median == 5);
  CHECK(ten.p10 == 1);
  CHECK(ten.p90 == 9);
  const Spread two = spread_of({2, 1});
  CHECK(two.median == doctest::Approx(1.5));
  CHECK(two.p10 == doctest::Approx(1.1));
  CHECK(spread_of({7}).p90 == 7);
}

TEST_CASE("each size has the shape and the operations of the peer's table") {
  struct Row {
    const char* name;
    int B, T, C, L, NH, V;
    double gflop;
  };
  for (const auto& [name, B, T, C, L, NH, V, gflop] :
       {Row{"tiny", 16, 24, 64, 2, 4, 30, 0.2451}, Row{"small", 16, 64, 128, 4, 4, 128, 5.335},
        Row{"medium", 12, 64, 128, 4, 4, 65, 3.964}, Row{"large", 8, 256, 384, 6, 6, 256, 146.2}}) {
    CAPTURE(name);
    const RunConfig config = bench_config(name);
    CHECK(config.model == ModelConfig{.vocab = V, .context = T, .channels = C, .layers = L, .heads = NH});
    CHECK(config.train.batch == B);
    CHECK(preset_name(config) == name);
    CHECK(step_flops(config.model, B, T) / 1e9 == doctest::Approx(gflop).epsilon(4e-4));
  }
  CHECK(contains(error_of([] { bench_config("huge"); }), "huge"));
}

TEST_CASE("gpt2 has the 124 million weights of GPT-2") {
  const TensorSpec last = parameter_table(bench_config("gpt2").model).back();
  CHECK(last.offset + last.size() == 124'439'808);
}

TEST_CASE("operations and bytes, term by term, of a model that one can count by hand") {
  const ModelConfig config{.vocab = 5, .context = 7, .channels = 2, .layers = 1, .heads = 1};
  // A token goes through 2 x 6, 2 x 2, 2 x 8 and 8 x 2 weights and 2 x 5 of the head; with each of 3 tokens it shares
  // two products of 2 channels.
  const double weights = 12 + 4 + 16 + 16, head = 10, attention = 2 * 2 * 3;
  CHECK(step_flops(config, 4, 3) == 3 * 2 * 4 * 3 * (weights + head + attention));
  // Of the only block, which is the last, three positions need their keys and values, and one the rest.
  CHECK(prefill_flops(config, 3) == 2 * (3 * 12 + (weights - 12 + attention) + head));
  const Parameters<float> parameters(config);
  CHECK(token_bytes(parameters, 3) == 4 * (parameters.size() - 7 * 2 + 2 * 3 * 2));
  // An MLP of 3 instead of 8; and a head of its own, so that the token embeddings are not read as one.
  ModelConfig other = config;
  other.inner = 3;
  other.tied = false;
  CHECK(step_flops(other, 4, 3) == 3 * 2 * 4 * 3 * (weights - 2 * 2 * 5 + head + attention));
  const Parameters<float> with_head(other);
  CHECK(with_head.size() == parameters.size() - 2 * 2 * 5 - 5 + 5 * 2);
  CHECK(token_bytes(with_head, 3) == 4 * (with_head.size() - 7 * 2 - 5 * 2 + 2 * 3 * 2));
}

TEST_CASE("the machine says what it is, and its limits can be measured") {
  const Machine machine = this_machine();
  CHECK(machine.hardware_threads >= 1);
  CHECK(!machine.level.empty());
  ThreadPool threads(2);
  CHECK(measure_fma_peak(threads) > 0);
  MemoryReader memory;
  for (const int streams : {1, 4, 8}) CHECK(memory.read(threads, streams) > 0);
}

TEST_CASE("a training step: as many as asked for, and figures that agree with one another") {
  RunConfig config = bench_config("tiny");
  config.train.batch = 3;
  ThreadPool threads(2);
  const StepBench bench = bench_step(config, threads, 5);
  CHECK(bench.steps == 5);
  CHECK(bench.ms.p10 > 0);
  CHECK(bench.ms.p10 <= bench.ms.median);
  CHECK(bench.ms.median <= bench.ms.p90);
  CHECK(bench.tokens_per_second == doctest::Approx(1e3 * 3 * 24 / bench.ms.median));
  CHECK(bench.flops_per_second == doctest::Approx(1e3 * step_flops(config.model, 3, 24) / bench.ms.median));
  CHECK(bench.fraction_of_peak > 0);
  CHECK(bench.peak > 0);
  config.model.heads = 5;
  CHECK(contains(error_of([&] { bench_step(config, threads, 5); }), "heads"));
}

TEST_CASE("twins and decoding: figures of the right sign and size") {
  ThreadPool threads(2);
  const TwinsBench twins = bench_twins(bench_config("tiny"), small_corpus(), threads, 2);
  CHECK(twins.step_ms > 0);
  CHECK(twins.honest_share < 1);
  CHECK(twins.snapshot_ms > 0);
  CHECK(twins.steps_per_second.value_or(1) > 0);  // none on a machine that is too slow to wait for

  Parameters<float> parameters(bench_config("tiny").model);
  parameters.initialise(Rng(1));
  MemoryReader memory;
  const DecodeBench decode = bench_decode(parameters, threads, memory, 30);
  CHECK(decode.prompt == 24);  // the context
  CHECK(decode.first == 13);
  CHECK(decode.last == 24);
  CHECK(decode.prefill_ms > 0);
  CHECK(decode.ms_per_token.median > 0);
  CHECK(decode.uncached_ms_per_token > 0);
  CHECK(decode.fraction_of_bandwidth > 0);
}

TEST_CASE("every measurement can be called off") {
  ThreadPool threads(1);
  Progress progress;
  progress.cancelled = true;
  const RunConfig config = bench_config("tiny");
  CHECK_THROWS_AS(bench_step(config, threads, 0, &progress), Cancelled);
  CHECK_THROWS_AS(bench_twins(config, small_corpus(), threads, 0, &progress), Cancelled);
  MemoryReader memory;
  CHECK_THROWS_AS(bench_decode(Parameters<float>(config.model), threads, memory, 0, &progress), Cancelled);
}

}  // namespace
}  // namespace nopeek::test::bench_test
