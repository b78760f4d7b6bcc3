#include "core/io/tokenizer_file.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/json.h"
#include "core/io/shown.h"
#include "core/text/byte_alphabet.h"
#include "core/text/utf8.h"

namespace nopeek {

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// 65536 tokens take a quarter of it.
constexpr uint64_t kMaxBytes = 16u << 20;

/// By falling preference.
constexpr std::string_view kEosNames[] = {"<eos>", "<|endoftext|>", "</s>", "<|end_of_text|>", "<|eos|>", "[EOS]"};

/// Errors of one file.
class Complaint {
 public:
  explicit Complaint(const fs::path& path) : shown_(nopeek::shown(path)) {}
  const std::string& shown() const { return shown_; }
  [[noreturn]] void damaged(const std::string& why) const {
    throw Error(shown_ + ": " + why + " The file may be damaged; get it again.");
  }
  [[noreturn]] void unsupported(const std::string& what) const {
    throw Error(shown_ + " has " + what +
                ", which NoPeek cannot do. Choose a model whose tokenizer is byte-level BPE as GPT-2's, " +
                "or of words (WordLevel, Whitespace), or of characters.");
  }

 private:
  std::string shown_;
};

/// The member, or null.
const json& member(const json& object, const char* key) {
  static const json null;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : null;
}

/// The member `type` of a part of tokenizer.json; "none" of null.
std::string type_of(const json& part, const char* name, const Complaint& complaint) {
  if (part.is_null()) return "none";
  const json& type = member(part, "type");
  if (!type.is_string()) complaint.damaged("Its \"" + std::string(name) + "\" has no type.");
  return type.get<std::string>();
}

/// true, false, or `otherwise` where it is not given.
bool flag(const json& object, const char* key, bool otherwise, const Complaint& complaint) {
  const json& value = member(object, key);
  if (value.is_null()) return otherwise;
  if (!value.is_boolean()) complaint.damaged("Its \"" + std::string(key) + "\" is neither true nor false.");
  return value.get<bool>();
}

bool is_empty(const json& value) { return value.is_null() || value == ""; }

/// Tokens as the file spells them.
class Vocabulary {
 public:
  /// `vocab` is the object {token: id}; `added` the contents of added tokens, some of which are in `vocab` as well.
  Vocabulary(const json& vocab, const std::vector<std::pair<std::string, json>>& added, const Complaint& complaint)
      : complaint_(complaint) {
    if (!vocab.is_object()) complaint.damaged("It has no vocabulary that maps tokens to ids.");
    size_t size = vocab.size();
    for (const auto& [content, id] : added) size += !vocab.contains(content);
    if (size > Tokenizer::kMaxTokens) {
      complaint.unsupported("a vocabulary of " + std::to_string(size) + " tokens, more than 65536");
    }
    spelled.resize(size);
    taken_.resize(size);
    for (const auto& [token, id] : vocab.items()) put(token, id);
    for (const auto& [content, id] : added) {
      const auto known = vocab.find(content);
      if (known == vocab.end()) {
        put(content, id);
      } else if (*known != id) {
        complaint.damaged("The added token " + utf8::quoted(content) + " has two ids.");
      }
    }
    ids_.reserve(size);
    for (size_t id = 0; id < size; ++id) ids_.emplace(spelled[id], static_cast<TokenId>(id));
  }

  std::optional<TokenId> find(std::string_view token) const {
    const auto found = ids_.find(token);
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
  }
  /// Of a JSON string; of anything else none.
  std::optional<TokenId> named(const json& token) const {
    return token.is_string() ? find(std::string_view(token.get_ref<const std::string&>())) : std::nullopt;
  }

  std::vector<std::string> spelled;  // by id; do not move: ids_ points into it

 private:
  void put(const std::string& token, const json& id) {
    if (!id.is_number_unsigned()) {
      complaint_.damaged("The id of the token " + utf8::quoted(token) + " is not a whole number from 0 on.");
    }
    const auto at = id.get<uint64_t>();
    if (at >= spelled.size()) {
      complaint_.damaged("The token " + utf8::quoted(token) + " has the id " + std::to_string(at) + ", but the " +
                         std::to_string(spelled.size()) + " tokens must have the ids from 0 on without a gap.");
    }
    if (taken_[at]) {
      complaint_.damaged("The tokens " + utf8::quoted(spelled[at]) + " and " + utf8::quoted(token) +
                         " have the same id, " + std::to_string(at) + ".");
    }
    taken_[at] = true;
    spelled[at] = token;
  }

