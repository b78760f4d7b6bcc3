#pragma once
#include <filesystem>
#include <functional>

namespace nopeek {

// What FileWriter and FolderWriter share: who writes to NAME writes beside it first, under a name that is nobody's.

/// Keeps others off a file or a folder for as long as it lives. The system lets go of it when the process ends, however
/// that happens, so what nobody holds is nobody's. Not held where the system or the file system cannot.
class FileLock {
 public:
  enum class Wait { kNo, kBriefly };  // kBriefly: up to two seconds, and then goes on without
  FileLock() = default;
  explicit FileLock(const std::filesystem::path& path, Wait wait = Wait::kNo);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

  bool held() const { return state_ == State::kHeld; }
  /// Another one holds it, or it was removed before it could be locked.
  bool lost() const { return state_ == State::kLost; }

 private:
  enum class State { kUnknown, kHeld, kLost };
  int file_ = -1;
  State state_ = State::kUnknown;
};

/// A new file or folder beside `path` (path + ".part-", the number of the process and another one), locked by who made
/// it. Removed at the end if it still has that name.
class DiskPart {
 public:
  enum class Kind { kFile, kFolder };
  /// `path` may end with a slash: the part then lies in that folder. `permissions`: at most. Throws filesystem_error.
  DiskPart(const std::filesystem::path& path, Kind kind,
           std::filesystem::perms permissions = std::filesystem::perms::all);
  ~DiskPart();
  DiskPart(const DiskPart&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// It stays where it is, for people to find.
  void keep() { kept_ = true; }

 private:
  std::filesystem::path path_;
  bool kept_ = false;
  FileLock lock_;
};

/// Whether `entry` has the name of a part of `path`.
bool is_part_of(const std::filesystem::path& entry, const std::filesystem::path& path);

/// Removes the parts of `path` that a process left when it was killed: nobody holds their locks. Of them, only those
/// that `may_go` is true for.
void remove_dead_parts(
    const std::filesystem::path& path,
    const std::function<bool(const std::filesystem::path&)>& may_go = [](const auto&) { return true; });

/// Waits until a file, or the names in a folder, are on the disk, where the system can. Throws filesystem_error.
void sync(const std::filesystem::path& path);

}  // namespace nopeek
