#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace nopeek {

/// Parses a file of unknown origin. Throws Error with one line that begins with `what` ("\"model/config.json\"") if it
/// is not JSON, names a key twice in one object, or is nested more than 64 deep: nothing that NoPeek reads is.
nlohmann::json parse_json(std::string_view text, const std::string& what);

}  // namespace nopeek
