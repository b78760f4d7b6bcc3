#pragma once
#include <filesystem>

namespace nopeek {

/// Writes a folder whole or not at all: the files go into a folder beside it (path + ".part-", the number of the
/// process and another one), which commit() brings to the disk and renames. A failure, or an end of the program in the
/// middle, leaves what was there; the latter also leaves the part, which does no harm. Of two that write to one path at
/// once, the later commit() wins. Makes missing folders above. All throw Error.
///
/// An existing folder is replaced only if it is empty, or is a model or a run that NoPeek saved and holds nothing else:
/// nobody shall lose a file because of a name that was typed in haste.
class FolderWriter {
 public:
  /// Refuses here what could not be replaced later, so that it can be asked before long work.
  explicit FolderWriter(const std::filesystem::path& path);
  ~FolderWriter();  // without commit(): removes what was written
  FolderWriter(const FolderWriter&) = delete;

  /// Where to write.
  const std::filesystem::path& part() const { return part_; }
  void commit();

 private:
  [[noreturn]] void fail() const;
  std::filesystem::path path_, part_;
  bool committed_ = false;
};

}  // namespace nopeek
