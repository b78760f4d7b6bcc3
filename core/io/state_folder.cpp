#include "core/io/state_folder.h"

#include <cstdlib>

namespace nopeek {

std::filesystem::path folder_in_environment(const char* name) {
  const char* value = std::getenv(name);
  const std::filesystem::path folder = value != nullptr ? value : "";
  return folder.is_absolute() ? folder : std::filesystem::path();
}

std::filesystem::path state_folder() {
  if (const auto state = folder_in_environment("XDG_STATE_HOME"); !state.empty()) return state / "nopeek";
#if defined(_WIN32)
  if (const auto data = folder_in_environment("LOCALAPPDATA"); !data.empty()) return data / "nopeek";
#endif
  const auto home = folder_in_environment("HOME");
  if (home.empty()) return {};
#if defined(__APPLE__)
  return home / "Library/Application Support/nopeek";
#else
  return home / ".local/state/nopeek";
#endif
}

}  // namespace nopeek
