#include "core/live/live_next_token.h"

#include <algorithm>
#include <cassert>
#include <chrono>

#include "core/base/scheduling.h"
#include "core/base/thread_pool.h"

namespace nopeek {

namespace live {

/// A decoder keeps references: this keeps what they refer to.
struct Reader {
  Model model;
  bool cache;
  Decoder<float> decoder;
  Reader(Model m, bool use_cache, ThreadPool& threads)
      : model(std::move(m)), cache(use_cache), decoder(*model.parameters, *model.mask, use_cache, &threads) {}
};

}  // namespace live

bool LiveNextToken::Question::operator==(const Question& other) const {
  return text == other.text && cache == other.cache && us == other.us &&
         (us.empty() || (sampling == other.sampling && replayer == other.replayer && prompt == other.prompt)) &&
         std::equal(models.begin(), models.end(), other.models.begin(), other.models.end(), same_function);
}

struct LiveNextToken::Readers {
  using Reader = live::Reader;
  ThreadPool threads{hardware_threads(), give_way};
  std::vector<std::unique_ptr<Reader>> readers, replaying;  // by the model's place
  uint64_t number = 0;

  Answer answer(const Question& question, const Answer* newest, Progress& progress) {
    Answer result;
    result.question = question;
    forget_beyond(question.models.size());
    for (size_t i = 0; i < question.models.size(); ++i) {
      result.voices.push_back(voice(question, i, newest, progress));
    }
    result.number = ++number;
    return result;
  }

  /// Models that nobody asks for any more may be large.
  void forget_beyond(size_t count) {
    if (readers.size() > count) readers.resize(count);
    if (replaying.size() > count) replaying.resize(count);
  }

  /// The decoder of the model at place i, with its cache where it is still the same model.
  Decoder<float>& reader(std::vector<std::unique_ptr<Reader>>& all, size_t i, const Model& model, bool cache) {
    if (all.size() <= i) all.resize(i + 1);
    if (!all[i] || !same_function(all[i]->model, model) || all[i]->cache != cache) {
      all[i] = nullptr;  // frees its memory before the next one takes its own
      all[i] = std::make_unique<Reader>(model, cache, threads);
    }
    return all[i]->decoder;
  }

  /// What the newest answer says of this text by this model: it need not be computed again. Else null.
  static const Answer::Voice* known(const Question& question, size_t i, const Answer* newest) {
    if (!newest || i >= newest->voices.size()) return nullptr;
    const Question& before = newest->question;
    const bool same_pass = before.text == question.text && before.cache == question.cache &&
                           same_function(before.models[i], question.models[i]);
    return same_pass && newest->voices[i].error.empty() ? &newest->voices[i] : nullptr;
  }

  /// The pass over the text.
  Answer::Voice look(const Question& question, size_t i, Progress& progress) {
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

  Answer::Voice voice(const Question& question, size_t i, const Answer* newest, Progress& progress) {
    Answer::Voice voice;
    const Model& model = question.models[i];
    std::string error = failure_of([&] {
      const Answer::Voice* before = known(question, i, newest);
      voice = before != nullptr ? *before : look(question, i, progress);
      voice.replayed.clear();
      if (!question.us.empty() && question.replayer == i) {
        // A cache of its own: else the two texts would drive each other out.
        auto& other = reader(replaying, i, model, question.cache);
        const auto prompt = std::span(question.text).first(question.prompt);
        voice.replayed = replay(other, question.sampling, prompt, question.us, model.tokenizer->eos(), &progress);
      }
    });
    if (!error.empty()) voice = {};
    voice.error = std::move(error);
    return voice;
  }
};

LiveNextToken::LiveNextToken(std::function<void()> answered)
    : readers_(std::make_unique<Readers>()),
      answers_([this](const Question& question, const Answer* newest,
                      Progress& progress) { return readers_->answer(question, newest, progress); },
               std::move(answered)) {}

LiveNextToken::~LiveNextToken() = default;

void LiveNextToken::ask(Question question) {
  assert(!question.text.empty());
  assert(question.us.empty() || (question.prompt > 0 && question.prompt <= question.text.size()));
  answers_.ask(std::move(question));
}

}  // namespace nopeek
