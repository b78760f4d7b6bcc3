// Folders are written whole or not at all, and never at the cost of somebody's files.
#include "core/io/folder.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <optional>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

#include "core/io/file.h"
#include "tests/core/support.h"

namespace nopeek::test::folder_test {
namespace {

namespace fs = std::filesystem;

/// The least that counts as a model of NoPeek's.
void write_ours(const fs::path& folder, const std::string& name) {
  fs::create_directories(folder);
  write_plain(folder / "config.json", R"({"nopeek": {"version": 1, "name": ")" + name + "\"}}");
}

/// The same of a run with the lanes "masked" and "second".
constexpr const char* kRun = R"({"version": 1, "step": 5, "config": {"train": {}}, "corpus": {"name": "x"},
  "batcher_rng": "17", "lanes": [{"name": "masked"}, {"name": "second"}]})";
void write_our_run(const fs::path& folder) {
  fs::create_directories(folder);
  write_plain(folder / "run.json", kRun);
  write_plain(folder / "corpus.safetensors", "");
  for (const char* lane : {"masked", "second"}) {
    write_ours(folder / lane, lane);
    for (const char* file : {"model.safetensors", "tokenizer.json", "training.safetensors"}) {
      write_plain(folder / lane / file, "");
    }
  }
}

size_t entries(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), {}));
}

TEST_CASE("a folder appears under its name only when it is whole") {
  TemporaryFolder home;
  const fs::path path = home / "new/deep/model";
  {
    FolderWriter writer(path);
    write_ours(writer.part(), "first");
    CHECK_FALSE(fs::exists(path));
    writer.commit();
  }
  CHECK(contains(read_whole(path / "config.json"), "first"));
  CHECK(entries(home / "new/deep") == 1);
}

TEST_CASE("an interrupted save leaves the old folder, and nothing else") {
  TemporaryFolder home;
  write_ours(home / "model", "old");
  {
    FolderWriter writer(home / "model");
    write_ours(writer.part(), "new");
  }
  CHECK(contains(read_whole(home / "model/config.json"), "old"));
  CHECK(entries(home.path()) == 1);
}

TEST_CASE("a finished save replaces the old folder, files that are no more among it") {
  TemporaryFolder home;
  write_ours(home / "model", "old");
  write_plain(home / "model/tokenizer.json", "{}");
  for (const char* name : {"model", "model/", "x/../model"}) {
    FolderWriter writer(home / name);
    write_ours(writer.part(), name);
    writer.commit();
  }
  CHECK(contains(read_whole(home / "model/config.json"), "x/../model"));
  CHECK_FALSE(fs::exists(home / "model/tokenizer.json"));
  CHECK(entries(home.path()) == 1);
}

TEST_CASE("two that save to one path do not meet: each has its part, the later commit wins, and none is left") {
  TemporaryFolder home;
  {
    FolderWriter first(home / "model"), second(home / "model");
    CHECK(first.part() != second.part());
    CHECK(first.part().parent_path() == second.part().parent_path());
    write_ours(first.part(), "first");
    write_ours(second.part(), "second");
    { const FolderWriter probe(home / "model"); }
    CHECK(entries(home.path()) == 2);
    second.commit();
    CHECK(contains(read_whole(home / "model/config.json"), "second"));
    first.commit();
  }
  CHECK(contains(read_whole(home / "model/config.json"), "first"));
  CHECK(entries(home.path()) == 1);
}

TEST_CASE("what a killed save left goes with the next one; what others write, or call otherwise, stays") {
  TemporaryFolder home;
  for (const char* left : {"run.part-1-2", "run.part", "run.part-1-2.old", "other.part-1-2"}) {
    fs::create_directory(home / left);
    write_plain(home / left / "model.safetensors", "half");
  }
  FolderWriter other(home / "run");
  write_ours(other.part(), "other");
  FolderWriter writer(home / "run");
  write_ours(writer.part(), "new");
  CHECK(fs::exists(home / "run.part-1-2"));  // a save that does not succeed takes nothing away
  writer.commit();
  CHECK_FALSE(fs::exists(home / "run.part-1-2"));
  CHECK(entries(home.path()) == 3 + 1 + 1);
  other.commit();
  CHECK(contains(read_whole(home / "run/config.json"), "other"));
  CHECK(entries(home.path()) == 3 + 1);
}

