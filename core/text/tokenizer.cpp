#include "core/text/tokenizer.h"

#include <algorithm>
#include <unordered_set>

#include "core/base/error.h"
#include "core/text/utf8.h"

namespace nopeek {

namespace {

constexpr std::string_view kEosText = "<eos>", kUnknownText = "<unk>";

/// Pieces of a text to train on, and the special tokens in it.
template <class Piece, class Special>
void cut_for_training(std::string_view text, TokenizerKind kind, Piece&& piece, Special&& special) {
  SpecialTokens tokens;
  tokens.add(kEosText, {Tokenizer::kEos});
  if (kind != TokenizerKind::kBytePair) tokens.add(kUnknownText, {Tokenizer::kUnknown});
  const auto on_rest = [&](std::string_view rest) {
    for (std::string_view taken; !(taken = take_piece(rest, kind)).empty();) piece(taken);
  };
  tokens.cut(text, on_rest, [&](std::string_view token, TokenId) { special(token); });
}

/// Reports how far a walk over `text` has come, and ends it when that was asked for. Every so often, not each time.
class Milestones {
 public:
  Milestones(std::string_view text, Progress* progress, float from, float to)
      : text_(text), progress_(progress), from_(from), to_(to) {}
  void pass(size_t at) {
    if (progress_ == nullptr || ++count_ % 65536 != 0) return;
    if (progress_->cancelled) throw Cancelled();
    progress_->fraction = from_ + (to_ - from_) * static_cast<float>(at) / static_cast<float>(text_.size());
  }
  void pass(std::string_view piece) { pass(static_cast<size_t>(piece.data() - text_.data())); }

