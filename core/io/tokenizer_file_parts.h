#pragma once
// What tokenizer files are made of, whichever form they have: errors, tokens and their ids, added tokens, merges.
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/io/json.h"
#include "core/text/tokenizer.h"

namespace nopeek {

/// 65536 tokens take a quarter of it.
constexpr uint64_t kMostTokenizerBytes = 16u << 20;

/// Errors of one file. `path` for messages only.
class Complaint {
 public:
  explicit Complaint(const std::filesystem::path& path);
  const std::string& shown() const { return shown_; }
  [[noreturn]] void damaged(const std::string& why) const;
  /// Of something that could be otherwise in a tokenizer of the same kind.
  [[noreturn]] void unsupported(const std::string& what) const;
  /// Of another kind of tokenizer.
  [[noreturn]] void foreign(const std::string& what) const;
  [[noreturn]] void too_many_tokens(uint64_t tokens) const;

 private:
  std::string shown_;
};

/// The member, or null.
const nlohmann::json& member(const nlohmann::json& object, const char* key);
/// true, false, or `otherwise` where it is not given.
bool flag(const nlohmann::json& object, const char* key, bool otherwise, const Complaint& complaint);

/// Tokens that are not pieces of ordinary text, gathered from the files that may name them. What is said first counts;
/// two ids for one token are an error.
class AddedTokens {
 public:
  struct Token {
    std::string content;
    nlohmann::json id;  // null: the vocabulary knows it, or it comes behind all others
    SpecialToken how;   // without the id
    Complaint complaint;
  };
  /// `added_tokens` of tokenizer.json.
  void add_list(const nlohmann::json& list, const Complaint& complaint);
  /// The content of special_tokens_map.json or tokenizer_config.json: eos_token and its like, added_tokens_decoder.
  void add_named(const nlohmann::json& file, const Complaint& complaint);
  /// The content of added_tokens.json: {token: id}.
  void add_ids(const nlohmann::json& file, const Complaint& complaint);

  const std::vector<Token>& all() const { return tokens_; }
  const std::string& eos() const { return eos_; }  // as add_named() found them; empty: not named
  const std::string& unknown() const { return unknown_; }

 private:
  bool add(Token token);  // false: it was there
  void add_one(const nlohmann::json& token, nlohmann::json id, const Complaint& complaint);

  std::vector<Token> tokens_;
  std::unordered_map<std::string, size_t> places_;
  std::string eos_, unknown_;
};

/// Tokens as the files spell them, by id. The ids of `vocab` and of the added tokens among them have no gap; above
/// them, there may be ids of added tokens with gaps between, which are tokens without a text.
class Vocabulary {
 public:
  /// `vocab` is the object {token: id}; some of `added` are in it as well.
  Vocabulary(const nlohmann::json& vocab, const AddedTokens& added, const Complaint& complaint);
  Vocabulary(const Vocabulary&) = delete;

  std::optional<TokenId> find(std::string_view token) const;
  /// Of a JSON string; of anything else none.
  std::optional<TokenId> named(const nlohmann::json& token) const;
  const std::vector<std::string>& spelled() const { return spelled_; }
  const std::vector<SpecialToken>& special() const { return special_; }

 private:
  void put(const std::string& token, const nlohmann::json& id, uint64_t most, const Complaint& complaint);
  void put_added(const AddedTokens& added, const nlohmann::json& vocab);

  std::vector<std::string> spelled_;
  std::vector<bool> taken_;
  std::vector<SpecialToken> special_;
  std::unordered_map<std::string_view, TokenId> ids_;  // points into spelled_
};

/// Of tokenizer.json: "a b", or ["a", "b"].
std::vector<Merge> merges_of(const nlohmann::json& list, const Vocabulary& vocabulary, const Complaint& complaint);
/// Of merges.txt.
std::vector<Merge> merges_of_lines(std::string_view text, const Vocabulary& vocabulary, const Complaint& complaint);

}  // namespace nopeek