TEST_CASE("a part that may be the only copy stays until a save finds another one in its place") {
  TemporaryFolder home;
  // What is left when a save is killed between two moves: in place, and where folders cannot be swapped.
  const std::vector<std::pair<fs::path, fs::path>> left = {{home / "volume", home / "volume/.part-1-2"},
                                                           {home / "share", home / "share.part-1-2"}};
  fs::create_directory(home / "volume");
  for (const auto& [path, part] : left) {
    CAPTURE(path);
    const auto save = [&] {
      FolderWriter writer(path);
      write_ours(writer.part(), "new");
      writer.commit();
    };
    for (const bool run : {true, false}) {
      fs::remove(path / "config.json");
      run ? write_our_run(part) : write_ours(part, "only");
      if (!run && path == home / "share") fs::remove(path);
      save();
      CHECK(fs::exists(part / (run ? "run.json" : "config.json")));
      save();
      CHECK_FALSE(fs::exists(part));
    }
  }
}

TEST_CASE("a folder that is empty, or a run, or a model, may be replaced") {
  TemporaryFolder home;
  fs::create_directories(home / "empty");
  write_our_run(home / "run");
  write_ours(home / "model", "old");
  for (const char* file : {"model.safetensors", "tokenizer.json"}) write_plain(home / "model" / file, "");
  for (const char* name : {"empty", "run", "model"}) {
    FolderWriter writer(home / name);
    write_ours(writer.part(), "new");
    writer.commit();
    CHECK(entries(home / name) == 1);
  }
}

TEST_CASE("nobody loses a file: what NoPeek did not save is not replaced") {
  struct Case {
    const char* file;     // that is there before
    const char* content;  // of it
  };
  const Case cases[] = {
      {"precious.txt", "a thesis"},
      {"config.json", R"({"model_type": "gpt2"})"},  // a published model
      {"config.json", R"({"nopeek": )"},             // damaged
      {"config.json", R"(["nopeek"])"},
      {"config.json", R"({"nopeek": null})"},
      {"config.json", R"({"nopeek": {}})"},
      {"config.json", R"({"nopeek": true})"},
      {"run.json/x", ""},
      {"run.json", ""},
      {"run.json", "{}"},
      {"run.json", R"({"mine": 1})"},  // other programs have runs, too
      {"run.json", R"({"version": 1, "step": 5, "config": {"train": {}}, "corpus": {"name": "x"}, "lanes": []})"},
      {"run.json", R"({"version": 1, "lanes": [{"name": "masked"}], "batcher_rng": 17})"},
      {"run.json", R"([1])"},
  };
  for (const auto& [file, content] : cases) {
    TemporaryFolder home;
    write_file(home / "model" / file, content);
    CAPTURE(content);
    CHECK(contains(error_of([&] { FolderWriter(home / "model"); }), "no model that NoPeek saved"));
    CHECK(read_whole(home / "model" / file) == content);
    CHECK(entries(home.path()) == 1);
  }
}

TEST_CASE("nobody loses a file that lies in a run or a model of NoPeek's") {
  for (const char* beside :
       {"notes.txt", "config.json", "model.safetensors", "run.json.part", "masked/notes.txt", "masked/deep/config.json",
        "masked/run.json", "masked/model.safetensors.part", "third/config.json", "corpus.safetensors.bak"}) {
    TemporaryFolder home;
    write_our_run(home / "run");
    write_plain(home / "elsewhere", "");
    write_file(home / "run" / beside, R"({"nopeek": {"version": 1}})");
    const std::string message = error_of([&] { FolderWriter(home / "run"); });
    CAPTURE(beside);
    CHECK(contains(message, "would delete"));
    CHECK(read_whole(home / "run" / beside) == R"({"nopeek": {"version": 1}})");
  }
  // A published model in the place of a lane, a lane without its config, and links.
  const auto refused = [](auto&& spoil) {
    TemporaryFolder home;
    write_our_run(home / "run");
    write_ours(home / "other", "other");
    spoil(home / "run", home / "other");
    return contains(error_of([&] { FolderWriter(home / "run"); }), "would delete") && fs::exists(home / "other");
  };
  CHECK(refused([](auto run, auto) { write_plain(run / "second/config.json", R"({"model_type": "gpt2"})"); }));
  CHECK(refused([](auto run, auto) { fs::remove(run / "second/config.json"); }));
  CHECK(refused([](auto run, auto) { fs::create_directory(run / "third"); }));
  CHECK(refused([](auto run, auto other) {
    fs::remove_all(run / "second");
    fs::create_directory_symlink(other, run / "second");
  }));
  CHECK_FALSE(refused([](auto run, auto) { fs::remove_all(run / "second"); }));

  TemporaryFolder home;  // a lane is a part of its run, and no model to be replaced alone
  write_our_run(home / "run");
  CHECK(contains(error_of([&] { FolderWriter(home / "run/masked"); }), "training.safetensors"));
}

