#include "core/io/folder.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#ifdef __linux__
#include <fcntl.h>
#include <stdio.h>
#endif
#ifdef _WIN32
#include <process.h>
#else
#include <unistd.h>
#endif

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/json_fields.h"
#include "core/io/shown.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kMostJson = 40u << 20;  // as much as config.json may have

using Names = std::vector<std::string>;
const Names kModelFiles = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"};
const Names kLaneFiles = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
                          "training.safetensors"};
const Names kRunFiles = {"run.json", "corpus.safetensors"};

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Fields read_fields(const fs::path& path) { return {parse_json(read_file(path, kMostJson), path.string()), "file"}; }

/// True if config.json has NoPeek's own key: a published model, which may have cost a day to fetch, has none.
bool is_our_model(const fs::path& folder) {
  try {
    read_fields(folder / "config.json").object("nopeek").integer("version", 1, INT64_MAX);
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// The lanes that run.json names; none if it is not NoPeek's: others call their files so, too. What load_run() would
/// refuse may still be NoPeek's (of a newer version, or damaged elsewhere), so only the landmarks are asked for.
Names lanes_of_run(const fs::path& folder) {
  try {
    const Fields run = read_fields(folder / "run.json");
    run.integer("version", 1, INT64_MAX);
    run.integer("step", 0, INT64_MAX);
    run.bits("batcher_rng");
    run.object("config").object("train");
    run.object("corpus").text("name");
    Names names;
    for (const auto& lane : run.at("lanes")) names.push_back(Fields(lane, "lane").text("name"));
    return names;
  } catch (const Error&) {
    return {};
  }
}

/// The first entry that NoPeek did not write; empty if there is none. `lanes` are folders with a model each.
fs::path foreign_entry(const fs::path& folder, const Names& files, const Names& lanes) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_symlink()) return entry.path();
    if (entry.is_directory() && contains(lanes, name)) {
      // A model of somebody else's that was put in the place of a lane is not ours to delete.
      if (!is_our_model(entry.path())) return entry.path();
      if (const fs::path inside = foreign_entry(entry.path(), kLaneFiles, {}); !inside.empty()) return inside;
      continue;
    }
    if (!contains(files, name) || !entry.is_regular_file()) return entry.path();
  }
  return {};
}

/// Throws Error unless the folder can go without a loss.
void require_replaceable(const fs::path& folder) {
  if (fs::is_empty(folder)) return;
  const Names lanes = lanes_of_run(folder);
  if (lanes.empty() && !is_our_model(folder)) {
    throw Error(shown(folder) + " is there already and is no model that NoPeek saved. Choose another name.");
  }
  const fs::path foreign = foreign_entry(folder, lanes.empty() ? kModelFiles : kRunFiles, lanes);
  if (foreign.empty()) return;
  throw Error("Saving to " + shown(folder) + " would delete " + shown(foreign) + ". Choose another name.");
}

/// Through links and without a slash at the end, so that the rename changes the folder itself.
fs::path resolved(const fs::path& path) {
  std::error_code ignored;
  fs::path plain = fs::weakly_canonical(path, ignored);
  if (plain.empty()) plain = fs::absolute(path, ignored).lexically_normal();
  return plain.has_filename() ? plain : plain.parent_path();
}

/// Swaps two folders in one move, where the system can.
bool exchange(const fs::path& a, const fs::path& b) {
#ifdef __linux__
  return renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#else
  static_cast<void>(a), static_cast<void>(b);
  return false;
#endif
}

/// The same in three moves: an end of the program between them leaves both, the old one as part + ".old".
void exchange_slowly(const fs::path& part, const fs::path& path) {
  fs::path old = part;
  old += ".old";
  fs::rename(path, old);
  std::error_code error;
  fs::rename(part, path, error);
  if (error) {
    fs::rename(old, path);
    throw fs::filesystem_error("rename", error);
  }
  fs::rename(old, part);
}

int process_id() {
#ifdef _WIN32
  return _getpid();
#else
  return static_cast<int>(getpid());
#endif
}

/// Waits until a file, or the names in a folder, are on the disk, where the system can.
void sync(const fs::path& path) {
#ifdef __linux__
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  const int error = fsync(file) == 0 ? 0 : errno;
  close(file);
  if (error == EIO || error == ENOSPC || error == EDQUOT) {  // others: a file system that cannot
    throw fs::filesystem_error("fsync", path, std::error_code(error, std::generic_category()));
  }
#else
  static_cast<void>(path);
#endif
}

void sync_all(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_directory() || entry.is_regular_file()) sync(entry.path());
  }
  sync(folder);
}

/// A new folder beside `path`. Its name is no other's, so that two programs that save to one place do not meet.
fs::path make_part(const fs::path& path) {
  static std::atomic<int> counter = 0;
  constexpr int kTries = 1000;  // names that a process of the same number left behind
  for (int i = 0; i < kTries; ++i) {
    fs::path part = path;
    part += ".part-" + std::to_string(process_id()) + "-" + std::to_string(++counter);
    if (fs::create_directory(part)) return part;
  }
  throw fs::filesystem_error("create_directory", path, std::make_error_code(std::errc::file_exists));
}

}  // namespace

FolderWriter::FolderWriter(const fs::path& path) : path_(resolved(path)) {
  if (!path_.has_filename()) throw Error(shown(path) + " cannot be saved to. Choose another name.");
  try {
    if (fs::exists(path_) && !fs::is_directory(path_)) {
      throw Error(shown(path_) + " is a file, where a folder would be saved. Choose another name.");
    }
    if (fs::exists(path_)) require_replaceable(path_);
    fs::create_directories(path_.parent_path());
    part_ = make_part(path_);
  } catch (const fs::filesystem_error&) {
    fail();
  }
}

FolderWriter::~FolderWriter() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(part_, ignored);
}

void FolderWriter::commit() {
  try {
    sync_all(part_);
    if (!fs::exists(path_)) {
      fs::rename(part_, path_);
      committed_ = true;
    } else {
      require_replaceable(path_);  // somebody may have been there since
      if (!exchange(part_, path_)) exchange_slowly(part_, path_);
    }
    sync(path_.parent_path());
  } catch (const fs::filesystem_error&) {
    fail();
  }
  // If there was an old folder, the name `part` is now its, and the destructor removes it.
}

void FolderWriter::fail() const {
  throw Error("Cannot write the folder " + shown(path_) +
              ". Check the folder above it, its rights and the space on the disk.");
}

}  // namespace nopeek
