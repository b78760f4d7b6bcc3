#include "core/io/file.h"

#include <doctest/doctest.h>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#endif

#include "tests/core/support.h"

namespace nopeek::test::file_test {
namespace {

namespace fs = std::filesystem;

size_t entries(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), {}));
}

/// Names as people type them: relative ones, too.
class InFolder {
 public:
  explicit InFolder(const fs::path& folder) : before_(fs::current_path()) { fs::current_path(folder); }
  ~InFolder() { fs::current_path(before_); }

 private:
  fs::path before_;
};

TEST_CASE("a file appears under its name only when it is whole, wherever the name starts from") {
  TemporaryFolder folder;
  fs::create_directory(folder / "logs");
  const InFolder here(folder.path());
  for (const fs::path& path : {folder / "run.csv", fs::path("bare.csv"), fs::path("./dot.csv"),
                               fs::path("logs/run.csv"), fs::path("logs/../up.csv")}) {
    CAPTURE(path.string());
    const size_t before = entries(folder.path());
    FileWriter writer(path);
    writer.write("one\n");
    CHECK_FALSE(fs::exists(path));
    writer.write(std::string_view("two\0three", 9));
    writer.commit();
    CHECK(read_whole(path) == std::string("one\ntwo\0three", 13));
    CHECK(entries(folder.path()) == before + (path.parent_path() == "logs" ? 0 : 1));
  }
  CHECK(entries(folder / "logs") == 1);
}

TEST_CASE("a folder that is missing is named; only what is written at once makes it") {
  TemporaryFolder folder;
  const std::string message = error_of([&] { FileWriter(folder / "typo/run.csv"); });
  CHECK(contains(message, "typo"));
  CHECK(contains(message, "There is no folder"));
  CHECK(entries(folder.path()) == 0);
  const InFolder here(folder.path());
  CHECK(contains(error_of([&] { FileWriter("typo/run.csv"); }), "\"typo\""));
  write_file("new/deep/settings.json", "{}");
  CHECK(read_whole(folder / "new/deep/settings.json") == "{}");
}

