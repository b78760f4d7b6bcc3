#include "core/live/live_attention.h"

#include <algorithm>

namespace nopeek {

bool AttentionQuestion::operator==(const AttentionQuestion& other) const {
  return text == other.text && layer == other.layer && head == other.head &&
         std::equal(models.begin(), models.end(), other.models.begin(), other.models.end(), same_function);
}

namespace {

AttentionAnswer::Voice look(const AttentionQuestion& question, size_t i, const AttentionAnswer* newest,
                            Progress& progress) {
  const Model& model = question.models[i];
  AttentionAnswer::Voice voice;
  voice.error = failure_of([&] {
    if (newest != nullptr && i < newest->voices.size() && newest->question.text == question.text &&
        same_function(newest->question.models[i], model)) {
      voice.trace = newest->voices[i].trace;
    }
    if (!voice.trace) {
      voice.trace = std::make_shared<const AttentionTrace>(
          trace_attention(*model.parameters, *model.mask, question.text, &progress));
    }
    const int layer = std::clamp(question.layer, 0, model.config().layers - 1);
    const int head = std::clamp(question.head, 0, model.config().heads - 1);
    voice.stages = head_stages<float>(voice.trace->qkv[static_cast<size_t>(layer)], model.config().heads, head,
                                      *model.mask, model.config().score_divisor(layer));
  });
  return voice;
}

}  // namespace

AttentionAnswer attention_of(const AttentionQuestion& question, const AttentionAnswer* newest, Progress& progress) {
  AttentionAnswer answer{question, {}, newest == nullptr ? 1 : newest->number + 1};
  for (size_t i = 0; i < question.models.size(); ++i) {
    answer.voices.push_back(look(question, i, newest, progress));
  }
  return answer;
}

}  // namespace nopeek
