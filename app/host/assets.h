#pragma once
#include <filesystem>
#include <string_view>

namespace nopeek {

/// Where the asset `relative` ("corpora/tales.txt") is. The first that has it of: $NOPEEK_ASSETS, ../share/nopeek
/// beside the program, the folder it was installed to, the folder it was built from. Throws Error that names them all.
std::filesystem::path find_asset(std::string_view relative);

}  // namespace nopeek