  const Complaint& complaint_;
  std::vector<bool> taken_;
  std::unordered_map<std::string_view, TokenId> ids_;
};

/// "a b", as in merges.txt and older tokenizer.json.
Merge merge_of(std::string_view line, size_t number, const Vocabulary& vocabulary, const Complaint& complaint) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
    complaint.damaged("Merge " + std::to_string(number) + " is not two tokens with a space between them.");
  }
  const auto left = vocabulary.find(line.substr(0, space)), right = vocabulary.find(line.substr(space + 1));
  if (!left || !right) {
    complaint.damaged("Merge " + std::to_string(number) + ", " + utf8::quoted(line) +
                      ", is of a token that is not in the vocabulary.");
  }
  return {*left, *right};
}

std::vector<Merge> merges_of(const json& list, const Vocabulary& vocabulary, const Complaint& complaint) {
  if (!list.is_array()) complaint.damaged("Its model has no list of merges.");
  std::vector<Merge> merges;
  for (const json& merge : list) {
    const size_t number = merges.size() + 1;
    if (merge.is_string()) {
      merges.push_back(merge_of(merge.get_ref<const std::string&>(), number, vocabulary, complaint));
      continue;
    }
    if (!merge.is_array() || merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string()) {
      complaint.damaged("Merge " + std::to_string(number) + " is not a pair of tokens.");
    }
    const auto left = vocabulary.named(merge[0]), right = vocabulary.named(merge[1]);
    if (!left || !right)
      complaint.damaged("Merge " + std::to_string(number) + " is of a token that is not in the vocabulary.");
    merges.emplace_back(*left, *right);
  }
  return merges;
}

std::vector<std::pair<std::string, json>> added_tokens(const json& list, const Complaint& complaint) {
  std::vector<std::pair<std::string, json>> added;
  if (list.is_null()) return added;
  if (!list.is_array()) complaint.damaged("Its \"added_tokens\" are not a list.");
  for (const json& token : list) {
    const json& content = member(token, "content");
    if (!content.is_string()) complaint.damaged("An added token has no content.");
    for (const char* option : {"single_word", "lstrip", "rstrip"}) {
      if (flag(token, option, false, complaint))
        complaint.unsupported("the added token " + utf8::quoted(content.get<std::string>()) + " with " + option);
    }
    added.emplace_back(content.get<std::string>(), member(token, "id"));
  }
  return added;
}

void refuse_normalizer(const json& normalizer, const Complaint& complaint) {
  const std::string type = type_of(normalizer, "normalizer", complaint);
  const json& steps = member(normalizer, "normalizers");
  if (type == "none" || (type == "Sequence" && steps.is_array() && steps.empty())) return;
  complaint.unsupported("the normalizer " + utf8::quoted(type));
}

bool isolates_characters(const json& split) {
  const json& regex = member(member(split, "pattern"), "Regex");
  const json& inverted = member(split, "invert");
  return (regex == "[\\s\\S]" || regex == "[\\S\\s]") && member(split, "behavior") == "Isolated" &&
         (inverted.is_null() || inverted == false);
}

void require_plain_byte_level(const json& pre, const Complaint& complaint) {
  if (flag(pre, "add_prefix_space", true, complaint))
    complaint.unsupported("the pre-tokenizer ByteLevel with add_prefix_space");
  if (!flag(pre, "use_regex", true, complaint)) complaint.unsupported("the pre-tokenizer ByteLevel without its regex");
}

TokenizerKind kind_of(const std::string& model, const json& pre, bool merges, const Complaint& complaint) {
  const std::string type = type_of(pre, "pre_tokenizer", complaint);
  if (type == "ByteLevel" && model == "BPE") {
    require_plain_byte_level(pre, complaint);
    return TokenizerKind::kBytePair;
  }
  if (type == "Whitespace" && model == "WordLevel") return TokenizerKind::kWord;
  const bool characters = type == "Split" && isolates_characters(pre);
  if (characters && model == "WordLevel") return TokenizerKind::kCharacter;
  if ((characters || type == "none") && model == "BPE" && !merges) return TokenizerKind::kCharacter;
  complaint.unsupported("a " + model + " model after the pre-tokenizer " + utf8::quoted(type));
}

/// "BPE" or "WordLevel".
std::string model_type(const json& model, const Complaint& complaint) {
  if (!model.is_object()) complaint.damaged("It has no model.");
  // Published GPT-2 is from the time before models named their type.
  if (!model.contains("type") && model.contains("merges")) return "BPE";
  const std::string type = type_of(model, "model", complaint);
  if (type != "BPE" && type != "WordLevel") complaint.unsupported("a model of the type " + utf8::quoted(type));
  return type;
}

void refuse_variants(const json& model, bool unknown, const Complaint& complaint) {
  const json& dropout = member(model, "dropout");
  if (!dropout.is_null() && dropout != 0) complaint.unsupported("a model with dropout");
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!is_empty(member(model, affix))) complaint.unsupported("a model with " + std::string(affix));
  }
  for (const char* option : {"byte_fallback", "ignore_merges"}) {
    if (flag(model, option, false, complaint)) complaint.unsupported("a model with " + std::string(option));
  }
  if (unknown && flag(model, "fuse_unk", false, complaint)) complaint.unsupported("a model with fuse_unk");
}

