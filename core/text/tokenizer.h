#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/progress.h"

namespace nopeek {

using TokenId = int32_t;

enum class TokenizerKind { kWord, kCharacter };

/// Lets a map of strings be searched with a string_view.
struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};

/// Text <-> token ids. Two special tokens open every vocabulary: `<eos>` (0), which ends a document, and `<unk>` (1),
/// which stands for whatever the vocabulary lacks. The text "<eos>" is read as the token itself.
///
///   word       runs of letters, digits and '_' are words; any other run of non-space characters is a word of its own
///              (the ecosystem's `Whitespace` rule, \w+|[^\w\s]+). Letter case is kept.
///   character  one token per Unicode code point, white space included.
class Tokenizer {
 public:
  static constexpr TokenId kEos = 0;
  static constexpr TokenId kUnknown = 1;
  /// Rarer tokens beyond this become `<unk>`: the output head is as wide as the vocabulary.
  static constexpr int kMaxVocabulary = 2048;

  /// Only the two special tokens.
  Tokenizer() = default;
  /// Vocabulary of `text` by falling frequency, ties by first appearance, at most kMaxVocabulary entries.
  /// `text` must be valid UTF-8. Throws Cancelled.
  static Tokenizer train(std::string_view text, TokenizerKind kind, Progress* progress = nullptr);

  /// Words in text and how many different ones; the counts that decide between words and characters.
  struct Words {
    uint64_t total = 0, distinct = 0;
  };
  static Words count_words(std::string_view text);

  TokenizerKind kind() const { return kind_; }
  int vocab_size() const { return static_cast<int>(tokens_.size()); }
  const std::string& token(TokenId id) const { return tokens_.at(static_cast<size_t>(id)); }
  /// The id of a piece, kUnknown where the vocabulary lacks it.
  TokenId id(std::string_view token) const;

  /// Text must be valid UTF-8. Throws Cancelled.
  std::vector<TokenId> encode(std::string_view text, Progress* progress = nullptr) const;
  /// Words are joined by single spaces, characters by nothing.
  std::string decode(std::span<const TokenId> ids) const;
  /// The token as a label: white space is made visible.
  std::string label(TokenId id) const;

 private:
  /// Calls piece(std::string_view) for each token-sized piece, in order. Splitting needs no vocabulary.
  template <class Piece>
  static void split(std::string_view text, TokenizerKind kind, Piece&& piece);

  TokenizerKind kind_ = TokenizerKind::kWord;
  std::vector<std::string> tokens_;  // by id
  std::unordered_map<std::string, TokenId, StringHash, std::equal_to<>> ids_;
};

}  // namespace nopeek
