#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "core/text/utf8.h"

namespace nopeek {

// Text from outside, for messages: one line of valid UTF-8 in which nothing moves a terminal's cursor.

using utf8::one_line;

/// A path in quotation marks.
std::string shown(const std::filesystem::path& path);

/// Whether `text` may be shown as a name, and be a part of a file's: not empty, at most 128 bytes, only visible
/// characters without slashes, and single spaces between them.
bool is_sound_name(std::string_view text);

}  // namespace nopeek
