#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace nopeek {

/// Where the asset `relative` ("corpora/tales.txt") is. The first that has it of: $NOPEEK_ASSETS, ../share/nopeek
/// beside the program, the folder it was installed to, the folder it was built from. Throws Error that names them all.
std::filesystem::path find_asset(std::string_view relative);

/// The file of a corpus: `name` is "pull-requests", "toy", "tales", or a path. Throws Error if there is no such asset;
/// a path is not checked.
std::filesystem::path find_corpus(const std::string& name);

}  // namespace nopeek
