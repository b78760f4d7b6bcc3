#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nopeek::tour {

/// A key with the modifiers that are held: "Ctrl+S", "F11", "Shift+Tab", "a", "Space".
struct Chord {
  std::vector<int> modifiers;  // GLFW codes
  int code = 0;                // GLFW code
  unsigned character = 0;      // what it types, with Ctrl as a command; 0: nothing
};

/// Nothing if `name` is not a key.
std::optional<Chord> parse_chord(std::string_view name);

}  // namespace nopeek::tour