TEST_CASE("without commit the old file stays, and nothing is left behind") {
  TemporaryFolder folder;
  write_plain(folder / "kept.txt", "old");
  {
    FileWriter writer(folder / "kept.txt");
    writer.write("half of the n");
  }
  CHECK(read_whole(folder / "kept.txt") == "old");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("two that write to one path do not meet, and a file that is called like a part stays") {
  TemporaryFolder folder;
  write_plain(folder / "run.csv.part", "mine");
  {
    FileWriter first(folder / "run.csv"), second(folder / "run.csv");
    for (int i = 0; i < 1000; ++i) {
      first.write("first\n");
      second.write("second\n");
    }
    second.commit();
    CHECK(read_whole(folder / "run.csv").size() == 7000);
    first.commit();
  }
  CHECK(read_whole(folder / "run.csv").size() == 6000);
  CHECK_FALSE(contains(read_whole(folder / "run.csv"), "second"));
  CHECK(read_whole(folder / "run.csv.part") == "mine");
  CHECK(entries(folder.path()) == 2);
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
  CHECK(entries(folder.path()) == 2);
}

#ifndef _WIN32

TEST_CASE("what lies where the part would is neither followed nor overwritten") {
  TemporaryFolder folder;
  write_plain(folder / "victim", "precious");
  std::string name;
  { name = DiskPart(folder / "run.csv", DiskPart::Kind::kFile).path().string(); }
  const size_t number = name.rfind('-') + 1;
  const auto later = [&](int n) { return name.substr(0, number) + std::to_string(std::stoi(name.substr(number)) + n); };
  fs::create_symlink("victim", later(1));
  fs::create_directory(later(2));
  fs::create_symlink("nowhere", later(3));
  write_file(folder / "run.csv", "rows");
  CHECK(read_whole(folder / "run.csv") == "rows");
  CHECK(read_whole(folder / "victim") == "precious");
  CHECK(fs::is_symlink(later(1)));
  CHECK_FALSE(fs::exists(folder / "nowhere"));
  for (const int n : {4, 5}) write_plain(later(n), "file");
  { CHECK(DiskPart(folder / "run.csv", DiskPart::Kind::kFolder).path() == later(6)); }
}

TEST_CASE("what a killed writer left goes with the next file; what somebody writes, or is called otherwise, stays") {
  TemporaryFolder folder;
  for (const char* left : {"run.csv.part-1-2", "run.csv.part-x-2", "run.csv.part-1", "run.csv.part-1-2.bak",
                           "other.csv.part-1-2", ".part-1-2"}) {
    write_plain(folder / left, "half");
  }
  FileWriter other(folder / "run.csv");
  other.write("later");
  write_file(folder / "run.csv", "now");
  CHECK_FALSE(fs::exists(folder / "run.csv.part-1-2"));
  CHECK(entries(folder.path()) == 5 + 2);
  other.commit();
  CHECK(read_whole(folder / "run.csv") == "later");
  CHECK(entries(folder.path()) == 5 + 1);
}

TEST_CASE("a link is followed to its end, through others, from any folder, and to a file that is not there yet") {
  TemporaryFolder folder;
  fs::create_directories(folder / "dot/files");
  fs::create_directory(folder / "config");
  write_plain(folder / "dot/files/settings.json", "old");
  fs::create_symlink("files/settings.json", folder / "dot/second");
  fs::create_symlink("../dot/second", folder / "config/settings.json");
  fs::create_symlink("../dot/files/new.json", folder / "config/new.json");
  const InFolder here(folder / "config");
  for (const char* name : {"settings.json", "new.json"}) {
    write_file(name, "written");
    CHECK(fs::is_symlink(folder / "config" / name));
    CHECK(read_whole(folder / "dot/files" / name) == "written");
  }
  CHECK(fs::is_symlink(folder / "dot/second"));
  CHECK(entries(folder / "dot/files") == 2);
  fs::create_symlink("loop", folder / "loop");
  CHECK(contains(error_of([&] { write_file(folder / "loop", "x"); }), "loop"));
  fs::create_symlink("nowhere/file", folder / "far");
  CHECK(contains(error_of([&] { FileWriter(folder / "far"); }), "There is no folder"));
}

TEST_CASE("permissions stay as they were, and what nobody may write to is refused") {
  TemporaryFolder folder;
  const auto mode = [](const fs::path& path) { return static_cast<int>(fs::status(path).permissions()); };
  for (const int kept : {0600, 0640, 0644, 0777}) {
    write_plain(folder / "a", "old");
    fs::permissions(folder / "a", static_cast<fs::perms>(kept));
    FileWriter writer(folder / "a");
    writer.write("new");
    for (const auto& entry : fs::directory_iterator(folder.path())) CHECK(mode(entry.path()) == kept);
    writer.commit();
    CHECK(mode(folder / "a") == kept);
  }
  write_plain(folder / "reference", "");
  write_file(folder / "fresh", "");
  CHECK(mode(folder / "fresh") == mode(folder / "reference"));

  write_plain(folder / "exam.csv", "kept");
  fs::permissions(folder / "exam.csv", static_cast<fs::perms>(0444));
  CHECK(contains(error_of([&] { FileWriter(folder / "exam.csv"); }), "exam.csv\" is write-protected"));
  CHECK(read_whole(folder / "exam.csv") == "kept");
}

TEST_CASE("a pipe and a device are written in place, also through a link") {
  TemporaryFolder folder;
  const fs::path pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  fs::create_symlink("pipe", folder / "link");
  CHECK(contains(error_of([&] { write_file(pipe, "x"); }), "a pipe that nobody reads"));
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  for (const char* name : {"pipe", "link"}) {
    FileWriter writer(folder / name);
    writer.write("row\n");
    char text[8] = {};
    CHECK(::read(reader, text, sizeof text) == 4);  // at once, not at the end
    CHECK(std::string(text) == "row\n");
    writer.commit();
  }
  FileWriter left(pipe);
  ::close(reader);
  CHECK(contains(error_of([&] { left.write("nobody reads"); }), "pipe"));  // and the program goes on
  CHECK(fs::is_fifo(pipe));
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(entries(folder.path()) == 2);
  write_file("/dev/null", "x");
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("the program's own output is written where it stands") {
  if (!fs::exists("/dev/stdout")) return;
  TemporaryFolder folder;
  const int before = ::dup(STDOUT_FILENO), file = ::open((folder / "out").c_str(), O_WRONLY | O_CREAT, 0600);
  ::dup2(file, STDOUT_FILENO);
  ssize_t written = ::write(STDOUT_FILENO, "before\n", 7);
  write_file("/dev/stdout", "log\n");
  write_file(folder / "out", "again\n");
  written += ::write(STDOUT_FILENO, "after\n", 6);
  ::dup2(before, STDOUT_FILENO);
  ::close(before), ::close(file);
  CHECK(written == 13);
  CHECK(read_whole(folder / "out") == "before\nlog\nagain\nafter\n");
}

TEST_CASE("a limit on the size of files is an error, which leaves the old file and no part") {
  TemporaryFolder folder;
  write_plain(folder / "run.csv", "old");
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);  // as in main()
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{4096, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = error_of([&] { write_file(folder / "run.csv", std::string(100'000, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(contains(message, "run.csv\": File too large."));
  CHECK(read_whole(folder / "run.csv") == "old");
  CHECK(entries(folder.path()) == 1);
}

#endif

#ifdef __linux__
TEST_CASE("a full disk is noticed") {
  if (!fs::exists("/dev/full")) return;
  TemporaryFolder folder;
  fs::create_symlink("/dev/full", folder / "run.csv");
  CHECK(contains(error_of([&] { write_file(folder / "run.csv", std::string(100'000, 'x')); }), "space on the disk"));
  CHECK(contains(error_of([&] { write_file(folder / "run.csv", "few bytes"); }), "run.csv\": No space left"));
}
#endif

}  // namespace
}  // namespace nopeek::test::file_test
