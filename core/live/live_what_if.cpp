#include "core/live/live_what_if.h"

#include <algorithm>

namespace nopeek {

namespace {

bool same_weights(const Model& a, const Model& b) { return a.parameters == b.parameters; }

bool same_task(const WhatIfQuestion& a, const WhatIfQuestion& b) {
  return a.text == b.text && a.prompt_length == b.prompt_length && a.new_tokens == b.new_tokens;
}

WhatIfAnswer::Row row_of(const WhatIfQuestion& question, size_t i, Progress& progress) {
  const Model& model = question.models[i];
  WhatIfAnswer::Row row;
  const int T = model.config().context;
  const auto run = [&](const Mask& mask) {
    return what_if(*model.parameters, mask, question.text, question.prompt_length, question.new_tokens,
                   model.tokenizer->eos(), &progress);
  };
  row.error = failure_of([&] {
    row.masked = run(Mask::causal(T));
    report_progress(&progress, (static_cast<float>(i) + 0.5f) / static_cast<float>(question.models.size()));
    row.unmasked = run(Mask::full(T));
  });
  return row;
}

}  // namespace

bool WhatIfQuestion::operator==(const WhatIfQuestion& other) const {
  return same_task(*this, other) &&
         std::equal(models.begin(), models.end(), other.models.begin(), other.models.end(), same_weights);
}

WhatIfAnswer what_ifs_of(const WhatIfQuestion& question, const WhatIfAnswer* newest, Progress& progress) {
  WhatIfAnswer answer{question, {}, newest == nullptr ? 1 : newest->number + 1};
  for (size_t i = 0; i < question.models.size(); ++i) {
    const bool known = newest != nullptr && same_task(newest->question, question) && i < newest->rows.size() &&
                       same_weights(newest->question.models[i], question.models[i]);
    answer.rows.push_back(known ? newest->rows[i] : row_of(question, i, progress));
    report_progress(&progress, static_cast<float>(i + 1) / static_cast<float>(question.models.size()));
  }
  return answer;
}

}  // namespace nopeek
