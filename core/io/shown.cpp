#include "core/io/shown.h"

namespace nopeek {

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
