#include "core/text/tokenizer.h"

#include <algorithm>
#include <unordered_set>

#include "core/base/error.h"
#include "core/text/utf8.h"

namespace nopeek {

namespace {
constexpr std::string_view kEosText = "<eos>", kUnknownText = "<unk>";
}

template <class Visit>
void Tokenizer::split(std::string_view text, TokenizerKind kind, Visit&& piece) {
  for (size_t i = 0; i < text.size();) {
    if (text.substr(i, kEosText.size()) == kEosText) {
      piece(kEosText);
      i += kEosText.size();
      continue;
    }
    size_t end = i + static_cast<size_t>(utf8::length(text[i]));
    if (kind == TokenizerKind::kWord) {
      const char32_t first = utf8::decode(text.substr(i));
      if (utf8::is_space(first)) {
        i = end;
        continue;
      }
      const bool word = utf8::is_word(first);
      while (end < text.size() && text.substr(end, kEosText.size()) != kEosText) {
        const char32_t c = utf8::decode(text.substr(end));
        if (utf8::is_space(c) || utf8::is_word(c) != word) break;
        end += static_cast<size_t>(utf8::length(text[end]));
      }
    }
    piece(text.substr(i, end - i));
    i = end;
  }
}

namespace {

/// Reports how far a walk over `text` has come, and ends it when that was asked for. Every so often, not each time.
class Milestones {
 public:
  Milestones(std::string_view text, Progress* progress, float from, float to)
      : text_(text), progress_(progress), from_(from), to_(to) {}
  void pass(std::string_view piece) {
    if (progress_ == nullptr || ++count_ % 65536 != 0) return;
    if (progress_->cancelled) throw Cancelled();
    const auto done = static_cast<float>(piece.data() - text_.data()) / static_cast<float>(text_.size());
    progress_->fraction = from_ + (to_ - from_) * done;
  }

 private:
  std::string_view text_;
  Progress* progress_;
  float from_, to_;
  uint64_t count_ = 0;
};

}  // namespace

Tokenizer Tokenizer::train(std::string_view text, TokenizerKind kind, Progress* progress) {
  struct Count {
    uint64_t times, first;
    std::string_view piece;
  };
  std::unordered_map<std::string_view, Count> counts;
  Milestones milestones(text, progress, 0.1f, 0.5f);
  split(text, kind, [&](std::string_view piece) {
    milestones.pass(piece);
    ++counts.try_emplace(piece, Count{0, counts.size(), piece}).first->second.times;
  });
  counts.erase(kEosText);
  counts.erase(kUnknownText);

  std::vector<Count> order;
  for (const auto& [piece, count] : counts) order.push_back(count);
  std::sort(order.begin(), order.end(),
            [](const Count& a, const Count& b) { return a.times != b.times ? a.times > b.times : a.first < b.first; });

  Tokenizer result;
  result.kind_ = kind;
  result.tokens_ = {std::string(kEosText), std::string(kUnknownText)};
  for (const Count& count : order) {
    if (result.vocab_size() == kMaxVocabulary) break;
    result.tokens_.emplace_back(count.piece);
  }
  for (int id = 0; id < result.vocab_size(); ++id) result.ids_.emplace(result.token(id), id);
  return result;
}

Tokenizer::Words Tokenizer::count_words(std::string_view text) {
  Words words;
  std::unordered_set<std::string_view> seen;
  split(text, TokenizerKind::kWord, [&](std::string_view piece) {
    ++words.total;
    seen.insert(piece);
  });
  words.distinct = seen.size();
  return words;
}

TokenId Tokenizer::id(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? kUnknown : found->second;
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, Progress* progress) const {
  std::vector<TokenId> ids;
  Milestones milestones(text, progress, 0.5f, 1.0f);
  split(text, kind_, [&](std::string_view piece) {
    milestones.pass(piece);
    ids.push_back(id(piece));
  });
  return ids;
}

std::vector<Tokenizer::Piece> Tokenizer::pieces(std::string_view text) const {
  std::vector<Piece> pieces;
  split(text, kind_, [&](std::string_view piece) {
    const auto begin = static_cast<size_t>(piece.data() - text.data());
    pieces.push_back({begin, begin + piece.size(), id(piece), !ids_.contains(piece)});
  });
  return pieces;
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  std::string text;
  for (const TokenId id : ids) {
    if (kind_ == TokenizerKind::kWord && !text.empty()) text += ' ';
    text += token(id);
  }
  return text;
}

std::string Tokenizer::label(TokenId id) const {
  const std::string& text = token(id);
  if (text == " ") return "\u2423";   // open box, the usual sign for a space
  if (text == "\n") return "\u21B5";  // return arrow
  if (text == "\t") return "\u21E5";
  return text;
}

}  // namespace nopeek
