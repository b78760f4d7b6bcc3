#include "core/io/file.h"

#include <cerrno>
#include <system_error>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#endif

#include "core/base/error.h"
#include "core/io/shown.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

std::string reason_of(int error) { return std::generic_category().message(error); }

/// Where links lead, be there a file or not.
fs::path end_of_links(fs::path path) {
  constexpr int kMostLinks = 40;
  std::error_code error;
  for (int i = 0; i < kMostLinks && fs::is_symlink(fs::symlink_status(path, error)); ++i) {
    path = path.parent_path() / fs::read_symlink(path, error);
  }
  return path;
}

#ifndef _WIN32

constexpr const char* kWrite = "we";  // not for child processes

/// A copy of standard output or error if `path` is where it goes, else null. Opened anew, a file would be written from
/// its beginning by both.
std::FILE* own_output(const fs::path& path) {
  struct stat file {
  }, own{};
  if (stat(path.c_str(), &file) != 0) return nullptr;
  for (const int output : {STDOUT_FILENO, STDERR_FILENO}) {
    if (fstat(output, &own) != 0 || own.st_dev != file.st_dev || own.st_ino != file.st_ino) continue;
    if ((fcntl(output, F_GETFL) & O_ACCMODE) == O_RDONLY) continue;
    return fdopen(fcntl(output, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), "w");
  }
  return nullptr;
}

/// A device or a pipe; null with errno if it cannot be written to.
std::FILE* open_special(const fs::path& path, bool wait) {
  const int file = open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC | (wait ? 0 : O_NONBLOCK));
  if (file < 0) return nullptr;
  fcntl(file, F_SETFL, fcntl(file, F_GETFL) & ~O_NONBLOCK);
  return fdopen(file, "w");
}

bool may_write(const fs::path& path) { return faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0; }

/// As far as it is allowed: only root may give files away, others at most to a group of theirs.
void give_owner_and_permissions(std::FILE* file, const fs::path& of) {
  struct stat old {};
  if (stat(of.c_str(), &old) != 0) return;
  constexpr auto kSameOwner = static_cast<uid_t>(-1);
  mode_t mode = old.st_mode & 07777;
  const bool given =
      fchown(fileno(file), old.st_uid, old.st_gid) == 0 || fchown(fileno(file), kSameOwner, old.st_gid) == 0;
  if (!given) mode &= ~static_cast<mode_t>(S_IRWXG | S_ISGID);  // they were meant for another group
  fchmod(fileno(file), mode);
}

/// While it lives, a pipe whose reader has gone is an error of write(), and not the end of the program: a log is not
/// worth a run.
class PipeErrors {
 public:
  PipeErrors() : was_pending_(pending()) {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~PipeErrors() {
    int signal = 0;
    if (!was_pending_ && pending()) sigwait(&pipe_, &signal);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  PipeErrors(const PipeErrors&) = delete;

 private:
  static bool pending() {
    sigset_t signals;
    return sigpending(&signals) == 0 && sigismember(&signals, SIGPIPE) == 1;
  }
  bool was_pending_;
  sigset_t pipe_, before_;
};

#else

constexpr const char* kWrite = "wb";
std::FILE* own_output(const fs::path&) { return nullptr; }
std::FILE* open_special(const fs::path& path, bool) { return std::fopen(path.string().c_str(), "wb"); }
bool may_write(const fs::path&) { return true; }
void give_owner_and_permissions(std::FILE*, const fs::path&) {}
struct PipeErrors {
  PipeErrors() {}
};

#endif

void require_folder_of(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) return;
  throw Error("There is no folder " + shown(folder) + " to write " + shown(file.filename()) +
              " in. Check the name, or make the folder first.");
}

void require_writable(const fs::path& file, fs::perms permissions) {
  constexpr fs::perms kAnyWrite = fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write;
  if ((permissions & kAnyWrite) != fs::perms::none && may_write(file)) return;
  throw Error(shown(file) + " is write-protected. Allow writing to it, or choose another name.");
}

}  // namespace

