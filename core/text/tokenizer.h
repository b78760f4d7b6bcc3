#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/progress.h"
#include "core/text/byte_pair.h"
#include "core/text/split.h"

namespace nopeek {

/// Text <-> token ids. Special tokens such as "<eos>" are cut out of the text first; the rest falls into pieces:
///
///   word       runs of letters, digits and '_' are words; any other run of non-space characters is a word of its own
///              (the ecosystem's `Whitespace` rule, \w+|[^\w\s]+). Letter case is kept.
///   character  one token per Unicode code point, white space included.
///   byte pair  pieces of bytes that are frequent neighbours (byte-level BPE, as in GPT-2). No text is lacking.
///
/// Those trained here have `<eos>` (0), which ends a document, and, but for byte pair, `<unk>` (1), which stands for
/// whatever the vocabulary lacks; both are special. Those from elsewhere (core/io/tokenizer_file.h) may have neither,
/// or under other ids: ask eos() and unknown().
///
/// A model and its tokenizer may differ in size. A row of the model that no token belongs to (its vocabulary was padded
/// to a round number) is a token without a text: no text has it, it decodes to nothing, its label is "<row 50257>". A
/// token that the model has no row for cannot be read: what is spelled so is lacking, see require_rows().
///
///   Tokenizer tokenizer = Tokenizer::train(text, TokenizerKind::kBytePair);
///   std::string same = tokenizer.decode(tokenizer.encode("naïve 🙂"));
class Tokenizer {
 public:
  /// Of tokenizers trained here only.
  static constexpr TokenId kEos = 0;
  static constexpr TokenId kUnknown = 1;
  /// What is trained here ends there; rarer words and characters become `<unk>`: the output head is as wide as the
  /// vocabulary.
  static constexpr int kMaxVocabulary = 2048;
  /// No tokenizer has more: a corpus keeps its ids in 16 bits.
  static constexpr int kMaxTokens = 65536;

  /// What a tokenizer is made of, to save and to load it.
  struct Parts {
    TokenizerKind kind = TokenizerKind::kWord;
    std::vector<std::string> tokens;  // by id; of byte pair the raw bytes, else UTF-8; empty: a token without a text
    std::vector<Merge> merges;        // by rank; of byte pair only
    std::optional<TokenId> eos, unknown;
    std::vector<SpecialToken> special;  // cut out of the text as they are
    bool ignore_merges = false;         // a piece that is a token is that one, whatever merges make of it
    int surplus = 0;                    // the last so many tokens have no row in the model
    bool operator==(const Parts&) const = default;
  };
  /// Throws Error, one line without the name of a file: no tokens or more than kMaxTokens, a token twice, text that is
  /// not UTF-8, ids out of range, merges that lead nowhere, a special token beyond SpecialTokens::kMostBytes.
  explicit Tokenizer(Parts parts);
  /// Only the two special tokens.
  Tokenizer();
  /// Vocabulary of `text`, at most kMaxVocabulary entries. Words and characters by falling frequency, ties by first
  /// appearance; byte pair see train_byte_pair(). `text` must be valid UTF-8. Throws Cancelled.
  static Tokenizer train(std::string_view text, TokenizerKind kind, Progress* progress = nullptr);

  /// Words in text and how many different ones; the counts that decide between words and characters.
  struct Words {
    uint64_t total = 0, distinct = 0;
  };
  static Words count_words(std::string_view text);

  const Parts& parts() const { return parts_; }
  TokenizerKind kind() const { return parts_.kind; }
  /// The token that ends a document, and the one that stands for what the vocabulary lacks. Tokenizers from elsewhere
  /// may have neither.
  std::optional<TokenId> eos() const { return parts_.eos; }
  std::optional<TokenId> unknown() const { return parts_.unknown; }
  /// Rows of the model, those without a text among them.
  int vocab_size() const { return static_cast<int>(parts_.tokens.size()) - parts_.surplus; }
  /// Of byte pair the raw bytes, which may be a part of a code point: to show it, see label().
  const std::string& token(TokenId id) const { return parts_.tokens.at(static_cast<size_t>(id)); }
  /// The id of exactly this token, if there is one. Of a surplus token it is beyond vocab_size().
  std::optional<TokenId> find(std::string_view token) const;
  /// The same, else unknown(), which this tokenizer must have.
  TokenId id(std::string_view token) const;

  /// Text must be valid UTF-8. What the vocabulary lacks is left out where there is no unknown token. Throws Cancelled.
  std::vector<TokenId> encode(std::string_view text, Progress* progress = nullptr) const;
  /// The same, piece by piece, so that what the vocabulary lacks can be shown. Of byte pair, one for each token: its
  /// bytes may end within a code point.
  struct Piece {
    size_t begin, end;          // bytes of the text
    std::optional<TokenId> id;  // none: there is no token for it, not even an unknown one; encode() leaves it out
    bool lacking;               // the vocabulary lacks it: `id` is what is used instead
  };
  std::vector<Piece> pieces(std::string_view text, const Progress* progress = nullptr) const;
  /// Throws Error, one line that names the token, if `text` has a token that the model has no row for.
  void require_rows(std::string_view text) const;
  /// Words are joined by single spaces, all else by nothing. Always valid UTF-8: bytes that are not become U+FFFD.
  std::string decode(std::span<const TokenId> ids) const;
  /// The token as a label, valid UTF-8: white space and control characters are made visible (U+2423 for a space), bytes
  /// that are not text become "<E2>".
  std::string label(TokenId id) const;

 private:
  class MergedPieces;
  /// Each token of the text, as emit(begin, end, id or none, lacking). Ids may be those of surplus tokens.
  template <class Emit>
  void each_token_of_file(std::string_view text, const Progress* progress, Emit&& emit) const;
  /// The same, but for surplus tokens: they are lacking.
  template <class Emit>
  void each_token(std::string_view text, const Progress* progress, Emit&& emit) const;
  /// What lies between special tokens.
  template <class Emit>
  void each_plain_token(std::string_view text, std::string_view rest, MergedPieces& merged, Emit&& emit) const;
  void check() const;
  void index();

  Parts parts_;
  TokenIds ids_;
  SpecialTokens special_, normalized_;  // cut out one after the other
  BytePair byte_pair_;
};

}  // namespace nopeek
