#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/decode/generation.h"
#include "core/decode/model.h"

namespace nopeek {

/// What follows a text, by each of several models, computed on a thread of its own.
///
///   LiveNextToken next([] { glfwPostEmptyEvent(); });
///   next.ask({.models = {...}, .text = ids});      // each frame; does nothing if it is the newest question already
///   if (const auto answer = next.answer()) ...     // the newest answer, perhaps to an earlier question
///
/// The newest question replaces one that is still waiting, and cancels the pass under way if it is for another text.
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
  std::shared_ptr<const Answer> answer() const;  // null before the first
  /// Progress from 0 to 1 of the pass that is under way or waits; negative: there is none.
  float progress() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nopeek
