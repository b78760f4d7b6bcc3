#pragma once
#include <cstddef>
#include <optional>
#include <string>
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

/// `text` with U+FFFD in place of each longest broken sequence (Unicode 15, section 3.9, table 3-8), as the decoders of
/// Rust and Python do it.
std::string repaired(std::string_view text);

/// `text` for people to read in one line, valid UTF-8: a space is U+2423, line ends and tabs are arrows, controls and
/// other spaces "<U+00A0>", as is text of nothing but a joiner or the like; broken bytes are "<E2>".
std::string visible(std::string_view text);
/// visible(), but spaces stay spaces: for names and sentences. Sound text comes back as it is.
std::string one_line(std::string_view text);
/// visible() in quotes and of at most 40 bytes of `text`: for messages about what a file says.
std::string quoted(std::string_view text);

/// Unicode's White_Space: the \s of regular expressions.
bool is_space(char32_t c);
/// The \w of Unicode's regular expressions (UTS 18, Annex C): Alphabetic, marks, decimal digits, connector punctuation,
/// joiners.
bool is_word(char32_t c);
/// General categories L and N: \p{L} and \p{N}.
bool is_letter(char32_t c);
bool is_number(char32_t c);

}  // namespace nopeek::utf8
