#include "core/text/utf8.h"

#include <cstdint>

namespace nopeek::utf8 {

namespace {

/// Length of the valid sequence at `i`, or 0. The ranges of the second byte are those of RFC 3629, section 4.
size_t valid_sequence(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u; };
  const auto between = [](unsigned b, unsigned low, unsigned high) { return b >= low && b <= high; };
  const auto continues = [&](size_t k) { return between(byte(k), 0x80, 0xBF); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (between(lead, 0xC2, 0xDF)) return continues(1) ? 2 : 0;
  if (between(lead, 0xE0, 0xEF)) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80, high = lead == 0xED ? 0x9F : 0xBF;
    return between(byte(1), low, high) && continues(2) ? 3 : 0;
  }
  if (between(lead, 0xF0, 0xF4)) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xF4 ? 0x8F : 0xBF;
    return between(byte(1), low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::optional<size_t> first_invalid_byte(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t step = valid_sequence(text, i);
    if (step == 0) return i;
    i += step;
  }
  return std::nullopt;
}

char32_t decode(std::string_view text) {
  const auto bits = [&](size_t k) { return static_cast<char32_t>(static_cast<unsigned char>(text[k]) & 0x3F); };
  const auto lead = static_cast<unsigned char>(text[0]);
  switch (length(text[0])) {
    case 1:
      return lead;
    case 2:
      return (static_cast<char32_t>(lead & 0x1F) << 6) | bits(1);
    case 3:
      return (static_cast<char32_t>(lead & 0x0F) << 12) | (bits(1) << 6) | bits(2);
    default:
      return (static_cast<char32_t>(lead & 0x07) << 18) | (bits(1) << 12) | (bits(2) << 6) | bits(3);
  }
}

bool is_space(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_word(char32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  if (is_space(c)) return false;
  if (c <= 0xBF) return c == 0xAA || c == 0xB5 || c == 0xBA;  // Latin-1 signs but for the letters among them
  const bool punctuation = c == 0xD7 || c == 0xF7 || (c >= 0x2010 && c <= 0x206F) || (c >= 0x20A0 && c <= 0x20CF) ||
                           (c >= 0x2190 && c <= 0x2BFF) || (c >= 0x3001 && c <= 0x303F && c != 0x3005) ||
                           (c >= 0xFF00 && c <= 0xFF0F) || c == 0x0964 || c == 0x0965 || (c >= 0x1F000 && c <= 0x1FAFF);
  return !punctuation;
}

}  // namespace nopeek::utf8
