#pragma once
#include <filesystem>
#include <fstream>
#include <string_view>

namespace nopeek {

/// Writes a file under a temporary name (path + ".part") and renames it at commit(): a reader never sees half a file,
/// and a failure leaves the old one. Makes missing folders. All throw Error.
class FileWriter {
 public:
  explicit FileWriter(std::filesystem::path path);
  ~FileWriter();  // without commit(): removes the temporary file
  FileWriter(const FileWriter&) = delete;

  void write(std::string_view content);
  void commit();

 private:
  [[noreturn]] void fail() const;
  std::filesystem::path path_, part_;
  std::ofstream file_;
  bool committed_ = false;
};

/// All at once.
void write_file(const std::filesystem::path& path, std::string_view content);

}  // namespace nopeek
