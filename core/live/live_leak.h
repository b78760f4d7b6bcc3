#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/decode/model.h"
#include "core/live/live_answers.h"
#include "core/train/leak_test.h"

namespace nopeek {

/// The leak test of a model on a text, run on a thread of its own.
///
///   LiveLeak leak(leak_of, [] { glfwPostEmptyEvent(); });
///   leak.ask({model, ids});   // each frame
struct LeakQuestion {
  Model model;
  std::vector<TokenId> text;

  bool operator==(const LeakQuestion& other) const { return text == other.text && same_function(model, other.model); }
  /// Under another mask or on another text the verdict may be another one; newer weights are worth finishing for.
  bool outdates(const LeakQuestion& at_work) const { return text != at_work.text || model.mask != at_work.model.mask; }
};
struct LeakAnswer {
  LeakQuestion question;
  std::shared_ptr<const LeakTest> test;  // null if `error`
  std::string error;                     // why there is none
  uint64_t number = 0;                   // grows with each answer
};
using LiveLeak = LiveAnswers<LeakQuestion, LeakAnswer>;

/// Its work.
LeakAnswer leak_of(const LeakQuestion& question, const LeakAnswer* newest, Progress& progress);

}  // namespace nopeek
