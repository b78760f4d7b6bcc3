#pragma once
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/io/part.h"

namespace nopeek {

/// Writes a file that a reader never sees half of: the bytes go to a part beside it (see part.h), which commit() brings
/// to the disk and gives the name. A failure leaves the old file. Of two that write to one path, each has its own part,
/// and the later commit() wins.
///
/// A link is followed, and the file at its end replaced. The new file has the permissions and, where that is allowed,
/// the owner of the old one; one that nobody may write to is refused. What is no regular file (a device, a pipe,
/// /dev/stdout, a shell's >(...)), or is the program's own output, is written in place.
///
/// The folder must be there: a name that was typed wrongly shall not make one. All throw Error.
class FileWriter {
 public:
  /// What to do about a pipe that nobody reads yet: to wait for a reader, as a shell does, or to refuse it.
  enum class Reader { kAwaited, kNeeded };
  explicit FileWriter(std::filesystem::path path, Reader reader = Reader::kAwaited);
  FileWriter(const FileWriter&) = delete;  // without commit(), the end removes the part

  void write(std::string_view content);
  void commit();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void open_part(bool exists, std::filesystem::perms permissions);
  [[noreturn]] void fail(const std::string& reason) const;

  std::filesystem::path path_;    // as it was named, for messages
  std::filesystem::path target_;  // at the end of the links
  std::optional<DiskPart> part_;  // none: written in place
  std::unique_ptr<std::FILE, Close> file_;
};

/// All at once. Makes missing folders; never waits for the reader of a pipe.
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