 private:
  std::string_view text_;
  Progress* progress_;
  float from_, to_;
  uint64_t count_ = 0;
};

struct Count {
  uint64_t times, first;
  std::string_view piece;
};
using Counts = std::unordered_map<std::string_view, Count>;

Counts count_pieces(std::string_view text, TokenizerKind kind, Milestones milestones) {
  Counts counts;
  const auto count = [&](std::string_view piece) {
    milestones.pass(piece);
    ++counts.try_emplace(piece, Count{0, counts.size(), piece}).first->second.times;
  };
  cut_for_training(text, kind, count, [](std::string_view) {});
  return counts;
}

/// "<eos>", "<unk>", then the most frequent pieces.
std::vector<std::string> frequent_tokens(const Counts& counts) {
  std::vector<Count> order;
  for (const auto& [piece, count] : counts) order.push_back(count);
  std::sort(order.begin(), order.end(),
            [](const Count& a, const Count& b) { return a.times != b.times ? a.times > b.times : a.first < b.first; });
  std::vector<std::string> tokens = {std::string(kEosText), std::string(kUnknownText)};
  for (const Count& count : order) {
    if (tokens.size() == Tokenizer::kMaxVocabulary) break;
    tokens.emplace_back(count.piece);
  }
  return tokens;
}

std::string quoted_id(TokenId id) { return "token " + std::to_string(id); }

}  // namespace

Tokenizer::Tokenizer()
    : Tokenizer(Parts{TokenizerKind::kWord,
                      {std::string(kEosText), std::string(kUnknownText)},
                      {},
                      kEos,
                      kUnknown,
                      {{kEos}, {kUnknown}}}) {}

Tokenizer::Tokenizer(Parts parts) : parts_(std::move(parts)) {
  check();
  index();
  if (kind() == TokenizerKind::kBytePair) byte_pair_ = BytePair(parts_.tokens, ids_, parts_.merges, parts_.unknown);
}

void Tokenizer::index() {
  std::unordered_set<TokenId> special;
  for (const SpecialToken& token : parts_.special) special.insert(token.id);
  ids_.reserve(parts_.tokens.size());
  for (TokenId id = 0; id < std::ssize(parts_.tokens); ++id) {
    if (special.contains(id) || token(id).empty()) continue;
    const auto [other, added] = ids_.emplace(token(id), id);
    if (!added)
      throw Error("The vocabulary has " + utf8::quoted(token(id)) + " twice: " + quoted_id(other->second) + " and " +
                  quoted_id(id) + ".");
  }
  for (const SpecialToken& s : parts_.special) {
    if (!(s.normalized ? normalized_ : special_).add(token(s.id), s))
      throw Error("The special " + quoted_id(s.id) + ", " + utf8::quoted(token(s.id)) + ", is there twice.");
    // Text never meets an ordinary token of the same spelling (a merge may): that one stays what a merge makes.
    ids_.try_emplace(token(s.id), s.id);
  }
}

void Tokenizer::check() const {
  if (parts_.tokens.empty()) throw Error("The vocabulary is empty.");
  if (parts_.tokens.size() > kMaxTokens) {
    throw Error("The vocabulary has " + std::to_string(parts_.tokens.size()) + " tokens; NoPeek takes at most " +
                std::to_string(kMaxTokens) + ".");
  }
  if (parts_.surplus < 0 || vocab_size() < 1) throw Error("The model has no rows for the vocabulary.");
  const auto require_below = [](TokenId id, std::ptrdiff_t size) {
    if (id < 0 || id >= size)
      throw Error("There is no " + quoted_id(id) + ": the vocabulary has " + std::to_string(size) + ".");
  };
  for (const SpecialToken& special : parts_.special) require_below(special.id, std::ssize(parts_.tokens));
  for (const auto id : {parts_.eos, parts_.unknown}) require_below(id.value_or(0), vocab_size());
  const auto require_text = [&](TokenId id) {
    if (utf8::first_invalid_byte(token(id))) throw Error("The " + quoted_id(id) + " is not UTF-8.");
  };
  for (const SpecialToken& special : parts_.special) {
    const size_t bytes = token(special.id).size();
    if (bytes == 0) throw Error("The special " + quoted_id(special.id) + " is empty.");
    if (bytes > SpecialTokens::kMostBytes) {
      throw Error("The special " + quoted_id(special.id) + " has " + std::to_string(bytes) + " bytes; NoPeek takes " +
                  std::to_string(SpecialTokens::kMostBytes) + " at most.");
    }
    require_text(special.id);
  }
  if (kind() == TokenizerKind::kBytePair) return;
  if (!parts_.merges.empty()) throw Error("Only a byte-pair tokenizer has merges.");
  for (TokenId id = 0; id < std::ssize(parts_.tokens); ++id) require_text(id);
}

Tokenizer Tokenizer::train(std::string_view text, TokenizerKind kind, Progress* progress) {
  const bool byte_pair = kind == TokenizerKind::kBytePair;
  const Counts counts = count_pieces(text, kind, Milestones(text, progress, 0.1f, byte_pair ? 0.2f : 0.5f));
  if (!byte_pair) return Tokenizer(Parts{kind, frequent_tokens(counts), {}, kEos, kUnknown, {{kEos}, {kUnknown}}});
  std::vector<CountedPiece> pieces;
  for (const auto& [piece, count] : counts) pieces.push_back({piece, count.times});
  auto learned = train_byte_pair(pieces, {std::string(kEosText)}, kMaxVocabulary, progress, 0.2f, 0.5f);
  return Tokenizer(Parts{kind, std::move(learned.tokens), std::move(learned.merges), kEos, std::nullopt, {{kEos}}});
}

Tokenizer::Words Tokenizer::count_words(std::string_view text) {
  Words words;
  std::unordered_set<std::string_view> seen;
  const auto count = [&](std::string_view piece) {
    ++words.total;
    seen.insert(piece);
  };
  cut_for_training(text, TokenizerKind::kWord, count, count);
  words.distinct = seen.size();
  return words;
}

std::optional<TokenId> Tokenizer::find(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

TokenId Tokenizer::id(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? unknown().value() : found->second;
}

/// Text repeats its pieces: each is merged once. For one walk over one text, into which it points.
class Tokenizer::MergedPieces {
 public:
  MergedPieces(const BytePair& pair, const Progress* progress) : pair_(pair), progress_(progress) {}
  std::span<const BytePair::Symbol> operator()(std::string_view piece) {
    constexpr size_t kMaxPieces = 1 << 17;  // keeps a text of ever new pieces from costing its size many times over
    if (places_.size() == kMaxPieces) places_.clear(), symbols_.clear();
    const auto [place, added] = places_.try_emplace(piece);
    if (added) {
      place->second.first = symbols_.size();
      pair_.encode(piece, symbols_, progress_);
      place->second.second = symbols_.size() - place->second.first;
    }
    return std::span(symbols_).subspan(place->second.first, place->second.second);
  }

 private:
  const BytePair& pair_;
  const Progress* progress_;
  std::unordered_map<std::string_view, std::pair<size_t, size_t>> places_;  // first symbol, count
  std::vector<BytePair::Symbol> symbols_;
};

template <class Emit>
void Tokenizer::each_plain_token(std::string_view text, std::string_view rest, MergedPieces& merged,
                                 Emit&& emit) const {
  for (std::string_view piece; !(piece = take_piece(rest, kind())).empty();) {
    const auto begin = static_cast<size_t>(piece.data() - text.data());
    const bool merges = kind() == TokenizerKind::kBytePair;
    const auto whole = !merges || parts_.ignore_merges ? find(piece) : std::nullopt;
    if (!merges || whole) {
      emit(begin, begin + piece.size(), whole ? whole : unknown(), !whole);
      continue;
    }
    for (const auto& symbol : merged(piece)) {
      const auto known = symbol.id == BytePair::kNone ? std::nullopt : std::optional(symbol.id);
      emit(begin + symbol.begin, begin + symbol.end, known, symbol.lacking);
    }
  }
}

template <class Emit>
void Tokenizer::each_token_of_file(std::string_view text, const Progress* progress, Emit&& emit) const {
  MergedPieces merged(byte_pair_, progress);
  const auto on_special = [&](std::string_view token, TokenId id) {
    const auto begin = static_cast<size_t>(token.data() - text.data());
    emit(begin, begin + token.size(), std::optional(id), false);
  };
  const auto on_rest = [&](std::string_view rest) {
    normalized_.cut(
        rest, [&](std::string_view plain) { each_plain_token(text, plain, merged, emit); }, on_special, progress);
  };
  special_.cut(text, on_rest, on_special, progress);
}

template <class Emit>
void Tokenizer::each_token(std::string_view text, const Progress* progress, Emit&& emit) const {
  each_token_of_file(text, progress, [&](size_t begin, size_t end, std::optional<TokenId> id, bool lacking) {
    const bool surplus = id && *id >= vocab_size();
    emit(begin, end, surplus ? unknown() : id, lacking || surplus);
  });
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, Progress* progress) const {
  std::vector<TokenId> ids;
  Milestones milestones(text, progress, 0.5f, 1.0f);
  each_token(text, progress, [&](size_t begin, size_t, std::optional<TokenId> id, bool) {
    milestones.pass(begin);
    if (id) ids.push_back(*id);
  });
  return ids;
}

std::vector<Tokenizer::Piece> Tokenizer::pieces(std::string_view text, const Progress* progress) const {
  std::vector<Piece> pieces;
  each_token(text, progress, [&](size_t begin, size_t end, std::optional<TokenId> id, bool lacking) {
    pieces.push_back({begin, end, id, lacking});
  });
  return pieces;
}

void Tokenizer::require_rows(std::string_view text) const {
  if (parts_.surplus == 0) return;
  each_token_of_file(text, nullptr, [&](size_t, size_t, std::optional<TokenId> id, bool) {
    if (!id || *id < vocab_size()) return;
    throw Error("The text has the token " + utf8::quoted(token(*id)) + ", which is the tokenizer's number " +
                std::to_string(*id) + "; the model has weights for " + std::to_string(vocab_size()) +
                " tokens. Take it out of the text.");
  });
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  std::string text;
  for (const TokenId id : ids) {
    if (kind() == TokenizerKind::kWord && !text.empty() && !token(id).empty()) text += ' ';
    text += token(id);
  }
  return kind() == TokenizerKind::kBytePair ? utf8::repaired(text) : text;
}

std::string Tokenizer::label(TokenId id) const {
  return token(id).empty() ? "<row " + std::to_string(id) + ">" : utf8::visible(token(id));
}

}  // namespace nopeek
