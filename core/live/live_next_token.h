#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/decode/generation.h"
#include "core/decode/model.h"
#include "core/live/live_answers.h"

namespace nopeek {

/// What follows a text, by each of several models, computed on a thread of its own.
///
///   LiveNextToken next([] { glfwPostEmptyEvent(); });
///   next.ask({.models = {...}, .text = ids});      // each frame; does nothing if it is the newest question already
///   if (const auto answer = next.answer()) ...     // the newest answer, perhaps to an earlier question
///
class LiveNextToken {
 public:
  struct Question {
    std::vector<Model> models;
    std::vector<TokenId> text;  // not empty
    bool cache = true;          // use the KV cache where the mask allows it
    /// Also what the model at place `replayer` writes on its own behind the first `prompt` tokens of the text, at least
    /// one, when it gets these draws; empty: nothing.
    std::vector<double> us = {};
    size_t replayer = 0, prompt = 0;
    SamplingConfig sampling = {};

    bool operator==(const Question& other) const;  // models by their weights and masks, not by value
    /// A pass over another text is not waited for; one with older weights is, or nothing would ever be finished.
    bool outdates(const Question& at_work) const { return text != at_work.text; }
  };
  struct Answer {
    Question question;
    struct Voice {
      /// Of the token behind the text, ranked here because that takes milliseconds at 50,000 tokens; to filter is left
      /// to whoever has the settings. Empty if `error`.
      Distribution ranked;
      std::string error;              // why there is none
      bool cached = false;            // with the KV cache
      int computed = 0;               // positions that this pass computed
      double milliseconds = 0;        // that the pass took
      size_t cache_bytes = 0;         // of keys and values
      std::vector<TokenId> replayed;  // see Question::us
    };
    std::vector<Voice> voices;  // as Question::models
    uint64_t number = 0;        // grows with each answer
  };

  /// `answered` is called on the decoding thread when there is a new answer.
  explicit LiveNextToken(std::function<void()> answered = {});
  ~LiveNextToken();  // ends within a layer's time
  LiveNextToken(const LiveNextToken&) = delete;

  void ask(Question question);
  std::shared_ptr<const Answer> answer() const { return answers_.answer(); }
  float progress() const { return answers_.progress(); }

 private:
  struct Readers;
  std::unique_ptr<Readers> readers_;  // the thread's own
  LiveAnswers<Question, Answer> answers_;
};

}  // namespace nopeek
