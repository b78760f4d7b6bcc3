#include "core/text/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdio>

namespace nopeek::utf8 {

namespace {

struct Sequence {
  size_t bytes;  // of the code point, or of as much of one as there is: at least 1
  bool valid;
};

/// What stands at `i`. (utf8proc tells what is broken, but not how much of it.) The ranges of the second byte are those
/// of RFC 3629, section 4.
Sequence sequence_at(std::string_view text, size_t i) {
  const auto between = [&](size_t k, unsigned low, unsigned high) {
    const unsigned byte = i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u;
    return byte >= low && byte <= high;
  };
  const auto lead = static_cast<unsigned char>(text[i]);
  if (lead < 0x80) return {1, true};
  const size_t bytes = lead >= 0xC2 && lead <= 0xDF   ? 2
                       : (lead & 0xF0) == 0xE0        ? 3
                       : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                      : 0;
  if (bytes == 0) return {1, false};
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (!between(1, low, high)) return {1, false};
  for (size_t k = 2; k < bytes; ++k) {
    if (!between(k, 0x80, 0xBF)) return {k, false};
  }
  return {bytes, true};
}

}  // namespace

std::optional<size_t> first_invalid_byte(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const Sequence sequence = sequence_at(text, i);
    if (!sequence.valid) return i;
    i += sequence.bytes;
  }
  return std::nullopt;
}

std::string repaired(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Sequence sequence = sequence_at(text, i);
    result += sequence.valid ? text.substr(i, sequence.bytes) : "\uFFFD";
    i += sequence.bytes;
  }
  return result;
}

namespace {

bool is_invisible(char32_t c, bool alone) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return is_space(c) || category == UTF8PROC_CATEGORY_CC || (alone && category == UTF8PROC_CATEGORY_CF);
}

std::string visible(char32_t c, std::string_view bytes, bool alone) {
  if (c == ' ') return "\u2423";   // open box, the usual sign for a space
  if (c == '\n') return "\u21B5";  // return arrow
  if (c == '\t') return "\u21E5";
  if (!is_invisible(c, alone)) return std::string(bytes);
  char code[16];
  std::snprintf(code, sizeof code, "<U+%04X>", static_cast<unsigned>(c));
  return code;
}

}  // namespace

std::string visible(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const auto [bytes, valid] = sequence_at(text, i);
    if (valid) result += visible(decode(text.substr(i)), text.substr(i, bytes), bytes == text.size());
    for (size_t k = i; !valid && k < i + bytes; ++k) {
      char code[8];
      std::snprintf(code, sizeof code, "<%02X>", static_cast<unsigned char>(text[k]));
      result += code;
    }
    i += bytes;
  }
  return result;
}

std::string one_line(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    line += visible(text.substr(0, end));
    if (end < text.size()) line += ' ';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return line;
}

std::string quoted(std::string_view text) {
  constexpr size_t kMost = 40;
  return "\"" + visible(text.substr(0, kMost)) + (text.size() > kMost ? "...\"" : "\"");
}

char32_t decode(std::string_view text) {
  utf8proc_int32_t c = 0;
  utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), std::ssize(text), &c);
  return static_cast<char32_t>(c);
}

bool is_space(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_letter(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool is_number(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

bool is_word(char32_t c) {
  if (c < 0x80) return is_letter(c) || is_number(c) || c == '_';
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NL) return true;  // letters, marks, digits
  if (category == UTF8PROC_CATEGORY_PC) return true;
  if (c == 0x200C || c == 0x200D) return true;  // the joiners
  // Alphabetic, and yet neither letter nor mark: the circled and squared letters.
  return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
         (c >= 0x1F170 && c <= 0x1F189);
}

}  // namespace nopeek::utf8
