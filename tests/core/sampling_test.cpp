// From logits to a token: laws of the pipeline, and another implementation beside it.
#include "core/decode/sampling.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "tests/core/support.h"

namespace nopeek::test::sampling_test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The definition, said plainly and in long double; by id.
std::vector<long double> by_definition(const std::vector<float>& logits, const SamplingConfig& config) {
  std::vector<size_t> left;  // ids in falling order
  for (size_t id = 0; id < logits.size(); ++id) {
    if (logits[id] > -kInfinity) left.push_back(id);
  }
  std::stable_sort(left.begin(), left.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
  const auto cut = [&](size_t most) { left.resize(std::min(left.size(), most)); };
  if (config.temperature == 0) cut(1);
  if (config.top_k > 0) cut(static_cast<size_t>(config.top_k));

  std::vector<long double> p(logits.size(), 0);
  const auto normalise = [&](const std::function<long double(size_t)>& weight) {
    std::vector<long double> result(logits.size(), 0);
    long double sum = 0;
    for (const size_t id : left) sum += weight(id);
    for (const size_t id : left) result[id] = weight(id) / sum;
    return result;
  };
  const long double temperature = config.temperature == 0 ? 1 : config.temperature, greatest = logits[left[0]];
  p = normalise([&](size_t id) { return std::exp((logits[id] - greatest) / temperature); });
  if (config.top_p < 1) {
    long double sum = 0;
    size_t kept = 0;
    while (kept < left.size() && sum < config.top_p) sum += p[left[kept++]];
    cut(kept);
  }
  return normalise([&](size_t id) { return p[id]; });
}

Distribution distribution(const std::vector<float>& logits, const SamplingConfig& config = {}) {
  Distribution result;
  result.set_logits(logits);
  result.filter(config);
  return result;
}

std::vector<float> random_logits(size_t size, Rng& rng, double deviation) {
  std::vector<float> logits;
  while (logits.size() < size) logits.push_back(static_cast<float>(deviation * rng.normal()));
  return logits;
}

/// Logits whose softmax are these probabilities.
std::vector<float> logits_of(std::initializer_list<double> probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

std::vector<TokenId> kept_ids(const Distribution& d) {
  std::vector<TokenId> ids;
  for (const Candidate& c : d.candidates()) {
    if (c.kept) ids.push_back(c.id);
  }
  return ids;
}

void check_against_definition(const std::vector<float>& logits, const SamplingConfig& config) {
  CAPTURE(config.temperature);
  CAPTURE(config.top_k);
  CAPTURE(config.top_p);
  const Distribution d = distribution(logits, config);
  const auto expected = by_definition(logits, config);
  double worst = 0, sum = 0;
  for (size_t id = 0; id < logits.size(); ++id) {
    const Candidate& c = d.of(static_cast<TokenId>(id));
    worst = std::max(worst, std::abs(static_cast<double>(c.p - expected[id])));
    sum += c.p;
    if (c.id != static_cast<TokenId>(id) || c.logit != logits[id]) FAIL("rank() does not find its token");
    if (!c.kept && c.p != 0) FAIL("a token that was cut has a probability");
  }
  CHECK(worst < 1e-12);
  CHECK(sum == doctest::Approx(1).epsilon(1e-12));
}

TEST_CASE("every mixture of temperature, top-k and top-p agrees with a plain implementation in long double") {
  Rng rng(1);
  for (const size_t vocab : {1, 2, 7, 60, 300}) {
    for (const double deviation : {0.01, 1.0, 6.0, 60.0}) {
      std::vector<float> logits = random_logits(vocab, rng, deviation);
      if (vocab == 60) logits[17] = logits[3] = -kInfinity;
      if (vocab == 300) {
        for (float& logit : logits) logit = std::round(logit);  // many ties
      }
      for (const double temperature : {0.0, 0.01, 0.5, 1.0, 2.0, 100.0}) {
        for (const int k : {0, 1, 3, static_cast<int>(vocab), 100'000}) {
          for (const double p : {1e-300, 0.1234567, 0.5012345, 0.9012345, 0.9991234, 1.0}) {
            check_against_definition(logits, {temperature, k, p});
          }
        }
      }
    }
  }
}

TEST_CASE("a vocabulary of 50257 agrees too, and so do logits of any size") {
  Rng rng(2);
  const std::vector<float> many = random_logits(50257, rng, 3);
  check_against_definition(many, {});
  check_against_definition(many, {0.7, 50, 0.95});
  check_against_definition(many, {100, 0, 0.9});
  check_against_definition({1e30f, -1e30f, 1e30f, 0}, {0.5, 0, 0.9});
  check_against_definition({3e38f, -3e38f}, {100, 0, 1});
  check_against_definition({0, -kInfinity, -1e-30f, -kInfinity}, {5e-324, 0, 1});
  check_against_definition({-5, -1000, -5000}, {0.01, 0, 1});  // underflow
}

/// sum (seen - expected)^2 / expected over tokens that can be drawn; infinite if another one was.
double chi_squared(const std::vector<int>& seen, const std::vector<long double>& p, int draws) {
  double sum = 0;
  for (size_t id = 0; id < seen.size(); ++id) {
    const double expected = static_cast<double>(p[id]) * draws;
    if (p[id] == 0 && seen[id] > 0) return std::numeric_limits<double>::infinity();
    if (p[id] > 0) sum += (seen[id] - expected) * (seen[id] - expected) / expected;
  }
  return sum;
}

TEST_CASE("100,000 draws are distributed as the pipeline says, and not as if one setting were another") {
  constexpr int kDraws = 100'000;
  // 11 degrees of freedom at most: the chance of more than 50 is below 1e-6.
  constexpr double kThreshold = 50;
  const std::vector<float> logits = {1.2f, -0.3f, 0.4f, 2.0f, -1.1f, 0.9f, 0.1f, -0.6f, 1.5f, -1.4f, 0.7f, 0.0f};
  uint64_t seed = 1;
  for (const double temperature : {0.6, 1.0, 1.7}) {
    for (const int k : {0, 5}) {
      for (const double p : {0.75, 1.0}) {
        CAPTURE(temperature);
        CAPTURE(k);
        CAPTURE(p);
        const Distribution d = distribution(logits, {temperature, k, p});
        std::vector<int> random(logits.size(), 0), even(logits.size(), 0);
        Rng rng(seed++);
        for (int i = 0; i < kDraws; ++i) {
          ++random[static_cast<size_t>(d.candidates()[d.draw(rng.uniform())].id)];
          ++even[static_cast<size_t>(d.candidates()[d.draw((i + 0.5) / kDraws)].id)];
        }
        const auto truth = by_definition(logits, {temperature, k, p});
        CHECK(chi_squared(random, truth, kDraws) < kThreshold);
        // Evenly spaced u: each count is right to within one draw.
        for (size_t id = 0; id < logits.size(); ++id) {
          CHECK(std::abs(even[id] - static_cast<double>(truth[id]) * kDraws) <= 1.0);
        }
        // The check itself: other settings are told apart.
        CHECK(chi_squared(random, by_definition(logits, {temperature * 1.25, k, p}), kDraws) > 3 * kThreshold);
        CHECK(chi_squared(random, by_definition(logits, {temperature, 2, p}), kDraws) > 3 * kThreshold);
        if (p < 1) CHECK(chi_squared(random, by_definition(logits, {temperature, k, 0.5}), kDraws) > 3 * kThreshold);
      }
    }
  }
}

TEST_CASE("top-p keeps the smallest set that reaches p: without its last token it would not") {
  Rng rng(3);
  for (int round = 0; round < 3000; ++round) {
    const std::vector<float> logits = random_logits(1 + rng.below(40), rng, 0.1 + 4 * rng.uniform());
    const double p = round % 10 == 0 ? 1e-12 : 1e-6 + (1 - 2e-6) * rng.uniform();
    const Distribution d = distribution(logits, {0.2 + 2 * rng.uniform(), static_cast<int>(rng.below(45)), p});
    const auto& all = d.candidates();
    const size_t kept = d.kept();
    REQUIRE(kept >= 1);
    REQUIRE(kept <= d.in_top_k());
    constexpr double kRounding = 1e-14;  // shares are rounded before they are added
    if (kept > 1) CHECK(all[kept - 2].cumulative < p + kRounding);
    CHECK((all[kept - 1].cumulative >= p - kRounding || kept == d.in_top_k()));
    for (size_t i = 0; i < all.size(); ++i) {
      CHECK(all[i].kept == (i < kept));
      if (i > 0) CHECK(all[i - 1].logit >= all[i].logit);
    }
    CHECK(d.kept_mass() == all[kept - 1].cumulative);
  }
}

TEST_CASE("the token that crosses p is kept, also when it is the first; one that exactly reaches p is the last") {
  const auto logits = logits_of({0.1, 0.6, 0.3});
  CHECK(kept_ids(distribution(logits, {1, 0, 0.5})) == std::vector<TokenId>{1});
  CHECK(kept_ids(distribution(logits, {1, 0, 0.61})) == std::vector<TokenId>{1, 2});
  CHECK(kept_ids(distribution({1, 1, 1, 1}, {1, 0, 0.5})) == std::vector<TokenId>{0, 1});
  CHECK(kept_ids(distribution({1, 1, 1, 1}, {1, 0, 0.500001})) == std::vector<TokenId>{0, 1, 2});
  CHECK(kept_ids(distribution(logits, {1, 0, 1e-300})) == std::vector<TokenId>{1});
}

TEST_CASE("of N equal tokens a top-p of m/N keeps m, whatever the rounding of the double m/N") {
  for (int N = 1; N <= 200; ++N) {
    const std::vector<float> logits(static_cast<size_t>(N), -0.7f);
    for (int m = 1; m <= N; ++m) {
      REQUIRE(distribution(logits, {1, 0, static_cast<double>(m) / N}).kept() == static_cast<size_t>(m));
    }
  }
  const std::vector<float> ten(10, 1.0f);
  CHECK(distribution(ten, {1, 0, 0.8}).kept() == 8);  // though the double 0.8 lies above 8/10
  CHECK(distribution(ten, {1, 0, 0.8 + 1e-12}).kept() == 9);
  CHECK(distribution(ten, {1, 4, 0.5}).kept() == 2);  // of those that top-k left
}

TEST_CASE("the stages come in this order: temperature, top-k, softmax, top-p") {
  const auto logits = logits_of({0.4, 0.3, 0.2, 0.1});
  // Of the two likeliest alone, the first has 4/7 > 0.55; of all four it would have 0.4, and top-p first would keep
  // two.
  CHECK(kept_ids(distribution(logits, {1, 2, 0.55})) == std::vector<TokenId>{0});
  // At temperature 2 the first two have 0.61 < 0.65 together; before the temperature they would have 0.7.
  CHECK(kept_ids(distribution(logits, {2, 0, 0.65})) == std::vector<TokenId>{0, 1, 2});
  const Distribution d = distribution(logits, {1, 3, 0.7});
  CHECK(d.candidates()[2].p_top_k == doctest::Approx(0.2 / 0.9));
  CHECK(d.candidates()[3].p_top_k == 0);
  CHECK(d.candidates()[3].p_temperature == doctest::Approx(0.1));
  CHECK(d.candidates()[1].cumulative == doctest::Approx(0.7 / 0.9));
  CHECK(d.candidates()[0].p == doctest::Approx(4.0 / 7));
  CHECK(d.kept_mass() == doctest::Approx(0.7 / 0.9));
}

TEST_CASE("equal logits are ranked by the lower id, minus zero among them, and cut in that order") {
  const Distribution d = distribution({0.0f, 2, -0.0f, 2, 0.0f, 2}, {1, 4, 1});
  std::vector<TokenId> order;
  for (const Candidate& c : d.candidates()) order.push_back(c.id);
  CHECK(order == std::vector<TokenId>{1, 3, 5, 0, 2, 4});
  CHECK(kept_ids(d) == std::vector<TokenId>{1, 3, 5, 0});
  CHECK(distribution({1, 3, 3}, {0, 0, 1}).best().id == 1);
}

TEST_CASE("temperature 0 is greedy: all on the best, whatever the cuts, and the limit of small temperatures") {
  const std::vector<float> logits = {0.5f, 3, 2.99f, -kInfinity};
  for (const SamplingConfig config : {SamplingConfig{0, 0, 1}, {0, 3, 0.2}, {1e-6, 0, 1}, {1e-300, 2, 0.999}}) {
    const Distribution d = distribution(logits, config);
    CHECK(d.of(1).p == 1);
    CHECK(d.of(1).p_temperature == 1);
    CHECK(d.entropy() == 0);
    CHECK(d.temperature_entropy() == 0);
    for (const double u : {0.0, 0.3, 1 - 0x1p-53, 1.0}) CHECK(d.candidates()[d.draw(u)].id == 1);
    CHECK(d.of(2).p_model ==
          doctest::Approx(static_cast<double>(by_definition(logits, {})[2])));  // the model's own is untouched
  }
}

TEST_CASE("entropies are those of the distributions that they are named for") {
  const Distribution even = distribution(std::vector<float>(16, 0.25f), {1, 8, 0.5});
  CHECK(even.model_entropy() == doctest::Approx(std::log(16.0)));
  CHECK(even.entropy() == doctest::Approx(std::log(4.0)));
  const Distribution d = distribution(logits_of({0.64, 0.32, 0.04}), {2, 2, 1});
  const auto entropy = [](std::vector<double> p) {
    double sum = 0, h = 0;
    for (const double each : p) sum += each;
    for (const double each : p) h -= each / sum * std::log(each / sum);
    return h;
  };
  CHECK(d.model_entropy() == doctest::Approx(entropy({0.64, 0.32, 0.04})));
  CHECK(d.temperature_entropy() == doctest::Approx(entropy({0.8, std::sqrt(0.32), 0.2})));
  CHECK(d.entropy() == doctest::Approx(entropy({0.8, std::sqrt(0.32)})));
  CHECK(d.exp_sum() == doctest::Approx(1 + std::sqrt(0.5) + 0.25));
  CHECK(d.top_k_exp_sum() == doctest::Approx(1 + std::sqrt(0.5)));
}

TEST_CASE("a draw falls on the stretch of u, side by side in order, and never on one of no width") {
  const Distribution d = distribution(logits_of({0.1, 0.5, 0.4}), {1, 2, 1});
  const auto drawn = [&](double u) { return d.candidates()[d.draw(u)].id; };
  CHECK(drawn(0) == 1);
  CHECK(drawn(0.5555) == 1);
  CHECK(drawn(0.5556) == 2);
  CHECK(drawn(1 - 0x1p-53) == 2);
  CHECK(drawn(1) == 2);
  const Distribution narrow = distribution({0, -100, -kInfinity}, {0.01, 0, 1});  // the second underflows to 0
  CHECK(narrow.candidates()[1].p == 0);
  for (const double u : {0.0, 0.5, 1 - 0x1p-53, 1.0}) CHECK(narrow.draw(u) == 0);
}

TEST_CASE("minus infinity is never kept, and what is no distribution is refused and changes nothing") {
  Distribution d = distribution({1, -kInfinity, 2}, {100, 0, 1});
  CHECK(kept_ids(d) == std::vector<TokenId>{2, 0});
  for (const int k : {0, 2, 3, 100}) {
    d.filter({1, k, 1});
    CHECK(kept_ids(d) == std::vector<TokenId>{2, 0});
    CHECK(d.in_top_k() == 2);
  }
  const auto refused = [&](std::vector<float> logits) { return error_of([&] { d.set_logits(logits); }); };
  CHECK(contains(refused({1, std::nanf(""), 2}), "finite"));
  CHECK(contains(refused({1, kInfinity, 2}), "finite"));
  CHECK(contains(refused({-kInfinity, -kInfinity}), "No token is possible"));
  CHECK(contains(refused({}), "No token is possible"));
  CHECK(kept_ids(d) == std::vector<TokenId>{2, 0});
  CHECK(d.candidates().size() == 3);
}

TEST_CASE("settings that cannot work are refused by name, and change nothing") {
  Distribution d = distribution({1, 2}, {0.5, 1, 0.5});
  const auto refused = [&](SamplingConfig config) { return error_of([&] { d.filter(config); }); };
  const double nan = std::nan("");
  for (const double temperature : {-0.1, nan, std::numeric_limits<double>::infinity()}) {
    CHECK(contains(refused({temperature, 0, 1}), "Temperature"));
  }
  CHECK(contains(refused({1, -1, 1}), "Top-k"));
  for (const double p : {0.0, -0.5, 1.1, nan}) CHECK(contains(refused({1, 0, p}), "Top-p"));
  CHECK(d.config() == SamplingConfig{0.5, 1, 0.5});
  CHECK(refused({1, 1'000'000, 1}).empty());
  CHECK(d.kept() == 2);
}

TEST_CASE("a setting stays when the next logits come") {
  Distribution d = distribution({1, 2, 3}, {0.5, 2, 1});
  d.set_logits(std::vector<float>{5, 1, 4, 2});
  CHECK(kept_ids(d) == std::vector<TokenId>{0, 2});
  CHECK(d.best().p == doctest::Approx(1 / (1 + std::exp(-2.0))));
}

}  // namespace
}  // namespace nopeek::test::sampling_test
