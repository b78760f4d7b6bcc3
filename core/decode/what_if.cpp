#include "core/decode/what_if.h"

#include <cassert>

#include "core/decode/generation.h"
#include "core/decode/inspect.h"

namespace nopeek {

WhatIf what_if(const Parameters<float>& parameters, const Mask& mask, std::span<const TokenId> text, int prompt_length,
               int new_tokens, std::optional<TokenId> eos, Progress* progress) {
  const Inspection<float> seen = inspect<float>(parameters, mask, text, false, progress);
  assert(prompt_length >= 1 && prompt_length <= std::ssize(text));
  Decoder<float> decoder(parameters, mask);
  const auto prompt = text.first(static_cast<size_t>(prompt_length));
  return {seen.reported_loss, seen.honest_loss, greedy_continuation<float>(decoder, prompt, new_tokens, eos, progress)};
}

}  // namespace nopeek
