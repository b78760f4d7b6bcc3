#pragma once
#include <string_view>

namespace nopeek {

/// One line on standard error, "nopeek: ..."; control characters in it, as of a file's name, are shown as signs.
void note(std::string_view text);

}  // namespace nopeek
