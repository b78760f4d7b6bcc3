#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace nopeek {

// Text from outside, for messages: one line of valid UTF-8 in which nothing moves a terminal's cursor.

/// utf8::visible(), but spaces stay spaces. Sound text comes back as it is.
std::string one_line(std::string_view text);

/// A path in quotation marks.
std::string shown(const std::filesystem::path& path);

/// Whether `text` may be shown as a name, and be a part of a file's: not empty, at most 128 bytes, only visible
/// characters without slashes, and single spaces between them.
bool is_sound_name(std::string_view text);

}  // namespace nopeek
