#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "app/ui/text.h"

namespace nopeek::ui {

/// `text` broken at spaces into lines no wider than `width` px; a word that is wider has a line of its own.
std::vector<std::string> wrapped(std::string_view text, float width, Font which);

/// Draws those lines from `at` on, `line` px apart. What lies behind the line `most` is left out, with an ellipsis.
/// Returns how many lines were drawn.
int text_wrapped(ImVec2 at, std::string_view text, float width, float line, Font which, ImU32 color, int most = 4);

}  // namespace nopeek::ui
