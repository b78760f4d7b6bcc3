#include "core/text/split.h"

#include <algorithm>

#include "core/text/utf8.h"

namespace nopeek {

namespace {

/// Where the run of code points at `begin` ends for which `belongs` holds.
template <class Belongs>
size_t run_end(std::string_view text, size_t begin, Belongs&& belongs) {
  while (begin < text.size() && belongs(utf8::decode(text.substr(begin)))) {
    begin += static_cast<size_t>(utf8::length(text[begin]));
  }
  return begin;
}

std::string_view take(std::string_view& rest, size_t size) {
  const std::string_view piece = rest.substr(0, size);
  rest.remove_prefix(size);
  return piece;
}

std::string_view take_word(std::string_view& rest) {
  rest.remove_prefix(run_end(rest, 0, utf8::is_space));
  if (rest.empty()) return rest;
  const bool word = utf8::is_word(utf8::decode(rest));
  return take(rest, run_end(rest, 0, [&](char32_t c) { return !utf8::is_space(c) && utf8::is_word(c) == word; }));
}

size_t contraction_size(std::string_view text) {
  for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    if (text.starts_with(ending)) return ending.size();
  }
  return 0;
}

/// A run of letters, of digits, or of neither, from `begin` on, where no white space stands.
size_t visible_run_end(std::string_view text, size_t begin) {
  const char32_t first = utf8::decode(text.substr(begin));
  if (utf8::is_letter(first)) return run_end(text, begin, utf8::is_letter);
  if (utf8::is_number(first)) return run_end(text, begin, utf8::is_number);
  return run_end(text, begin,
                 [](char32_t c) { return !utf8::is_space(c) && !utf8::is_letter(c) && !utf8::is_number(c); });
}

/// The alternatives of the pattern in their order; each is greedy, and none needs more of a look back than the last
/// white space before something visible: it is left for what follows.
std::string_view take_gpt2(std::string_view& rest) {
  if (rest.empty()) return rest;
  if (const size_t size = contraction_size(rest)) return take(rest, size);
  const size_t space = run_end(rest, 0, utf8::is_space);
  if (space == 0) return take(rest, visible_run_end(rest, 0));
  if (space == rest.size()) return take(rest, space);
  if (space == 1 && rest[0] == ' ') return take(rest, visible_run_end(rest, 1));
  size_t last = space - 1;  // where the last code point of the white space begins
  while ((static_cast<unsigned char>(rest[last]) & 0xC0) == 0x80) --last;
  return take(rest, last == 0 ? space : last);
}

}  // namespace

std::string_view take_piece(std::string_view& rest, TokenizerKind kind) {
  switch (kind) {
    case TokenizerKind::kWord:
      return take_word(rest);
    case TokenizerKind::kCharacter:
      return take(rest, rest.empty() ? 0 : static_cast<size_t>(utf8::length(rest[0])));
    default:
      return take_gpt2(rest);
  }
}

bool SpecialTokens::add(const std::string& text, TokenId id) {
  if (!ids_.emplace(text, id).second) return false;
  if (std::find(sizes_.begin(), sizes_.end(), text.size()) == sizes_.end()) sizes_.push_back(text.size());
  std::sort(sizes_.begin(), sizes_.end(), std::greater());
  starts_[static_cast<unsigned char>(text[0])] = true;
  return true;
}

SpecialTokens::Found SpecialTokens::find(std::string_view text, size_t from) const {
  for (size_t i = ids_.empty() ? text.size() : from; i < text.size(); ++i) {
    if (!starts_[static_cast<unsigned char>(text[i])]) continue;
    for (const size_t size : sizes_) {
      if (size > text.size() - i) continue;
      if (const auto found = ids_.find(text.substr(i, size)); found != ids_.end()) return {i, size, found->second};
    }
  }
  return {text.size(), 0, 0};
}

}  // namespace nopeek
