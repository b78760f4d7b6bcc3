#include "core/io/shown.h"

#include <algorithm>

#include "core/text/utf8.h"

namespace nopeek {

std::string one_line(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    line += utf8::visible(text.substr(0, end));
    if (end < text.size()) line += ' ';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return line;
}

std::string shown(const std::filesystem::path& path) { return "\"" + one_line(path.string()) + "\""; }

bool is_sound_name(std::string_view text) {
  constexpr size_t kMost = 128;
  if (text.empty() || text.size() > kMost || text.front() == ' ' || text.back() == ' ') return false;
  if (text.find_first_of("/\\") != std::string_view::npos) return false;
  if (text.find("  ") != std::string_view::npos || utf8::first_invalid_byte(text)) return false;
  while (!text.empty()) {
    // One by one: marks that turn the direction of writing are then invisible, too.
    const std::string_view character = text.substr(0, static_cast<size_t>(utf8::length(text[0])));
    if (character != " " && utf8::visible(character) != character) return false;
    text.remove_prefix(character.size());
  }
  return true;
}

}  // namespace nopeek
