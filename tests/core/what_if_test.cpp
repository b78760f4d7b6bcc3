// Weights under another mask than they were trained with. CONCEPTS: B8.
#include "core/decode/what_if.h"

#include <doctest/doctest.h>

#include "core/decode/generation.h"
#include "core/decode/inspect.h"
#include "tests/core/support.h"

namespace nopeek::test::what_if_test {
namespace {

TEST_CASE("what if: the losses are inspect's and the text is greedy's, under the mask that is given") {
  const ModelConfig config{.vocab = 9, .context = 7, .channels = 12, .layers = 2, .heads = 3};
  const SmallModel<float> model(config, 1, 7, 81);
  for (const Mask& mask : {Mask::causal(7), Mask::full(7), Mask::window(7, 2), Mask::random(7, Rng(3), 0.5)}) {
    const WhatIf seen = what_if(model.parameters, mask, model.inputs, 3, 10, 4);  // past the context
    const auto inspection = inspect<float>(model.parameters, mask, model.inputs);
    CHECK(seen.reported_loss == inspection.reported_loss);
    CHECK(seen.honest_loss == inspection.honest_loss);
    Decoder<float> decoder(model.parameters, mask);
    CHECK(seen.written == greedy_continuation<float>(decoder, std::span(model.inputs).first(3), 10, 4));
  }
  const WhatIf one = what_if(model.parameters, Mask::full(7), std::span(model.inputs).first(1), 1, 2, std::nullopt);
  CHECK_FALSE(one.reported_loss.has_value());
  CHECK_FALSE(one.honest_loss.has_value());
  CHECK(one.written.size() == 2);
}

TEST_CASE(
    "what if one trains with a mask that peeks and runs with one that does not: no more lie, and what was hidden is "
    "reported") {
  const auto corpus = small_corpus();
  Lab lab(small_run(), corpus, {{"masked", Mask::causal(8)}, {"peeking", Mask::off_by_one(8)}});
  ThreadPool one(1);
  for (int i = 0; i < 400; ++i) lab.step(one);
  const auto text = corpus->probe(8);
  const auto run = [&](size_t lane, const Mask& mask) {
    return what_if(lab.trainer(lane).parameters(), mask, text, 2, 8, corpus->tokenizer.eos());
  };
  const WhatIf own = run(1, Mask::off_by_one(8)), masked = run(1, Mask::causal(8));
  CHECK(*own.honest_loss > *own.reported_loss + 0.3);
  CHECK(*masked.reported_loss == doctest::Approx(*masked.honest_loss).epsilon(1e-5));
  CHECK(*masked.reported_loss > *own.reported_loss + 0.3);
  // The other way round: it was never taught to use what it now sees, but it sees it.
  const WhatIf open = run(0, Mask::full(8));
  CHECK(*open.honest_loss != doctest::Approx(*open.reported_loss).epsilon(1e-3));
}

TEST_CASE("what if: refuses what inspect refuses, and can be cancelled") {
  const ModelConfig config{.vocab = 9, .context = 4, .channels = 12, .layers = 2, .heads = 3};
  const SmallModel<float> model(config, 1, 4, 82);
  const auto ask = [&](std::vector<TokenId> text, Progress* progress = nullptr) {
    return what_if(model.parameters, Mask::full(4), text, 1, 3, std::nullopt, progress);
  };
  CHECK(contains(error_of([&] { ask({}); }), "no token"));
  CHECK(contains(error_of([&] { ask({1, 2, 3, 4, 5}); }), "at most 4"));
  CHECK(contains(error_of([&] { ask({1, 9}); }), "another tokenizer"));
  Progress progress;
  CHECK(ask({1, 2}, &progress).written.size() == 3);
  progress.cancelled = true;
  CHECK_THROWS_AS(ask({1, 2}, &progress), Cancelled);
}

}  // namespace
}  // namespace nopeek::test::what_if_test
