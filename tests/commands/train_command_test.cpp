// `nopeek train --save` and `--resume`, as people start them.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/io/model_folder.h"
#include "core/live/run_folder.h"
#include "core/live/run_log.h"
#include "tests/commands/program.h"

namespace nopeek::test::train_command_test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> training(std::vector<std::string> more) {
  std::vector<std::string> line = {"train"};
  line.insert(line.end(), more.begin(), more.end());
  return line;
}

/// Small, so that a test takes a moment; with dropout, whose pattern depends on the step.
const std::vector<std::string> kSmall = {"--corpus",  "toy", "--d-model", "16", "--heads",   "2",  "--batch", "4",
                                         "--context", "8",   "--seed",    "7",  "--dropout", "0.1"};

std::vector<std::string> small(std::vector<std::string> more) {
  more.insert(more.begin(), kSmall.begin(), kSmall.end());
  return training(more);
}

TEST_CASE("saved, resumed and saved again is the run that was not interrupted: every file and the log") {
  TemporaryFolder home;
  const auto at = [&](const char* name) { return (home / name).string(); };
  CHECK(run_program(small({"--steps", "33", "--save", at("run"), "--log", at("33.csv")})).status == 0);
  CHECK(run_program(training({"--resume", at("run"), "--steps", "70", "--threads", "1", "--save", at("run"), "--log",
                              at("resumed.csv")}))
            .status == 0);
  CHECK(run_program(small({"--steps", "70", "--save", at("straight"), "--log", at("straight.csv")})).status == 0);
  CHECK(read_whole(home / "resumed.csv") == read_whole(home / "straight.csv"));
  CHECK(contains(read_whole(home / "33.csv"), "\n33,masked,"));
  for (const auto& entry : fs::recursive_directory_iterator(home / "straight")) {
    if (!entry.is_regular_file()) continue;
    const fs::path name = fs::relative(entry.path(), home / "straight");
    CAPTURE(name.string());
    CHECK(hash_of(read_whole(entry.path())) == hash_of(read_whole(home / "run" / name.string())));
  }
  CHECK(load_model(home / "run/masked").masked());
  CHECK_FALSE(load_model(home / "run/unmasked").masked());
}

TEST_CASE("the last row of a log is measured, also where the run goes on later") {
  TemporaryFolder home;
  const std::string log = (home / "run.csv").string();
  CHECK(run_program(small({"--steps", "3", "--log", log})).status == 0);
  const std::string text = read_whole(log);
  const size_t last = text.rfind("\n3,masked,");
  REQUIRE(last != std::string::npos);
  CHECK_FALSE(contains(text.substr(last), ",,"));
}

TEST_CASE("settings beside --resume that are not the run's are refused; those that are pass") {
  TemporaryFolder home;
  const std::string run = (home / "run").string();
  REQUIRE(run_program(small({"--steps", "5", "--mask", "on", "--save", run})).status == 0);
  const std::vector<std::vector<std::string>> contradictions = {
      {"--d-model", "32"}, {"--layers", "3"},       {"--heads", "4"},      {"--context", "9"},
      {"--batch", "5"},    {"--lr", "1"},           {"--dropout", "0"},    {"--seed", "8"},
      {"--mask", "both"},  {"--tokenizer", "char"}, {"--corpus", "tales"}, {"--config", "small"},
  };
  for (const auto& setting : contradictions) {
    const auto outcome = run_program(training({"--resume", run, "--steps", "6", setting[0], setting[1]}));
    CAPTURE(outcome.error);
    CHECK(outcome.status == 2);
    CHECK(contains(outcome.error, setting[0]));
    CHECK(outcome.out.empty());
  }
  CHECK(contains(run_program(training({"--resume", run, "--steps", "5"})).error, "5 steps already"));
  auto same = kSmall;
  for (const char* more : {"--resume", run.c_str(), "--steps", "6", "--mask", "on"}) same.emplace_back(more);
  CHECK(run_program(training(same)).status == 0);
}

TEST_CASE("what cannot be saved to is refused before the training, and a wrong run to resume as well") {
  TemporaryFolder home;
  write_plain(home / "notes.txt", "x");
  const auto outcome = run_program(small({"--steps", "1000000", "--save", home.path().string()}));
  CHECK(outcome.status == 2);
  CHECK(contains(outcome.error, "no model that NoPeek saved"));
  CHECK(run_program(training({"--resume", (home / "none").string()})).status == 2);
}

