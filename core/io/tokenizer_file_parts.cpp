#include "core/io/tokenizer_file_parts.h"

#include <algorithm>
#include <charconv>

#include "core/base/error.h"
#include "core/io/shown.h"
#include "core/text/utf8.h"

namespace nopeek {

using nlohmann::json;

Complaint::Complaint(const std::filesystem::path& path) : shown_(nopeek::shown(path)) {}

void Complaint::damaged(const std::string& why) const {
  throw Error(shown_ + ": " + why + " The file may be damaged; get it again.");
}

void Complaint::unsupported(const std::string& what) const {
  throw Error(shown_ + " has " + what + ", which NoPeek cannot do. Choose a model whose tokenizer does without it.");
}

void Complaint::foreign(const std::string& what) const {
  throw Error(shown_ + " has " + what +
              ", which NoPeek cannot do. Choose a model whose tokenizer is byte-level BPE as GPT-2's, " +
              "or of words (WordLevel, Whitespace), or of characters.");
}

void Complaint::too_many_tokens(uint64_t tokens) const {
  throw Error(shown_ + " has a vocabulary of " + std::to_string(tokens) + " tokens; NoPeek takes at most " +
              std::to_string(Tokenizer::kMaxTokens) + ". Choose a model with a smaller one.");
}

const json& member(const json& object, const char* key) {
  static const json null;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : null;
}

bool flag(const json& object, const char* key, bool otherwise, const Complaint& complaint) {
  const json& value = member(object, key);
  if (value.is_null()) return otherwise;
  if (!value.is_boolean()) complaint.damaged("Its \"" + std::string(key) + "\" is neither true nor false.");
  return value.get<bool>();
}

bool AddedTokens::add(Token token) {
  if (token.content.empty()) token.complaint.damaged("An added token is empty.");
  const auto [place, is_new] = places_.try_emplace(token.content, tokens_.size());
  if (is_new) {
    tokens_.push_back(std::move(token));
    return true;
  }
  json& id = tokens_[place->second].id;
  if (id.is_null()) id = token.id;
  if (!token.id.is_null() && token.id != id) {
    token.complaint.damaged("The added token " + utf8::quoted(token.content) + " has two ids.");
  }
  return false;
}

void AddedTokens::add_list(const json& list, const Complaint& complaint) {
  if (list.is_null()) return;
  if (!list.is_array()) complaint.damaged("Its \"added_tokens\" are not a list.");
  for (const json& token : list) {
    const size_t before = tokens_.size();
    add_one(token, member(token, "id"), complaint);
    if (tokens_.size() == before) {
      complaint.damaged("The added token " + utf8::quoted(member(token, "content").get<std::string>()) +
                        " is there twice.");
    }
  }
}

void AddedTokens::add_one(const json& token, json id, const Complaint& complaint) {
  const json& content = member(token, "content");
  if (!content.is_string()) complaint.damaged("An added token has no content.");
  SpecialToken how;
  how.lstrip = flag(token, "lstrip", false, complaint);
  how.rstrip = flag(token, "rstrip", false, complaint);
  how.single_word = flag(token, "single_word", false, complaint);
  how.normalized = flag(token, "normalized", false, complaint);
  add({content.get<std::string>(), std::move(id), how, complaint});
}

void AddedTokens::add_named(const json& file, const Complaint& complaint) {
  if (!file.is_object()) complaint.damaged("It is not a JSON object.");
  const json& decoder = member(file, "added_tokens_decoder");
  for (const auto& [key, token] : decoder.items()) {
    uint64_t id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size()) {
      complaint.damaged("The id " + utf8::quoted(key) + " of an added token is not a whole number from 0 on.");
    }
    add_one(token, id, complaint);
  }
  const auto name = [&](const json& token) -> std::string {
    const json& content = token.is_object() ? member(token, "content") : token;
    if (!content.is_string() || content == "") return {};
    token.is_object() ? add_one(token, nullptr, complaint)
                      : static_cast<void>(add({content.get<std::string>(), nullptr, {}, complaint}));
    return content.get<std::string>();
  };
  for (const char* key : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}) {
    const std::string content = name(member(file, key));
    if (key == std::string_view("eos_token") && eos_.empty()) eos_ = content;
    if (key == std::string_view("unk_token") && unknown_.empty()) unknown_ = content;
  }
  const json& others = member(file, "additional_special_tokens");
  if (others.is_array()) std::for_each(others.begin(), others.end(), name);
}

