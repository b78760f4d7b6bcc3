#pragma once
#include <span>
#include <string>

#include "app/commands/json_stream.h"
#include "core/decode/model.h"

namespace nopeek {

/// Throws Error if `text`, of the option `name`, is not UTF-8.
void require_utf8(const std::string& text, const std::string& name);

/// Says on standard error, in one line, which words the vocabulary lacks and what is read in their place, if there are
/// any. Throws Error if the text has a token that the model has no weights for.
void note_lacking(const Tokenizer& tokenizer, const std::string& text);

/// The keys with which the JSON of a pass over a text begins: tokens, ids, and the mask (on, off, custom).
void write_what_was_read(JsonStream& json, const Model& model, std::span<const TokenId> ids, const char* mask);

}  // namespace nopeek
