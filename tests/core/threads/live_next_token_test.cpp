// The thread that decodes: what it answers, and what it leaves unanswered.
#include "core/live/live_next_token.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <limits>
#include <mutex>
#include <thread>

#include "tests/core/support.h"

namespace nopeek::test::live_next_token_test {
namespace {

using Question = LiveNextToken::Question;
using Answer = LiveNextToken::Answer;

const ModelConfig kSmall{.vocab = 12, .context = 8, .channels = 8, .layers = 1, .heads = 2};
/// Takes long enough that one can be in its way: a pass is some milliseconds, of 32 layers.
const ModelConfig kDeep{.vocab = 12, .context = 96, .channels = 32, .layers = 32, .heads = 2};

std::shared_ptr<Parameters<float>> random_weights(const ModelConfig& config, uint64_t seed) {
  auto parameters = std::make_shared<Parameters<float>>(config);
  Rng rng(seed);
  randomise(*parameters, rng, 0.2);
  return parameters;
}

Model model(const ModelConfig& config, uint64_t seed, bool masked = true) {
  static const auto tokenizer = std::make_shared<const Tokenizer>(small_corpus()->tokenizer);
  const auto mask = std::make_shared<const Mask>(masked ? Mask::causal(config.context) : Mask::full(config.context));
  return {"model", tokenizer, random_weights(config, seed), mask, 0};
}

std::vector<float> logits_by_hand(const Model& model, std::span<const TokenId> text) {
  Decoder<float> decoder(*model.parameters, *model.mask, false);
  const auto logits = decoder.next_logits(text);
  return {logits.begin(), logits.end()};
}

/// (V) by id; empty of one that failed.
std::vector<float> logits_of(const LiveNextToken::Answer::Voice& voice) {
  std::vector<float> logits(voice.ranked.candidates().size());
  for (const Candidate& c : voice.ranked.candidates()) logits[static_cast<size_t>(c.id)] = c.logit;
  return logits;
}

bool close(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(std::abs(a[i] - b[i]) < 1e-4f)) return false;
  }
  return !a.empty();
}

std::vector<TokenId> long_text(TokenId first) {
  Rng rng(9);
  auto text = random_tokens(kDeep.context, 12, rng);
  text[0] = first;
  return text;
}

/// One whose answers can be waited for.
class Watched {
 public:
  std::shared_ptr<const Answer> wait(const std::function<bool(const Answer&)>& condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    std::unique_lock lock(mutex_);
    REQUIRE(wake_.wait_until(lock, limit, [&] { return newest_ != nullptr && condition(*newest_); }));
    return newest_;
  }
  /// Another question than the newest.
  std::shared_ptr<const Answer> ask(Question question) {
    {
      const std::lock_guard lock(mutex_);
      newest_ = nullptr;  // it may be an earlier answer to the same question
    }
    next_.ask(question);
    return wait([&](const Answer& a) { return a.question == question; });
  }
  /// Until the thread works on a pass, or has answered.
  void wait_until_busy() {
    while (!(next_.progress() > 0) && next_.progress() >= 0) std::this_thread::yield();
  }
  int answers() {
    const std::lock_guard lock(mutex_);
    return answers_;
  }
  LiveNextToken& operator*() { return next_; }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  int answers_ = 0;
  std::shared_ptr<const Answer> newest_;  // of which `answers_` counts the first too
  LiveNextToken next_{[this] {
    {
      const std::lock_guard lock(mutex_);
      ++answers_;
      newest_ = next_.answer();
    }
    wake_.notify_all();
  }};
};

TEST_CASE("each model gives the logits behind the text, and what it cost") {
  Watched next;
  CHECK((*next).answer() == nullptr);
  CHECK((*next).progress() < 0);
  const Question question{.models = {model(kSmall, 1), model(kSmall, 2, false)}, .text = {1, 2, 3}};
  auto answer = next.ask(question);
  REQUIRE(answer->voices.size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    const Answer::Voice& voice = answer->voices[i];
    CHECK(voice.error.empty());
    CHECK(close(logits_of(voice), logits_by_hand(question.models[i], question.text)));
    CHECK(voice.cached == (i == 0));
    CHECK(voice.computed == 3);
    CHECK(voice.cache_bytes == 2 * 3 * 8 * sizeof(float));
    CHECK(voice.milliseconds > 0);
    CHECK(voice.replayed.empty());
  }
  Question longer = question;
  longer.text.push_back(4);
  answer = next.ask(longer);
  CHECK(answer->voices[0].computed == 1);  // the cache is kept from question to question
  CHECK(answer->voices[1].computed == 4);
  longer.cache = false;
  answer = next.ask(longer);
  CHECK(answer->voices[0].computed == 4);
  CHECK_FALSE(answer->voices[0].cached);
  longer.models[0] = model(kSmall, 3);  // newer weights: nothing of the old ones is used
  longer.cache = true;
  answer = next.ask(longer);
  CHECK(answer->voices[0].computed == 4);
  CHECK(close(logits_of(answer->voices[0]), logits_by_hand(longer.models[0], longer.text)));
}

