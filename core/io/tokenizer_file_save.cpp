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
  for (const SpecialToken& special : parts.special) {
    tokens[static_cast<size_t>(special.id)] = parts.tokens[static_cast<size_t>(special.id)];
  }
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
  std::vector<SpecialToken> special = parts.special;
  std::sort(special.begin(), special.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  Lines lines("  ");
  const auto flag = [](bool value) { return value ? "true" : "false"; };
  for (const SpecialToken& token : special) {
    const std::string& content = parts.tokens[static_cast<size_t>(token.id)];
    lines.add("{\"id\": " + std::to_string(token.id) + ", \"content\": " + quoted(content) + ", \"single_word\": " +
              flag(token.single_word) + ", \"lstrip\": " + flag(token.lstrip) + ", \"rstrip\": " + flag(token.rstrip) +
              ", \"normalized\": " + flag(token.normalized) + ", \"special\": true}");
  }
  return lines.between("[", "]");
}

/// Tokens that the vocabulary of the file has: the ids up to the first gap among added tokens, which may have gaps.
size_t in_vocabulary(const Tokenizer::Parts& parts) {
  std::vector<bool> added(parts.tokens.size());
  for (const SpecialToken& token : parts.special) added[static_cast<size_t>(token.id)] = true;
  size_t end = parts.tokens.size();
  while (end > 0 && (added[end - 1] || parts.tokens[end - 1].empty())) --end;
  while (end < parts.tokens.size() && !parts.tokens[end].empty()) ++end;
  return end;
}

std::string vocab(const Tokenizer::Parts& parts, const std::vector<std::string>& tokens) {
  Lines lines("    ");
  const size_t size = in_vocabulary(parts);
  for (size_t id = 0; id < size; ++id) lines.add(quoted(tokens[id]) + ": " + std::to_string(id));
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
    return "{\n    \"type\": \"WordLevel\",\n    \"vocab\": " + vocab(parts, tokens) +
           ",\n    \"unk_token\": " + quoted(unknown_name(tokenizer)) + "\n  }";
  }
  return "{\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": " +
         (parts.unknown ? quoted(tokens[static_cast<size_t>(*parts.unknown)]) : "null") +
         ",\n    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n    \"fuse_unk\": false,\n"
         "    \"byte_fallback\": false,\n" +
         (parts.ignore_merges ? "    \"ignore_merges\": true,\n" : "") + "    \"vocab\": " + vocab(parts, tokens) +
         ",\n    \"merges\": " + merges(parts.merges, tokens) + "\n  }";
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

std::string tokenizer_config_json(const Tokenizer& tokenizer, int context) {
  nlohmann::ordered_json config;
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  // A token that is named here is special from then on, whatever tokenizer.json says.
  const auto name = [&](const char* key, std::optional<TokenId> id) {
    const auto& special = tokenizer.parts().special;
    const auto is_it = [&](const SpecialToken& token) { return token.id == id; };
    if (std::any_of(special.begin(), special.end(), is_it)) config[key] = tokenizer.token(*id);
  };
  name("bos_token", tokenizer.eos());
  name("eos_token", tokenizer.eos());
  name("unk_token", tokenizer.unknown());
  config["model_max_length"] = context;
  config["clean_up_tokenization_spaces"] = false;
  return config.dump(2) + "\n";
}

}  // namespace nopeek
