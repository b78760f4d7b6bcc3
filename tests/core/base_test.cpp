#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/instruction_level.h"
#include "core/base/rng.h"
#include "core/nn/parameters.h"
#include "tests/core/support.h"

namespace nopeek::test::base_test {
namespace {

TEST_CASE("the core says which level was loaded") {
  const char* expected = std::getenv("NOPEEK_EXPECTED_LEVEL");  // set by tests/levels
  if (expected) CHECK(instruction_level() == std::string(expected));
  CHECK_FALSE(std::string(instruction_level()).empty());
}

TEST_CASE("FNV-1a has its published values") {
  CHECK(hash_of("") == 0xcbf29ce484222325u);
  CHECK(hash_of("a") == 0xaf63dc4c8601ec8cu);
  CHECK(hash_of("foobar") == 0x85944171f73967e8u);
}

TEST_CASE("Rng is SplitMix64: its published sequence from state 0") {
  Rng rng(0, ~uint64_t{0});
  REQUIRE(rng.state() == 0);
  CHECK(rng.next() == 0xe220a8397b1dcdafu);
  CHECK(rng.next() == 0x6e789e6aa1b965f4u);
  CHECK(rng.next() == 0x06c45d188009454fu);
}

TEST_CASE("seeds and streams give the values that an independent program gave") {
  const auto three = [](Rng rng) {
    std::vector<uint64_t> values;
    for (int i = 0; i < 3; ++i) values.push_back(rng.next());
    return values;
  };
  CHECK(three(Rng(1)) == std::vector<uint64_t>{0x5858fc074ef2cb9cu, 0x0bcbb32585cbf0c0u, 0xf1af7c3492bac3fcu});
  CHECK(three(Rng(1, 1)) == std::vector<uint64_t>{0x757b740a2e2eb870u, 0x98dd24a4e8b91380u, 0xcf7daa80b453531cu});
  CHECK(three(Rng(42, 7)) == std::vector<uint64_t>{0x3a2cc4384ef877f7u, 0x584ea09c5c418a5du, 0x7344487f4005e993u});
}

TEST_CASE("a copied Rng goes on as the original does") {
  Rng rng(3);
  rng.next();
  Rng fork = rng;
  CHECK(fork.next() == rng.next());
  CHECK(fork.state() == rng.state());
}

TEST_CASE("uniform stays in [0, 1), with the mean, variance and evenness of the uniform distribution") {
  Rng rng(8);
  constexpr int kDraws = 100'000, kBins = 20;
  double sum = 0, squares = 0;
  std::vector<double> bins(kBins);
  for (int i = 0; i < kDraws; ++i) {
    const double u = rng.uniform();
    REQUIRE((u >= 0 && u < 1));
    sum += u, squares += u * u;
    ++bins[static_cast<size_t>(u * kBins)];
  }
  CHECK(std::abs(sum / kDraws - 0.5) < 5 * std::sqrt(1.0 / 12 / kDraws));
  CHECK(std::abs(squares / kDraws - 1.0 / 3) < 5 * std::sqrt(4.0 / 45 / kDraws));
  double chi_squared = 0;
  for (const double count : bins) chi_squared += std::pow(count - kDraws / kBins, 2) / (kDraws / kBins);
  CHECK(chi_squared < 60);  // 19 degrees of freedom: 1 in 10^5
}

TEST_CASE("below(n) stays below n and favours none") {
  Rng rng(9);
  for (int i = 0; i < 100; ++i) CHECK(rng.below(1) == 0);
  std::vector<int> counts(3);
  for (int i = 0; i < 30'000; ++i) ++counts.at(rng.below(3));
  for (const int count : counts) CHECK(std::abs(count - 10'000) < 5 * std::sqrt(30'000 * 2.0 / 9));
  // For n a little above 2^63, a plain remainder would give the lower values twice as often.
  const uint64_t n = (uint64_t{1} << 63) + (uint64_t{1} << 62);
  int low = 0;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t value = rng.below(n);
    REQUIRE(value < n);
    low += value < n / 2;
  }
  CHECK(std::abs(low - 10'000) < 5 * std::sqrt(20'000 / 4.0));
}

TEST_CASE("normal has mean 0, variance 1 and normal tails, and never infinity") {
  Rng rng(10);
  constexpr int kDraws = 100'000;
  double sum = 0, squares = 0;
  int beyond_two = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = rng.normal();
    REQUIRE(std::isfinite(x));
    sum += x, squares += x * x;
    beyond_two += std::abs(x) > 2;
  }
  CHECK(std::abs(sum / kDraws) < 5 / std::sqrt(kDraws));
  CHECK(std::abs(squares / kDraws - 1) < 5 * std::sqrt(2.0 / kDraws));
  CHECK(std::abs(beyond_two / double{kDraws} - 0.0455) < 0.0035);
}

TEST_CASE("parameters lie in one vector without gaps, tensor behind tensor, and views show the same memory") {
  const ModelConfig config{.vocab = 5, .context = 4, .channels = 6, .layers = 3, .heads = 2};
  Parameters<float> parameters(config);
  size_t end = 0;
  for (const TensorSpec& spec : parameters.table()) {
    CHECK(spec.offset == end);
    end += spec.size();
  }
  CHECK(end == parameters.size());
  // 12 C^2 + 13 C a layer, as every GPT-2.
  const size_t C = 6, expected = (5 + 4) * C + 3 * (12 * C * C + 13 * C) + 2 * C;
  CHECK(parameters.size() == expected);

  for (size_t i = 0; i < parameters.size(); ++i)
    parameters.flat()[static_cast<Eigen::Index>(i)] = static_cast<float>(i);
  for (const TensorSpec& spec : parameters.table())
    CHECK(parameters.tensor(spec)(0, 0) == static_cast<float>(spec.offset));
  CHECK(parameters.wte()(0, 0) == 0.0f);
  CHECK(parameters.wpe()(0, 0) == 30.0f);
  CHECK(parameters.ln_f_bias()[5] == static_cast<float>(expected - 1));
  MatrixMap<float> view = parameters.block(1).c_attn_weight;
  view(2, 3) = -1;
  for (const TensorSpec& spec : parameters.table()) {
    if (spec.name == "h.1.attn.c_attn.weight") CHECK(parameters.tensor(spec)(2, 3) == -1.0f);
  }
}

TEST_CASE("a model starts as GPT-2 does: deviations 0.02, residual ones divided by sqrt(2 L), norms 1, biases 0") {
  const ModelConfig config{.vocab = 64, .context = 32, .channels = 64, .layers = 2, .heads = 4};
  Parameters<double> parameters(config), again(config), other(config);
  parameters.initialise(Rng(4));
  again.initialise(Rng(4));
  other.initialise(Rng(5));
  CHECK(hash_of(parameters) == hash_of(again));
  CHECK(hash_of(parameters) != hash_of(other));
  for (const TensorSpec& spec : parameters.table()) {
    CAPTURE(spec.name);
    const auto tensor = parameters.tensor(spec);
    if (spec.name.ends_with("bias")) {
      CHECK(tensor.isZero(0));
    } else if (spec.rows == 1) {
      CHECK((tensor.array() == 1).all());
    } else {
      const double n = static_cast<double>(tensor.size()), deviation = std::sqrt(tensor.squaredNorm() / n);
      const double expected = spec.name.find("c_proj") != std::string::npos ? 0.02 / std::sqrt(4.0) : 0.02;
      CHECK(deviation == doctest::Approx(expected).epsilon(5 / std::sqrt(2 * n)));
      CHECK(std::abs(tensor.mean()) < 5 * expected / std::sqrt(n));
    }
  }
}

}  // namespace
}  // namespace nopeek::test::base_test
