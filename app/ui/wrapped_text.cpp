#include "app/ui/wrapped_text.h"

#include <algorithm>

namespace nopeek::ui {

std::vector<std::string> wrapped(std::string_view text, float width, Font which) {
  std::vector<std::string> lines(1);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.size(), text.find(' ', at));
    const std::string word(text.substr(at, end - at));
    const std::string longer = lines.back().empty() ? word : lines.back() + " " + word;
    if (!lines.back().empty() && text_width(which, longer) > width) {
      lines.push_back(word);
    } else {
      lines.back() = longer;
    }
    at = end + 1;
  }
  return lines;
}

int text_wrapped(ImVec2 at, std::string_view text, float width, float line, Font which, ImU32 color, int most) {
  std::vector<std::string> lines = wrapped(text, width, which);
  const auto shown = std::min(lines.size(), static_cast<size_t>(most));
  for (size_t i = shown; i < lines.size(); ++i) lines[shown - 1] += " " + lines[i];
  for (size_t i = 0; i < shown; ++i) {
    text_elided({at.x, at.y + line * static_cast<float>(i)}, lines[i], width, which, color);
  }
  return static_cast<int>(shown);
}

}  // namespace nopeek::ui
