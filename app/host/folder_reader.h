#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace nopeek {

/// What the file dialog lists of a folder.
struct FolderEntry {
  std::string name;
  bool folder = false, model = false;  // a model or a saved run is both
  uintmax_t size = 0;                  // bytes, of files
  bool operator==(const FolderEntry&) const = default;
};

/// Reads a folder on a thread of its own: one of 200,000 files takes a second, one on a network that is gone takes for
/// ever. For the UI thread.
///
///   reader.start(folder, Wanted::kAll);
///   each frame:  if (auto listing = reader.poll()) show(*listing);
class FolderReader {
 public:
  enum class Wanted { kAll, kFolders };
  static constexpr size_t kMost = 100'000;  // entries of a listing
  FolderReader() = default;
  FolderReader(const FolderReader&) = delete;
  ~FolderReader() { cancel(); }  // not waited for: a folder that never answers must not keep the window open

  /// Hidden entries are left out, and so is what is neither folder nor regular file. Ends what was being read before.
  void start(const std::filesystem::path& folder, Wanted wanted, size_t most = kMost);
  /// Not waited for.
  void cancel();
  bool reading() const { return job_ != nullptr; }
  /// Until all is read, but no longer than `time`: most folders are read before anybody sees that they are not.
  void wait(std::chrono::milliseconds time);

  struct Listing {
    std::vector<FolderEntry> entries;  // folders first, then by name
    bool complete = false;             // nothing more will come
    bool cut_off = false;              // there are more than `most`
    std::string error;                 // why the rest is missing; empty: nothing is
  };
  /// The newest listing, longer than the one before, once. Nothing after cancel().
  std::optional<Listing> poll();

 private:
  struct Job {
    std::mutex mutex;
    std::condition_variable ended;
    std::optional<Listing> newest;
    bool complete = false;
    std::atomic<bool> cancelled = false;
    void publish(Listing listing);
  };
  static void read(Job& job, const std::filesystem::path& folder, Wanted wanted, size_t most);

  std::shared_ptr<Job> job_;  // shared with its thread
};

}  // namespace nopeek
