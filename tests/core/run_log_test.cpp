#include "core/live/run_log.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "tests/core/support.h"

namespace nopeek::test::run_log_test {
namespace {

std::vector<std::string> fields_of(const std::string& row) {
  std::vector<std::string> fields(1);
  for (const char c : row) {
    if (c == ',') {
      fields.emplace_back();
    } else if (c != '\n') {
      fields.back() += c;
    }
  }
  return fields;
}

StepRecord record(float reported, float honest, float future) {
  StepRecord r;
  r.reported = reported, r.honest = honest, r.future_attention = future;
  return r;
}

TEST_CASE("a row of the log brings back the same bits") {
  Rng rng(81);
  std::vector<float> values = {0.0f, 1.0f, 1e-45f, 1.17549435e-38f, 3.4028235e38f, 0.1f, 2.7182817f, 1e-7f};
  for (int i = 0; i < 2000; ++i) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(rng.next()));
    if (std::isfinite(value)) values.push_back(value);
  }
  for (const float value : values) {
    const auto fields = fields_of(run_log_row(7, "masked", record(value, -value, value)));
    REQUIRE(fields.size() == 5);
    REQUIRE(std::bit_cast<uint32_t>(std::strtof(fields[2].c_str(), nullptr)) == std::bit_cast<uint32_t>(value));
    REQUIRE(std::bit_cast<uint32_t>(std::strtof(fields[3].c_str(), nullptr)) == std::bit_cast<uint32_t>(-value));
  }
}

TEST_CASE("the log has one header, and empty fields where nothing was measured") {
  CHECK(run_log_header() == "step,lane,reported,honest,future_attention\n");
  CHECK(run_log_row(12, "masked", record(1.5f, kNotMeasured, kNotMeasured)) == "12,masked,1.5,,\n");
  CHECK(run_log_row(1, "unmasked", record(1.5f, 2, 0)) == "1,unmasked,1.5,2,0\n");
}

TEST_CASE("the log of a lab: a row a step and lane, measured at step 1, at each tenth and where asked for") {
  RunConfig config = small_run();
  Lab lab(config, small_corpus(), Lab::twins(config.model.context));
  ThreadPool one(1);
  for (int step = 1; step <= 13; ++step) lab.step(one, step == 13 ? Lab::Measure::kNow : Lab::Measure::kAsDue);
  std::istringstream log(run_log(lab.snapshot(one)));
  std::string line;
  std::getline(log, line);
  CHECK(line + '\n' == run_log_header());
  for (int step = 1; step <= 13; ++step) {
    for (const char* lane : {"masked", "unmasked"}) {
      REQUIRE(std::getline(log, line));
      const auto fields = fields_of(line);
      CHECK(fields[0] == std::to_string(step));
      CHECK(fields[1] == lane);
      CHECK_FALSE(fields[2].empty());
      const bool measured = step == 1 || step == 10 || step == 13;
      CHECK(fields[3].empty() == !measured);
      CHECK(fields[4].empty() == !measured);
    }
  }
  CHECK_FALSE(std::getline(log, line));
}

}  // namespace
}  // namespace nopeek::test::run_log_test
