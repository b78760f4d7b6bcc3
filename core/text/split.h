#pragma once
// How text is cut before a vocabulary is asked: first the special tokens are cut out, then what lies between them falls
// into pieces. Splitting needs no vocabulary.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/progress.h"

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

/// A token that is cut out of the text as it is, and the conditions of the `tokenizers` library's AddedToken.
struct SpecialToken {
  TokenId id = 0;
  bool lstrip = false, rstrip = false;  // takes the white space before it, behind it, with it
  bool single_word = false;             // not where a letter, digit or '_' touches it
  bool normalized = false;              // looked for only in what the others leave
  bool operator==(const SpecialToken&) const = default;
};

/// Texts that are tokens wherever they stand ("<eos>"). They are kept as a tree of their bytes: a search looks at each
/// place at no more bytes than the longest token has, however many tokens there are.
class SpecialTokens {
 public:
  /// Bounds the work at one place. The longest token of published vocabularies has some 30 bytes.
  static constexpr size_t kMostBytes = 1024;

  /// `text` is not empty, valid UTF-8, and of at most kMostBytes. Returns false if it is there already.
  bool add(std::string_view text, const SpecialToken& token);

  struct Found {
    size_t begin, size;  // size 0: none, and begin is the end of the text
    TokenId id;
    size_t looked;  // at so many bytes: the work that it took
  };
  /// The first one at `from` or later; of several at one place the longest. Throws Cancelled.
  Found find(std::string_view text, size_t from, const Progress* progress = nullptr) const;

  /// Cuts the whole text: calls rest(std::string_view), which is not empty, and special(std::string_view, TokenId) in
  /// its order. Throws Cancelled.
  template <class Rest, class Special>
  void cut(std::string_view text, Rest&& rest, Special&& special, const Progress* progress = nullptr) const {
    for (size_t i = 0; i < text.size();) {
      const Found found = find(text, i, progress);
      if (found.begin > i) rest(text.substr(i, found.begin - i));
      if (found.size > 0) special(text.substr(found.begin, found.size), found.id);
      i = found.begin + found.size;
    }
  }

 private:
  static constexpr int32_t kNone = -1;
  struct Node {
    int32_t child = kNone, sibling = kNone;
    int32_t token = kNone;  // in tokens_, of the text that ends here
    char byte = 0;
  };
  int32_t child_of(int32_t node, char byte) const;
  /// Of what `text` begins with, the longest; `id` is its place in tokens_.
  Found longest_at(std::string_view text) const;

  std::vector<SpecialToken> tokens_;
  std::vector<Node> nodes_ = std::vector<Node>(256);  // each byte that a text can begin with, then what follows
};

}  // namespace nopeek
