#pragma once
#include <filesystem>
#include <optional>

#include "core/text/corpus.h"

namespace nopeek {

/// Reads `path` and makes a corpus of it: see make_corpus(). Throws Error (unreadable, empty, not UTF-8, too large) and
/// Cancelled.
Corpus load_corpus(const std::filesystem::path& path, std::optional<TokenizerKind> kind = {},
                   Progress* progress = nullptr);

}  // namespace nopeek
