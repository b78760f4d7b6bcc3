#include "core/io/tokenizer_file.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/shown.h"
#include "core/io/tokenizer_file_parts.h"
#include "core/text/byte_alphabet.h"
#include "core/text/utf8.h"

namespace nopeek {

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// By falling preference.
constexpr std::string_view kEosNames[] = {"<eos>", "<|endoftext|>", "</s>", "<|end_of_text|>", "<|eos|>", "[EOS]"};

/// The member `type` of a part of tokenizer.json; "none" of null.
std::string type_of(const json& part, const char* name, const Complaint& complaint) {
  if (part.is_null()) return "none";
  const json& type = member(part, "type");
  if (!type.is_string()) complaint.damaged("Its \"" + std::string(name) + "\" has no type.");
  return type.get<std::string>();
}

bool is_empty(const json& value) { return value.is_null() || value == ""; }

void refuse_normalizer(const json& normalizer, const Complaint& complaint) {
  const std::string type = type_of(normalizer, "normalizer", complaint);
  const json& steps = member(normalizer, "normalizers");
  if (type == "none" || (type == "Sequence" && steps.is_array() && steps.empty())) return;
  complaint.unsupported("the normalizer " + utf8::quoted(type));
}

/// Processors only add tokens to what they are given; all but byte-level's, which moves offsets, add some.
bool adds_tokens(const json& processor, const Complaint& complaint) {
  const std::string type = type_of(processor, "post_processor", complaint);
  if (type == "none" || type == "ByteLevel") return false;
  const auto any = [](const json& list, auto&& wanted) { return std::any_of(list.begin(), list.end(), wanted); };
  if (type == "Sequence") {
    return any(member(processor, "processors"), [&](const json& step) { return adds_tokens(step, complaint); });
  }
  if (type != "TemplateProcessing") return true;
  return any(member(processor, "single"), [](const json& part) { return !member(part, "SpecialToken").is_null(); });
}

void refuse_post_processor(const json& processor, const Complaint& complaint) {
  if (adds_tokens(processor, complaint)) {
    complaint.unsupported("a post_processor that adds special tokens to each text");
  }
}

/// The pieces are what `patterns` match, or one of them.
bool isolates(const json& split, std::initializer_list<std::string_view> patterns) {
  const json& regex = member(member(split, "pattern"), "Regex");
  const json& inverted = member(split, "invert");
  const bool known = regex.is_string() &&
                     std::find(patterns.begin(), patterns.end(), regex.get_ref<const std::string&>()) != patterns.end();
  return known && member(split, "behavior") == "Isolated" && (inverted.is_null() || inverted == false);
}

bool isolates_characters(const json& split) { return isolates(split, {"[\\s\\S]", "[\\S\\s]"}); }

/// In the two spellings that are in use.
bool isolates_as_gpt2(const json& split) {
  return isolates(split, {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
                          R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"});
}

void require_plain_byte_level(const json& pre, bool regex, const Complaint& complaint) {
  if (flag(pre, "add_prefix_space", true, complaint))
    complaint.unsupported("the pre-tokenizer ByteLevel with add_prefix_space");
  if (!regex && !flag(pre, "use_regex", true, complaint))
    complaint.unsupported("the pre-tokenizer ByteLevel without its regex");
}

/// What splits in truth: a sequence of one is that one, and GPT-2's regex may stand before a ByteLevel without it.
const json& pre_tokenizer_of(const json& pre, const Complaint& complaint) {
  const json& steps = member(pre, "pretokenizers");
  if (type_of(pre, "pre_tokenizer", complaint) != "Sequence" || !steps.is_array()) return pre;
  if (steps.size() == 1) return pre_tokenizer_of(steps[0], complaint);
  if (steps.size() != 2 || type_of(steps[0], "pre_tokenizer", complaint) != "Split" || !isolates_as_gpt2(steps[0]) ||
      type_of(steps[1], "pre_tokenizer", complaint) != "ByteLevel" || flag(steps[1], "use_regex", true, complaint)) {
    return pre;
  }
  require_plain_byte_level(steps[1], true, complaint);
  static const json plain = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  return plain;
}

TokenizerKind kind_of(const std::string& model, const json& given, bool merges, const Complaint& complaint) {
  const json& pre = pre_tokenizer_of(given, complaint);
  const std::string type = type_of(pre, "pre_tokenizer", complaint);
  if (type == "ByteLevel" && model == "BPE") {
    require_plain_byte_level(pre, false, complaint);
    return TokenizerKind::kBytePair;
  }
  if (type == "Whitespace" && model == "WordLevel") return TokenizerKind::kWord;
  const bool characters = type == "Split" && isolates_characters(pre);
  if (characters && model == "WordLevel") return TokenizerKind::kCharacter;
  if ((characters || type == "none") && model == "BPE" && !merges) return TokenizerKind::kCharacter;
  complaint.foreign("a " + model + " model after the pre-tokenizer " + utf8::quoted(type));
}

/// "BPE" or "WordLevel".
std::string model_type(const json& model, const Complaint& complaint) {
  if (!model.is_object()) complaint.damaged("It has no model.");
  // Published GPT-2 is from the time before models named their type.
  if (!model.contains("type") && model.contains("merges")) return "BPE";
  const std::string type = type_of(model, "model", complaint);
  if (type != "BPE" && type != "WordLevel") complaint.foreign("a model of the type " + utf8::quoted(type));
  return type;
}

void refuse_variants(const json& model, bool unknown, const Complaint& complaint) {
  const json& dropout = member(model, "dropout");
  if (!dropout.is_null() && dropout != 0) complaint.unsupported("a model with dropout");
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!is_empty(member(model, affix))) complaint.unsupported("a model with " + std::string(affix));
  }
  if (flag(model, "byte_fallback", false, complaint)) complaint.unsupported("a model with byte_fallback");
  if (unknown && flag(model, "fuse_unk", false, complaint)) complaint.unsupported("a model with fuse_unk");
}

/// The settings of transformers that change the ids of a text, and the tokens that its other files name.
AddedTokens added_tokens_beside(const fs::path& folder, AddedTokens added) {
  std::error_code error;
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    if (!fs::exists(folder / name, error)) continue;
    const Complaint complaint(folder / name);
    const json file = parse_json(read_file(folder / name, kMostTokenizerBytes), complaint.shown());
    for (const char* option : {"add_prefix_space", "add_bos_token", "add_eos_token"}) {
      if (flag(file, option, false, complaint)) complaint.unsupported(std::string(option) + " on");
    }
    added.add_named(file, complaint);
  }
  return added;
}

