#pragma once
// How text is cut before a vocabulary is asked: first the special tokens are cut out, then what lies between them falls
// into pieces. Splitting needs no vocabulary.
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nopeek {

using TokenId = int32_t;

enum class TokenizerKind { kWord, kCharacter, kBytePair };

/// Lets a map of strings be searched with a string_view.
struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};
using TokenIds = std::unordered_map<std::string, TokenId, StringHash, std::equal_to<>>;

/// Takes the next piece off the front of `rest`; empty at the end. `rest` is valid UTF-8. All pieces of a text in a row
/// give the text again, but for words, where the white space between them is dropped.
///
///   word       \w+|[^\w\s]+, the ecosystem's `Whitespace` rule
///   character  one code point
///   byte pair  GPT-2's pattern, 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::string_view take_piece(std::string_view& rest, TokenizerKind kind);

/// Texts that are tokens wherever they stand ("<eos>"), whatever surrounds them.
class SpecialTokens {
 public:
  /// `text` is not empty. Returns false if it is there already.
  bool add(const std::string& text, TokenId id);

  struct Found {
    size_t begin, size;  // size 0: none, and begin is the end of the text
    TokenId id;
  };
  /// The first one at `from` or later; of several at one place the longest.
  Found find(std::string_view text, size_t from) const;

  /// Cuts the whole text: calls piece(std::string_view) and special(std::string_view, TokenId) in its order.
  template <class Piece, class Special>
  void cut(std::string_view text, TokenizerKind kind, Piece&& piece, Special&& special) const {
    for (size_t i = 0; i < text.size();) {
      const Found found = find(text, i);
      std::string_view rest = text.substr(i, found.begin - i);
      for (std::string_view taken; !(taken = take_piece(rest, kind)).empty();) piece(taken);
      if (found.size > 0) special(text.substr(found.begin, found.size), found.id);
      i = found.begin + found.size;
    }
  }

 private:
  TokenIds ids_;
  std::vector<size_t> sizes_;  // that there are, falling
  std::array<bool, 256> starts_{};
};

}  // namespace nopeek
