#include "core/io/folder.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#ifdef __linux__
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
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

Fields read_fields(const fs::path& path) { return {parse_json(read_file(path, kMostJson), shown(path)), "file"}; }

/// True if config.json has NoPeek's own key: a published model, which may take a day to download again, has none.
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

/// Whether the entry of a folder is a part that is being written to this very folder, or was.
bool is_part_inside(const fs::path& entry) { return is_part_of(entry, entry.parent_path() / ""); }

/// The names in a folder, parts left out, and the file that makes it a model or a run at the end.
std::vector<fs::path> names_in(const fs::path& folder) {
  std::vector<fs::path> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!is_part_inside(entry.path())) names.push_back(entry.path().filename());
  }
  std::partition(names.begin(), names.end(),
                 [](const fs::path& name) { return name != "config.json" && name != "run.json"; });
  return names;
}

/// The first entry that NoPeek did not write; empty if there is none. `lanes` are folders with a model each.
fs::path foreign_entry(const fs::path& folder, const Names& files, const Names& lanes) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (is_part_inside(entry.path())) continue;
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
  if (names_in(folder).empty()) return;
  const Names lanes = lanes_of_run(folder);
  if (lanes.empty() && !is_our_model(folder)) {
    throw Error(shown(folder) + " is there already and is no model that NoPeek saved. Choose another name.");
  }
  const fs::path foreign = foreign_entry(folder, lanes.empty() ? kModelFiles : kRunFiles, lanes);
  if (foreign.empty()) return;
  throw Error("Saving to " + shown(folder) + " would delete " + shown(foreign) + ". Choose another name.");
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

/// The same in two moves and without the old one: an end of the program between them leaves both, the old one as
/// part + ".old".
void exchange_slowly(const fs::path& part, const fs::path& path) {
  fs::path old = part;
  old += ".old";
  fs::rename(path, old);
  std::error_code error;
  fs::rename(part, path, error);
  if (error) {
    fs::rename(old, path);
    throw fs::filesystem_error("rename", part, path, error);
  }
  fs::remove_all(old, error);  // the new one is in its place, whatever becomes of it
}

/// True for a disk, a container's volume and the like: it can be filled, and not be moved.
bool is_mount_point(const fs::path& folder) {
#if defined __linux__ && defined STATX_ATTR_MOUNT_ROOT
  struct statx status {};
  if (statx(AT_FDCWD, folder.c_str(), 0, 0, &status) != 0) return false;
  return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#else
  static_cast<void>(folder);
  return false;
#endif
}

bool holds_current_folder(const fs::path& folder) {
  std::error_code error;
  const fs::path current = fs::current_path(error);
  return !error && std::mismatch(folder.begin(), folder.end(), current.begin(), current.end()).first == folder.end();
}

/// Whether an existing folder must be filled rather than swapped for another one. One that is empty was made with the
/// owner and the rights that it shall have; in one that holds a part, somebody is writing.
bool must_stay(const fs::path& folder) {
  const auto is_part = [](const auto& entry) { return is_part_inside(entry.path()); };
  const fs::directory_iterator entries(folder);
  return fs::is_empty(folder) || std::any_of(begin(entries), end(entries), is_part) || is_mount_point(folder) ||
         holds_current_folder(folder);
}

/// Moves what is in `part` into `path`, and what was there into a part of its own, which is removed. All or nothing,
/// but not in one move: the file that makes it a model or a run goes first and comes last, so that an end of the
/// program in between leaves none, and no mixture that looks like one.
void fill(const fs::path& part, const fs::path& path) {
  DiskPart old(path / "", DiskPart::Kind::kFolder);
  std::vector<std::pair<fs::path, fs::path>> moves;
  for (const fs::path& name : names_in(path)) moves.emplace_back(path / name, old.path() / name);
  std::reverse(moves.begin(), moves.end());
  for (const fs::path& name : names_in(part)) moves.emplace_back(part / name, path / name);
  size_t done = 0;
  try {
    for (; done < moves.size(); ++done) fs::rename(moves[done].first, moves[done].second);
  } catch (const fs::filesystem_error&) {
    std::error_code error;
    while (!error && done-- > 0) fs::rename(moves[done].second, moves[done].first, error);
    if (error) old.keep();
    throw;
  }
}

