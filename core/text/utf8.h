#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

namespace nopeek::utf8 {

/// Offset of the first byte that is not valid UTF-8 (RFC 3629: no overlong forms, surrogates, or values past U+10FFFF);
/// empty if all of it is valid.
std::optional<size_t> first_invalid_byte(std::string_view text);

/// Bytes of the code point that starts with `lead`, in valid UTF-8.
inline int length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// The code point at the beginning of valid UTF-8.
char32_t decode(std::string_view text);

bool is_space(char32_t c);
/// Letters, digits, marks and '_', of any script: every code point that is not space, control, or one of the blocks of
/// punctuation and symbols. Coarser than Unicode's \w, and free of its tables.
bool is_word(char32_t c);

}  // namespace nopeek::utf8
