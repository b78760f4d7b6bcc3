#include "app/host/folder_reader.h"

#include <algorithm>
#include <cctype>
#include <system_error>
#include <thread>
#include <utility>

#include "app/host/messages.h"
#include "app/host/opener.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

constexpr size_t kFirstPart = 1000;  // entries, and twice as many each time: all copies together cost as much as one

bool comes_before(const FolderEntry& a, const FolderEntry& b) {
  if (a.folder != b.folder) return a.folder;
  return std::lexicographical_compare(
      a.name.begin(), a.name.end(), b.name.begin(), b.name.end(),
      [](unsigned char x, unsigned char y) { return std::tolower(x) < std::tolower(y); });
}

std::vector<FolderEntry> sorted(std::vector<FolderEntry> entries) {
  std::sort(entries.begin(), entries.end(), comes_before);
  return entries;
}

/// Nothing if it is not to be listed.
std::optional<FolderEntry> entry_of(const fs::directory_entry& found, FolderReader::Wanted wanted) {
  FolderEntry entry{found.path().filename().string()};
  if (entry.name.empty() || entry.name[0] == '.') return std::nullopt;
  std::error_code ignored;
  entry.folder = found.is_directory(ignored);
  if (entry.folder) {
    entry.model = is_model_folder(found.path());
  } else {
    if (wanted == FolderReader::Wanted::kFolders || !found.is_regular_file(ignored)) return std::nullopt;
    entry.size = found.file_size(ignored);
  }
  return entry;
}

}  // namespace

void FolderReader::Job::publish(Listing listing) {
  const std::lock_guard lock(mutex);
  complete = listing.complete;
  newest = std::move(listing);
  if (complete) ended.notify_all();
}

void FolderReader::read(Job& job, const fs::path& folder, Wanted wanted, size_t most) {
  std::error_code error;
  Listing all;
  size_t part = kFirstPart;
  fs::directory_iterator it(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && it != fs::directory_iterator() && !job.cancelled; it.increment(error)) {
    auto entry = entry_of(*it, wanted);
    if (!entry) continue;
    all.cut_off = all.entries.size() == most;
    if (all.cut_off) break;
    all.entries.push_back(std::move(*entry));
    if (all.entries.size() == part) {
      job.publish({sorted(all.entries), false, false, {}});
      part *= 2;
    }
  }
  all.complete = true;
  if (error) all.error = error.message();
  all.entries = sorted(std::move(all.entries));
  job.publish(std::move(all));
}

void FolderReader::start(const fs::path& folder, Wanted wanted, size_t most) {
  cancel();
  job_ = std::make_shared<Job>();
  const auto work = [job = job_, folder, wanted, most] {
    try {
      read(*job, folder, wanted, most);
    } catch (const std::exception& e) {  // no memory for more
      job->publish({.entries = {}, .complete = true, .cut_off = false, .error = words_of(e)});
    }
  };
  try {
    std::thread(work).detach();           // all that it touches is its own
  } catch (const std::system_error& e) {  // no more threads
    job_->publish({.entries = {}, .complete = true, .cut_off = false, .error = words_of(e)});
  }
}

void FolderReader::cancel() {
  if (job_) job_->cancelled = true;
  job_ = nullptr;
}

void FolderReader::wait(std::chrono::milliseconds time) {
  if (!job_) return;
  std::unique_lock lock(job_->mutex);
  job_->ended.wait_for(lock, time, [this] { return job_->complete; });
}

std::optional<FolderReader::Listing> FolderReader::poll() {
  if (!job_) return std::nullopt;
  std::unique_lock lock(job_->mutex);
  auto newest = std::exchange(job_->newest, std::nullopt);
  lock.unlock();
  if (newest && newest->complete) job_ = nullptr;
  return newest;
}

}  // namespace nopeek
