// Left padding: what is real does not notice the pads.
#include <doctest/doctest.h>

#include "tests/core/support.h"

namespace nopeek::test::padding_test {
namespace {

constexpr int kB = 3, kT = 6;
constexpr int kPad[kB] = {0, 2, 5};
const ModelConfig kConfig{.vocab = 9, .context = 6, .channels = 8, .layers = 2, .heads = 2};

std::vector<Mask> padding_masks() {
  std::vector<Mask> masks;
  for (const int pad : kPad) masks.push_back(Mask::causal(kT).left_padded(pad));
  return masks;
}

TEST_CASE("what stands at the pads moves no real output, not by one bit") {
  SmallModel<float> model(kConfig, kB, kT, 61);
  const auto masks = padding_masks();
  model.loss(masks);
  const Matrix<float> before = model.activations.views().logits;
  for (int b = 0; b < kB; ++b) {
    for (int t = 0; t < kPad[b]; ++t) {
      auto& token = model.inputs[static_cast<size_t>(b * kT + t)];
      token = (token + 1 + t) % kConfig.vocab;
    }
  }
  model.loss(masks);
  const Matrix<float> after = model.activations.views().logits;
  for (int b = 0; b < kB; ++b) {
    for (int t = 0; t < kT; ++t) {
      CHECK(same_bits(before.row(b * kT + t), after.row(b * kT + t)) == (t >= kPad[b]));
    }
  }
}

TEST_CASE("a padded batch gives each sequence the answer that it gets alone, without pads") {
  SmallModel<double> model(kConfig, kB, kT, 62);
  // forward() counts positions from the left end of the row, pads included, so alone a sequence would stand at other
  // positions. Equal position embeddings leave nothing but the mask to compare.
  for (int t = 1; t < kConfig.context; ++t) model.parameters.wpe().row(t) = model.parameters.wpe().row(0);
  model.loss(padding_masks());
  const Matrix<double> together = model.activations.views().logits;
  for (int b = 0; b < kB; ++b) {
    const int length = kT - kPad[b];
    Activations<double> alone(kConfig, 1, length);
    const Mask mask = Mask::causal(length);
    const auto tokens =
        std::span(model.inputs).subspan(static_cast<size_t>(b * kT + kPad[b]), static_cast<size_t>(length));
    forward<double>(model.parameters, tokens, 1, length, {&mask, 1}, Dropout{}, alone);
    head_forward<double>(model.parameters, alone);
    CHECK(alone.views().logits.isApprox(together.middleRows(b * kT + kPad[b], length), 1e-12));
  }
  // The counter-proof: without the padding masks the shorter ones get other answers.
  model.loss(Mask::causal(kT));
  const Matrix<double> careless = model.activations.views().logits;
  CHECK(careless.topRows(kT).isApprox(together.topRows(kT), 1e-12));
  for (int b = 1; b < kB; ++b) CHECK_FALSE(careless.row(b * kT + kT - 1).isApprox(together.row(b * kT + kT - 1), 1e-6));
}

TEST_CASE("a pad sees itself alone, and no one sees a pad") {
  SmallModel<float> model(kConfig, kB, kT, 63);
  model.loss(padding_masks());
  for (const auto& layer : model.activations.views().layers) {
    for (int b = 0; b < kB; ++b) {
      for (int h = 0; h < kConfig.heads; ++h) {
        const auto weights = layer.attention.middleRows((b * kConfig.heads + h) * kT, kT);
        CHECK(weights.topLeftCorner(kPad[b], kPad[b]).isIdentity(0));
        CHECK(weights.bottomLeftCorner(kT - kPad[b], kPad[b]).isZero(0));
      }
    }
  }
}

}  // namespace
}  // namespace nopeek::test::padding_test