TEST_CASE("a log that would lie in the folder that is saved is refused before the training") {
  TemporaryFolder home;
  const auto refused = [&](const std::string& log, const std::string& save) {
    const auto outcome = run_program(small({"--steps", "1000000", "--log", log, "--save", save}));
    CAPTURE(log);
    CAPTURE(save);
    CHECK(outcome.status == 2);
    CHECK(contains(outcome.error, "--log"));
    CHECK(std::count(outcome.error.begin(), outcome.error.end(), '\n') == 1);
    CHECK(outcome.out.empty());
  };
  const auto at = [&](const char* name) { return (home / name).string(); };
  refused(at("run/run.csv"), at("run"));
  refused(at("run/run.csv"), at("run/"));
  refused(at("run/run.csv"), at("other/../run"));
  refused(at("run/logs/run.csv"), at("run"));
  refused(at("run"), at("run"));
  refused(at("run"), at("run.part"));
  refused(at("run.part/run.csv"), at("run"));
  refused(at("run"), at("run/it"));
  fs::create_directory(home / "there");
  fs::create_directory_symlink(home / "there", home / "link");
  refused(at("link/run.csv"), at("there"));
  refused(at("there"), at("run"));  // a folder
  CHECK_FALSE(fs::exists(home / "run"));
  CHECK(run_program(small({"--steps", "3", "--log", at("run.csv"), "--save", at("run")})).status == 0);
  CHECK(run_program(small({"--steps", "3", "--log", at("run2.csv"), "--save", at("run")})).status == 0);
}

TEST_CASE("a log that cannot be written in the end does not cost the run, nor a run that cannot the log") {
  TemporaryFolder home;
  const std::string run = (home / "run").string(), log = (home / "run.csv").string();
  const auto once_it_trains = [](const std::string& its_log, auto&& act) {
    return std::thread([=] {
      for (int i = 0; i < 400 && !fs::exists(its_log + ".part"); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      act();
    });
  };
  std::thread other = once_it_trains(log, [&] { fs::create_directory(log); });
  auto outcome = run_program(small({"--steps", "50000000", "--save", run, "--log", log}), 2);
  other.join();
  CHECK(outcome.status == 2);
  CHECK(contains(outcome.error, "run.csv"));
  CHECK(load_run(run).step > 0);

  const std::string kept = (home / "kept.csv").string();
  other = once_it_trains(kept, [&] { write_plain(home / "run/notes.txt", "x"); });
  outcome = run_program(small({"--steps", "50000000", "--save", run, "--log", kept}), 2);
  other.join();
  CHECK(outcome.status == 2);
  CHECK(contains(outcome.error, "notes.txt"));
  CHECK(contains(read_whole(kept), "\n1,masked,"));
}

TEST_CASE("an empty name is no name") {
  for (const char* option : {"--save", "--resume", "--log", "--corpus"}) {
    const auto outcome = run_program(small({"--steps", "1000000", option, ""}));
    CAPTURE(outcome.error);
    CHECK(outcome.status == 2);
    CHECK(contains(outcome.error, option));
    CHECK(contains(outcome.error, "empty"));
  }
  CHECK(contains(run_program(small({"--steps", "1000000", "--save="})).error, "empty"));
}

TEST_CASE("what the system refuses is one line and status 2: memory, threads") {
  if (std::system("(ulimit -v 700000; '" NOPEEK_PROGRAM "' --help) >/dev/null 2>&1") != 0) {
    MESSAGE("left out: no such limits here, or a sanitizer, which reserves terabytes");
    return;
  }
  const auto refused = [](const std::string& limits, const std::string& arguments) {
    TemporaryFolder folder;
    const std::string error = (folder / "error").string();
    const int status = std::system((limits + "; '" NOPEEK_PROGRAM "' train --corpus toy --context 8 --steps 2 " +
                                    arguments + " >'" + error + ".out' 2>'" + error + "'")
                                       .c_str());
    const std::string line = read_whole(error);
    CAPTURE(line);
    CHECK(WEXITSTATUS(status) == 2);
    CHECK(line.starts_with("nopeek: "));
    CHECK(line.find('\n') == line.size() - 1);
    CHECK(read_whole(error + ".out").empty());
    return line;
  };
  CHECK(contains(refused("ulimit -v 700000", "--threads 1 --mask on --d-model 1024 --layers 8 --heads 16 --batch 2"),
                 "Not enough memory"));
  refused("ulimit -s 8192; ulimit -v 1500000", "--threads 256 --d-model 16 --heads 2 --batch 2");
}
TEST_CASE("Ctrl+C saves what there is") {
  TemporaryFolder home;
  const std::string run = (home / "run").string(), log = (home / "run.csv").string();
  CHECK(run_program(small({"--steps", "50000000", "--save", run, "--log", log}), 2).status == 0);
  const RunState state = load_run(run);
  CHECK(state.step > 0);
  CHECK(contains(read_whole(log), "\n" + std::to_string(state.step) + ",masked,"));
}

}  // namespace
}  // namespace nopeek::test::train_command_test
