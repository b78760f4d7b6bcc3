#include "core/live/live_next_token.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <optional>
#include <thread>

#include "core/base/error.h"

namespace nopeek {

namespace {

bool same(const Model& a, const Model& b) { return a.parameters == b.parameters && a.mask == b.mask; }

/// A decoder keeps references: this keeps what they refer to.
struct Reader {
  Model model;
  bool cache;
  Decoder<float> decoder;
  Reader(Model m, bool use_cache)
      : model(std::move(m)), cache(use_cache), decoder(*model.parameters, *model.mask, use_cache) {}
};

}  // namespace

bool LiveNextToken::Question::operator==(const Question& other) const {
  return text == other.text && cache == other.cache && us == other.us &&
         (us.empty() || (sampling == other.sampling && replayer == other.replayer && prompt == other.prompt)) &&
         std::equal(models.begin(), models.end(), other.models.begin(), other.models.end(), same);
}

struct LiveNextToken::Impl {
  explicit Impl(std::function<void()> done)
      : answered(std::move(done)), thread([this](std::stop_token stop) { work(stop); }) {}

  mutable std::mutex mutex;
  std::condition_variable_any wake;
  std::optional<Question> waiting;
  Question asked;     // the newest
  bool busy = false;  // with `at_work`
  Question at_work;
  std::shared_ptr<const Answer> newest;
  Progress progress;
  // ------------------------------------------------------------------ the thread's own
  std::function<void()> answered;
  std::vector<std::unique_ptr<Reader>> readers, replaying;  // by the model's place
  uint64_t number = 0;
  std::jthread thread;  // last: joined before anything else goes

  void work(std::stop_token stop) {
    while (true) {
      Question question;
      {
        std::unique_lock lock(mutex);
        busy = false;
        wake.wait(lock, stop, [&] { return waiting.has_value(); });
        if (stop.stop_requested()) return;
        question = std::move(*waiting);
        waiting.reset();
        at_work = question;
        busy = true;
        progress.fraction = 0;
        progress.cancelled = false;
      }
      try {
        auto result = std::make_shared<Answer>();
        result->question = std::move(question);
        result->number = ++number;
        forget_beyond(result->question.models.size());
        for (size_t i = 0; i < result->question.models.size(); ++i) {
          result->voices.push_back(voice(result->question, i));
        }
        const std::lock_guard lock(mutex);
        newest = std::move(result);
        busy = false;  // with the answer, so that whoever sees it is not told that more is to come
      } catch (const Cancelled&) {
        continue;
      }
      if (answered) answered();
    }
  }

  /// Models that nobody asks for any more may be large.
  void forget_beyond(size_t count) {
    if (readers.size() > count) readers.resize(count);
    if (replaying.size() > count) replaying.resize(count);
  }

  /// The decoder of the model at place i, with its cache where it is still the same model.
  static Decoder<float>& reader(std::vector<std::unique_ptr<Reader>>& all, size_t i, const Model& model, bool cache) {
    if (all.size() <= i) all.resize(i + 1);
    if (!all[i] || !same(all[i]->model, model) || all[i]->cache != cache) {
      all[i] = nullptr;  // frees its memory before the next one takes its own
      all[i] = std::make_unique<Reader>(model, cache);
    }
    return all[i]->decoder;
  }

  static Answer::Voice failed(const char* why) {
    Answer::Voice voice;
    voice.error = why;
    return voice;
  }

  /// What the newest answer says of this text by this model: it need not be computed again. Else null.
  const Answer::Voice* known(const Question& question, size_t i) const {
    if (!newest || i >= newest->voices.size()) return nullptr;
    const Question& before = newest->question;
    const bool same_pass =
        before.text == question.text && before.cache == question.cache && same(before.models[i], question.models[i]);
    return same_pass && newest->voices[i].error.empty() ? &newest->voices[i] : nullptr;
  }

  /// The pass over the text.
  Answer::Voice look(const Question& question, size_t i) {
    Answer::Voice voice;
    auto& decoder = reader(readers, i, question.models[i], question.cache);
    const auto begin = std::chrono::steady_clock::now();
    const auto logits = decoder.next_logits(question.text, {}, &progress);
    voice.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    voice.ranked.set_logits(logits);
    voice.cached = decoder.caches();
    voice.computed = decoder.computed();
    voice.cache_bytes = decoder.cache_bytes();
    return voice;
  }

  Answer::Voice voice(const Question& question, size_t i) {
    Answer::Voice voice;
    const Model& model = question.models[i];
    try {
      const Answer::Voice* before = known(question, i);
      voice = before != nullptr ? *before : look(question, i);
      voice.replayed.clear();
      if (!question.us.empty() && question.replayer == i) {
        // A cache of its own: else the two texts would drive each other out.
        auto& other = reader(replaying, i, model, question.cache);
        const auto prompt = std::span(question.text).first(question.prompt);
        voice.replayed = replay(other, question.sampling, prompt, question.us, model.tokenizer->eos(), &progress);
      }
    } catch (const Error& error) {
      return failed(error.what());
    } catch (const std::bad_alloc&) {
      return failed("Not enough memory for this model and this text.");
    }
    return voice;
  }
};

LiveNextToken::LiveNextToken(std::function<void()> answered) : impl_(std::make_unique<Impl>(std::move(answered))) {}

LiveNextToken::~LiveNextToken() {
  impl_->thread.request_stop();
  {
    // Under the lock: else a question that is just being taken up would clear the flag, and be answered to the end.
    const std::lock_guard lock(impl_->mutex);
    impl_->progress.cancelled = true;
  }
  impl_->thread.join();
}

void LiveNextToken::ask(Question question) {
  assert(!question.text.empty());
  assert(question.us.empty() || (question.prompt > 0 && question.prompt <= question.text.size()));
  const std::lock_guard lock(impl_->mutex);
  if (question == impl_->asked) return;
  // A pass over another text is not waited for; one with older weights is, or nothing would ever be finished.
  if (impl_->busy && impl_->at_work.text != question.text) impl_->progress.cancelled = true;
  impl_->asked = question;
  impl_->waiting = std::move(question);
  impl_->wake.notify_one();
}

std::shared_ptr<const LiveNextToken::Answer> LiveNextToken::answer() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->newest;
}

float LiveNextToken::progress() const {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->busy && !impl_->waiting) return -1;
  return impl_->waiting ? 0.0f : impl_->progress.fraction.load();
}

}  // namespace nopeek
