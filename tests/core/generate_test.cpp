#include "core/decode/generate.h"

#include <doctest/doctest.h>

#include "tests/core/support.h"

namespace nopeek::test {
namespace {

const ModelConfig kConfig{.vocab = 6, .context = 5, .channels = 8, .layers = 1, .heads = 2};

/// The likeliest next token, worked out from the logits of one pass.
TokenId next_by_hand(SmallModel<double>& model, std::vector<TokenId> window, const Mask& mask) {
  const int T = static_cast<int>(window.size());
  Activations<double> activations(kConfig, 1, T);
  forward<double>(model.parameters, window, 1, T, {&mask, 1}, Dropout{}, activations);
  head_forward<double>(model.parameters, activations);
  TokenId best = 0;
  const auto logits = activations.views().logits.row(T - 1);
  for (TokenId id = 1; id < kConfig.vocab; ++id) {
    if (logits[id] > logits[best]) best = id;
  }
  return best;
}

TEST_CASE("greedy continuation takes the likeliest token again and again, over the last `context` tokens") {
  int longest = 0, ended = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SmallModel<double> model(kConfig, 1, kConfig.context, seed, 0.8);
    for (const Mask& mask : {Mask::causal(kConfig.context), Mask::full(kConfig.context)}) {
      const std::vector<TokenId> prompt = {2, 4};
      std::vector<TokenId> expected, tokens = prompt;
      while (expected.size() < 12) {
        const auto from = tokens.size() > 5 ? tokens.end() - 5 : tokens.begin();
        const TokenId next = next_by_hand(model, {from, tokens.end()}, mask);
        if (next == Tokenizer::kEos) break;
        expected.push_back(next), tokens.push_back(next);
      }
      CHECK(greedy_continuation<double>(model.parameters, mask, prompt, 12, model.activations) == expected);
      longest = std::max(longest, static_cast<int>(expected.size()));
      ended += expected.size() < 12;
    }
  }
  CHECK(longest == 12);  // both ends were met: the limit, beyond the context, and <eos>
  CHECK(ended > 0);
}

TEST_CASE("among equal logits the lower id is taken; <eos> ends and is not returned") {
  SmallModel<float> model(kConfig, 1, kConfig.context, 3);
  const Mask mask = Mask::causal(kConfig.context);
  const std::vector<TokenId> prompt = {1};
  model.parameters.ln_f_weight().setZero();
  model.parameters.ln_f_bias().setOnes();  // the last hidden state is all ones, whatever came before
  const auto set_logits = [&](std::initializer_list<float> per_channel) {
    int id = 0;
    for (const float value : per_channel) model.parameters.wte().row(id++).setConstant(value);
  };
  const auto written = [&] { return greedy_continuation<float>(model.parameters, mask, prompt, 3, model.activations); };
  set_logits({0, 1, 5, 2, 5, 5});
  CHECK(written() == std::vector<TokenId>{2, 2, 2});
  set_logits({5, 1, 5, 2, 5, 5});
  CHECK(written().empty());
}

TEST_CASE("an empty prompt begins behind <eos>, one longer than the context loses its beginning") {
  SmallModel<float> model(kConfig, 1, kConfig.context, 4, 0.8);
  const Mask mask = Mask::causal(kConfig.context);
  const auto from = [&](std::vector<TokenId> prompt) {
    return greedy_continuation<float>(model.parameters, mask, prompt, 4, model.activations);
  };
  CHECK(from({}) == from({Tokenizer::kEos}));
  CHECK(from({1, 1, 5, 4, 3, 2, 1}) == from({5, 4, 3, 2, 1}));
  CHECK(greedy_continuation<float>(model.parameters, mask, std::vector<TokenId>{1}, 0, model.activations).empty());
}

}  // namespace
}  // namespace nopeek::test
