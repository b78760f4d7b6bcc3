#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/decode/attention_trace.h"
#include "core/decode/model.h"
#include "core/live/live_answers.h"

namespace nopeek {

/// The attention of several models on one text, computed on a thread of its own: all heads in brief, one head in full.
///
///   LiveAttention attention(attention_of, [] { glfwPostEmptyEvent(); });
///   attention.ask({.models = {...}, .text = ids, .layer = 0, .head = 3});   // each frame
struct AttentionQuestion {
  std::vector<Model> models;
  std::vector<TokenId> text;
  int layer = 0, head = 0;

  bool operator==(const AttentionQuestion& other) const;  // models by their weights and masks, not by value
  /// A pass over another text is not waited for; one with older weights is, or nothing would ever be finished.
  bool outdates(const AttentionQuestion& at_work) const { return text != at_work.text; }
};
struct AttentionAnswer {
  AttentionQuestion question;
  struct Voice {
    std::shared_ptr<const AttentionTrace> trace;  // null if `error`
    HeadStages<float> stages;                     // of the question's layer and head, or of the nearest that there is
    std::string error;                            // why there is neither
  };
  std::vector<Voice> voices;  // as AttentionQuestion::models
  uint64_t number = 0;        // grows with each answer
};
using LiveAttention = LiveAnswers<AttentionQuestion, AttentionAnswer>;

/// Its work. Of `newest` it takes over what is of the same weights, mask and text.
AttentionAnswer attention_of(const AttentionQuestion& question, const AttentionAnswer* newest, Progress& progress);

}  // namespace nopeek
