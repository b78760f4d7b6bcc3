#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace nopeek {

/// Where the asset `relative` ("corpora/tales.txt") is. The first that has it of: $NOPEEK_ASSETS, ../share/nopeek
/// beside the program, the folder it was installed to, the folder it was built from. Throws Error that names them all.
std::filesystem::path find_asset(std::string_view relative);

/// The corpora that come with the app: assets/corpora/NAME.txt. The first one is the default.
inline constexpr const char* kBuiltInCorpora[] = {"pull-requests", "tales", "toy"};
bool is_built_in_corpus(const std::string& name);
/// The file of a corpus: a built-in name's, or else `name` is the path itself. Throws Error if there is no such asset;
/// a path is not checked.
std::filesystem::path find_corpus(const std::string& name);

}  // namespace nopeek
