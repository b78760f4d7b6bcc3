// The leak test must find every leak and cry wolf at none, by two ways that do not know the mask.
#include "core/train/leak_test.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/core/support.h"

namespace nopeek::test::leak_test_test {
namespace {

constexpr int kT = 9;
ModelConfig config_of(int layers) { return {.vocab = 11, .context = 10, .channels = 16, .layers = layers, .heads = 4}; }

LeakTest tested(const Mask& mask, int layers = 2, uint64_t seed = 61) {
  const SmallModel<float> model(config_of(layers), 1, kT, seed);
  return leak_test(model.parameters, mask, model.inputs);
}

bool sees_the_future(const Mask& mask) {
  for (int query = 0; query < kT; ++query) {
    for (int key = query + 1; key < kT; ++key) {
      if (mask.visible(query, key)) return true;
    }
  }
  return false;
}

/// (T, T): whether a token comes to an output in as many hops as there are layers. A residual stream stays where it is.
Matrix<bool> reachable(const Mask& mask, int layers) {
  Matrix<bool> reached = Matrix<bool>::Identity(kT, kT);
  for (int l = 0; l < layers; ++l) {
    const Matrix<bool> before = reached;
    for (int query = 0; query < kT; ++query) {
      for (int key = 0; key < kT; ++key) {
        if (mask.visible(query, key)) reached.row(query) = reached.row(query).array() || before.row(key).array();
      }
    }
  }
  return reached;
}

/// Of a kind, density and penalty by chance; of all that a hand may paint.
Mask any_mask(Rng& rng) {
  const auto cell = [&] { return static_cast<int>(rng.below(kT)); };
  const float penalty = -0.5f - 5.5f * static_cast<float>(rng.uniform());
  const int kind = static_cast<int>(rng.below(8));
  if (kind == 0) return Mask::window(kT, 1 + cell());
  if (kind == 1) return Mask::prefix(kT, cell());
  if (kind == 2) return Mask::penalised_future(kT, penalty);
  Mask mask = kind < 5 ? Mask::random(kT, rng, rng.uniform()) : Mask::causal(kT);
  rng.next();
  if (kind == 3 || kind == 5) {  // a causal part of it
    for (int query = 0; query < kT; ++query) {
      for (int key = query + 1; key < kT; ++key) mask.set(query, key, Mask::kForbidden);
    }
  }
  if (kind == 4) {
    for (int i = 0; i < 12; ++i) mask.set(cell(), cell(), penalty);
  }
  if (kind == 5) mask.set(kT - 1, cell(), penalty);
  if (kind == 6) mask.set(cell(), cell(), 0);
  if (kind == 7) mask.set(cell(), cell(), penalty);
  return mask;
}

TEST_CASE("leak test: passes what cannot peek, with zeros that are exact") {
  Mask sparse = Mask::causal(kT);
  sparse.set(7, 2, Mask::kForbidden);
  sparse.set(8, 0, -2.5f);
  for (const Mask& mask : {Mask::causal(kT), Mask::window(kT, 3), Mask::window(kT, 1), sparse, Mask::prefix(kT, 1)}) {
    const LeakTest test = tested(mask);
    CAPTURE(describe(mask));
    CHECK_FALSE(test.leaks());
    CHECK(test.agree());
    CHECK(test.at.empty());
    CHECK(test.gradient_at.empty());
    CHECK(verdict(test) == "PASS: no output depends on a later token.");
    for (int output = 0; output < kT; ++output) {
      CHECK(test.moved(output, output) > 0.0f);
      CHECK(test.gradient(output, output) > 0.0f);
      for (int token = output + 1; token < kT; ++token) {
        CHECK(test.moved(output, token) == 0.0f);
        CHECK(test.gradient(output, token) == 0.0f);
      }
    }
  }
}

TEST_CASE("leak test: finds what peeks, and where it begins") {
  const auto found = [](const Mask& mask, int layers) {
    const LeakTest test = tested(mask, layers);
    CAPTURE(describe(mask));
    CHECK(test.leaks());
    CHECK(test.agree());
    CHECK(test.at == test.gradient_at);
    return test;
  };
  CHECK(found(Mask::full(kT), 1).at.size() == kT * (kT - 1) / 2);
  CHECK(found(Mask::penalised_future(kT, -5), 1).at.size() == kT * (kT - 1) / 2);
  CHECK(found(Mask::off_by_one(kT), 1).at.size() == kT - 1);
  CHECK(found(Mask::off_by_one(kT), 2).at.size() == 2 * kT - 3);
  Mask hole = Mask::causal(kT);
  hole.set(3, 5, 0);
  LeakTest test = found(hole, 1);
  CHECK(test.at == std::vector<LeakTest::Cell>{{3, 5}});
  CHECK(verdict(test) == "FAIL: leaks from the future at output 3, token 5.");
  hole.set(3, 5, -6);
  CHECK(found(hole, 1).at == test.at);
  test = found(hole, 2);  // 3 sees what 5 has seen of 4, and 4 what 3 has seen of 5
  CHECK(test.at == std::vector<LeakTest::Cell>{{3, 4}, {3, 5}, {4, 5}});
  CHECK(verdict(test) == "FAIL: leaks from the future at output 3, token 4, and at 2 more places.");
  Mask holes = Mask::causal(kT);
  holes.set(3, 5, 0);
  holes.set(7, 8, 0);
  CHECK(contains(verdict(found(holes, 1)), "output 3, token 5, and at 1 more place."));
}

TEST_CASE("leak test: 200 masks by chance: no false verdict, the gradient agrees, and each cell is as far as it goes") {
  Rng rng(62);
  int leaking = 0;
  for (int i = 0; i < 200; ++i) {
    const int layers = 1 + static_cast<int>(rng.below(2));
    const Mask mask = any_mask(rng);
    const LeakTest test = tested(mask, layers, 1000 + static_cast<uint64_t>(i));
    CAPTURE(i);
    CAPTURE(describe(mask));
    const Matrix<bool> reached = reachable(mask, layers);
    CHECK(test.leaks() == sees_the_future(mask));
    CHECK(test.agree());
    CHECK((test.moved.array() != 0).matrix() == reached);
    CHECK((test.gradient.array() != 0).matrix() == reached);
    leaking += test.leaks() ? 1 : 0;
  }
  CHECK(leaking > 60);
  CHECK(leaking < 160);
}

TEST_CASE("leak test: off by one reaches one token further with each layer") {
  for (int layers = 1; layers <= 3; ++layers) {
    const LeakTest test = tested(Mask::off_by_one(kT), layers);
    for (int output = 0; output < kT; ++output) {
      for (int token = 0; token < kT; ++token) CHECK((test.moved(output, token) != 0) == (token <= output + layers));
    }
  }
}

TEST_CASE("leak test: a change is no smaller for being small, and none where the weights underflow") {
  const LeakTest faint = tested(Mask::penalised_future(kT, -12), 1);
  CHECK(faint.leaks());
  CHECK(faint.agree());
  float largest = 0;
  for (const auto& [output, token] : faint.at) largest = std::max(largest, faint.moved(output, token));
  CHECK(largest < 1e-3f);
  // A weight of e^-60 changes no sum of floats, but it is a path.
  const LeakTest fainter = tested(Mask::penalised_future(kT, -60), 1);
  CHECK_FALSE(fainter.leaks());
  CHECK_FALSE(fainter.agree());
  CHECK(fainter.gradient_at.size() == kT * (kT - 1) / 2);
  CHECK(contains(verdict(fainter), "PASS"));
  CHECK(contains(verdict(fainter), "too faint to move one at output 0, token 1, and at 35 more places."));
  // The classic -1e9 gives weights of exactly 0: nothing leaks, whatever the mask is called.
  const LeakTest none = tested(Mask::penalised_future(kT, -1e9f));
  CHECK_FALSE(none.leaks());
  CHECK(none.agree());
}

TEST_CASE("leak test: the gradient is that of the loss at one output, at what is embedded at one token") {
  const Mask mask = Mask::off_by_one(kT);
  SmallModel<double> model(config_of(2), 1, kT, 63);
  Parameters<float> weights(model.config);
  weights.flat() = model.parameters.flat().cast<float>();
  const LeakTest test = leak_test(weights, mask, model.inputs);
  std::rotate_copy(model.inputs.begin(), model.inputs.begin() + 1, model.inputs.end(), model.targets.begin());
  const auto loss_at = [&](int output) {
    model.loss(mask);
    return -model.activations.views().log_probs(output, model.targets[static_cast<size_t>(output)]);
  };
  // The position's embedding is added to the token's, and is of no other place.
  constexpr double kStep = 1e-5;
  for (int output = 0; output < kT; ++output) {
    for (int token = 0; token < kT; ++token) {
      double squares = 0;
      for (int c = 0; c < model.config.channels; ++c) {
        double& weight = model.parameters.wpe()(token, c);
        const double before = weight;
        weight = before + kStep;
        const double up = loss_at(output);
        weight = before - kStep;
        const double slope = (up - loss_at(output)) / (2 * kStep);
        weight = before;
        squares += slope * slope;
      }
      CHECK(static_cast<double>(test.gradient(output, token)) ==
            doctest::Approx(std::sqrt(squares)).epsilon(1e-3).scale(0.01));
    }
  }
}

TEST_CASE("leak test: what becomes no number has moved") {
  SmallModel<float> model(config_of(1), 1, kT, 64);
  for (TokenId& id : model.inputs) id = id == 8 ? 9 : id;
  model.inputs[5] = 3;  // will be replaced by 8
  model.parameters.wte()(8, 0) = std::nanf("");
  const LeakTest test = leak_test(model.parameters, Mask::causal(kT), model.inputs);
  CHECK(test.moved(5, 5) == INFINITY);
  CHECK(test.leaks());  // 0 times NaN is NaN: in this model a later token does spoil an earlier output
}

TEST_CASE("leak test: outputs that are no numbers stand still whatever one changes, and are no pass") {
  SmallModel<float> model(config_of(1), 1, kT, 64);
  model.parameters.wpe()(4, 0) = std::nanf("");
  CHECK(contains(error_of([&] { leak_test(model.parameters, Mask::causal(kT), model.inputs); }), "is no number"));
}

TEST_CASE("leak test: a text shorter than the context says so, and how much the mask opens beyond it") {
  const SmallModel<float> model(config_of(2), 1, kT, 65);
  const auto tested_to = [&](const Mask& mask, size_t T) {
    return leak_test(model.parameters, mask, std::span(model.inputs).first(T));
  };
  CHECK(tested_to(Mask::causal(9), 9).whole());
  CHECK(verdict(tested_to(Mask::causal(9), 5)) ==
        "PASS on the first 5 of 9 positions: no output depends on a later token.");
  CHECK(brief_verdict(tested_to(Mask::causal(9), 9)) == "PASS");
  CHECK(brief_verdict(tested_to(Mask::causal(9), 5)) == "PASS on the first 5 of 9 positions");
  Mask hole = Mask::causal(9);
  hole.set(6, 8, -1);
  hole.set(2, 7, 0);
  LeakTest test = tested_to(hole, 7);
  CHECK_FALSE(test.leaks());
  CHECK(test.open_beyond == 2);
  CHECK(verdict(test) ==
        "PASS on the first 7 of 9 positions: no output depends on a later token. "
        "The mask opens 2 future cells beyond this text.");
  test = tested_to(hole, 8);
  CHECK(test.open_beyond == 1);
  CHECK(verdict(test).starts_with("FAIL on the first 8 of 9 positions: leaks from the future at output 2, "));
  CHECK(tested_to(hole, 9).open_beyond == 0);
  CHECK(tested_to(Mask::full(9), 2).open_beyond == 9 * 8 / 2 - 1);
}

TEST_CASE("leak test: the work is that of T + 1 passes and T ways back") {
  const SmallModel<float> model(config_of(2), 1, kT, 65);
  const auto weights = static_cast<double>(model.parameters.size());
  CHECK(leak_test_work(model.parameters, 4) > 6 * weights * 16);
  CHECK(leak_test_work(model.parameters, 8) > 4 * leak_test_work(model.parameters, 4));
}

TEST_CASE("leak test: the same text gives the same grids; its end needs no more than the mask's corner") {
  const SmallModel<float> model(config_of(2), 1, kT, 65);
  const LeakTest once = leak_test(model.parameters, Mask::full(kT), model.inputs);
  const LeakTest again = leak_test(model.parameters, Mask::full(10), model.inputs);
  CHECK(same_bits(once.moved, again.moved));
  CHECK(same_bits(once.gradient, again.gradient));
}

TEST_CASE("leak test: what cannot be tested is refused in a line; cancelling ends it") {
  const SmallModel<float> model(config_of(1), 1, kT, 66);
  const auto error = [&](std::vector<TokenId> text) {
    return error_of([&] { leak_test(model.parameters, Mask::causal(10), text); });
  };
  CHECK(contains(error({}), "no token"));
  CHECK(contains(error({1}), "at least 2 tokens"));
  CHECK(error({1, 2}).empty());
  CHECK(error(std::vector<TokenId>(10, 1)).empty());
  CHECK(contains(error(std::vector<TokenId>(11, 1)), "at most 10"));
  CHECK(contains(error({1, 11}), "another tokenizer"));
  CHECK(contains(error({1, -1}), "another tokenizer"));
  const ModelConfig one_word{.vocab = 1, .context = 4, .channels = 4, .layers = 1, .heads = 1};
  const std::vector<TokenId> text = {0, 0};
  const auto refused = [&](const ModelConfig& config, std::span<const TokenId> tokens) {
    return error_of([&] { leak_test(Parameters<float>(config), Mask::causal(config.context), tokens); });
  };
  CHECK(contains(refused(one_word, text), "single token"));
  const ModelConfig short_sighted{.vocab = 2, .context = 1, .channels = 4, .layers = 1, .heads = 1};
  CHECK(contains(refused(short_sighted, std::span(text).first(1)), "reads only one"));
  Progress progress;
  leak_test(model.parameters, Mask::causal(10), model.inputs, &progress);
  CHECK(progress.fraction > 0.9f);
  progress.cancelled = true;
  CHECK_THROWS_AS(leak_test(model.parameters, Mask::causal(10), model.inputs, &progress), Cancelled);
}

}  // namespace
}  // namespace nopeek::test::leak_test_test
