#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/decode/model.h"
#include "core/decode/what_if.h"
#include "core/live/live_answers.h"

namespace nopeek {

/// What models are worth with the causal mask and without any, whatever they were trained with; on a thread of its own.
///
///   LiveWhatIf what_if(what_ifs_of, [] { glfwPostEmptyEvent(); });
///   what_if.ask({.models = {...}, .text = ids, .prompt_length = 4, .new_tokens = 12});   // each frame
struct WhatIfQuestion {
  std::vector<Model> models;  // their own masks do not count
  std::vector<TokenId> text;
  int prompt_length = 1, new_tokens = 0;

  bool operator==(const WhatIfQuestion& other) const;  // models by their weights, not by value
  bool outdates(const WhatIfQuestion& at_work) const { return text != at_work.text; }
};
struct WhatIfAnswer {
  WhatIfQuestion question;
  struct Row {
    WhatIf masked, unmasked;  // run with the causal mask, and with none
    std::string error;        // why there is neither
  };
  std::vector<Row> rows;  // as WhatIfQuestion::models
  uint64_t number = 0;    // grows with each answer
};
using LiveWhatIf = LiveAnswers<WhatIfQuestion, WhatIfAnswer>;

/// Its work. Of `newest` it takes over the rows of the same weights and text.
WhatIfAnswer what_ifs_of(const WhatIfQuestion& question, const WhatIfAnswer* newest, Progress& progress);

}  // namespace nopeek
