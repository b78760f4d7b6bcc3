#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
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

/// A file that is open for reading, and its size. Only regular files are opened: a pipe or a device would be waited
/// for, perhaps for ever. Nor is a pointer of git LFS, which stands where a file was not fetched. All throw Error with
/// one line that names the file.
class FileReader {
 public:
  explicit FileReader(const std::filesystem::path& path);

  uint64_t size() const { return size_; }
  /// The path in quotation marks, for messages.
  const std::string& shown() const { return shown_; }
  /// `bytes` bytes from `position` on into `to`.
  void read(uint64_t position, void* to, size_t bytes);

 private:
  void refuse_lfs_pointer();

  std::string shown_;
  std::ifstream file_;
  uint64_t size_ = 0;
};

/// All at once; refused beyond `max_bytes`.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes);

}  // namespace nopeek