void AddedTokens::add_ids(const json& file, const Complaint& complaint) {
  if (!file.is_object()) complaint.damaged("It does not map tokens to ids.");
  for (const auto& [content, id] : file.items()) add({content, id, {}, complaint});
}

Vocabulary::Vocabulary(const json& vocab, const AddedTokens& added, const Complaint& complaint) {
  if (!vocab.is_object()) complaint.damaged("It has no vocabulary that maps tokens to ids.");
  size_t size = vocab.size();
  for (const auto& token : added.all()) size += !vocab.contains(token.content);
  if (size > Tokenizer::kMaxTokens) complaint.too_many_tokens(size);
  for (const auto& [token, id] : vocab.items()) put(token, id, size, complaint);
  const size_t ordinary = taken_.size();
  put_added(added, vocab);
  const auto gap = std::find(taken_.begin(), taken_.begin() + static_cast<std::ptrdiff_t>(ordinary), false);
  if (gap - taken_.begin() < static_cast<std::ptrdiff_t>(ordinary)) {
    complaint.damaged("No token has the id " + std::to_string(gap - taken_.begin()) + ", but the " +
                      std::to_string(size) + " tokens must have the ids from 0 on without a gap.");
  }
  ids_.reserve(size);
  for (size_t id = 0; id < spelled_.size(); ++id) {
    if (taken_[id]) ids_.emplace(spelled_[id], static_cast<TokenId>(id));
  }
  for (const auto& token : added.all()) {
    special_.push_back(token.how);
    special_.back().id = *find(token.content);
  }
}

void Vocabulary::put_added(const AddedTokens& added, const json& vocab) {
  for (const auto& [content, id, how, complaint] : added.all()) {
    const auto known = vocab.find(content);
    if (known != vocab.end()) {
      if (!id.is_null() && *known != id)
        complaint.damaged("The added token " + utf8::quoted(content) + " has two ids.");
    } else if (!id.is_null()) {
      put(content, id, Tokenizer::kMaxTokens, complaint);
    }
  }
  for (const auto& [content, id, how, complaint] : added.all()) {
    if (id.is_null() && !vocab.contains(content)) put(content, spelled_.size(), Tokenizer::kMaxTokens, complaint);
  }
}

void Vocabulary::put(const std::string& token, const json& id, uint64_t most, const Complaint& complaint) {
  if (!id.is_number_unsigned()) {
    complaint.damaged("The id of the token " + utf8::quoted(token) + " is not a whole number from 0 on.");
  }
  const auto at = id.get<uint64_t>();
  if (at >= Tokenizer::kMaxTokens && most == Tokenizer::kMaxTokens) complaint.too_many_tokens(std::max(at, at + 1));
  if (at >= most) {
    complaint.damaged("The token " + utf8::quoted(token) + " has the id " + std::to_string(at) + ", but the " +
                      std::to_string(most) + " tokens must have the ids from 0 on without a gap.");
  }
  if (at >= taken_.size()) taken_.resize(at + 1), spelled_.resize(at + 1);
  if (taken_[at]) {
    complaint.damaged("The tokens " + utf8::quoted(spelled_[at]) + " and " + utf8::quoted(token) +
                      " have the same id, " + std::to_string(at) + ".");
  }
  taken_[at] = true;
  spelled_[at] = token;
}

std::optional<TokenId> Vocabulary::find(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<TokenId> Vocabulary::named(const json& token) const {
  return token.is_string() ? find(std::string_view(token.get_ref<const std::string&>())) : std::nullopt;
}

namespace {

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

}  // namespace

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

std::vector<Merge> merges_of_lines(std::string_view text, const Vocabulary& vocabulary, const Complaint& complaint) {
  if (const auto bad = utf8::first_invalid_byte(text))
    complaint.damaged("Byte " + std::to_string(*bad) + " is not UTF-8.");
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // byte order mark
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

}  // namespace nopeek
