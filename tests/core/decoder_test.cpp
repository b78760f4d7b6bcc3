// The inference pass against the training pass: same model, same logits, with the KV cache and without.
#include "core/decode/decoder.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/core/support.h"

namespace nopeek::test::decoder_test {
namespace {

constexpr int kContext = 9;
const ModelConfig kConfig{.vocab = 11, .context = kContext, .channels = 24, .layers = 3, .heads = 3};

template <class S>
struct RandomModel {
  explicit RandomModel(uint64_t seed) : rng(seed), parameters(kConfig) { randomise(parameters, rng, 0.3); }

  /// What the training pass says at the last of the last `context` tokens.
  RowVector<S> by_training_pass(std::span<const TokenId> text, const Mask& mask, const Dropout& drop = {}) {
    const auto window = text.last(std::min<size_t>(text.size(), kContext));
    const int T = static_cast<int>(window.size());
    Activations<S> activations(kConfig, 1, T);
    forward<S>(parameters, window, 1, T, {&mask, 1}, drop, activations);
    head_forward<S>(parameters, activations);
    return activations.views().logits.row(T - 1);
  }
  Rng rng;
  Parameters<S> parameters;
};

template <class S>
double difference(std::span<const S> a, const RowVector<S>& b) {
  return static_cast<double>((VectorMap<S>(const_cast<S*>(a.data()), std::ssize(a)) - b).cwiseAbs().maxCoeff());
}

std::vector<Mask> masks() {
  Mask sparse = Mask::causal(kContext);
  sparse.set(6, 2, Mask::kForbidden), sparse.set(7, 0, -1.5f);
  return {Mask::causal(kContext), sparse, Mask::full(kContext), Mask::off_by_one(kContext),
          Mask::penalised_future(kContext, -2)};
}

template <class S>
void check_all_lengths(double tolerance) {
  RandomModel<S> model(1);
  const auto text = random_tokens(2 * kContext + 3, kConfig.vocab, model.rng);
  for (const Mask& mask : masks()) {
    Decoder<S> cached(model.parameters, mask), plain(model.parameters, mask, false);
    CHECK(cached.caches() == mask.is_causal());
    CHECK_FALSE(plain.caches());
    for (size_t length = 1; length <= text.size(); ++length) {
      CAPTURE(length);
      const auto begin = std::span(text).first(length);
      const auto expected = model.by_training_pass(begin, mask);
      CHECK(difference(cached.next_logits(begin), expected) < tolerance);
      CHECK(difference(plain.next_logits(begin), expected) < tolerance);
      const int window = static_cast<int>(std::min<size_t>(length, kContext));
      CHECK(plain.computed() == window);
      CHECK(cached.computed() == (mask.is_causal() && length <= kContext ? 1 : window));
      CHECK(cached.cache_bytes() == sizeof(S) * 2 * 3 * 24 * static_cast<size_t>(window));
      CHECK(plain.cache_bytes() == cached.cache_bytes());
    }
  }
}

TEST_CASE("cache on, cache off and the training pass agree under every mask, up to the context and past it") {
  check_all_lengths<float>(1e-5);
  check_all_lengths<double>(1e-12);
}

TEST_CASE("tokens chosen greedily are the same three ways") {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    RandomModel<float> model(seed);
    const Mask mask = Mask::causal(kContext);
    Decoder<float> cached(model.parameters, mask), plain(model.parameters, mask, false);
    std::vector<TokenId> text = {static_cast<TokenId>(seed)};
    for (int i = 0; i < 2 * kContext; ++i) {
      const auto best = [](const auto& logits) {
        return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
      };
      const TokenId next = best(model.by_training_pass(text, mask));
      CHECK(best(cached.next_logits(text)) == next);
      CHECK(best(plain.next_logits(text)) == next);
      text.push_back(next);
    }
  }
}

TEST_CASE("going back, forking and jumping to another text compute only what the texts do not share") {
  RandomModel<double> model(2);
  const Mask mask = Mask::causal(kContext);
  Decoder<double> decoder(model.parameters, mask);
  const auto check = [&](std::vector<TokenId> text, int computed) {
    CHECK(difference(decoder.next_logits(text), model.by_training_pass(text, mask)) < 1e-12);
    CHECK(decoder.computed() == computed);
  };
  check({1, 2, 3, 4, 5}, 5);                 // a prompt in one pass
  check({1, 2, 3, 4, 5}, 1);                 // again: the last position is asked for
  check({1, 2, 3, 4, 5, 6}, 1);              // a step
  check({1, 2, 3, 4}, 1);                    // back
  check({1, 2, 3, 7, 8}, 2);                 // a fork
  check({1, 2, 3, 4, 5, 6}, 3);              // the other branch: its values were overwritten
  check({9, 2, 3, 4, 5, 6}, 6);              // another beginning
  check({9}, 1);                             // shorter than what is known
  check({9, 2, 3, 4, 5, 6, 7, 8, 0}, 8);     // the context is full: 9 of 9
  check({9, 2, 3, 4, 5, 6, 7, 8, 0, 1}, 9);  // every token moves to another place
  check({9, 2, 3, 4, 5, 6, 7, 8, 0}, 9);
  check(std::vector<TokenId>(9, 4), 9);
  check(std::vector<TokenId>(12, 4), 1);  // the same window, though the text is longer: rightly known
}

TEST_CASE("random walks over texts, as of a user who steps, goes back, forks and edits, never leave the cache wrong") {
  RandomModel<double> model(3);
  const Mask mask = Mask::causal(kContext);
  Decoder<double> decoder(model.parameters, mask);
  std::vector<TokenId> text = {1};
  double worst = 0;
  for (int i = 0; i < 600; ++i) {
    const auto token = static_cast<TokenId>(model.rng.below(3));  // few: so that prefixes are met again
    const uint64_t action = model.rng.below(8);
    if (action < 4) text.push_back(token);
    if (action == 4) text.resize(1 + model.rng.below(text.size()));
    if (action == 5) text[model.rng.below(text.size())] = token;
    if (action == 6) text.erase(text.begin(), text.end() - 1);
    worst = std::max(worst, difference(decoder.next_logits(text), model.by_training_pass(text, mask)));
  }
  CHECK(worst < 1e-12);
}

TEST_CASE("without a causal mask a new token changes what the earlier ones saw: a cache would be wrong") {
  RandomModel<double> model(4);
  const Mask full = Mask::full(kContext);
  const std::vector<TokenId> text = {1, 2, 3, 4, 5};
  // What a cache would do: each position computed when it was the last.
  const auto honest = model.by_training_pass(text, Mask::causal(kContext));
  Decoder<double> decoder(model.parameters, full);
  for (size_t length = 1; length < text.size(); ++length) decoder.next_logits(std::span(text).first(length));
  CHECK(difference(decoder.next_logits(text), model.by_training_pass(text, full)) < 1e-12);
  CHECK(difference(decoder.next_logits(text), honest) > 1e-3);
}

TEST_CASE("dropout left on is the training pass's dropout, asks the cache for nothing and leaves nothing in it") {
  RandomModel<double> model(5);
  const Mask mask = Mask::causal(kContext);
  Decoder<double> decoder(model.parameters, mask);
  const std::vector<TokenId> text = {1, 2, 3, 4, 5, 6};
  const Dropout one{0.3, 77}, other{0.3, 78};
  decoder.next_logits(text);
  CHECK(difference(decoder.next_logits(text, one), model.by_training_pass(text, mask, one)) < 1e-12);
  CHECK(decoder.computed() == 6);
  CHECK(difference(decoder.next_logits(text, one), model.by_training_pass(text, mask, other)) > 1e-3);
  CHECK(difference(decoder.next_logits(text), model.by_training_pass(text, mask)) < 1e-12);
  CHECK(decoder.computed() == 6);
  CHECK(difference(decoder.next_logits(text), model.by_training_pass(text, mask)) < 1e-12);
  CHECK(decoder.computed() == 1);
}

TEST_CASE("a pass that is cancelled leaves a decoder that is right, and says how far it is otherwise") {
  RandomModel<double> model(6);
  const Mask mask = Mask::causal(kContext);
  Decoder<double> decoder(model.parameters, mask);
  Progress progress;
  decoder.next_logits(std::vector<TokenId>{1, 2, 3, 4}, {}, &progress);
  CHECK(progress.fraction == doctest::Approx(2.0 / 3));  // when the last of three layers began
  progress.cancelled = true;
  const std::vector<TokenId> fork = {1, 2, 7, 8, 9};
  CHECK_THROWS_AS(decoder.next_logits(fork, {}, &progress), Cancelled);
  progress.cancelled = false;
  for (const std::vector<TokenId>& text : {std::vector<TokenId>{1, 2, 3, 4}, fork, {1, 2, 3, 4, 5}}) {
    CHECK(difference(decoder.next_logits(text, {}, &progress), model.by_training_pass(text, mask)) < 1e-12);
    CHECK(decoder.computed() < static_cast<int>(text.size()));  // the common beginning was kept
  }
}

TEST_CASE("a token of another tokenizer is refused, and the decoder goes on") {
  RandomModel<double> model(7);
  const Mask mask = Mask::causal(kContext);
  Decoder<double> decoder(model.parameters, mask);
  const auto refused = [&](std::vector<TokenId> text) { return error_of([&] { decoder.next_logits(text); }); };
  CHECK(contains(refused({1, 11}), "token 11"));
  CHECK(contains(refused({-1, 1}), "token -1"));
  const std::vector<TokenId> text = {1, 10};
  CHECK(difference(decoder.next_logits(text), model.by_training_pass(text, mask)) < 1e-12);
}

TEST_CASE("a decoder gives the same bits on any number of threads") {
  ModelConfig config;
  config.vocab = 5003, config.context = 40, config.channels = 192, config.layers = 2, config.heads = 3;
  Parameters<float> parameters(config);
  parameters.initialise(Rng(3));
  const Mask mask = Mask::causal(config.context);
  Rng rng(4);
  const auto text = random_tokens(config.context, config.vocab, rng);
  ThreadPool two(2), three(3);
  Decoder<float> alone(parameters, mask), on_two(parameters, mask, true, &two),
      on_three(parameters, mask, true, &three);
  for (const size_t length : {30u, 31u, 40u}) {  // a prompt, a step, some more
    const auto begin = std::span(text).first(length);
    const auto expected = alone.next_logits(begin);
    CHECK(std::ranges::equal(on_two.next_logits(begin), expected));
    CHECK(std::ranges::equal(on_three.next_logits(begin), expected));
  }
}

}  // namespace
}  // namespace nopeek::test::decoder_test
