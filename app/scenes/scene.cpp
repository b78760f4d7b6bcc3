#include "app/scenes/scene.h"

namespace nopeek {

std::string voice_name(std::span<const Voice> voices, size_t voice, bool opened) {
  if (opened) return voices[voice].model.name;
  const std::string word = voices[voice].masked ? "masked" : "unmasked";
  const bool alike = voices.size() == 2 && voices[0].masked == voices[1].masked;
  return !alike ? word : (voice == 0 ? "first " : "second ") + word;
}

}  // namespace nopeek