FileWriter::FileWriter(fs::path path, Reader reader) : path_(std::move(path)) {
  std::error_code error;
  const fs::file_status status = fs::status(path_, error);
  if (!fs::status_known(status)) fail(error.message());
  if (fs::is_directory(status)) throw Error(nopeek::shown(path_) + " is a folder. Name a file.");
  const bool exists = fs::exists(status), special = exists && !fs::is_regular_file(status);
  file_.reset(exists ? own_output(path_) : nullptr);
  if (special && !file_) {
    file_.reset(open_special(path_, reader == Reader::kAwaited));
    if (!file_ && errno == ENXIO) throw Error(nopeek::shown(path_) + " is a pipe that nobody reads.");
    if (!file_) fail(reason_of(errno));
  }
  if (file_) {
    std::setvbuf(file_.get(), nullptr, _IONBF, 0);  // who reads a pipe sees each line as it comes
    return;
  }
  target_ = exists ? fs::canonical(path_, error) : end_of_links(path_);
  require_folder_of(target_);
  if (exists) require_writable(target_, status.permissions());
  open_part(exists, status.permissions());
}

void FileWriter::open_part(bool exists, fs::perms permissions) {
  try {
    part_.emplace(target_, DiskPart::Kind::kFile, exists ? permissions : fs::perms::all);
  } catch (const fs::filesystem_error& error) {
    fail(error.code().message());
  }
  file_.reset(std::fopen(part_->path().string().c_str(), kWrite));
  if (!file_) fail(reason_of(errno));
  if (exists) give_owner_and_permissions(file_.get(), target_);
}

void FileWriter::write(std::string_view content) {
  if (content.empty()) return;
  std::optional<PipeErrors> pipe_errors;
  if (!part_) pipe_errors.emplace();
  if (std::fwrite(content.data(), 1, content.size(), file_.get()) != content.size()) fail(reason_of(errno));
}

void FileWriter::commit() {
  if (std::fclose(file_.release()) != 0) fail(reason_of(errno));
  if (!part_) return;
  try {
    sync(part_->path());
    fs::rename(part_->path(), target_);
    sync(target_.has_parent_path() ? target_.parent_path() : ".");
  } catch (const fs::filesystem_error& error) {
    fail(error.code().message());
  }
  part_.reset();
  remove_dead_parts(target_);
}

void FileWriter::fail(const std::string& reason) const {
  throw Error("Cannot write " + nopeek::shown(path_) + ": " + one_line(reason) +
              ". Check the folder, its rights and the space on the disk.");
}

void write_file(const fs::path& path, std::string_view content) {
  std::error_code ignored;  // opening the file tells
  if (path.has_parent_path() && !fs::exists(path, ignored)) fs::create_directories(path.parent_path(), ignored);
  FileWriter writer(path, FileWriter::Reader::kNeeded);
  writer.write(content);
  writer.commit();
}

FileReader::FileReader(const std::filesystem::path& path) : shown_(nopeek::shown(path)) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) throw Error("There is no file " + shown_ + ".");
  if (std::filesystem::is_directory(status)) throw Error(shown_ + " is a folder, where a file is needed.");
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw Error(shown_ + " is not a regular file.");
  }
  file_.open(path, std::ios::binary);
  file_.seekg(0, std::ios::end);
  const std::streamoff size = file_.tellg();  // of the file that is open: another one may have its name by now
  if (!file_ || size < 0) throw Error("Cannot read " + shown_ + ". Check that you may read it.");
  size_ = static_cast<uint64_t>(size);
  refuse_lfs_pointer();
}

void FileReader::refuse_lfs_pointer() {
  constexpr std::string_view kBegin = "version https://git-lfs";
  constexpr uint64_t kMostBytes = 1024;  // the format's own limit
  if (size_ < kBegin.size() || size_ >= kMostBytes) return;
  std::string begin(kBegin.size(), ' ');
  read(0, begin.data(), begin.size());
  if (begin != kBegin) return;
  throw Error(shown_ + " is only a pointer of git LFS to the file. Run \"git lfs pull\" in its folder to fetch it.");
}

void FileReader::read(uint64_t position, void* to, size_t bytes) {
  file_.seekg(static_cast<std::streamoff>(position));
  file_.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
  if (!file_) throw Error("Reading " + shown_ + " failed in the middle. Check the disk and try again.");
}

std::string read_file(const std::filesystem::path& path, uint64_t max_bytes) {
  FileReader file(path);
  if (file.size() > max_bytes) {
    throw Error(file.shown() + " is larger than the " + std::to_string(max_bytes >> 20) +
                " MB that such a file may have.");
  }
  std::string content(file.size(), '\0');
  file.read(0, content.data(), content.size());
  return content;
}

}  // namespace nopeek
