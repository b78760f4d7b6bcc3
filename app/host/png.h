#pragma once
#include <filesystem>
#include <future>
#include <string>

#include "app/host/picture.h"

namespace nopeek {

/// Writes `picture` as PNG, to a temporary name that is then renamed. Throws Error. Takes some 0.2 s for a window.
void write_png(const std::filesystem::path& file, const Picture& picture);

/// write_png() on a thread of its own. The result is empty, or what went wrong.
std::future<std::string> write_png_async(std::filesystem::path file, Picture picture);

}  // namespace nopeek
