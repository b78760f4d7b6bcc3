// The gradient of the whole model, every weight, against numerical differentiation.
#include <doctest/doctest.h>

#include "tests/core/gradient_check.h"
#include "tests/core/support.h"

namespace nopeek::test::model_gradient_test {
namespace {

constexpr int kB = 2, kT = 5;

ModelConfig config_of(int layers = 2) {
  return {.vocab = 7, .context = 6, .channels = 6, .layers = layers, .heads = 2};
}

/// Checks tensor by tensor, so that a failure names the tensor. wte counts twice: input and tied head.
void check_model(SmallModel<double>& model, std::span<const Mask> masks, const Dropout& drop, double scale = 1) {
  const auto loss = [&] { return scale * model.loss(masks, drop); };
  loss();
  model.gradients.set_zero();
  backward<double>(model.parameters, model.inputs, model.targets, scale, drop, model.activations, model.scratch,
                   model.gradients);
  for (const TensorSpec& spec : model.parameters.table()) {
    CAPTURE(spec.name);
    double* weights = model.parameters.flat().data() + spec.offset;
    const double* gradients = model.gradients.flat().data() + spec.offset;
    CHECK_GRADIENT(check_gradient({weights, spec.size()}, {gradients, spec.size()}, loss, 3e-4));
  }
}

TEST_CASE("whole model: every gradient under causal, full, off-by-one and finite masks, with and without dropout") {
  const std::pair<const char*, Mask> masks[] = {{"causal", Mask::causal(kT)},
                                                {"full", Mask::full(kT)},
                                                {"off by one", Mask::off_by_one(kT)},
                                                {"penalty -1", Mask::penalised_future(kT, -1)},
                                                {"penalty -5", Mask::penalised_future(kT, -5)}};
  for (const auto& [name, mask] : masks) {
    for (const double p : {0.0, 0.25}) {
      CAPTURE(name);
      CAPTURE(p);
      SmallModel<double> model(config_of(), kB, kT, 21);
      check_model(model, {&mask, 1}, Dropout{p, 99}, 1.0 / (kB * kT));
    }
  }
}

TEST_CASE("whole model: every gradient with left padding, one mask a sequence, pads without a target") {
  const Mask masks[] = {Mask::causal(kT).left_padded(2), Mask::causal(kT)};
  for (const double p : {0.0, 0.25}) {
    CAPTURE(p);
    SmallModel<double> model(config_of(), kB, kT, 22);
    model.targets[0] = model.targets[1] = kIgnore;
    check_model(model, masks, Dropout{p, 100});
  }
}

TEST_CASE("whole model: every gradient at small and large weights") {
  const Mask mask = Mask::causal(kT);
  for (const double deviation : {0.05, 0.8}) {
    CAPTURE(deviation);
    SmallModel<double> model(config_of(), kB, kT, 23, deviation);
    check_model(model, {&mask, 1}, Dropout{});
  }
}

TEST_CASE("whole model: gradients are added to what is there, and scale with the loss") {
  SmallModel<double> model(config_of(1), kB, kT, 24);
  const Mask mask = Mask::causal(kT);
  const auto run_backward = [&](double scale) {
    model.loss(mask);
    backward<double>(model.parameters, model.inputs, model.targets, scale, Dropout{}, model.activations, model.scratch,
                     model.gradients);
  };
  model.gradients.set_zero();
  run_backward(1);
  const RowVector<double> once = model.gradients.flat();
  run_backward(2);
  CHECK(model.gradients.flat().isApprox(3 * once, 1e-12));
}

TEST_CASE("whole model: a sequence's gradient does not depend on the company in its batch") {
  const ModelConfig config = config_of();
  SmallModel<double> both(config, 2, kT, 25), alone(config, 1, kT, 25);
  alone.parameters.flat() = both.parameters.flat();
  const Mask mask = Mask::off_by_one(kT);
  both.loss(mask);
  both.gradients.set_zero();
  backward<double>(both.parameters, both.inputs, both.targets, 1, Dropout{}, both.activations, both.scratch,
                   both.gradients);
  alone.gradients.set_zero();
  for (int b = 0; b < 2; ++b) {
    alone.inputs.assign(both.inputs.begin() + b * kT, both.inputs.begin() + (b + 1) * kT);
    alone.targets.assign(both.targets.begin() + b * kT, both.targets.begin() + (b + 1) * kT);
    alone.loss(mask);
    backward<double>(alone.parameters, alone.inputs, alone.targets, 1, Dropout{}, alone.activations, alone.scratch,
                     alone.gradients);
  }
  CHECK(both.gradients.flat().isApprox(alone.gradients.flat(), 1e-12));
}

TEST_CASE("whole model: activations made for a large pass serve smaller ones") {
  const ModelConfig config = config_of();
  SmallModel<double> small(config, 1, 3, 26), large(config, 4, 6, 27);
  large.parameters.flat() = small.parameters.flat();
  const Mask mask = Mask::causal(6);
  large.loss(mask);
  const double expected = small.loss(mask);
  forward<double>(large.parameters, small.inputs, 1, 3, {&mask, 1}, Dropout{}, large.activations);
  head_forward<double>(large.parameters, large.activations);
  CHECK(loss_forward<double>(small.targets, large.activations) == doctest::Approx(expected).epsilon(1e-13));
  CHECK(same_bits(large.activations.views().logits, small.activations.views().logits));
}

}  // namespace
}  // namespace nopeek::test::model_gradient_test
