#include "app/host/recovery.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <utility>
#include <vector>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#endif

#include "core/base/error.h"
#include "core/io/shown.h"
#include "core/live/run_folder.h"
#include "core/live/run_json.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

constexpr double kFirst = 60, kEvery = 180;  // s
constexpr size_t kMostLeft = 3;
#ifdef _WIN32
constexpr bool kCanLock = false;
#else
constexpr bool kCanLock = true;
#endif

}  // namespace

/// One process's folder: `run`, as save_run() writes it, and `lock`, which is locked for as long as the process lives.
class Recovery::Folder {
 public:
  explicit Folder(fs::path path) : path_(std::move(path)) {}
  ~Folder() {
    std::error_code ignored;
    if (discarded_) fs::remove_all(path_, ignored);
#ifndef _WIN32
    if (lock_ >= 0) close(lock_);
#endif
  }
  Folder(const Folder&) = delete;

  fs::path run() const { return path_ / "run"; }
  /// It will be removed as soon as nobody writes to it any more.
  void discard() { discarded_ = true; }

  /// False if its process lives, or if there is no lock and none shall be made.
  bool lock([[maybe_unused]] bool make = false) {
#ifdef _WIN32
    return false;
#else
    if (lock_ < 0) lock_ = open((path_ / "lock").c_str(), O_RDWR | (make ? O_CREAT : 0) | O_CLOEXEC | O_NOFOLLOW, 0600);
    return lock_ >= 0 && flock(lock_, LOCK_EX | LOCK_NB) == 0;
#endif
  }

  /// Why it could not be; empty if it was. On the lab's thread.
  std::string save(const RunView& run) {
    try {
      fs::create_directories(path_);
      if (!lock(/*make=*/true)) throw Error("Cannot lock " + shown(path_ / "lock") + ".");
      save_run(this->run(), run);
      return {};
    } catch (const Cancelled&) {
      return {};
    } catch (const fs::filesystem_error&) {
      return "Cannot write the folder " + shown(path_) + ".";
    } catch (const Error& error) {
      return error.what();
    } catch (const std::exception&) {
      return "There is not enough memory.";
    }
  }

 private:
  fs::path path_;
  int lock_ = -1;
  std::atomic<bool> discarded_ = false;
};

namespace {

/// A name that no other process has, whether it lives or not.
fs::path own_folder(const fs::path& home) {
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
#ifdef _WIN32
  return home / std::to_string(now);
#else
  return home / (std::to_string(now) + "-" + std::to_string(getpid()));
#endif
}

/// Folders below `home`, the newest first.
std::vector<fs::path> folders_in(const fs::path& home) {
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  std::error_code error;
  for (fs::directory_iterator entry(home, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_symlink(ignored) || !entry->is_directory(ignored)) continue;
    found.emplace_back(fs::last_write_time(entry->path(), ignored), entry->path());
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<fs::path> folders;
  for (auto& [time, path] : found) folders.push_back(std::move(path));
  return folders;
}

std::optional<int64_t> step_of(const fs::path& run) {
  try {
    return read_run_json(run / "run.json").run.step;
  } catch (const std::exception&) {
    return std::nullopt;  // it ended before its first copy was whole
  }
}

}  // namespace

Recovery::Recovery(const fs::path& home)
    : home_(home.empty() || !kCanLock ? fs::path() : home / "kept"), exceptions_(std::uncaught_exceptions()) {
  if (home_.empty()) return;
  look_for_others();
  own_ = std::make_shared<Folder>(own_folder(home_));
}

Recovery::~Recovery() {
  if (own_ && std::uncaught_exceptions() == exceptions_) own_->discard();
}

void Recovery::look_for_others() {
  size_t left = 0;
  for (const fs::path& path : folders_in(home_)) {
    auto folder = std::make_shared<Folder>(path);
    if (!folder->lock()) continue;
    const std::optional<int64_t> step = step_of(folder->run());
    if (!step || ++left > kMostLeft) {
      folder->discard();
    } else if (!found_) {
      found_ = Found{folder->run(), *step};
      left_ = std::move(folder);  // locked: another window will not offer it as well
    }
  }
}

void Recovery::take_over() {
  if (!left_) return;
  if (own_) own_->discard();
  own_ = std::exchange(left_, nullptr);
  found_.reset();
}

std::string Recovery::tick(double now, const Snapshot& newest, LiveLab& lab) {
  if (home_.empty()) return {};
  if (keeping_.valid()) {
    if (keeping_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return {};
    const std::string failure = keeping_.get();
    due_ = now + kEvery;
    if (failure.empty() || std::exchange(told_, true)) return {};
    return "The run is not kept while it trains: " + failure + " Save it now and then.";
  }
  if (newest.run != run_) {
    run_ = newest.run;
    kept_step_ = newest.step;
    due_ = now + kFirst;
  }
  if (now < due_ || newest.step == kept_step_) return {};
  kept_step_ = newest.step;
  auto promise = std::make_shared<std::promise<std::string>>();
  keeping_ = promise->get_future();
  lab.post(VisitRun{[promise, folder = own_](const RunView& run) { promise->set_value(folder->save(run)); }});
  return {};
}

}  // namespace nopeek