/// What the file spells, as text or bytes.
std::vector<std::string> tokens_of(const Vocabulary& vocabulary, TokenizerKind kind) {
  std::vector<std::string> tokens = vocabulary.spelled();
  if (kind != TokenizerKind::kBytePair) return tokens;
  for (std::string& token : tokens) {
    // Characters beyond the alphabet stand for themselves, as in the library: no merge makes such a token.
    if (auto bytes = unspell_bytes(token)) token = std::move(*bytes);
  }
  return tokens;
}

bool is_special(std::span<const SpecialToken> special, TokenId id) {
  return std::any_of(special.begin(), special.end(), [&](const SpecialToken& token) { return token.id == id; });
}

/// What config.json says, else the name that the tokenizer's files give it, else a usual name of a special token.
std::optional<TokenId> eos_of(const Vocabulary& vocabulary, const Tokenizer::Parts& parts, const std::string& named,
                              std::optional<TokenId> eos) {
  if (eos && *eos >= 0 && static_cast<size_t>(*eos) < vocabulary.spelled().size()) return eos;
  if (const auto id = vocabulary.find(named); id && !named.empty()) return id;
  for (const std::string_view name : kEosNames) {
    const auto id = vocabulary.find(name);
    if (id && is_special(parts.special, *id)) return id;
  }
  return std::nullopt;
}

/// Of GPT-2's two files, which do not say which tokens are special: for want of better knowledge, the one that ends a
/// text.
void add_usual_eos(Tokenizer::Parts& parts, const Vocabulary& vocabulary) {
  for (const std::string_view name : kEosNames) {
    const auto id = vocabulary.find(name);
    if (!id) continue;
    if (!is_special(parts.special, *id)) parts.special.push_back({*id});
    return;
  }
}

