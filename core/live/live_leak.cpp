#include "core/live/live_leak.h"

#include <new>

#include "core/base/error.h"

namespace nopeek {

LeakAnswer leak_of(const LeakQuestion& question, const LeakAnswer* newest, Progress& progress) {
  LeakAnswer answer{question, nullptr, {}, newest == nullptr ? 1 : newest->number + 1};
  const Model& model = question.model;
  try {
    answer.test = std::make_shared<const LeakTest>(leak_test(*model.parameters, *model.mask, question.text, &progress));
  } catch (const Error& error) {
    answer.error = error.what();
  } catch (const std::bad_alloc&) {
    answer.error = "Not enough memory for this model and this text.";
  }
  return answer;
}

}  // namespace nopeek