/// What the file spells, as text or bytes.
std::vector<std::string> tokens_of(const Vocabulary& vocabulary, TokenizerKind kind, std::span<const TokenId> special) {
  std::vector<std::string> tokens = vocabulary.spelled;
  if (kind != TokenizerKind::kBytePair) return tokens;
  for (std::string& token : tokens) {
    // Characters beyond the alphabet stand for themselves, as in the library: no merge makes such a token.
    if (auto bytes = unspell_bytes(token)) token = std::move(*bytes);
  }
  for (const TokenId id : special) tokens[static_cast<size_t>(id)] = vocabulary.spelled[static_cast<size_t>(id)];
  return tokens;
}

std::optional<TokenId> eos_of(const Vocabulary& vocabulary, std::span<const TokenId> candidates,
                              std::optional<TokenId> eos) {
  if (eos && *eos >= 0 && static_cast<size_t>(*eos) < vocabulary.spelled.size()) return eos;
  for (const std::string_view name : kEosNames) {
    const auto id = vocabulary.find(name);
    if (id && std::find(candidates.begin(), candidates.end(), *id) != candidates.end()) return id;
  }
  return std::nullopt;
}

Tokenizer make(Tokenizer::Parts parts, const Complaint& complaint) {
  try {
    return Tokenizer(std::move(parts));
  } catch (const Error& error) {
    complaint.damaged(error.what());
  }
}

Tokenizer from_tokenizer_json(const fs::path& path, std::optional<TokenId> eos) {
  const Complaint complaint(path);
  const json file = parse_json(read_file(path, kMaxBytes), complaint.shown());
  const json& model = member(file, "model");
  const std::string type = model_type(model, complaint);
  refuse_normalizer(member(file, "normalizer"), complaint);
  const auto added = added_tokens(member(file, "added_tokens"), complaint);
  const Vocabulary vocabulary(member(model, "vocab"), added, complaint);

  Tokenizer::Parts parts;
  if (type == "BPE") parts.merges = merges_of(member(model, "merges"), vocabulary, complaint);
  parts.kind = kind_of(type, member(file, "pre_tokenizer"), !parts.merges.empty(), complaint);
  for (const auto& [content, id] : added) parts.special.push_back(*vocabulary.find(content));
  parts.tokens = tokens_of(vocabulary, parts.kind, parts.special);
  parts.eos = eos_of(vocabulary, parts.special, eos);
  parts.unknown = vocabulary.named(member(model, "unk_token"));
  refuse_variants(model, parts.unknown.has_value(), complaint);
  return make(std::move(parts), complaint);
}

std::vector<Merge> merges_of_lines(std::string_view text, const Vocabulary& vocabulary, const Complaint& complaint) {
  if (const auto bad = utf8::first_invalid_byte(text))
    complaint.damaged("Byte " + std::to_string(*bad) + " is not UTF-8.");
  std::vector<Merge> merges;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    merges.push_back(merge_of(line, merges.size() + 1, vocabulary, complaint));
  }
  return merges;
}

/// GPT-2's two files. Which tokens are special they do not say.
Tokenizer from_vocab_and_merges(const fs::path& folder, std::optional<TokenId> eos) {
  const Complaint vocab(folder / "vocab.json"), merges(folder / "merges.txt");
  const json file = parse_json(read_file(folder / "vocab.json", kMaxBytes), vocab.shown());
  const Vocabulary vocabulary(file, {}, vocab);
  std::vector<TokenId> all(vocabulary.spelled.size());
  for (size_t id = 0; id < all.size(); ++id) all[id] = static_cast<TokenId>(id);

  Tokenizer::Parts parts;
  parts.kind = TokenizerKind::kBytePair;
  parts.merges = merges_of_lines(read_file(folder / "merges.txt", kMaxBytes), vocabulary, merges);
  if (const auto named = eos_of(vocabulary, all, {})) parts.special = {*named};
  parts.eos = eos_of(vocabulary, parts.special, eos);
  parts.tokens = tokens_of(vocabulary, parts.kind, parts.special);
  return make(std::move(parts), merges);
}

}  // namespace

Tokenizer load_tokenizer(const fs::path& folder, std::optional<TokenId> eos) {
  std::error_code error;
  if (fs::exists(folder / "tokenizer.json", error)) return from_tokenizer_json(folder / "tokenizer.json", eos);
  if (fs::exists(folder / "vocab.json", error)) return from_vocab_and_merges(folder, eos);
  throw Error("The folder " + shown(folder) +
              " has no tokenizer: neither tokenizer.json nor vocab.json and merges.txt. Choose the folder of a model.");
}

}  // namespace nopeek
