#include "core/io/part.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#ifdef _WIN32
#include <process.h>

#include <cstdio>
#else
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace nopeek {

namespace fs = std::filesystem;

#ifdef _WIN32

FileLock::FileLock(const fs::path&, Wait) {}
FileLock::~FileLock() = default;
void sync(const fs::path&) {}

#else

FileLock::FileLock(const fs::path& path, Wait wait)
    : file_(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) {
  if (file_ < 0) {
    if (errno == ENOENT) state_ = State::kLost;
    return;
  }
  constexpr int kTries = 100;
  int tries = wait == Wait::kBriefly ? kTries : 1;
  while (flock(file_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return;  // a file system that cannot
    state_ = State::kLost;
    if (--tries == 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  struct stat status {};
  const bool removed = fstat(file_, &status) == 0 && status.st_nlink == 0;
  state_ = removed ? State::kLost : State::kHeld;
}

FileLock::~FileLock() {
  if (file_ >= 0) close(file_);
}

void sync(const fs::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  const int error = fsync(file) == 0 ? 0 : errno;
  close(file);
  if (error == EIO || error == ENOSPC || error == EDQUOT) {  // others: a file system that cannot
    throw fs::filesystem_error("fsync", path, std::error_code(error, std::generic_category()));
  }
}

#endif

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(state_, other.state_);
  return *this;
}

namespace {

constexpr std::string_view kPart = ".part-";

int process_id() {
#ifdef _WIN32
  return _getpid();
#else
  return static_cast<int>(getpid());
#endif
}

/// False if there is something of this name, and be it a link to nowhere.
bool create_file(const fs::path& path, fs::perms permissions) {
#ifdef _WIN32
  static_cast<void>(permissions);
  std::FILE* file = std::fopen(path.string().c_str(), "wbx");
  if (file != nullptr) return std::fclose(file) == 0;
#else
  const int file =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, static_cast<mode_t>(permissions) & 0666);
  if (file >= 0) return close(file) == 0;
#endif
  if (errno == EEXIST) return false;
  throw fs::filesystem_error("open", path, std::error_code(errno, std::generic_category()));
}

bool create_folder(const fs::path& path) {
  std::error_code error;
  if (fs::create_directory(path, error)) return true;
  if (!error || error == std::errc::file_exists) return false;
  throw fs::filesystem_error("mkdir", path, error);
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

DiskPart::DiskPart(const fs::path& path, Kind kind, fs::perms permissions) {
  static std::atomic<int> counter = 0;
  constexpr int kTries = 1000;  // names that a process of the same number left behind
  for (int i = 0; i < kTries; ++i) {
    path_ = path;
    path_ += std::string(kPart) + std::to_string(process_id()) + "-" + std::to_string(++counter);
    if (kind == Kind::kFile ? !create_file(path_, permissions) : !create_folder(path_)) continue;
    lock_ = FileLock(path_);
    if (!lock_.lost()) return;  // between these lines somebody may have taken it for a dead one, and removed it
  }
  throw fs::filesystem_error("create", path, std::make_error_code(std::errc::file_exists));
}

DiskPart::~DiskPart() {
  std::error_code ignored;
  if (!kept_) fs::remove_all(path_, ignored);
}

bool is_part_of(const fs::path& entry, const fs::path& path) {
  const std::string name = entry.filename().string(), start = path.filename().string() + std::string(kPart);
  if (!name.starts_with(start)) return false;
  const std::string_view numbers = std::string_view(name).substr(start.size());
  const size_t dash = std::min(numbers.find('-'), numbers.size());
  return is_number(numbers.substr(0, dash)) && is_number(numbers.substr(std::min(dash + 1, numbers.size())));
}

void remove_dead_parts(const fs::path& path, const std::function<bool(const fs::path&)>& may_go) {
  std::error_code error;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (!is_part_of(entry->path(), path)) continue;
    const FileLock lock(entry->path());  // until it is gone: whoever has just made it must not believe that it is his
    if (!lock.held() || !may_go(entry->path())) continue;
    std::error_code ignored;
    fs::remove_all(entry->path(), ignored);
  }
}

}  // namespace nopeek
