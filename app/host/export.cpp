#include "app/host/export.h"

#include <cstdlib>
#include <string>

namespace nopeek {

namespace fs = std::filesystem;

namespace {

fs::path export_folder() {
  std::error_code ignored;
  if (const char* home = std::getenv("HOME"); home && fs::is_directory(home, ignored)) {
    const fs::path documents = fs::path(home) / "Documents";
    return fs::is_directory(documents, ignored) ? documents : fs::path(home);
  }
  return fs::current_path(ignored);
}

}  // namespace

fs::path free_export_path(std::string_view prefix, std::string_view ending, const fs::path& avoid) {
  const fs::path folder = export_folder();
  std::error_code ignored;
  for (int n = 1;; ++n) {
    const fs::path candidate = folder / (std::string(prefix) + std::to_string(n) + std::string(ending));
    if (candidate != avoid && !fs::exists(candidate, ignored)) return candidate;
  }
}

}  // namespace nopeek