/// Makes the tokenizer one of a model with so many rows, if that is known.
Tokenizer make(Tokenizer::Parts parts, const Vocabulary& vocabulary, std::optional<int> rows,
               const Complaint& complaint) {
  parts.tokens = tokens_of(vocabulary, parts.kind);
  for (const SpecialToken& token : parts.special) {
    parts.tokens[static_cast<size_t>(token.id)] = vocabulary.spelled()[static_cast<size_t>(token.id)];
  }
  // As a file has them, whatever their order in it was: what is saved comes back the same.
  std::sort(parts.special.begin(), parts.special.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  while (!parts.tokens.empty() && parts.tokens.back().empty()) parts.tokens.pop_back();
  const auto needed = static_cast<size_t>(rows.value_or(static_cast<int>(parts.tokens.size())));
  if (parts.tokens.empty()) complaint.damaged("The vocabulary is empty.");
  if (parts.tokens.size() < needed) parts.tokens.resize(needed);
  parts.surplus = static_cast<int>(parts.tokens.size() - needed);
  for (auto* id : {&parts.eos, &parts.unknown}) {
    if (*id && static_cast<size_t>(**id) >= needed) id->reset();
  }
  try {
    return Tokenizer(std::move(parts));
  } catch (const Error& error) {
    complaint.damaged(error.what());
  }
}

Tokenizer from_tokenizer_json(const fs::path& folder, std::optional<TokenId> eos, std::optional<int> rows) {
  const fs::path path = folder / "tokenizer.json";
  const Complaint complaint(path);
  const json file = parse_json(read_file(path, kMostTokenizerBytes), complaint.shown());
  const json& model = member(file, "model");
  const std::string type = model_type(model, complaint);
  refuse_normalizer(member(file, "normalizer"), complaint);
  refuse_post_processor(member(file, "post_processor"), complaint);
  AddedTokens listed;
  listed.add_list(member(file, "added_tokens"), complaint);
  const AddedTokens added = added_tokens_beside(folder, std::move(listed));
  const Vocabulary vocabulary(member(model, "vocab"), added, complaint);

  Tokenizer::Parts parts;
  if (type == "BPE") parts.merges = merges_of(member(model, "merges"), vocabulary, complaint);
  parts.kind = kind_of(type, member(file, "pre_tokenizer"), !parts.merges.empty(), complaint);
  parts.special = vocabulary.special();
  parts.eos = eos_of(vocabulary, parts, added.eos(), eos);
  parts.unknown = vocabulary.named(member(model, "unk_token"));
  parts.ignore_merges = type == "BPE" && flag(model, "ignore_merges", false, complaint);
  refuse_variants(model, parts.unknown.has_value(), complaint);
  return make(std::move(parts), vocabulary, rows, complaint);
}

Tokenizer from_vocab_and_merges(const fs::path& folder, std::optional<TokenId> eos, std::optional<int> rows) {
  const Complaint vocab(folder / "vocab.json"), merges(folder / "merges.txt"), ids(folder / "added_tokens.json");
  const json file = parse_json(read_file(folder / "vocab.json", kMostTokenizerBytes), vocab.shown());
  AddedTokens added = added_tokens_beside(folder, {});
  std::error_code error;
  if (fs::exists(folder / "added_tokens.json", error)) {
    added.add_ids(parse_json(read_file(folder / "added_tokens.json", kMostTokenizerBytes), ids.shown()), ids);
  }
  const Vocabulary vocabulary(file, added, vocab);

  Tokenizer::Parts parts;
  parts.kind = TokenizerKind::kBytePair;
  parts.merges = merges_of_lines(read_file(folder / "merges.txt", kMostTokenizerBytes), vocabulary, merges);
  parts.special = vocabulary.special();
  if (added.eos().empty()) add_usual_eos(parts, vocabulary);
  parts.eos = eos_of(vocabulary, parts, added.eos(), eos);
  if (!added.unknown().empty()) parts.unknown = vocabulary.find(added.unknown());
  return make(std::move(parts), vocabulary, rows, merges);
}

}  // namespace

Tokenizer load_tokenizer(const fs::path& folder, std::optional<TokenId> eos, std::optional<int> rows) {
  std::error_code error;
  if (fs::exists(folder / "tokenizer.json", error)) return from_tokenizer_json(folder, eos, rows);
  if (fs::exists(folder / "vocab.json", error)) return from_vocab_and_merges(folder, eos, rows);
  throw Error("The folder " + shown(folder) +
              " has no tokenizer: neither tokenizer.json nor vocab.json and merges.txt. Choose the folder of a model.");
}

}  // namespace nopeek
