#include "app/commands/prompt.h"

#include <algorithm>
#include <vector>

#include "app/commands/note.h"
#include "core/base/error.h"
#include "core/text/utf8.h"

namespace nopeek {

void require_utf8(const std::string& text, const std::string& name) {
  if (const auto byte = utf8::first_invalid_byte(text)) {
    throw Error(name + " is not valid UTF-8 at byte " + std::to_string(*byte) + ".");
  }
}

void note_lacking(const Tokenizer& tokenizer, const std::string& text) {
  tokenizer.require_rows(text);
  constexpr size_t kMost = 8;
  std::vector<std::string> words;
  for (const auto& piece : tokenizer.pieces(text)) {
    if (!piece.lacking) continue;
    const std::string word = text.substr(piece.begin, piece.end - piece.begin);
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  if (words.empty()) return;
  std::string list;
  for (size_t i = 0; i < std::min(words.size(), kMost); ++i) list += (i > 0 ? ", \"" : "\"") + words[i] + "\"";
  if (words.size() > kMost) list += " and " + std::to_string(words.size() - kMost) + " more";
  const std::string instead = tokenizer.unknown() ? "read as " + tokenizer.label(*tokenizer.unknown()) : "left out";
  note("The model's vocabulary lacks " + list + ": " + instead + ".");
}

void write_what_was_read(JsonStream& json, const Model& model, std::span<const TokenId> ids, const char* mask) {
  json.key("tokens"), json.open('[');
  for (const TokenId id : ids) json.text(model.tokenizer->token(id));
  json.close(']');
  json.key("ids"), json.list(ids);
  json.key("mask"), json.text(mask);
}

}  // namespace nopeek
