// Folders are written whole or not at all, and never at the cost of somebody's files.
#include "core/io/folder.h"

#include <doctest/doctest.h>

#include "core/io/file.h"
#include "tests/core/support.h"

namespace nopeek::test {
namespace {

namespace fs = std::filesystem;

/// The least that counts as a model of NoPeek's.
void write_ours(const fs::path& folder, const std::string& name) {
  write_file(folder / "config.json", R"({"nopeek": {"name": ")" + name + "\"}}");
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
  CHECK_FALSE(fs::exists(home / "new/deep/model.part"));
}

TEST_CASE("an interrupted save leaves the old folder, and nothing else") {
  TemporaryFolder home;
  write_ours(home / "model", "old");
  {
    FolderWriter writer(home / "model");
    write_ours(writer.part(), "new");
  }
  CHECK(contains(read_whole(home / "model/config.json"), "old"));
  CHECK(std::distance(fs::directory_iterator(home.path()), {}) == 1);
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
  CHECK(std::distance(fs::directory_iterator(home.path()), {}) == 1);
}

TEST_CASE("what an earlier save left when it was killed in the middle is cleared away") {
  TemporaryFolder home;
  write_ours(home / "run.part/masked", "half");
  write_plain(home / "run.part/run.json", "{}");
  write_plain(home / "run.part/masked/model.safetensors.part", "half");
  FolderWriter writer(home / "run");
  CHECK(fs::is_empty(writer.part()));
}

TEST_CASE("a folder that is empty, or a run, may be replaced") {
  TemporaryFolder home;
  fs::create_directories(home / "empty");
  write_plain(home / "run.json", "");
  write_file(home / "run/run.json", "{}");
  write_ours(home / "run/masked", "masked");
  write_plain(home / "run/masked/training.safetensors", "");
  for (const char* name : {"empty", "run"}) {
    FolderWriter writer(home / name);
    write_ours(writer.part(), "new");
    writer.commit();
    CHECK(fs::exists(home / name / "config.json"));
    CHECK_FALSE(fs::exists(home / name / "masked"));
  }
}

TEST_CASE("nobody loses a file: what NoPeek did not save is not replaced, nor what lies beside it") {
  struct Case {
    const char* file;     // that is there before
    const char* content;  // of it
    const char* says;
  };
  const Case cases[] = {
      {"precious.txt", "a thesis", "no model that NoPeek saved"},
      {"config.json", R"({"model_type": "gpt2"})", "no model that NoPeek saved"},  // a published model
      {"config.json", R"({"nopeek": )", "no model that NoPeek saved"},             // damaged
      {"config.json", R"(["nopeek"])", "no model that NoPeek saved"},
      {"run.json/x", "", "no model that NoPeek saved"},
  };
  for (const auto& [file, content, says] : cases) {
    TemporaryFolder home;
    write_file(home / "model" / file, content);
    CHECK(contains(error_of([&] { FolderWriter(home / "model"); }), says));
    CHECK(read_whole(home / "model" / file) == content);
    CHECK_FALSE(fs::exists(home / "model.part"));
  }
  for (const char* beside : {"notes.txt", "masked/notes.txt", "masked/deep/config.json", "config.json.bak"}) {
    TemporaryFolder home;
    write_file(home / "run/run.json", "{}");
    write_file(home / "run" / beside, "notes");
    const std::string message = error_of([&] { FolderWriter(home / "run"); });
    CAPTURE(beside);
    CHECK(contains(message, "would delete"));
    CHECK(read_whole(home / "run" / beside) == "notes");
  }
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
  write_plain(home / "taken.part", "x");
  CHECK(contains(error_of([&] { FolderWriter(home / "taken"); }), "in the way"));

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
}  // namespace nopeek::test
