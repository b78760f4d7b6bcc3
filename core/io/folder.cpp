#include "core/io/folder.h"

#include <algorithm>
#include <array>
#include <string_view>

#ifdef __linux__
#include <fcntl.h>
#include <stdio.h>
#endif

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/json.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kMostJson = 64u << 20;
constexpr std::array<std::string_view, 6> kFiles = {"config.json",          "model.safetensors", "tokenizer.json",
                                                    "training.safetensors", "run.json",          "corpus.safetensors"};

/// True if config.json has NoPeek's own key: a published model, which may have cost a day to fetch, has none.
bool is_our_model(const fs::path& folder) {
  try {
    const auto config = parse_json(read_file(folder / "config.json", kMostJson), "config.json");
    return config.is_object() && config.contains("nopeek");
  } catch (const Error&) {
    return false;
  }
}

bool is_ours(const fs::path& folder) { return fs::is_regular_file(folder / "run.json") || is_our_model(folder); }

/// The first entry that NoPeek did not write; empty if there is none. Half-written files count as written.
fs::path foreign_entry(const fs::path& folder, bool lanes = true) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    fs::path name = entry.path().filename();
    if (name.extension() == ".part") name = name.stem();
    if (entry.is_symlink()) return entry.path();
    if (entry.is_directory() && lanes) {
      if (const fs::path inside = foreign_entry(entry.path(), false); !inside.empty()) return inside;
      continue;
    }
    const bool known = std::find(kFiles.begin(), kFiles.end(), name.string()) != kFiles.end();
    if (!known || !entry.is_regular_file()) return entry.path();
  }
  return {};
}

/// Throws Error unless the folder can go without a loss.
void require_replaceable(const fs::path& folder) {
  if (fs::is_empty(folder)) return;
  if (!is_ours(folder)) {
    throw Error("\"" + folder.string() + "\" is there already and is no model that NoPeek saved. Choose another name.");
  }
  if (const fs::path foreign = foreign_entry(folder); !foreign.empty()) {
    throw Error("Saving to \"" + folder.string() + "\" would delete \"" + foreign.string() +
                "\". Choose another name.");
  }
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

/// The same in three moves: an end of the program between them leaves both, the old one as path + ".old".
void exchange_slowly(const fs::path& part, const fs::path& path) {
  fs::path old = path;
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

}  // namespace

FolderWriter::FolderWriter(const fs::path& path) : path_(resolved(path)), part_(path_) {
  part_ += ".part";
  if (!path_.has_filename()) throw Error("\"" + path.string() + "\" cannot be saved to. Choose another name.");
  try {
    if (fs::exists(path_) && !fs::is_directory(path_)) {
      throw Error("\"" + path_.string() + "\" is a file, where a folder would be saved. Choose another name.");
    }
    if (fs::exists(path_)) require_replaceable(path_);
    if (fs::exists(part_)) {  // left behind by a program that ended in the middle
      if (!fs::is_directory(part_) || !foreign_entry(part_).empty()) {
        throw Error("\"" + part_.string() + "\" is in the way. Move it, or choose another name.");
      }
      fs::remove_all(part_);
    }
    fs::create_directories(part_);
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
    if (!fs::exists(path_)) {
      fs::rename(part_, path_);
      committed_ = true;
      return;
    }
    require_replaceable(path_);  // somebody may have been there since
    if (!exchange(part_, path_)) exchange_slowly(part_, path_);
  } catch (const fs::filesystem_error&) {
    fail();
  }
  // The name `part` is now the old folder's, and the destructor removes it.
}

void FolderWriter::fail() const {
  throw Error("Cannot write the folder \"" + path_.string() +
              "\". Check the folder above it, its rights and the space on the disk.");
}

}  // namespace nopeek
