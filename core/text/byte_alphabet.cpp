#include "core/text/byte_alphabet.h"

#include <array>

#include "core/text/utf8.h"

namespace nopeek {

namespace {

struct Alphabet {
  std::array<char16_t, 256> character{};   // of each byte
  std::array<int16_t, 0x100 + 68> byte{};  // of each character, -1 if it is none
};

constexpr Alphabet make_alphabet() {
  Alphabet alphabet;
  for (auto& byte : alphabet.byte) byte = -1;
  char16_t next = 0x100;
  for (int16_t byte = 0; byte < 256; ++byte) {
    const bool itself = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    const auto character = itself ? static_cast<char16_t>(byte) : next++;
    alphabet.character[static_cast<size_t>(byte)] = character;
    alphabet.byte[character] = byte;
  }
  return alphabet;
}
constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

std::string spell_bytes(std::string_view bytes) {
  std::string spelled;
  for (const char byte : bytes) {
    const char16_t c = kAlphabet.character[static_cast<unsigned char>(byte)];
    if (c < 0x80) {
      spelled += static_cast<char>(c);
    } else {
      spelled += static_cast<char>(0xC0 | (c >> 6));
      spelled += static_cast<char>(0x80 | (c & 0x3F));
    }
  }
  return spelled;
}

std::optional<std::string> unspell_bytes(std::string_view spelled) {
  std::string bytes;
  while (!spelled.empty()) {
    const char32_t c = utf8::decode(spelled);
    if (c >= kAlphabet.byte.size() || kAlphabet.byte[c] < 0) return std::nullopt;
    bytes += static_cast<char>(kAlphabet.byte[c]);
    spelled.remove_prefix(static_cast<size_t>(utf8::length(spelled[0])));
  }
  return bytes;
}

}  // namespace nopeek
