// Answers from a thread of their own: what goes wrong there does not end the program.
#include "core/live/live_answers.h"

#include <doctest/doctest.h>

#include <atomic>
#include <new>
#include <stdexcept>
#include <thread>

namespace nopeek::test::live_answers_test {
namespace {

struct Question {
  int number = 0;
  bool operator==(const Question&) const = default;
  bool outdates(const Question&) const { return false; }
};

TEST_CASE("where not even an error can be made there is no answer, and the same question may be asked again") {
  std::atomic<int> tries = 0, answered = 0;
  const auto work = [&](const Question& question, const int*, Progress&) {
    if (++tries == 1) throw std::bad_alloc();
    return 2 * question.number;
  };
  LiveAnswers<Question, int> answers(work, [&] { ++answered; });
  answers.ask({21});
  while (answered < 1) std::this_thread::yield();
  CHECK(answers.answer() == nullptr);
  answers.ask({21});
  while (answered < 2) std::this_thread::yield();
  REQUIRE(answers.answer() != nullptr);
  CHECK(*answers.answer() == 42);
  answers.ask({21});  // known by now
  answers.ask({5});
  while (answered < 3) std::this_thread::yield();
  CHECK(*answers.answer() == 10);
  CHECK(tries == 3);
}

TEST_CASE("what goes wrong in the work is a sentence, whatever was thrown; only Cancelled passes") {
  CHECK(failure_of([] {}).empty());
  CHECK(failure_of([] { throw Error("The text is too long."); }) == "The text is too long.");
  CHECK(failure_of([] { throw std::length_error("vector"); }) == "vector");
  CHECK(failure_of([] { throw std::bad_alloc(); }) == "Not enough memory for this model and this text.");
  CHECK_THROWS_AS(failure_of([] { throw Cancelled(); }), Cancelled);
}

}  // namespace
}  // namespace nopeek::test::live_answers_test
