#include "app/commands/assets.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/error.h"

namespace nopeek {

namespace {

std::filesystem::path program_folder() {
  std::error_code failed;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);  // empty on other systems
  return program.parent_path();
}

std::vector<std::filesystem::path> asset_folders() {
  std::vector<std::filesystem::path> folders;
  if (const char* chosen = std::getenv("NOPEEK_ASSETS"); chosen && *chosen) folders.emplace_back(chosen);
  if (const auto folder = program_folder(); !folder.empty()) folders.push_back(folder.parent_path() / "share/nopeek");
  folders.emplace_back(NOPEEK_INSTALLED_ASSETS);
  folders.emplace_back(NOPEEK_SOURCE_ASSETS);
  return folders;
}

}  // namespace

std::filesystem::path find_asset(std::string_view relative) {
  std::string looked;
  for (const auto& folder : asset_folders()) {
    std::error_code failed;
    if (std::filesystem::exists(folder / relative, failed)) return folder / relative;
    looked += (looked.empty() ? "" : ", ") + folder.string();
  }
  throw Error("Cannot find '" + std::string(relative) + "' in any of: " + looked +
              ". Set NOPEEK_ASSETS to the folder 'assets' of NoPeek.");
}

bool is_built_in_corpus(const std::string& name) {
  return std::find(std::begin(kBuiltInCorpora), std::end(kBuiltInCorpora), name) != std::end(kBuiltInCorpora);
}

std::filesystem::path find_corpus(const std::string& name) {
  if (is_built_in_corpus(name)) return find_asset("corpora/" + name + ".txt");
  return name;
}

}  // namespace nopeek