TEST_CASE("a file that came into the folder while it was written is found, and kept") {
  TemporaryFolder home;
  write_ours(home / "model", "old");
  FolderWriter writer(home / "model");
  write_ours(writer.part(), "new");
  write_plain(home / "model/notes.txt", "notes");
  CHECK(contains(error_of([&] { writer.commit(); }), "notes.txt"));
  CHECK(read_whole(home / "model/notes.txt") == "notes");
}

TEST_CASE("a file in the way, a link, and places where no folder can be made") {
  TemporaryFolder home;
  write_plain(home / "file", "x");
  CHECK(contains(error_of([&] { FolderWriter(home / "file"); }), "is a file"));
  CHECK(contains(error_of([&] { FolderWriter(home / "file/model"); }), "Cannot write"));
  CHECK(contains(error_of([&] { FolderWriter("/"); }), "cannot be saved to"));
  const std::string escape = error_of([&] { FolderWriter(home / "file/a\n\x1b[2J b"); });
  CHECK(contains(escape, "file/a\u21B5<U+001B>[2J b\""));

  write_ours(home / "real", "old");  // through a link, the folder behind it is replaced, and the link stays
  fs::create_directory_symlink(home / "real", home / "link");
  {
    FolderWriter writer(home / "link");
    write_ours(writer.part(), "new");
    writer.commit();
  }
  CHECK(fs::is_symlink(home / "link"));
  CHECK(contains(read_whole(home / "real/config.json"), "new"));
}

/// The program as started in `folder`.
class StartedIn {
 public:
  explicit StartedIn(const fs::path& folder) : before_(fs::current_path()) { fs::current_path(folder); }
  ~StartedIn() { fs::current_path(before_); }

 private:
  fs::path before_;
};

void save(const fs::path& path, const std::string& name) {
  FolderWriter writer(path);
  write_ours(writer.part(), name);
  write_plain(writer.part() / "tokenizer.json", name);
  writer.commit();
}

TEST_CASE("names are relative to where the program was started") {
  TemporaryFolder home;
  fs::create_directory(home / "empty");
  const StartedIn here(home.path());
  for (const char* name :
       {"bare", "my run", "l\u00E4uf", "slash/", "./dot", "deep/er/run", "empty", "x/../up", "bare"}) {
    CAPTURE(name);
    save(name, name);
    CHECK(contains(read_whole(resolved(home / name) / "config.json"), name));
  }
  CHECK(entries(home.path()) == 8);
  CHECK(resolved("bare/") == resolved(home / "bare"));
  CHECK(resolved("not there") == resolved(home / "not there"));
}

TEST_CASE("with ~ for the home folder") {
  const char* home = std::getenv("HOME");
  if (home == nullptr) return;
  CHECK(with_home("~") == fs::path(home));
  CHECK(with_home("~/a/b") == fs::path(home) / "a/b");
  for (const char* other : {"", "/~", "a/~", "~user/a", "./~"}) CHECK(with_home(other) == other);
}

#ifdef __linux__

ino_t number_of(const fs::path& folder) {
  struct stat status {};
  REQUIRE(::stat(folder.c_str(), &status) == 0);
  return status.st_ino;
}

TEST_CASE("where one stands is filled and replaced in place, and what is not ours stays whole") {
  TemporaryFolder home;
  fs::create_directory(home / "run");
  const StartedIn here(home / "run");
  const ino_t before = number_of(".");
  for (const char* name : {"first", "second"}) {
    save(".", name);
    CHECK(contains(read_whole(home / "run/config.json"), name));
    CHECK(read_whole(home / "run/tokenizer.json") == name);
    CHECK(entries(".") == 2);
    CHECK(fs::equivalent(fs::current_path(), home / "run"));
  }
  CHECK(number_of(home / "run") == before);
  CHECK(entries(home.path()) == 1);
  { const FolderWriter unused("."); }
  CHECK(entries(".") == 2);
  write_plain("notes.txt", "notes");
  CHECK(contains(error_of([&] { FolderWriter("."); }), "notes.txt"));
}

TEST_CASE("two that save in place at once: the later commit wins, and is whole") {
  TemporaryFolder home;
  fs::create_directory(home / "run");
  FolderWriter first(home / "run"), second(home / "run");
  write_ours(first.part(), "first");
  write_ours(second.part(), "second");
  write_plain(second.part() / "tokenizer.json", "second's");
  second.commit();
  CHECK(entries(home / "run") == 2 + 1);
  first.commit();
  CHECK(contains(read_whole(home / "run/config.json"), "first"));
  CHECK(entries(home / "run") == 1);
}

