#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "core/nn/ops.h"
#include "core/train/trainer.h"
#include "tests/core/support.h"

namespace nopeek::test::dropout_test {
namespace {

Matrix<float> pattern(const Dropout& drop, int rows, int cols) {
  Matrix<float> x = Matrix<float>::Ones(rows, cols);
  dropout<float>(drop, x);
  return x;
}

TEST_CASE("dropout drops the share p and scales the rest by 1 / (1 - p)") {
  constexpr int kRows = 200, kCols = 500;
  for (const double p : {0.1, 0.5, 0.9}) {
    const Matrix<float> x = pattern({p, 7}, kRows, kCols);
    const double n = kRows * kCols, zeros = static_cast<double>((x.array() == 0).count());
    const double deviation = std::sqrt(p * (1 - p) / n);
    CHECK(std::abs(zeros / n - p) < 5 * deviation);
    CHECK(((x.array() == 0) || (x.array() == static_cast<float>(1 / (1 - p)))).all());
    CHECK(x.mean() == doctest::Approx(1).epsilon(5 * deviation / (1 - p)));
  }
}

TEST_CASE("p = 0 is the identity, bit for bit") {
  Rng rng(71);
  const Matrix<float> before = random_matrix<float>(5, 7, rng);
  Matrix<float> x = before;
  dropout<float>(Dropout{0, 99}, x);
  CHECK(same_bits(x, before));
}

TEST_CASE("the same key drops the same elements, another key others") {
  CHECK(same_bits(pattern({0.3, 5}, 20, 30), pattern({0.3, 5}, 20, 30)));
  CHECK_FALSE(same_bits(pattern({0.3, 5}, 20, 30), pattern({0.3, 6}, 20, 30)));
}

TEST_CASE("the pattern depends on key and index alone: it does not matter how much lies behind it, or in which shape") {
  const Matrix<float> whole = pattern({0.4, 11}, 8, 6), part = pattern({0.4, 11}, 3, 6),
                      reshaped = pattern({0.4, 11}, 6, 8);
  CHECK(same_bits(whole.topRows(3), part));
  CHECK(std::equal(whole.data(), whole.data() + whole.size(), reshaped.data()));
}

TEST_CASE("each place of a model, and each head of each place, drops by a key of its own") {
  // As forward() uses them: place 0 for the embeddings, three a layer, and within attention one a sequence and head.
  std::set<uint64_t> keys;
  size_t count = 0;
  const Dropout drop{0.1, 0x1234567};
  keys.insert(drop.key), ++count;
  for (uint64_t place = 0; place <= 3 * 48; ++place) {
    keys.insert(drop.at(place).key), ++count;
    if (place % 3 != 1) continue;
    for (uint64_t head = 0; head < 128; ++head) keys.insert(drop.at(place).at(head).key), ++count;
  }
  CHECK(keys.size() == count);
}

TEST_CASE("dropout acts in training and not in evaluation, and differs from step to step") {
  RunConfig config = small_run();
  const auto corpus = small_corpus();
  config.model.vocab = corpus->vocab_size();
  const Mask mask = Mask::causal(config.model.context);
  ThreadPool one(1);
  Batcher batcher(*corpus, config.train.batch, config.model.context, 1);
  const Batch batch = batcher.next();

  Trainer<float> plain(config, mask);
  config.model.dropout = 0.5;
  Trainer<float> dropping(config, mask);
  CHECK(plain.evaluate(batch) == dropping.evaluate(batch));
  const float with = dropping.step(batch, one).reported, without = plain.step(batch, one).reported;
  CHECK(with != without);

  // Steps of almost no length: what differs between them is the pattern.
  config.train.learning_rate = 1e-30;
  Trainer<float> still(config, mask);
  CHECK(still.step(batch, one).reported != still.step(batch, one).reported);
}

TEST_CASE("honest loss is measured without dropout") {
  RunConfig config = small_run();
  const auto corpus = small_corpus();
  config.model.vocab = corpus->vocab_size();
  config.model.dropout = 0.5;
  Trainer<float> trainer(config, Mask::causal(config.model.context));
  Batcher batcher(*corpus, config.train.batch, config.model.context, 1);
  ThreadPool one(1);
  const double clean = trainer.evaluate(batcher.next());
  Batcher again(*corpus, config.train.batch, config.model.context, 1);
  CHECK(std::abs(trainer.step(again.next(), one, true).honest - clean) < 1e-5);
}

}  // namespace
}  // namespace nopeek::test::dropout_test
