#include "app/tour/keys.h"

#include <GLFW/glfw3.h>

#include <cctype>

namespace nopeek::tour {

namespace {

struct NamedKey {
  std::string_view name;
  int code;
};
constexpr NamedKey kModifiers[] = {
    {"ctrl", GLFW_KEY_LEFT_CONTROL}, {"shift", GLFW_KEY_LEFT_SHIFT}, {"alt", GLFW_KEY_LEFT_ALT}};
constexpr NamedKey kKeys[] = {
    {"space", GLFW_KEY_SPACE},   {"enter", GLFW_KEY_ENTER},    {"tab", GLFW_KEY_TAB},
    {"esc", GLFW_KEY_ESCAPE},    {"escape", GLFW_KEY_ESCAPE},  {"backspace", GLFW_KEY_BACKSPACE},
    {"delete", GLFW_KEY_DELETE}, {"insert", GLFW_KEY_INSERT},  {"home", GLFW_KEY_HOME},
    {"end", GLFW_KEY_END},       {"pageup", GLFW_KEY_PAGE_UP}, {"pagedown", GLFW_KEY_PAGE_DOWN},
    {"left", GLFW_KEY_LEFT},     {"right", GLFW_KEY_RIGHT},    {"up", GLFW_KEY_UP},
    {"down", GLFW_KEY_DOWN},     {"f1", GLFW_KEY_F1},          {"f2", GLFW_KEY_F2},
    {"f3", GLFW_KEY_F3},         {"f4", GLFW_KEY_F4},          {"f5", GLFW_KEY_F5},
    {"f6", GLFW_KEY_F6},         {"f7", GLFW_KEY_F7},          {"f8", GLFW_KEY_F8},
    {"f9", GLFW_KEY_F9},         {"f10", GLFW_KEY_F10},        {"f11", GLFW_KEY_F11},
    {"f12", GLFW_KEY_F12}};

template <size_t N>
const NamedKey* find(const NamedKey (&keys)[N], std::string_view name) {
  for (const NamedKey& key : keys) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

// GLFW's codes of printable keys are the ASCII codes of what they type on a US keyboard without Shift.
std::optional<Chord> printable(char c) {
  if (c == '+') return Chord{{GLFW_KEY_LEFT_SHIFT}, GLFW_KEY_EQUAL, '+'};
  if (c == '?') return Chord{{GLFW_KEY_LEFT_SHIFT}, GLFW_KEY_SLASH, '?'};
  const bool key =
      std::isalnum(static_cast<unsigned char>(c)) || std::string_view("'-=,./;[]\\`").find(c) != std::string_view::npos;
  if (!key) return {};
  return Chord{{}, std::toupper(static_cast<unsigned char>(c)), static_cast<unsigned>(c)};
}

}  // namespace

std::optional<Chord> parse_chord(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));

  std::vector<int> modifiers;
  size_t begin = 0;
  for (size_t plus; (plus = lower.find('+', begin)) != std::string::npos && plus + 1 < lower.size(); begin = plus + 1) {
    const NamedKey* modifier = find(kModifiers, std::string_view(lower).substr(begin, plus - begin));
    if (!modifier) return {};
    modifiers.push_back(modifier->code);
  }

  const std::string key = lower.substr(begin);
  std::optional<Chord> chord;
  if (key.size() == 1) chord = printable(key[0]);
  if (const NamedKey* named = find(kKeys, key))
    chord = Chord{{}, named->code, named->code == GLFW_KEY_SPACE ? 32u : 0u};
  if (!chord) return {};
  for (const int modifier : modifiers) {
    if (modifier != GLFW_KEY_LEFT_SHIFT)
      chord->character = 0;  // with Ctrl or Alt a key is a command
    else if (std::islower(static_cast<int>(chord->character)))
      chord->character -= 'a' - 'A';
    chord->modifiers.push_back(modifier);
  }
  return chord;
}

}  // namespace nopeek::tour