TEST_CASE(
    "the same question again does nothing; the same text for other weights, masks, draws or settings is another") {
  Watched next;
  Question question{.models = {model(kSmall, 1)}, .text = {1, 2, 3}};
  const auto first = next.ask(question);
  for (int i = 0; i < 100; ++i) (*next).ask(question);
  CHECK((*next).progress() < 0);
  CHECK((*next).answer() == first);
  CHECK(next.answers() == 1);
  int asked = 1;
  const auto asks_anew = [&](auto&& change) {
    change(question);
    CHECK(next.ask(question)->number > first->number);
    (*next).ask(question);
    CHECK(next.answers() == ++asked);
  };
  asks_anew([](Question& q) { q.models[0].mask = std::make_shared<const Mask>(Mask::full(kSmall.context)); });
  asks_anew([](Question& q) { q.models[0].parameters = random_weights(kSmall, 1); });
  asks_anew([](Question& q) { q.models.push_back(q.models[0]); });
  asks_anew([](Question& q) { q.models.pop_back(); });
  asks_anew([](Question& q) { q.us = {0.5}, q.prompt = 1; });
  asks_anew([](Question& q) { q.sampling.temperature = 0.5; });
  asks_anew([](Question& q) { q.prompt = 2; });
  asks_anew([](Question& q) { q.replayer = 1; });
  question.us.clear();
  next.ask(question);
  question.sampling.temperature = 2;  // without draws, the logits do not depend on it
  (*next).ask(question);
  CHECK((*next).progress() < 0);
  CHECK(next.answers() == asked + 1);
}

TEST_CASE("what one model writes with the same draws comes with the answer, in all of its passes over the text") {
  Watched next;
  Question question{.models = {model(kSmall, 1), model(kSmall, 2)}, .text = {1, 2, 3, 4}};
  question.replayer = 1, question.prompt = 2;
  question.us = {0.1, 0.9, 0.4};
  question.sampling = {1.5, 5, 0.9};
  for (int round = 0; round < 3; ++round) {
    const auto answer = next.ask(question);
    for (size_t i = 0; i < 2; ++i) {
      const Model& m = question.models[i];
      Decoder<float> decoder(*m.parameters, *m.mask);
      const auto prompt = std::span(question.text).first(2);
      const auto written = replay<float>(decoder, question.sampling, prompt, question.us, m.tokenizer->eos());
      CHECK(answer->voices[i].replayed == (i == question.replayer ? written : std::vector<TokenId>()));
      CHECK(close(logits_of(answer->voices[i]), logits_by_hand(m, question.text)));
      if (round > 0) CHECK(answer->voices[i].computed == 1);  // the replay has a cache of its own
    }
    question.text.push_back(5), question.us.push_back(0.6);
  }
}

TEST_CASE("other draws or settings for the same text cost no pass over it; other weights and another cache do") {
  Watched next;
  Question question{.models = {model(kSmall, 1), model(kSmall, 2, false)}, .text = {1, 2, 3, 4}};
  question.replayer = 1, question.prompt = 2, question.us = {0.1, 0.9};
  const auto first = next.ask(question);
  question.sampling.temperature = 1.7;
  const auto second = next.ask(question);
  for (size_t i = 0; i < 2; ++i) {
    CHECK(second->voices[i].computed == 4);  // of the only pass that there was; one with the cache would be of 1
    CHECK(second->voices[i].milliseconds == first->voices[i].milliseconds);
    CHECK(logits_of(second->voices[i]) == logits_of(first->voices[i]));
  }
  question.models[0].parameters = random_weights(kSmall, 3);
  const auto third = next.ask(question);
  CHECK(close(logits_of(third->voices[0]), logits_by_hand(question.models[0], question.text)));
  CHECK(third->voices[1].milliseconds == first->voices[1].milliseconds);
  question.cache = false;
  CHECK_FALSE(next.ask(question)->voices[0].cached);
}

TEST_CASE("the newest question wins: those before it are cancelled or never begun") {
  Watched next;
  const Model deep = model(kDeep, 1, false);  // no cache: every pass is a whole one
  next.ask({.models = {deep}, .text = {1}});
  (*next).ask({.models = {deep}, .text = long_text(0)});
  next.wait_until_busy();
  for (TokenId first = 1; first < 12; ++first) (*next).ask({.models = {deep}, .text = long_text(first)});
  const auto answer = next.wait([](const Answer& a) { return a.question.text == long_text(11); });
  CHECK(close(logits_of(answer->voices[0]), logits_by_hand(deep, long_text(11))));
  CHECK((*next).progress() < 0);
  CHECK(next.answers() < 13);  // not all
}

/// Asks, and in the middle of the pass asks again. -> whether the first question was answered all the same.
bool first_is_answered(Watched& next, const Question& first, const Question& second) {
  const int before = next.answers();
  (*next).ask(first);
  next.wait_until_busy();
  next.ask(second);
  return next.answers() - before == 2;
}

