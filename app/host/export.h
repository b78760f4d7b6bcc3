#pragma once
#include <filesystem>
#include <string_view>

namespace nopeek {

/// A file name that is not taken yet: prefix + number + ending, in ~/Documents, else in $HOME, else in the working
/// folder, whichever exists. `avoid` is a name that has been given out and not been written yet.
std::filesystem::path free_export_path(std::string_view prefix, std::string_view ending,
                                       const std::filesystem::path& avoid = {});

}  // namespace nopeek
