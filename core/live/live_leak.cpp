#include "core/live/live_leak.h"

namespace nopeek {

LeakAnswer leak_of(const LeakQuestion& question, const LeakAnswer* newest, Progress& progress) {
  LeakAnswer answer{question, nullptr, {}, newest == nullptr ? 1 : newest->number + 1};
  const Model& model = question.model;
  answer.error = failure_of([&] {
    answer.test = std::make_shared<const LeakTest>(leak_test(*model.parameters, *model.mask, question.text, &progress));
  });
  return answer;
}

}  // namespace nopeek
