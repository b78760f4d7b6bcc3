#pragma once
#include <string>

#include "core/text/tokenizer.h"

namespace nopeek {

/// Throws Error if `text`, of the option `name`, is not UTF-8.
void require_utf8(const std::string& text, const std::string& name);

/// Says on standard error, in one line, which words the vocabulary lacks and what is read in their place, if there are
/// any.
void note_lacking(const Tokenizer& tokenizer, const std::string& text);

}  // namespace nopeek
