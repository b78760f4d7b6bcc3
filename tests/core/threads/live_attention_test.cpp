// Questions on a thread of their own: the newest one is answered, and what is of no use is given up.
#include "core/live/live_attention.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/core/support.h"

namespace nopeek::test::live_attention_test {
namespace {

using namespace std::chrono_literals;

template <class Condition>
bool soon(Condition&& reached) {
  for (int i = 0; i < 2000 && !reached(); ++i) std::this_thread::sleep_for(5ms);
  return reached();
}

struct Number {
  int value = 0;
  bool other_kind = false;
  bool operator==(const Number&) const = default;
  bool outdates(const Number& at_work) const { return other_kind != at_work.other_kind; }
};
using LiveNumbers = LiveAnswers<Number, int>;

TEST_CASE("the newest question is answered; one that waits is replaced") {
  std::atomic<bool> go = false;
  std::atomic<int> answered = 0, worked = 0;
  LiveNumbers numbers(
      [&](const Number& n, const int*, Progress&) {
        ++worked;
        while (!go) std::this_thread::sleep_for(1ms);
        return n.value;
      },
      [&] { ++answered; });
  CHECK(numbers.answer() == nullptr);
  CHECK(numbers.progress() < 0);
  numbers.ask({1});
  REQUIRE(soon([&] { return worked == 1; }));
  numbers.ask({2});
  numbers.ask({3});
  numbers.ask({3});
  CHECK(numbers.progress() >= 0);
  go = true;
  REQUIRE(soon([&] { return numbers.answer() && *numbers.answer() == 3; }));
  REQUIRE(soon([&] { return answered == 2; }));
  CHECK(worked == 2);
  CHECK(numbers.progress() < 0);
  numbers.ask({3});
  std::this_thread::sleep_for(20ms);
  CHECK(worked == 2);  // it is answered already
}

TEST_CASE("work that a new question outdates is cancelled, other work is finished") {
  std::atomic<int> finished = 0, cancelled = 0, begun = 0;
  std::atomic<bool> go = false;
  LiveNumbers numbers(
      [&](const Number& n, const int*, Progress& progress) {
        ++begun;
        while (!go && !progress.cancelled) std::this_thread::sleep_for(1ms);
        if (progress.cancelled) {
          ++cancelled;
          throw Cancelled();
        }
        ++finished;
        return n.value;
      },
      {});
  numbers.ask({1});
  REQUIRE(soon([&] { return begun == 1; }));
  numbers.ask({2, true});
  REQUIRE(soon([&] { return begun == 2; }));
  CHECK(cancelled == 1);
  CHECK(numbers.answer() == nullptr);
  numbers.ask({3, true});
  std::this_thread::sleep_for(20ms);
  CHECK(cancelled == 1);
  go = true;
  REQUIRE(soon([&] { return numbers.answer() && *numbers.answer() == 3; }));
  CHECK(finished == 2);
}

TEST_CASE("what is cancelled brings no answer, even if it is done before it sees that") {
  std::atomic<bool> go = false;
  std::atomic<int> worked = 0, answered = 0;
  LiveNumbers numbers(
      [&](const Number& n, const int*, Progress&) {  // looks at no flag
        ++worked;
        while (n.value == 1 && !go) std::this_thread::sleep_for(1ms);
        return n.value;
      },
      [&] { ++answered; });
  numbers.ask({1});
  REQUIRE(soon([&] { return worked == 1; }));
  numbers.cancel();
  go = true;
  REQUIRE(soon([&] { return numbers.progress() < 0; }));
  CHECK(numbers.answer() == nullptr);
  CHECK(answered == 0);
  numbers.ask({1});  // forgotten, so it is asked anew
  REQUIRE(soon([&] { return numbers.answer() && *numbers.answer() == 1; }));
  CHECK(worked == 2);
}

TEST_CASE("the destructor does not wait for work that sees that it is cancelled") {
  const auto begin = std::chrono::steady_clock::now();
  {
    std::atomic<bool> begun = false;
    LiveNumbers numbers(
        [&](const Number&, const int*, Progress& progress) -> int {
          begun = true;
          while (!progress.cancelled) std::this_thread::sleep_for(1ms);
          throw Cancelled();
        },
        {});
    numbers.ask({1});
    REQUIRE(soon([&] { return begun.load(); }));
  }
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
}

const ModelConfig kConfig{.vocab = 11, .context = 8, .channels = 12, .layers = 2, .heads = 3};

Model model_of(uint64_t seed, Mask mask) {
  SmallModel<float> small(kConfig, 1, 8, seed);
  Model model;
  model.parameters = std::make_shared<const Parameters<float>>(std::move(small.parameters));
  model.mask = std::make_shared<const Mask>(std::move(mask));
  return model;
}

TEST_CASE("another head of the same text takes the trace over; another mask or other weights do not") {
  Progress progress;
  const Model a = model_of(1, Mask::causal(8)), b = model_of(2, Mask::full(8));
  AttentionQuestion question{{a, b}, {1, 2, 3, 4}, 0, 0};
  const AttentionAnswer first = attention_of(question, nullptr, progress);
  question.head = 2;
  const AttentionAnswer second = attention_of(question, &first, progress);
  CHECK(second.number > first.number);
  CHECK(second.voices[0].trace == first.voices[0].trace);
  CHECK(same_bits(second.voices[0].stages.weights,
                  head_stages<float>(first.voices[0].trace->qkv[0], 3, 2, *a.mask).weights));
  question.models[0].mask = std::make_shared<const Mask>(Mask::off_by_one(8));
  const AttentionAnswer third = attention_of(question, &second, progress);
  CHECK(third.voices[0].trace != second.voices[0].trace);
  CHECK(third.voices[1].trace == second.voices[1].trace);
  question.text = {1, 2, 3};
  CHECK(attention_of(question, &third, progress).voices[1].trace != third.voices[1].trace);
}

TEST_CASE(
    "a layer or head that there is not becomes the nearest; what cannot be read is said, and the other voice speaks") {
  Progress progress;
  AttentionQuestion question{{model_of(1, Mask::causal(8))}, {1, 2}, 7, 9};
  const AttentionAnswer answer = attention_of(question, nullptr, progress);
  CHECK(same_bits(answer.voices[0].stages.weights,
                  head_stages<float>(answer.voices[0].trace->qkv[1], 3, 2, Mask::causal(8)).weights));
  question.text = {99};
  const AttentionAnswer refused = attention_of(question, nullptr, progress);
  CHECK(refused.voices[0].trace == nullptr);
  CHECK_FALSE(refused.voices[0].error.empty());
}

}  // namespace
}  // namespace nopeek::test::live_attention_test