TEST_CASE("one that saves beside a folder does not take the part of another one that lies in it") {
  TemporaryFolder home;
  fs::create_directory(home / "run");
  FolderWriter inside(home / "run");
  write_ours(inside.part(), "inside");
  save(home / "run", "other");
  CHECK(fs::exists(inside.part()));
  inside.commit();
  CHECK(contains(read_whole(home / "run/config.json"), "inside"));

  FolderWriter beside(home / "run");
  write_ours(beside.part(), "beside");
  std::optional<FolderWriter> later;
  {
    const StartedIn here(home / "run");
    later.emplace(".");
  }
  write_ours(later->part(), "later");
  beside.commit();
  CHECK(contains(read_whole(home / "run/config.json"), "beside"));
  later->commit();
  CHECK(contains(read_whole(home / "run/config.json"), "later"));
  CHECK(entries(home / "run") == 1);
  CHECK(entries(home.path()) == 1);
}

TEST_CASE("an existing folder keeps its permissions") {
  TemporaryFolder home;
  fs::create_directory(home / "run");
  fs::permissions(home / "run", static_cast<fs::perms>(0750));
  for (const char* name : {"first", "second"}) {
    save(home / "run", name);
    CHECK(fs::status(home / "run").permissions() == static_cast<fs::perms>(0750));
  }
}

TEST_CASE("a folder in one that nobody may write to is filled, and replaced, in place") {
  TemporaryFolder home;
  fs::create_directory(home / "hand-in");
  fs::permissions(home.path(), static_cast<fs::perms>(0555));
  const bool root = ::geteuid() == 0;
  if (root) {
    REQUIRE(::chown((home / "hand-in").c_str(), 65534, 65534) == 0);
    REQUIRE(::seteuid(65534) == 0);  // root may write anywhere
  }
  std::string message = error_of([&] { save(home / "hand-in", "first"); });
  if (message.empty()) message = error_of([&] { save(home / "hand-in", "second"); });
  const std::string refused = error_of([&] { FolderWriter(home / "other"); });
  if (root) REQUIRE(::seteuid(0) == 0);
  fs::permissions(home.path(), static_cast<fs::perms>(0755));
  CHECK(message.empty());
  CHECK(contains(read_whole(home / "hand-in/config.json"), "second"));
  CHECK(entries(home.path()) == 1);
  CHECK(contains(refused, "other\": Permission denied."));
}

TEST_CASE("a mount point is filled, and replaced, in place") {
  TemporaryFolder home;
  fs::create_directories(home / "disk");
  if (::mount("tmpfs", (home / "disk").c_str(), "tmpfs", 0, "size=1m") != 0) {
    MESSAGE("left out: may not mount here");
    return;
  }
  const std::string first = error_of([&] { save(home / "disk", "first"); });
  const std::string second = error_of([&] { save(home / "disk", "second"); });
  const std::string text = read_whole(home / "disk/config.json");
  const size_t left = entries(home / "disk");
  ::umount((home / "disk").c_str());
  CHECK(first.empty());
  CHECK(second.empty());
  CHECK(contains(text, "second"));
  CHECK(left == 2);
  CHECK(entries(home.path()) == 1);
}

TEST_CASE("a save in place that fails in the middle leaves the old run whole") {
  TemporaryFolder home;
  write_our_run(home / "run");
  if (::mount("tmpfs", (home / "run/second").c_str(), "tmpfs", 0, "size=1m") != 0) {
    MESSAGE("left out: may not mount here");
    return;
  }
  write_ours(home / "run/second", "second");  // cannot be moved
  const auto size = [&] { return std::distance(fs::recursive_directory_iterator(home.path()), {}); };
  const auto before = size();
  std::string message;
  {
    const StartedIn here(home / "run");
    message = error_of([&] { save(".", "new"); });
  }
  const auto after = size();
  const std::string json = read_whole(home / "run/run.json"), second = read_whole(home / "run/second/config.json");
  ::umount((home / "run/second").c_str());
  CHECK(contains(message, "run\": Device or resource busy."));
  CHECK(after == before);
  CHECK(json == kRun);
  CHECK(contains(second, "second"));
}

#endif

TEST_CASE("many that save to one new folder at once all succeed") {
  TemporaryFolder home;
  for (int round = 0; round < 8; ++round) {
    const fs::path path = home / std::to_string(round);
    std::string messages[4];
    {
      std::vector<std::jthread> threads;
      for (std::string& message : messages) {
        threads.emplace_back([&] { message = error_of([&] { save(path, "x"); }); });
      }
    }
    for (const std::string& message : messages) CHECK(message.empty());
    CHECK(entries(path) == 2);
  }
  CHECK(entries(home.path()) == 8);
}

}  // namespace
}  // namespace nopeek::test::folder_test
