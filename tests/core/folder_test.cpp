// Folders are written whole or not at all, and never at the cost of somebody's files.
#include "core/io/folder.h"

#include <doctest/doctest.h>

#include "core/io/file.h"
#include "tests/core/support.h"

namespace nopeek::test::folder_test {
namespace {

namespace fs = std::filesystem;

/// The least that counts as a model of NoPeek's.
void write_ours(const fs::path& folder, const std::string& name) {
  write_file(folder / "config.json", R"({"nopeek": {"version": 1, "name": ")" + name + "\"}}");
}

/// The same of a run with the lanes "masked" and "second".
constexpr const char* kRun = R"({"version": 1, "step": 5, "config": {"train": {}}, "corpus": {"name": "x"},
  "batcher_rng": "17", "lanes": [{"name": "masked"}, {"name": "second"}]})";
void write_our_run(const fs::path& folder) {
  write_file(folder / "run.json", kRun);
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

TEST_CASE("what an earlier save left when it was killed in the middle is in nobody's way, and is not ours to delete") {
  TemporaryFolder home;
  write_plain(home / "run.part", "x");
  std::string number;  // of this process, and of the part that comes next
  {
    const FolderWriter writer(home / "run");
    number = writer.part().filename().string();
  }
  const size_t dash = number.rfind('-') + 1;
  const fs::path next = home / (number.substr(0, dash) + std::to_string(std::stoi(number.substr(dash)) + 1));
  write_ours(next, "half");
  {
    FolderWriter writer(home / "run");
    CHECK(writer.part() != next);
    write_ours(writer.part(), "new");
    writer.commit();
  }
  CHECK(contains(read_whole(next / "config.json"), "half"));
  CHECK(entries(home.path()) == 3);
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

}  // namespace
}  // namespace nopeek::test::folder_test
