#include "app/host/recovery.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <utility>
#include <vector>

#ifndef _WIN32
#include <unistd.h>
#endif

#include "app/host/messages.h"
#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/part.h"
#include "core/io/shown.h"
#include "core/live/run_folder.h"
#include "core/live/run_json.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

constexpr double kFirst = 60, kEvery = 180;  // s
constexpr double kCosts = 20;                // times what a copy took pass until the next one: training waits for it
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
    if (discarded_) fs::remove_all(path_, ignored);  // while it is locked
  }
  Folder(const Folder&) = delete;

  fs::path run() const { return path_ / "run"; }
  /// It will be removed as soon as nobody writes to it any more.
  void discard() { discarded_ = true; }

  /// False if its process lives, or if there is no lock.
  bool lock() {
    lock_ = FileLock(path_ / "lock");
    return lock_.held();
  }

  /// Why it could not be; empty if it was. On the lab's thread.
  std::string save(const RunView& run) {
    try {
      make_lock();
      save_run(this->run(), run);
      return {};
    } catch (const Cancelled&) {
      return {};
    } catch (const fs::filesystem_error&) {
      return "Cannot write the folder " + shown(path_) + ".";
    } catch (const Error& error) {
      return error.what();
    } catch (const std::exception& error) {
      return words_of(error);
    }
  }

 private:
  /// Between its making and its locking another process may take the folder for a dead one, and remove it.
  void make_lock() {
    for (int tries = 0; tries < 3 && !lock_.held(); ++tries) {
      fs::create_directories(path_);
      if (!fs::exists(path_ / "lock")) write_file(path_ / "lock", "");
      lock_ = FileLock(path_ / "lock", FileLock::Wait::kBriefly);
    }
    if (!lock_.held()) throw Error("Cannot lock " + shown(path_ / "lock") + ".");
  }

  fs::path path_;
  FileLock lock_;
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

/// Its process ended before the first copy was whole.
bool is_torn(const fs::path& run) {
  std::error_code error;
  return fs::status(run / "run.json", error).type() == fs::file_type::not_found;
}

/// None if it cannot be read, perhaps only here and now: a newer version may have written it.
std::optional<int64_t> step_of(const fs::path& run) {
  try {
    return read_run_json(run / "run.json").run.step;
  } catch (const std::exception&) {
    return std::nullopt;
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
  if (own_ && !kept_ && std::uncaught_exceptions() == exceptions_) own_->discard();
}

void Recovery::look_for_others() {
  size_t left = 0;
  for (const fs::path& path : folders_in(home_)) {
    auto folder = std::make_shared<Folder>(path);
    if (!folder->lock()) continue;
    if (is_torn(folder->run())) folder->discard();
    const std::optional<int64_t> step = step_of(folder->run());
    if (!step) continue;
    if (++left > kMostLeft) {
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
  kept_ = true;
}

std::string Recovery::tick(double now, const Snapshot& newest, LiveLab& lab) {
  if (home_.empty()) return {};
  if (keeping_.valid()) {
    if (keeping_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return {};
    const Outcome outcome = keeping_.get();
    due_ = now + std::max(kEvery, kCosts * outcome.seconds);
    if (outcome.failure.empty() && outcome.folder == own_.get()) kept_ = false;
    if (outcome.failure.empty() || std::exchange(told_, true)) return {};
    return "No safety copy of this run could be written. " + outcome.failure + " Save it yourself now and then.";
  }
  if (newest.run != run_) {
    run_ = newest.run;
    kept_step_ = newest.step;
    due_ = now + kFirst;
  }
  if (now < due_ || newest.step == kept_step_) return {};
  kept_step_ = newest.step;
  auto promise = std::make_shared<std::promise<Outcome>>();
  keeping_ = promise->get_future();
  lab.post(VisitRun{[promise, folder = own_](const RunView& run) {
    const auto begin = std::chrono::steady_clock::now();
    std::string failure = folder->save(run);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    promise->set_value({std::move(failure), took.count(), folder.get()});
  }});
  return {};
}

}  // namespace nopeek
