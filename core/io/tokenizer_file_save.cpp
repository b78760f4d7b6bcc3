#include <algorithm>

#include "core/io/json.h"
#include "core/io/tokenizer_file.h"
#include "core/text/byte_alphabet.h"

namespace nopeek {

namespace {

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

/// Tokens as the vocabulary of the file has them.
std::vector<std::string> spelled(const Tokenizer::Parts& parts) {
  std::vector<std::string> tokens = parts.tokens;
  if (parts.kind != TokenizerKind::kBytePair) return tokens;
  for (std::string& token : tokens) token = spell_bytes(token);
  for (const TokenId id : parts.special) tokens[static_cast<size_t>(id)] = parts.tokens[static_cast<size_t>(id)];
  return tokens;
}

/// Items with a line each.
class Lines {
 public:
  explicit Lines(std::string indent) : indent_(std::move(indent)) {}
  void add(const std::string& item) { text_ += (text_.empty() ? "\n" : ",\n") + indent_ + "  " + item; }
  std::string between(const char* open, const char* close) const {
    return text_.empty() ? std::string(open) + close : open + text_ + "\n" + indent_ + close;
  }

 private:
  std::string indent_, text_;
};

std::string added_tokens(const Tokenizer::Parts& parts) {
  std::vector<TokenId> special = parts.special;
  std::sort(special.begin(), special.end());
  Lines lines("  ");
  for (const TokenId id : special) {
    lines.add("{\"id\": " + std::to_string(id) + ", \"content\": " + quoted(parts.tokens[static_cast<size_t>(id)]) +
              ", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false, "
              "\"special\": true}");
  }
  return lines.between("[", "]");
}

std::string vocab(const std::vector<std::string>& tokens) {
  Lines lines("    ");
  for (size_t id = 0; id < tokens.size(); ++id) lines.add(quoted(tokens[id]) + ": " + std::to_string(id));
  return lines.between("{", "}");
}

/// "a b": versions of the library before 0.20 do not know the other form, ["a", "b"].
std::string merges(const std::vector<Merge>& merges, const std::vector<std::string>& tokens) {
  Lines lines("    ");
  for (const auto& [left, right] : merges) {
    lines.add(quoted(tokens[static_cast<size_t>(left)] + " " + tokens[static_cast<size_t>(right)]));
  }
  return lines.between("[", "]");
}

/// A WordLevel model must name an unknown token. Where there is none, it is a name that the vocabulary lacks.
std::string unknown_name(const Tokenizer& tokenizer) {
  if (tokenizer.unknown()) return tokenizer.token(*tokenizer.unknown());
  std::string name = "<unk>";
  while (tokenizer.find(name)) name += '_';
  return name;
}

std::string model(const Tokenizer& tokenizer) {
  const Tokenizer::Parts& parts = tokenizer.parts();
  const std::vector<std::string> tokens = spelled(parts);
  if (parts.kind != TokenizerKind::kBytePair) {
    return "{\n    \"type\": \"WordLevel\",\n    \"vocab\": " + vocab(tokens) +
           ",\n    \"unk_token\": " + quoted(unknown_name(tokenizer)) + "\n  }";
  }
  return "{\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": " +
         (parts.unknown ? quoted(tokens[static_cast<size_t>(*parts.unknown)]) : "null") +
         ",\n    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n    \"fuse_unk\": false,\n"
         "    \"byte_fallback\": false,\n    \"vocab\": " +
         vocab(tokens) + ",\n    \"merges\": " + merges(parts.merges, tokens) + "\n  }";
}

constexpr const char* kByteLevel =
    R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true})";

const char* pre_tokenizer(TokenizerKind kind) {
  if (kind == TokenizerKind::kWord) return R"({"type": "Whitespace"})";
  if (kind == TokenizerKind::kBytePair) return kByteLevel;
  return R"({"type": "Split", "pattern": {"Regex": "[\\s\\S]"}, "behavior": "Isolated", "invert": false})";
}

/// Without one, the library joins tokens by spaces: right for words.
const char* decoder(TokenizerKind kind) {
  if (kind == TokenizerKind::kWord) return "null";
  return kind == TokenizerKind::kBytePair ? kByteLevel : R"({"type": "Fuse"})";
}

}  // namespace

std::string tokenizer_json(const Tokenizer& tokenizer) {
  return "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": " +
         added_tokens(tokenizer.parts()) +
         ",\n  \"normalizer\": null,\n  \"pre_tokenizer\": " + pre_tokenizer(tokenizer.kind()) +
         ",\n  \"post_processor\": null,\n  \"decoder\": " + decoder(tokenizer.kind()) +
         ",\n  \"model\": " + model(tokenizer) + "\n}\n";
}

}  // namespace nopeek