void sync_all(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_directory() || entry.is_regular_file()) sync(entry.path());
  }
  sync(folder);
}

/// False if there is something at `path`.
bool rename_to_new(const fs::path& part, const fs::path& path) {
  if (fs::exists(path)) return false;
  std::error_code error;
  fs::rename(part, path, error);
  if (error == std::errc::directory_not_empty || error == std::errc::file_exists) return false;  // since just now
  if (error) throw fs::filesystem_error("rename", part, path, error);
  return true;
}

/// Whether a part, or what it took the place of, has the file that comes last: a save that was killed while it moved
/// them may have left the only copy there. One that cannot be looked into may be whole.
bool may_be_whole(const fs::path& part) {
  const auto may_have = [&](const char* name) {
    std::error_code error;
    return fs::exists(part / name, error) || error;
  };
  return may_have("run.json") || may_have("config.json");
}

bool is_refusal(const std::error_code& error) {
  return error == std::errc::permission_denied || error == std::errc::operation_not_permitted ||
         error == std::errc::read_only_file_system;
}

}  // namespace

fs::path in_full(const fs::path& path) {
  std::error_code failed;
  const fs::path absolute = fs::absolute(path, failed);
  const fs::path full = (failed ? path : absolute).lexically_normal();
  return full.has_filename() ? full : full.parent_path();
}

fs::path resolved(const fs::path& path) {
  std::error_code ignored;
  const fs::path canonical = fs::weakly_canonical(fs::absolute(path, ignored), ignored);
  return in_full(canonical.empty() ? path : canonical);
}

fs::path with_home(const fs::path& path) {
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0' || path.empty() || *path.begin() != "~") return path;
  fs::path expanded = home;
  for (auto part = std::next(path.begin()); part != path.end(); ++part) expanded /= *part;
  return expanded;
}

FolderWriter::FolderWriter(const fs::path& path) : path_(resolved(path)) {
  if (!path_.has_filename()) throw Error(shown(path) + " cannot be saved to. Choose another name.");
  try {
    const bool exists = fs::exists(path_);
    if (exists && !fs::is_directory(path_)) {
      throw Error(shown(path_) + " is a file, where a folder would be saved. Choose another name.");
    }
    if (exists) {
      const FileLock no_save_ends_now(path_.parent_path(), FileLock::Wait::kBriefly);
      require_replaceable(path_);
      replaceable_ = !names_in(path_).empty();
    } else {
      fs::create_directories(path_.parent_path());
    }
    make_part(exists);
  } catch (const fs::filesystem_error& error) {
    fail(error.code());
  }
}

void FolderWriter::make_part(bool exists) {
  if (exists && must_stay(path_)) {
    part_.emplace(path_ / "", DiskPart::Kind::kFolder);
    return;
  }
  try {
    part_.emplace(path_, DiskPart::Kind::kFolder);
  } catch (const fs::filesystem_error& error) {
    if (!exists || !is_refusal(error.code())) throw;
    part_.emplace(path_ / "", DiskPart::Kind::kFolder);  // a folder of one's own in one that is not
  }
}

void FolderWriter::commit() {
  try {
    sync_all(part());
    const FileLock alone(path_.parent_path(), FileLock::Wait::kBriefly);
    if (!rename_to_new(part(), path_)) replace();
    sync(path_);
    sync(path_.parent_path());
    part_.reset();  // if it has the name of the part now, the old folder
    const auto may_go = [this](const fs::path& dead) { return replaceable_ || !may_be_whole(dead); };
    remove_dead_parts(path_, may_go);
    remove_dead_parts(path_ / "", may_go);
  } catch (const fs::filesystem_error& error) {
    fail(error.code());
  }
}

void FolderWriter::replace() {
  require_replaceable(path_);  // somebody may have been there since
  if (must_stay(path_)) return fill(part(), path_);
  fs::permissions(part(), fs::status(path_).permissions());
  if (!exchange(part(), path_)) exchange_slowly(part(), path_);
}

void FolderWriter::fail(const std::error_code& error) const {
  throw Error("Cannot write the folder " + shown(path_) + ": " + one_line(error.message()) +
              ". Check the folder above it, its rights and the space on the disk.");
}

}  // namespace nopeek
