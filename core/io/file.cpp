#include "core/io/file.h"

#include "core/base/error.h"
#include "core/io/shown.h"

namespace nopeek {

FileWriter::FileWriter(std::filesystem::path path) : path_(std::move(path)), part_(path_) {
  part_ += ".part";
  std::error_code ignored;  // opening the file tells
  if (path_.has_parent_path()) std::filesystem::create_directories(path_.parent_path(), ignored);
  file_.open(part_, std::ios::binary | std::ios::trunc);
  if (!file_) fail();
}

FileWriter::~FileWriter() {
  if (committed_) return;
  file_.close();
  std::error_code ignored;
  std::filesystem::remove(part_, ignored);
}

void FileWriter::write(std::string_view content) {
  file_.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file_) fail();
}

void FileWriter::commit() {
  file_.close();
  if (!file_) fail();
  std::error_code error;
  std::filesystem::rename(part_, path_, error);
  if (error) fail();
  committed_ = true;
}

void FileWriter::fail() const {
  throw Error("Cannot write " + nopeek::shown(path_) + ". Check the folder, its rights and the space on the disk.");
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  FileWriter writer(path);
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
  size_ = std::filesystem::file_size(path, error);
  file_.open(path, std::ios::binary);
  if (error || !file_) throw Error("Cannot read " + shown_ + ". Check that you may read it.");
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
