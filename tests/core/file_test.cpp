#include "core/io/file.h"

#include <doctest/doctest.h>

#include "tests/core/support.h"

namespace nopeek::test::file_test {
namespace {

namespace fs = std::filesystem;

TEST_CASE("a file appears under its name only when it is whole") {
  TemporaryFolder folder;
  const fs::path path = folder / "new/deep/run.csv", part = folder / "new/deep/run.csv.part";
  {
    FileWriter writer(path);
    writer.write("one\n");
    CHECK(fs::exists(part));
    CHECK_FALSE(fs::exists(path));
    writer.write(std::string_view("two\0three", 9));
    writer.commit();
    CHECK(fs::exists(path));
    CHECK_FALSE(fs::exists(part));
  }
  CHECK(read_whole(path) == std::string("one\ntwo\0three", 13));
  CHECK(fs::exists(path));
}

TEST_CASE("without commit the old file stays, and nothing is left behind") {
  TemporaryFolder folder;
  write_plain(folder / "kept.txt", "old");
  {
    FileWriter writer(folder / "kept.txt");
    writer.write("half of the n");
  }
  CHECK(read_whole(folder / "kept.txt") == "old");
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("commit replaces the old file") {
  TemporaryFolder folder;
  write_plain(folder / "a.txt", "a long old content");
  write_file(folder / "a.txt", "new");
  CHECK(read_whole(folder / "a.txt") == "new");
}

TEST_CASE("what cannot be written throws an Error that names the file, and leaves what was there") {
  TemporaryFolder folder;
  write_plain(folder / "file", "x");
  CHECK(contains(error_of([&] { write_file(folder / "file/below.txt", "y"); }), "below.txt"));
  CHECK(read_whole(folder / "file") == "x");

  fs::create_directories(folder / "taken/inside");  // a folder where the file should go
  CHECK(contains(error_of([&] { write_file(folder / "taken", "y"); }), "taken"));
  CHECK(fs::exists(folder / "taken/inside"));
  CHECK_FALSE(fs::exists(folder / "taken.part"));
}

#ifdef __linux__
TEST_CASE("a full disk is noticed, at the latest at commit") {
  if (!fs::exists("/dev/full")) return;
  TemporaryFolder folder;
  write_plain(folder / "run.csv", "old");
  fs::create_symlink("/dev/full", folder / "run.csv.part");
  CHECK(contains(error_of([&] { write_file(folder / "run.csv", std::string(100'000, 'x')); }), "run.csv"));
  CHECK(contains(error_of([&] {
                   fs::create_symlink("/dev/full", folder / "run.csv.part");
                   write_file(folder / "run.csv", "few bytes, kept in the buffer");
                 }),
                 "run.csv"));
  CHECK(read_whole(folder / "run.csv") == "old");
}
#endif

}  // namespace
}  // namespace nopeek::test::file_test
