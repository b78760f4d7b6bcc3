#pragma once
// Byte-level byte-pair encoding (Sennrich, Haddow, Birch 2016, over bytes as in GPT-2): a piece of text is its bytes,
// and neighbours are merged into longer tokens, the merge of lowest rank first, until none applies.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/progress.h"
#include "core/text/split.h"

namespace nopeek {

/// Two neighbours that become one token: the one whose bytes are theirs joined.
using Merge = std::pair<TokenId, TokenId>;

class BytePair {
 public:
  /// A part of a piece, bytes [begin, end).
  struct Symbol {
    TokenId id;  // kNone: the vocabulary has neither this byte nor an unknown token
    uint32_t begin, end;
    bool lacking;  // the vocabulary lacks the byte
  };
  static constexpr TokenId kNone = -1;

  BytePair() = default;
  /// `ids` are the ids of `tokens`, by their bytes. Of a merge that is given twice the later rank counts, as
  /// everywhere. Throws Error if a merge makes a token or is made of one that does not exist.
  BytePair(const std::vector<std::string>& tokens, const TokenIds& ids, std::span<const Merge> merges,
           std::optional<TokenId> unknown);

  /// Appends the symbols of `piece`, by where they begin. Bytes that the vocabulary lacks take no part in the merging:
  /// what stands around them become neighbours, as in the `tokenizers` library. Throws Cancelled.
  void encode(std::string_view piece, std::vector<Symbol>& symbols, const Progress* progress = nullptr) const;

 private:
  struct Rule {
    Merge parts;
    TokenId result;
  };
  static uint64_t key(TokenId left, TokenId right) {
    return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
  }
  struct Merging;  // of one piece

  std::array<TokenId, 256> bytes_{};
  std::optional<TokenId> unknown_;
  std::vector<Rule> rules_;                       // by rank
  std::unordered_map<uint64_t, uint32_t> ranks_;  // by key
};

/// A piece of the text to learn from, and how often it is there.
struct CountedPiece {
  std::string_view piece;
  uint64_t times;
};
struct BytePairVocabulary {
  std::vector<std::string> tokens;  // by id
  std::vector<Merge> merges;        // by rank
};
/// Learns merges: `first` (special tokens), then the 256 bytes, then one token a merge, `max_tokens` at most. Each step
/// merges the most frequent pair of neighbours, of equally frequent ones the lower; it ends where none is there twice.
/// The order of `pieces` does not matter. Moves progress from `from` to `to`; throws Cancelled.
BytePairVocabulary train_byte_pair(std::span<const CountedPiece> pieces, std::vector<std::string> first, int max_tokens,
                                   Progress* progress, float from, float to);

}  // namespace nopeek
