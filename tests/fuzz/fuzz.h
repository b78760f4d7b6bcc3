#pragma once
// What the fuzz targets share. A target is one file that defines run_input(); whatever it requires and does not hold
// ends the program, and libFuzzer keeps the input.
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.h"

namespace nopeek::fuzz {

/// The target.
void run_input(std::string_view input);

inline void require(bool holds, std::string_view law) {
  if (holds) return;
  std::fprintf(stderr, "BROKEN: %.*s\n", static_cast<int>(law.size()), law.data());
  std::abort();
}

/// By the JSON library's own table, not by core/text/utf8.h, which is under test.
inline bool is_utf8(std::string_view text) {
  try {
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

/// Valid UTF-8 without control characters: nothing that ends the line or moves a terminal's cursor.
inline bool is_printable(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool second_controls = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (byte < 0x20 || byte == 0x7F || second_controls) return false;
  }
  return is_utf8(text);
}

/// A few lines of a terminal, with the longest names.
constexpr size_t kLongestMessage = 1000;

inline void require_message(std::string_view message, size_t longest = kLongestMessage) {
  if (!message.empty() && message.size() <= longest && is_printable(message)) return;
  std::fprintf(stderr, "message: %s\n",
               nlohmann::json(message).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace).c_str());
  require(false, "an Error is one printable line");
}

/// Runs what may be refused. True if it was not; what refuses it must be an Error with a sound message.
template <class Action>
bool accepted(Action&& action, size_t longest = kLongestMessage) {
  try {
    action();
    return true;
  } catch (const Error& error) {
    require_message(error.what(), longest);
    return false;
  }
}

/// Where an action that must not fail any more is run.
template <class Action>
void must(std::string_view law, Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    std::fprintf(stderr, "refused: %s\n", error.what());
    require(false, law);
  }
}

/// The files for which one input stands: a line "%%" parts them. Always `count`, those that are missing being empty.
inline std::vector<std::string_view> parts_of(std::string_view input, size_t count) {
  constexpr std::string_view kBetween = "\n%%\n";
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < count) {
    const size_t end = std::min(input.find(kBetween), input.size());
    parts.push_back(input.substr(0, end));
    input.remove_prefix(std::min(end + kBetween.size(), input.size()));
  }
  parts.push_back(input);
  return parts;
}

/// A folder for the files of an input, removed at the end. scripts/fuzz.sh has it in memory, by TMPDIR.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("nopeek-fuzz-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};
inline const Folder& folder() {
  static const Folder one;
  return one;
}

inline void write_plain(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

/// Equal bit for bit; NaNs compare.
template <class A, class B>
bool same_bits(const A& a, const B& b) {
  return a.size() == b.size() &&
         std::string_view(reinterpret_cast<const char*>(a.data()), static_cast<size_t>(a.size()) * sizeof(*a.data())) ==
             std::string_view(reinterpret_cast<const char*>(b.data()),
                              static_cast<size_t>(b.size()) * sizeof(*b.data()));
}

}  // namespace nopeek::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nopeek::fuzz::run_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
