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

// Of a US keyboard: each key without and with Shift. GLFW's codes of printable keys are the ASCII codes of the former.
constexpr std::string_view kSigns = "`~1!2@3#4$5%6^7&8*9(0)-_=+[{]}\\|;:'\",<.>/?";

std::optional<Chord> printable(char c) {
  if (std::isalpha(static_cast<unsigned char>(c)))
    return Chord{{}, std::toupper(static_cast<unsigned char>(c)), static_cast<unsigned>(c)};
  const size_t at = kSigns.find(c);
  if (at == std::string_view::npos) return {};
  if (at % 2 == 0) return Chord{{}, c, static_cast<unsigned>(c)};
  return Chord{{GLFW_KEY_LEFT_SHIFT}, kSigns[at - 1], static_cast<unsigned>(c)};
}

/// What the key types with Shift.
unsigned shifted(unsigned character) {
  if (character >= 'a' && character <= 'z') return character - 'a' + 'A';
  const size_t at = character < 128 ? kSigns.find(static_cast<char>(character)) : std::string_view::npos;
  return at != std::string_view::npos && at % 2 == 0 ? static_cast<unsigned>(kSigns[at + 1]) : character;
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
    if (modifier == GLFW_KEY_LEFT_SHIFT) chord->character = shifted(chord->character);
    const bool sign = kSigns.find(static_cast<char>(chord->character)) != std::string_view::npos;
    if (modifier == GLFW_KEY_LEFT_ALT || (modifier == GLFW_KEY_LEFT_CONTROL && !sign)) chord->character = 0;
    chord->modifiers.push_back(modifier);
  }
  return chord;
}

}  // namespace nopeek::tour
