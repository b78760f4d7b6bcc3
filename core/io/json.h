#pragma once
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace nopeek {

/// What a file may take when it is parsed: ten times what the largest that NoPeek writes does, but no more than a small
/// machine has. "[[],[]," on and on would else take thirty times the size of the file.
constexpr size_t kMostJsonMemory = size_t{80} << 20;

/// Parses a file of unknown origin, in a time that grows with its length. Throws Error with one line that begins with
/// `what` ("\"model/config.json\"") if it is not JSON, names a key twice in one object, is nested more than 64 deep
/// (nothing that NoPeek reads is), or would take more than kMostJsonMemory.
nlohmann::json parse_json(std::string_view text, const std::string& what);

}  // namespace nopeek
