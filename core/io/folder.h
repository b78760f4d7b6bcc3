#pragma once
#include <filesystem>
#include <optional>
#include <system_error>

#include "core/io/part.h"

namespace nopeek {

/// Absolute, without "." and ".." and without a slash at the end; links stay.
std::filesystem::path in_full(const std::filesystem::path& path);

/// Absolute, through links and without a slash at the end, whether it is there or not: two names of one place become
/// the same.
std::filesystem::path resolved(const std::filesystem::path& path);

/// "~" and "~/run" with the home folder in place of the "~", as a shell writes it out; others as they are. For paths
/// that are typed into the window.
std::filesystem::path with_home(const std::filesystem::path& path);

/// Writes a folder whole or not at all: the files go into a part (see part.h), which commit() brings to the disk and
/// moves. A failure, or an end of the program in the middle, leaves what was there; the latter also leaves the part,
/// which does no harm and goes with a later save: at once if it is not whole, else when that one finds a run or a model
/// at `path`, for until then it may be the only copy. Of two that write to one path at once, the later commit() wins.
/// Makes missing folders above. All throw Error.
///
/// An existing folder is replaced only if it is empty, or is a model or a run that NoPeek saved and holds nothing else:
/// nobody shall lose a file because of a name that was typed in haste. The part lies beside it and is swapped for it in
/// one move. Where the folder itself must stay, the part lies in it and its files are moved up, one by one: if it is
/// empty, a mount point, where the program was started, or in a folder that one may not write to. This is the exception
/// to "whole": an end of the program between these moves leaves neither the old nor the new one in place, but both in
/// parts (docs/model-folder.md).
class FolderWriter {
 public:
  /// Refuses here what could not be replaced later, so that it can be asked before long work.
  explicit FolderWriter(const std::filesystem::path& path);
  FolderWriter(const FolderWriter&) = delete;  // without commit(), the end removes what was written

  /// Where to write.
  const std::filesystem::path& part() const { return part_->path(); }
  void commit();

 private:
  void make_part(bool exists);
  void replace();
  [[noreturn]] void fail(const std::error_code& error) const;
  std::filesystem::path path_;
  bool replaceable_ = false;  // there was a whole run or model when this began
  std::optional<DiskPart> part_;
};

}  // namespace nopeek
