#include "core/text/split.h"

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

int32_t SpecialTokens::child_of(int32_t node, char byte) const {
  int32_t child = nodes_[static_cast<size_t>(node)].child;
  while (child != kNone && nodes_[static_cast<size_t>(child)].byte != byte) {
    child = nodes_[static_cast<size_t>(child)].sibling;
  }
  return child;
}

bool SpecialTokens::add(std::string_view text, const SpecialToken& token) {
  auto node = static_cast<int32_t>(static_cast<unsigned char>(text[0]));
  for (const char byte : text.substr(1)) {
    int32_t child = child_of(node, byte);
    if (child == kNone) {
      child = static_cast<int32_t>(nodes_.size());
      nodes_.push_back({.sibling = nodes_[static_cast<size_t>(node)].child, .byte = byte});
      nodes_[static_cast<size_t>(node)].child = child;
    }
    node = child;
  }
  int32_t& place = nodes_[static_cast<size_t>(node)].token;
  if (place != kNone) return false;
  place = static_cast<int32_t>(tokens_.size());
  tokens_.push_back(token);
  return true;
}

SpecialTokens::Found SpecialTokens::longest_at(std::string_view text) const {
  Found found{0, 0, kNone, 0};
  auto node = static_cast<int32_t>(static_cast<unsigned char>(text[0]));
  while (node != kNone) {
    ++found.looked;
    const int32_t token = nodes_[static_cast<size_t>(node)].token;
    if (token != kNone) found.size = found.looked, found.id = token;
    node = found.looked < text.size() ? child_of(node, text[found.looked]) : kNone;
  }
  return found;
}

namespace {

/// The last code point before `end`, which is not 0.
size_t begin_of_last(std::string_view text, size_t end) {
  do --end;
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80);
  return end;
}

/// Where the white space before `end` begins, or `from`.
size_t space_begin(std::string_view text, size_t from, size_t end) {
  while (end > from) {
    const size_t last = begin_of_last(text, end);
    if (!utf8::is_space(utf8::decode(text.substr(last)))) break;
    end = last;
  }
  return end;
}

bool touches_word(std::string_view text, size_t begin, size_t end) {
  const auto is_word_at = [&](size_t at) { return utf8::is_word(utf8::decode(text.substr(at))); };
  return (begin > 0 && is_word_at(begin_of_last(text, begin))) || (end < text.size() && is_word_at(end));
}

}  // namespace

SpecialTokens::Found SpecialTokens::find(std::string_view text, size_t from, const Progress* progress) const {
  size_t looked = 0;
  for (size_t i = tokens_.empty() ? text.size() : from; i < text.size(); ++i) {
    if (i % 65536 == 0) stop_if_asked(progress);
    const Node& first = nodes_[static_cast<unsigned char>(text[i])];
    if (first.child == kNone && first.token == kNone) {
      ++looked;
      continue;
    }
    const Found found = longest_at(text.substr(i));
    looked += found.looked;
    if (found.size == 0) continue;
    const SpecialToken& token = tokens_[static_cast<size_t>(found.id)];
    const size_t end = i + found.size;
    if (token.single_word && touches_word(text, i, end)) {
      i = end - 1;  // as in the library, which has then passed it
      continue;
    }
    const size_t begin = token.lstrip ? space_begin(text, from, i) : i;
    return {begin, (token.rstrip ? run_end(text, end, utf8::is_space) : end) - begin, token.id, looked};
  }
  return {text.size(), 0, 0, looked};
}

}  // namespace nopeek
