#include "core/io/file.h"

#include "core/base/error.h"

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
  throw Error("Cannot write \"" + path_.string() + "\". Check the folder, its rights and the space on the disk.");
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  FileWriter writer(path);
  writer.write(content);
  writer.commit();
}

}  // namespace nopeek
