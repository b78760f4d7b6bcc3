// `nopeek bench`, as people and scripts start it.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/commands/program.h"

namespace nopeek::test::bench_command_test {
namespace {

using nlohmann::json;

ProgramOutcome bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "bench");
  return run_program(arguments);
}

TEST_CASE(
    "bench --json is one document: machine, limits, and for each number of threads all that a size is measured with") {
  const ProgramOutcome outcome = bench({"--config", "tiny", "--threads", "2", "--samples", "3", "--json"});
  CAPTURE(outcome.error);
  REQUIRE(outcome.status == 0);
  CHECK(outcome.error.empty());
  const json document = json_of(outcome.out);
  CHECK(document["machine"]["hardware_threads"] >= 1);
  CHECK(document["machine"]["level"].is_string());
  REQUIRE(document["machine"]["limits"].size() == 1);
  CHECK(document["machine"]["limits"][0]["threads"] == 2);
  CHECK(document["machine"]["limits"][0]["gflops"] > 0);
  CHECK(document["machine"]["limits"][0]["read_gb_per_s"] > 0);

  REQUIRE(document["results"].size() == 1);
  const json& result = document["results"][0];
  CHECK(result["config"] == "tiny");
  CHECK(result["threads"] == 2);
  const json shape = {{"batch", 16}, {"context", 24}, {"channels", 64}, {"layers", 2}, {"heads", 4}, {"vocab", 30}};
  for (const auto& [name, value] : shape.items()) CHECK(result[name] == value);
  CHECK(result["steps"] == 3);
  for (const char* name : {"median", "p10", "p90"}) CHECK(result["ms_per_step"][name] > 0);
  CHECK(result["gflop_per_step"].get<double>() == doctest::Approx(0.2451).epsilon(1e-3));
  for (const char* name :
       {"tokens_per_s", "gflops", "peak_gflops", "fraction_of_peak", "pair_ms_per_step", "snapshot_ms"}) {
    CHECK(result[name] > 0);
  }
  CHECK((result["pair_steps_per_s"].is_null() || result["pair_steps_per_s"] > 0));  // none where it would take long
  for (const char* name : {"honest_ms", "honest_share"}) CHECK(result[name].is_number());

  REQUIRE(document["decode"].size() == 1);
  const json& decode = document["decode"][0];
  CHECK(decode["config"] == "tiny");
  CHECK(decode["prompt"] == 24);
  CHECK(decode["lengths"] == json({13, 24}));
  CHECK(decode["ms_per_token"]["median"] > 0);
  for (const char* name : {"prefill_ms", "prefill_gflops", "prefill_fraction_of_peak", "tokens_per_s", "gb_per_s",
                           "read_gb_per_s", "fraction_of_bandwidth", "ms_per_token_without_cache"}) {
    CHECK(decode[name] > 0);
  }
}

TEST_CASE("bench: one part, other shapes, and a table for people") {
  const ProgramOutcome shaped =
      bench({"--config", "tiny", "--only", "step", "--samples", "2", "--threads", "1", "--json", "--d-model", "32",
             "--context", "8", "--batch", "5", "--layers", "1", "--heads", "2"});
  REQUIRE(shaped.status == 0);
  const json document = json_of(shaped.out);
  const json& result = document["results"][0];
  const json shape = {{"batch", 5}, {"context", 8}, {"channels", 32}, {"layers", 1}, {"heads", 2}};
  for (const auto& [name, value] : shape.items()) CHECK(result[name] == value);
  CHECK(!result.contains("honest_ms"));
  CHECK(document["decode"].empty());

  const ProgramOutcome table = bench({"--config", "tiny", "--only", "step", "--samples", "2", "--threads", "1"});
  CHECK(table.status == 0);
  CHECK(table.error.empty());
  CHECK(contains(table.out, "limits"));
  CHECK(contains(table.out, "training step"));
  CHECK(contains(table.out, "\ntiny "));
  CHECK(!contains(table.out, "twins"));

  const ProgramOutcome shortest =
      bench({"--config", "tiny", "--only", "decode", "--samples", "2", "--threads", "1", "--context", "1"});
  CHECK(shortest.status == 0);
}

TEST_CASE("bench: bad input gives status 2 and one line; Ctrl+C gives 130") {
  const auto refused = [](const ProgramOutcome& outcome, std::string_view part) {
    CAPTURE(outcome.error);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.error.starts_with("nopeek: "));
    CHECK(outcome.error.find('\n') == outcome.error.size() - 1);
    CHECK(contains(outcome.error, part));
  };
  refused(bench({"--config", "huge"}), "huge");
  refused(bench({"--config="}), "--config");
  refused(bench({"--threads", "0"}), "--threads");
  refused(bench({"--samples", "-1"}), "--samples");
  refused(bench({"--only", "sleep"}), "sleep");
  refused(bench({"--only", "decode", "--config", "large"}), "large");
  refused(bench({"--config", "gpt2", "--only", "step"}), "gpt2");
  refused(bench({"--batch", "4"}), "--config");
  refused(bench({"--config", "tiny", "--d-model", "66"}), "66");
  refused(bench({"--config", "tiny", "--batch", "0"}), "Batch");
  refused(bench({"--config", "large", "--batch", "1024", "--context", "1024", "--d-model", "4096", "--heads", "8"}),
          "memory");
  refused(bench({"--config", "gpt2", "--layers", "48", "--d-model", "4096", "--heads", "64"}), "memory");
  refused(bench({"tiny"}), "tiny");

  const ProgramOutcome interrupted = interrupt_program({"bench", "--config", "tiny", "--json"});
  CHECK(interrupted.status == 130);
  CHECK(interrupted.out.empty());
  CHECK(interrupted.error.empty());
}

}  // namespace
}  // namespace nopeek::test::bench_command_test
