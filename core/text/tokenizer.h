#pragma once
#include <cstdint>
#include <functional>
#include <optional>
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
  /// The token that ends a document, and the one that stands for what the vocabulary lacks. Tokenizers from elsewhere
  /// may have neither.
  std::optional<TokenId> eos() const { return kEos; }
  std::optional<TokenId> unknown() const { return kUnknown; }
  int vocab_size() const { return static_cast<int>(tokens_.size()); }
  const std::string& token(TokenId id) const { return tokens_.at(static_cast<size_t>(id)); }
  /// The id of a piece, kUnknown where the vocabulary lacks it.
  TokenId id(std::string_view token) const;

  /// Text must be valid UTF-8. Throws Cancelled.
  std::vector<TokenId> encode(std::string_view text, Progress* progress = nullptr) const;
  /// The same, piece by piece, so that what the vocabulary lacks can be shown.
  struct Piece {
    size_t begin, end;          // bytes of the text
    std::optional<TokenId> id;  // none: there is no token for it, not even an unknown one; encode() leaves it out
    bool lacking;               // the vocabulary lacks it: `id` is what is used instead
  };
  std::vector<Piece> pieces(std::string_view text) const;
  /// Words are joined by single spaces, characters by nothing.
  std::string decode(std::span<const TokenId> ids) const;
  /// The token as a label: white space is made visible.
  std::string label(TokenId id) const;

 private:
  /// Calls piece(std::string_view) for each token-sized piece, in order. Splitting needs no vocabulary.
  template <class Visit>
  static void split(std::string_view text, TokenizerKind kind, Visit&& piece);

  TokenizerKind kind_ = TokenizerKind::kWord;
  std::vector<std::string> tokens_;  // by id
  std::unordered_map<std::string, TokenId, StringHash, std::equal_to<>> ids_;
};

}  // namespace nopeek