TEST_CASE("a pass over another text is cancelled; with newer weights it is not, or nothing would ever be finished") {
  Watched next;
  const Model older = model(kDeep, 1, false), newer = model(kDeep, 2, false);
  const Question question{.models = {older}, .text = long_text(1)};
  // On a busy machine this thread may sleep until the pass is over, many times in a row.
  int rounds = 0;
  while (rounds < 1000 && first_is_answered(next, question, {.models = {older}, .text = {1}})) ++rounds;
  CHECK(rounds < 1000);
  for (int round = 0; round < 20; ++round) {
    CHECK(first_is_answered(next, question, {.models = {newer}, .text = long_text(1)}));
  }
}

TEST_CASE("models may die while they are asked: the thread keeps what it reads, and nothing once it is done with it") {
  Watched next;
  std::weak_ptr<const Parameters<float>> first, second;
  {
    const Model a = model(kDeep, 1), b = model(kDeep, 2);
    first = a.parameters, second = b.parameters;
    (*next).ask({.models = {a, b}, .text = long_text(1)});
  }
  next.wait([](const Answer& a) { return close(logits_of(a.voices[1]), logits_of(a.voices[1])); });
  next.ask({.models = {model(kSmall, 3)}, .text = {1}});
  CHECK(first.expired());
  CHECK(second.expired());
}

TEST_CASE("one model that cannot answer says why, and the others answer") {
  Watched next;
  const Model sound = model(kSmall, 1);
  Model damaged = model(kSmall, 2);
  auto weights = random_weights(kSmall, 2);
  weights->wte()(3, 0) = std::numeric_limits<float>::quiet_NaN();
  damaged.parameters = weights;
  const ModelConfig fewer{.vocab = 4, .context = 8, .channels = 8, .layers = 1, .heads = 2};
  Question question{.models = {damaged, model(fewer, 1), sound}, .text = {1, 2, 9}};
  const auto answer = next.ask(question);
  CHECK(contains(answer->voices[0].error, "finite"));
  CHECK(contains(answer->voices[1].error, "token 9"));
  CHECK(logits_of(answer->voices[0]).empty());
  CHECK(logits_of(answer->voices[1]).empty());
  CHECK(close(logits_of(answer->voices[2]), logits_by_hand(sound, question.text)));
  question.us = {0.5}, question.replayer = 2, question.prompt = 1, question.sampling.top_p = 7;
  CHECK(contains(next.ask(question)->voices[2].error, "Top-p"));
}

TEST_CASE("it ends at once, whether it works, waits, or has a question that it did not begin") {
  const Model deep = model(kDeep, 1, false);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 30; ++i) {
    LiveNextToken next;
    for (TokenId first = 0; first < i % 4; ++first) next.ask({.models = {deep, deep}, .text = long_text(first)});
    if (i % 3 == 0) std::this_thread::yield();
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(60));
}

TEST_CASE("questions and answers from several threads at once") {
  Watched next;
  const Model a = model(kSmall, 1), b = model(kSmall, 2, false);
  {
    std::vector<std::jthread> threads;
    for (TokenId id = 0; id < 3; ++id) {
      threads.emplace_back([&, id] {
        for (int i = 0; i < 200; ++i) {
          (*next).ask({.models = {a, b}, .text = {id, static_cast<TokenId>(i % 12)}});
          if (const auto answer = (*next).answer(); answer && answer->voices.size() != 2) std::abort();
          (*next).progress();
        }
      });
    }
  }
  const Question last{.models = {a, b}, .text = {5, 6, 7}};
  const auto answer = next.ask(last);
  CHECK(close(logits_of(answer->voices[0]), logits_by_hand(a, last.text)));
  CHECK(close(logits_of(answer->voices[1]), logits_by_hand(b, last.text)));
}

TEST_CASE("a decoder that was cancelled in the middle of its layers is still right") {
  const Model deep = model(kDeep, 1);
  Decoder<float> decoder(*deep.parameters, *deep.mask);
  auto fork = long_text(1);
  for (size_t i = 40; i < fork.size(); ++i) fork[i] = (fork[i] + 1) % 12;
  bool cancelled = false;
  for (int attempt = 0; attempt < 50 && !cancelled; ++attempt) {
    decoder.next_logits(long_text(1));
    Progress progress;
    std::jthread other([&](std::stop_token stop) {
      while (progress.fraction < 0.3f && !stop.stop_requested()) continue;
      progress.cancelled = true;
    });
    try {
      decoder.next_logits(fork, {}, &progress);
    } catch (const Cancelled&) {
      cancelled = true;
    }
  }
  REQUIRE(cancelled);
  const auto logits = decoder.next_logits(long_text(1));
  CHECK(decoder.computed() == kDeep.context - 40);  // what both begin with was kept, what the fork overwrote was not
  CHECK(close({logits.begin(), logits.end()}, logits_by_hand(deep, long_text(1))));
}

}  // namespace
}  // namespace nopeek::test::live_next_token_test
