#pragma once
#include <string>
#include <string_view>

namespace nopeek::ui {

/// In single quotation marks, as all words of a text are where they are talked about.
inline std::string in_quotes(std::string_view word) { return "\xE2\x80\x98" + std::string(word) + "\xE2\x80\x99"; }

}  // namespace nopeek::ui
