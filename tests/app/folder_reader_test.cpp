#include "app/host/folder_reader.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>

#include "app_host.h"

namespace nopeek::test::folder_reader_test {

using Wanted = FolderReader::Wanted;

namespace {

/// Reads to the end. Every listing on the way must be sorted, and no shorter than the one before.
FolderReader::Listing listing_of(const std::filesystem::path& folder, Wanted wanted = Wanted::kAll,
                                 size_t most = FolderReader::kMost) {
  FolderReader reader;
  reader.start(folder, wanted, most);
  FolderReader::Listing newest;
  while (reader.reading()) {
    reader.wait(std::chrono::milliseconds(1));
    auto next = reader.poll();
    if (!next) continue;
    CHECK(next->entries.size() >= newest.entries.size());
    CHECK(std::is_sorted(next->entries.begin(), next->entries.end(), [](const FolderEntry& a, const FolderEntry& b) {
      return a.folder != b.folder ? a.folder : a.name < b.name;  // all names here are of small letters
    }));
    newest = std::move(*next);
  }
  return newest;
}

std::vector<std::string> names(const FolderReader::Listing& listing) {
  std::vector<std::string> names;
  for (const FolderEntry& entry : listing.entries) names.push_back(entry.name);
  return names;
}

}  // namespace

TEST_CASE("a folder's listing: folders first, no hidden files, nothing that cannot be opened") {
  TemporaryFolder folder;
  make_file(folder / "b.txt", "12345");
  make_file(folder / "a.txt", "");
  make_file(folder / ".hidden", "x");
  std::filesystem::create_directory(folder / "z");
  std::filesystem::create_directory(folder / "model");
  make_file(folder / "model/config.json", "{}");
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const auto all = listing_of(folder / "");
  CHECK(names(all) == std::vector<std::string>{"model", "z", "a.txt", "b.txt"});
  CHECK(all.entries[0] == FolderEntry{"model", true, true, 0});
  CHECK(all.entries[3] == FolderEntry{"b.txt", false, false, 5});
  CHECK(all.complete);
  CHECK_FALSE(all.cut_off);
  CHECK(all.error.empty());
  CHECK(names(listing_of(folder / "", Wanted::kFolders)) == std::vector<std::string>{"model", "z"});
}

TEST_CASE("a listing is bounded, says so, and tells why a folder cannot be read") {
  TemporaryFolder folder;
  for (int i = 0; i < 5000; ++i) make_file(folder / ("f" + std::to_string(i)), "");
  const auto all = listing_of(folder / "");
  CHECK(all.entries.size() == 5000);
  CHECK_FALSE(all.cut_off);
  CHECK_FALSE(listing_of(folder / "", Wanted::kAll, 5000).cut_off);
  const auto some = listing_of(folder / "", Wanted::kAll, 4999);
  CHECK(some.entries.size() == 4999);
  CHECK(some.cut_off);
  CHECK_FALSE(listing_of(folder / "nothing").error.empty());
  CHECK_FALSE(listing_of(folder / "f1").error.empty());
}

TEST_CASE("what was cancelled, or is no longer wanted, is never heard of again") {
  TemporaryFolder folder;
  for (int i = 0; i < 3000; ++i) make_file(folder / ("f" + std::to_string(i)), "");
  std::filesystem::create_directory(folder / "sub");
  make_file(folder / "sub/one", "");
  FolderReader reader;
  for (int i = 0; i < 20; ++i) {
    reader.start(folder / "", Wanted::kAll);
    if (i % 2) reader.cancel();
    if (i % 2) CHECK_FALSE(reader.poll());
    reader.start(folder / "sub", Wanted::kAll);
    while (reader.reading()) {
      reader.wait(std::chrono::milliseconds(1));
      if (const auto listing = reader.poll()) CHECK(names(*listing) == std::vector<std::string>{"one"});
    }
  }
}

TEST_CASE("the dialog walks through large folders, keeps what it shows where one cannot be read, and may be left") {
  nopeek::test::TemporaryHome home;
  for (int i = 0; i < 1200; ++i) make_file(home / ("f" + std::to_string(i)), "");
  std::filesystem::create_directory(home / "sub");
  make_file(home / "sub/words.txt", "");
  nopeek::test::AppHost host;
  const int patience = 20'000;  // frames, which cost next to nothing here: the folder is read beside them
  CHECK_MESSAGE(
      host.play("key Ctrl+O\nclick \"Files/sub\"\nhover \"Files/words.txt\"\nkey Backspace\nhover \"Files/f0\"\n"
                "type Path \"" +
                    (home / "nowhere").string() + "\"\nkey Enter\nexpect \"Files/f0\".visible == on\nkey Esc",
                patience),
      host.failure());
}

}  // namespace nopeek::test::folder_reader_test
