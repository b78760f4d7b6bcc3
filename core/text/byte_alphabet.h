#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace nopeek {

/// GPT-2's way to spell bytes in JSON: each byte is one visible character. Printable Latin-1 is itself, the other 68
/// bytes are U+0100 on, so that a space is "\u0120" and a line end "\u010A".
std::string spell_bytes(std::string_view bytes);

/// The bytes again; nothing if a character is not of the alphabet. `spelled` is valid UTF-8.
std::optional<std::string> unspell_bytes(std::string_view spelled);

}  // namespace nopeek
