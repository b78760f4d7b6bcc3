// Every operation's backward against numerical differentiation. The loss of each is a random weighting of its outputs,
// so that dy is that weighting, and inputs come at three scales: near 0, ordinary, and where things saturate.
#include <doctest/doctest.h>

#include "core/nn/attention.h"
#include "core/nn/ops.h"
#include "tests/core/gradient_check.h"
#include "tests/core/support.h"

namespace nopeek::test::ops_gradient_test {
namespace {

using M = Matrix<double>;
using R = RowVector<double>;

double weighted(const M& y, const M& dy) { return y.cwiseProduct(dy).sum(); }

TEST_CASE("embedding: gradients of both tables, tokens that repeat included") {
  constexpr int T = 3, N = 6, V = 4, C = 5;
  Rng rng(1);
  const std::vector<int32_t> tokens = {2, 0, 2, 3, 2, 0};  // token 1 never comes, token 2 three times
  for (const double scale : {0.01, 1.0, 30.0}) {
    M wte = random_matrix<double>(V, C, rng, scale), wpe = random_matrix<double>(T + 2, C, rng, scale);
    const M dx = random_matrix<double>(N, C, rng);
    M x(N, C), dwte = M::Zero(V, C), dwpe = M::Zero(T + 2, C);
    const auto loss = [&] { return embedding_forward<double>(tokens, T, wte, wpe, x), weighted(x, dx); };
    embedding_backward<double>(dx, tokens, T, dwte, dwpe);
    CHECK_GRADIENT(check_gradient(entries(wte), entries(dwte), loss, scale * 1e-3));
    CHECK_GRADIENT(check_gradient(entries(wpe), entries(dwpe), loss, scale * 1e-3));
  }
}

TEST_CASE("linear: gradients of input, weights and bias") {
  constexpr int N = 5, I = 4, O = 3;
  Rng rng(2);
  for (const double scale : {0.01, 1.0, 30.0}) {
    M x = random_matrix<double>(N, I, rng, scale), W = random_matrix<double>(I, O, rng, scale);
    R b = random_row<double>(O, rng, scale);
    const M dy = random_matrix<double>(N, O, rng);
    M y(N, O), dx(N, I), dW = M::Zero(I, O);
    R db = R::Zero(O);
    const auto loss = [&] { return linear_forward<double>(x, W, b, y), weighted(y, dy); };
    linear_backward<double>(dy, x, W, dx, dW, db);
    CHECK_GRADIENT(check_gradient(entries(x), entries(dx), loss, scale * 1e-3));
    CHECK_GRADIENT(check_gradient(entries(W), entries(dW), loss, scale * 1e-3));
    CHECK_GRADIENT(check_gradient(entries(b), entries(db), loss, scale * 1e-3));
  }
}

TEST_CASE("layer norm: gradients of input, weight and bias") {
  constexpr int N = 4, C = 6;
  Rng rng(3);
  for (const double scale : {3e-3, 1.0, 100.0}) {  // the smallest is where the 1e-5 beside the variance counts
    M x = random_matrix<double>(N, C, rng, scale);
    x.array() += 0.5 * scale;
    R weight = random_row<double>(C, rng), bias = random_row<double>(C, rng);
    const M dy = random_matrix<double>(N, C, rng);
    M y(N, C), dx = M::Zero(N, C);
    R mean(N), rstd(N), dweight = R::Zero(C), dbias = R::Zero(C);
    const auto loss = [&] { return layer_norm_forward<double>(x, weight, bias, 1e-5, y, mean, rstd), weighted(y, dy); };
    loss();
    layer_norm_backward<double>(dy, x, weight, mean, rstd, dx, dweight, dbias);
    CHECK_GRADIENT(check_gradient(entries(x), entries(dx), loss, scale * 1e-3));
    CHECK_GRADIENT(check_gradient(entries(weight), entries(dweight), loss));
    CHECK_GRADIENT(check_gradient(entries(bias), entries(dbias), loss));
  }
}

TEST_CASE("backward functions add to what belongs to parameters and the residual stream, and assign the rest") {
  constexpr int N = 3, C = 4;
  Rng rng(4);
  const M x = random_matrix<double>(N, C, rng), W = random_matrix<double>(C, C, rng),
          dy = random_matrix<double>(N, C, rng);
  const R weight = random_row<double>(C, rng), bias = random_row<double>(C, rng);
  M y(N, C);
  R mean(N), rstd(N);
  layer_norm_forward<double>(x, weight, bias, 1e-5, y, mean, rstd);

  M dx0 = M::Zero(N, C), dx1 = M::Constant(N, C, 2.5);
  R dw0 = R::Zero(C), db0 = R::Zero(C), dw1 = R::Constant(C, -1.5), db1 = R::Constant(C, 4.0);
  layer_norm_backward<double>(dy, x, weight, mean, rstd, dx0, dw0, db0);
  layer_norm_backward<double>(dy, x, weight, mean, rstd, dx1, dw1, db1);
  CHECK((dx1.array() - 2.5).matrix().isApprox(dx0, 1e-12));
  CHECK((dw1.array() + 1.5).matrix().isApprox(dw0, 1e-12));
  CHECK((db1.array() - 4.0).matrix().isApprox(db0, 1e-12));

  M dW0 = M::Zero(C, C), dW1 = M::Constant(C, C, 3.0), dlin0 = M::Zero(N, C), dlin1 = M::Constant(N, C, 9.0);
  db0.setZero(), db1.setConstant(1.0);
  linear_backward<double>(dy, x, W, dlin0, dW0, db0);
  linear_backward<double>(dy, x, W, dlin1, dW1, db1);
  CHECK(dlin1 == dlin0);
  CHECK((dW1.array() - 3.0).matrix().isApprox(dW0, 1e-12));
  CHECK((db1.array() - 1.0).matrix().isApprox(db0, 1e-12));

  const std::vector<int32_t> tokens = {1, 1, 0};
  M dwte0 = M::Zero(2, C), dwte1 = M::Ones(2, C), dwpe0 = M::Zero(N, C), dwpe1 = M::Ones(N, C);
  embedding_backward<double>(dy, tokens, N, dwte0, dwpe0);
  embedding_backward<double>(dy, tokens, N, dwte1, dwpe1);
  CHECK((dwte1.array() - 1.0).matrix().isApprox(dwte0, 1e-12));
  CHECK((dwpe1.array() - 1.0).matrix().isApprox(dwpe0, 1e-12));
}

TEST_CASE("GELU: gradient, also in place") {
  constexpr int N = 3, C = 8;
  Rng rng(5);
  for (const double scale : {0.01, 1.0, 4.0}) {
    M x = random_matrix<double>(N, C, rng, scale);
    const M dy = random_matrix<double>(N, C, rng);
    M y(N, C), dx(N, C);
    const auto loss = [&] { return gelu_forward<double>(x, y), weighted(y, dy); };
    gelu_backward<double>(dy, x, dx);
    CHECK_GRADIENT(check_gradient(entries(x), entries(dx), loss, 1e-3));
    M in_place = dy;
    gelu_backward<double>(in_place, x, in_place);
    CHECK(in_place == dx);
  }
}

TEST_CASE("every activation: gradient, also in place") {
  constexpr int N = 3, C = 8;
  Rng rng(50);
  for (const Activation activation : {Activation::kGeluTanh, Activation::kGelu, Activation::kRelu}) {
    for (const double scale : {0.01, 1.0, 4.0}) {
      M x = random_matrix<double>(N, C, rng, scale);
      x.array() += 1e-3 * x.array().sign();  // away from relu's bend, which has no gradient
      const M dy = random_matrix<double>(N, C, rng);
      M y(N, C), dx(N, C);
      const auto loss = [&] { return activation_forward<double>(activation, x, y), weighted(y, dy); };
      activation_backward<double>(activation, dy, x, dx);
      CAPTURE(static_cast<int>(activation));
      CHECK_GRADIENT(check_gradient(entries(x), entries(dx), loss, 1e-4));
      M in_place = dy;
      activation_backward<double>(activation, in_place, x, in_place);
      CHECK(in_place == dx);
      loss();
      in_place = x;
      activation_forward<double>(activation, in_place, in_place);
      CHECK(in_place == y);
    }
  }
}

TEST_CASE("softmax: gradient, with forbidden cells") {
  constexpr int N = 4, K = 5;
  Rng rng(6);
  for (const double scale : {0.01, 1.0, 5.0}) {
    M scores = random_matrix<double>(N, K, rng, scale);
    const M dp = random_matrix<double>(N, K, rng);
    M p(N, K);
    for (const bool forbid : {false, true}) {
      const auto loss = [&] {
        p = scores;
        if (forbid) p(1, 3) = p(2, 0) = Mask::kForbidden;
        softmax_forward<double>(p);
        return weighted(p, dp);
      };
      loss();
      M dscores = dp;
      softmax_backward<double>(p, dscores);
      if (forbid) CHECK((dscores(1, 3) == 0 && dscores(2, 0) == 0));
      CHECK_GRADIENT(check_gradient(entries(scores), entries(dscores), loss, 1e-3));
    }
  }
}

TEST_CASE("cross-entropy: gradient; an ignored target carries neither loss nor gradient") {
  constexpr int N = 4, V = 5;
  Rng rng(7);
  const std::vector<int32_t> targets = {3, kIgnore, 0, 4};
  for (const double scale : {0.01, 1.0, 5.0}) {
    M logits = random_matrix<double>(N, V, rng, scale), log_probs(N, V), dlogits(N, V);
    constexpr double kScale = 0.25;
    const auto loss = [&] { return kScale * cross_entropy_forward<double>(logits, targets, log_probs); };
    const double before = loss();
    cross_entropy_backward<double>(log_probs, targets, kScale, dlogits);
    CHECK_GRADIENT(check_gradient(entries(logits), entries(dlogits), loss, 1e-3));
    CHECK(dlogits.row(1).isZero(0));
    logits.row(1).array() += 3;
    logits(1, 2) -= 40;
    CHECK(loss() == before);
  }
}

TEST_CASE("dropout: with the key held, backward is the same call on the gradient") {
  constexpr int N = 6, C = 7;
  Rng rng(8);
  const Dropout drop{0.4, 12345};
  for (const double scale : {0.01, 1.0, 30.0}) {
    M x = random_matrix<double>(N, C, rng, scale);
    const M dy = random_matrix<double>(N, C, rng);
    const auto loss = [&] {
      M y = x;
      dropout<double>(drop, y);
      return weighted(y, dy);
    };
    M dx = dy;
    dropout<double>(drop, dx);
    CHECK_GRADIENT(check_gradient(entries(x), entries(dx), loss, scale * 1e-3));
  }
}

struct NamedMasks {
  const char* name;
  std::vector<Mask> masks;
};

/// Everything that masks can be; the last has a mask a sequence.
std::vector<NamedMasks> all_masks(int T) {
  return {{"causal", {Mask::causal(T)}},
          {"full", {Mask::full(T)}},
          {"off by one", {Mask::off_by_one(T)}},
          {"penalty -1", {Mask::penalised_future(T, -1)}},
          {"penalty -5", {Mask::penalised_future(T, -5)}},
          {"left padding", {Mask::causal(T).left_padded(2), Mask::causal(T)}}};
}

TEST_CASE("attention: gradient under every kind of mask, with and without dropout, at several scales") {
  constexpr int B = 2, T = 5, NH = 2, C = 6;
  Rng rng(9);
  for (const auto& [name, masks] : all_masks(T)) {
    for (const double p : {0.0, 0.3}) {
      for (const double scale : {0.1, 1.0, 2.0}) {
        constexpr double kScale = 0.6;  // of the scores, and not 1 / sqrt(HS)
        CAPTURE(name);
        CAPTURE(p);
        CAPTURE(scale);
        const Dropout drop{p, 77};
        M qkv = random_matrix<double>(B * T, 3 * C, rng, scale), weights(B * NH * T, T), out(B * T, C);
        const M dout = random_matrix<double>(B * T, C, rng);
        M dqkv = M::Constant(B * T, 3 * C, 1e3);  // to be overwritten
        const auto loss = [&] {
          attention_forward<double>(qkv, T, NH, kScale, masks, drop, weights, out);
          return weighted(out, dout);
        };
        loss();
        attention_backward<double>(dout, qkv, weights, T, NH, kScale, drop, dqkv);
        CHECK_GRADIENT(check_gradient(entries(qkv), entries(dqkv), loss, 1e-3));
      }
    }
  }
}

}  // namespace
}  // namespace nopeek::test::ops_gradient_test
