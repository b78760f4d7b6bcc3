// `nopeek train --save` and `--resume`, as people start them.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/io/model_folder.h"
#include "core/live/run_folder.h"
#include "core/live/run_log.h"
#include "tests/commands/program.h"

namespace nopeek::test::train_command_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

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

/// Whether both folders hold the same files with the same bytes.
bool same_files(const fs::path& a, const fs::path& b) {
  const auto names = [](const fs::path& folder) {
    std::set<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) found.insert(fs::relative(entry.path(), folder).string());
    }
    return found;
  };
  const auto files = names(a);
  return !files.empty() && files == names(b) && std::all_of(files.begin(), files.end(), [&](const std::string& name) {
    return read_whole(a / name) == read_whole(b / name);
  });
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
  CHECK(same_files(home / "straight", home / "run"));
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
  refused(at("run"), at("run/it"));
  fs::create_directory(home / "there");
  fs::create_directory_symlink(home / "there", home / "link");
  refused(at("link/run.csv"), at("there"));
  refused(at("there"), at("run"));  // a folder
  CHECK_FALSE(fs::exists(home / "run"));
  CHECK(run_program(small({"--steps", "3", "--log", at("run.csv"), "--save", at("run")})).status == 0);
  CHECK(run_program(small({"--steps", "3", "--log", at("run2.csv"), "--save", at("run")})).status == 0);
}

/// Starts a training without end, does `act` while it trains, and then ends it by Ctrl+C.
template <class Act>
ProgramOutcome interfered(const std::vector<std::string>& more, Act act) {
  auto arguments = small({"--steps", "50000000"});
  arguments.insert(arguments.end(), more.begin(), more.end());
  Program program(arguments);
  program.until([&] { return program.catches(SIGINT); });
  act();
  program.send(SIGINT);
  return program.wait();
}

TEST_CASE("a log that cannot be written in the end does not cost the run, nor a run that cannot the log") {
  TemporaryFolder home;
  const std::string run = (home / "run").string(), log = (home / "run.csv").string();
  auto outcome = interfered({"--save", run, "--log", log}, [&] { fs::create_directory(log); });
  CHECK(outcome.status == 2);
  CHECK(contains(outcome.error, "run.csv"));
  CHECK(load_run(run).step > 0);

  const std::string kept = (home / "kept.csv").string();
  outcome = interfered({"--save", run, "--log", kept}, [&] { write_plain(home / "run/notes.txt", "x"); });
  CHECK(outcome.status == 2);
  CHECK(contains(outcome.error, "notes.txt"));
  CHECK(contains(read_whole(kept), "\n1,masked,"));
}

TEST_CASE("an empty name is no name") {
  for (const char* option : {"--save", "--resume", "--log", "--corpus"}) {
    const auto outcome = run_program({"train", "--steps", "1000000", option, ""});
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
                 "of memory"));
  refused("ulimit -s 8192; ulimit -v 1500000", "--threads 256 --d-model 16 --heads 2 --batch 2");
}

TEST_CASE("Ctrl+C, SIGTERM and SIGHUP save what there is and say where; the status is 128 + the signal") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    TemporaryFolder home;
    const std::string run = (home / "run").string(), log = (home / "run.csv").string();
    const auto outcome =
        interrupt_program(small({"--steps", "50000000", "--save", run, "--log", log, "--json"}), signal);
    CAPTURE(outcome.error);
    CHECK(outcome.status == 128 + signal);
    CHECK_FALSE(outcome.killed);
    const RunState state = load_run(run);
    CHECK(state.step > 0);
    CHECK(one_line(outcome.error));
    CHECK(contains(outcome.error, "at step " + std::to_string(state.step) + " of 50000000"));
    CHECK(contains(outcome.error, "saved in \"" + run + "\""));
    const json document = json_of(outcome.out);
    CHECK(document["interrupted"] == true);
    CHECK(document["step"] == state.step);

    // The table, the log and the document speak of one step, at which all was measured.
    const std::string text = read_whole(log),
                      last = text.substr(text.find("\n" + std::to_string(state.step) + ",masked,"));
    CHECK_FALSE(contains(last, ",,"));
    for (const json& lane : document["lanes"]) {
      CHECK(lane["step"] == state.step);
      std::string row = "\n" + std::to_string(state.step) + "," + lane["name"].get<std::string>();
      for (const char* name : {"reported", "honest", "future_attention"}) row += "," + lane[name].dump();
      CAPTURE(row);
      CHECK(contains(last, row + "\n"));
    }
  }
  const auto unsaved = interrupt_program(small({"--steps", "50000000"}));
  CHECK(unsaved.status == 130);
  CHECK(one_line(unsaved.error));
  CHECK(contains(unsaved.error, "not saved"));
  CHECK(contains(unsaved.out, "masked"));
}

TEST_CASE("an interrupted run that is gone on with is the run that was not interrupted") {
  TemporaryFolder home;
  const std::string run = (home / "run").string(), straight = (home / "straight").string();
  REQUIRE(interrupt_program(small({"--steps", "50000000", "--save", run})).status == 130);
  const std::string steps = std::to_string(load_run(run).step + 11);
  CHECK(run_program(training({"--resume", run, "--steps", steps, "--save", run})).status == 0);
  CHECK(run_program(small({"--steps", steps, "--save", straight})).status == 0);
  CHECK(same_files(straight, run));
}

TEST_CASE("a second Ctrl+C ends the program at once") {
  Program program(training({"--steps", "50000000", "--d-model", "256", "--layers", "6", "--context", "64", "--batch",
                            "64", "--threads", "1"}));
  program.until([&] { return program.catches(SIGINT); });
  program.send(SIGINT);
  program.until([&] { return !program.catches(SIGINT); });
  program.send(SIGINT);
  const auto outcome = program.wait();
  CHECK(outcome.status == 130);
  CHECK(outcome.killed);
  CHECK(outcome.out.empty());
}

TEST_CASE("a signal that was ignored at the start, as for a job in the background, stays ignored") {
  Surroundings background;
  background.ignored = {SIGINT, SIGHUP};
  Program program(small({"--steps", "200", "--json"}), background);
  program.until([&] { return program.catches(SIGTERM); });
  CHECK_FALSE(program.catches(SIGINT));
  CHECK_FALSE(program.catches(SIGHUP));
  program.send(SIGINT);
  program.send(SIGHUP);
  const auto outcome = program.wait();
  CHECK(outcome.status == 0);
  CHECK(json_of(outcome.out)["step"] == 200);
}

TEST_CASE("a file that may not grow further is as a full disk: status 2, one line, and nothing is left behind") {
  TemporaryFolder home;
  Surroundings limited;
  limited.file_size = 4096;
  const auto outcome = run_program(small({"--steps", "3", "--save", (home / "run").string()}), limited);
  CAPTURE(outcome.error);
  CHECK(outcome.status == 2);
  CHECK(one_line(outcome.error));
  CHECK(fs::is_empty(home.path()));
}

TEST_CASE("checkpoints: killed without a warning, the run goes on from the last one, to the same bits") {
  TemporaryFolder home;
  const std::string run = (home / "run").string(), straight = (home / "straight").string();
  const auto log = [&](const char* name) { return (home / name).string(); };
  {
    Program program(
        small({"--steps", "50000000", "--save", run, "--checkpoint-every", "7", "--log", log("killed.csv")}));
    REQUIRE(program.until([&] { return fs::exists(home / "run/run.json"); }));
    program.send(SIGKILL);
    CHECK(program.wait().killed);
  }
  CHECK_FALSE(fs::exists(home / "killed.csv"));
  const int64_t step = load_run(run).step;
  CHECK(step % 7 == 0);
  const std::string steps = std::to_string(step + 12);
  CHECK(run_program(training({"--resume", run, "--steps", steps, "--save", run, "--checkpoint-every", "5", "--log",
                              log("resumed.csv")}))
            .status == 0);
  CHECK(run_program(small({"--steps", steps, "--save", straight, "--log", log("straight.csv")})).status == 0);
  CHECK(same_files(straight, run));
  CHECK(read_whole(home / "resumed.csv") == read_whole(home / "straight.csv"));
}

TEST_CASE("a checkpoint that cannot be saved is said once, and costs no training") {
  TemporaryFolder home;
  Surroundings limited;
  limited.file_size = 4096;
  const auto outcome =
      run_program(small({"--steps", "5", "--checkpoint-every", "1", "--save", (home / "run").string()}), limited);
  CAPTURE(outcome.error);
  CHECK(outcome.status == 2);  // nor was the run, in the end
  CHECK(contains(outcome.error, "checkpoint of step 1"));
  CHECK_FALSE(contains(outcome.error, "checkpoint of step 2"));
  CHECK(std::count(outcome.error.begin(), outcome.error.end(), '\n') == 2);
  CHECK(contains(outcome.out, "\nunmasked        5 "));

  for (const char* every : {"0", "-1", "m", "0m", "1.5", "1h", "", "10 m"}) {
    const auto refused =
        run_program(small({"--steps", "5", "--save", (home / "run").string(), "--checkpoint-every", every}));
    CAPTURE(every);
    CHECK(refused.status == 2);
    CHECK(contains(refused.error, "--checkpoint-every needs"));
  }
  CHECK(run_program(small({"--steps", "2", "--save", (home / "run").string(), "--checkpoint-every", "010m"})).status ==
        0);
  const auto nowhere = run_program(small({"--steps", "5", "--checkpoint-every", "2"}));
  CHECK(nowhere.status == 2);
  CHECK(contains(nowhere.error, "--save"));
}

TEST_CASE("train --json is one document of what was trained, and what came out") {
  TemporaryFolder home;
  const std::string run = (home / "run").string(), log = (home / "run.csv").string();
  const auto outcome = run_program(small({"--steps", "12", "--save", run, "--log", log, "--json"}));
  REQUIRE(outcome.status == 0);
  CHECK(one_line(outcome.error));
  CHECK(contains(outcome.error, "saved in \"" + run + "\""));
  const json document = json_of(outcome.out);
  const RunState state = load_run(run);
  const json config = {
      {"size", "custom"}, {"d_model", 16}, {"layers", 2}, {"heads", 2},     {"context", 8},
      {"batch", 4},       {"lr", 3e-3},    {"seed", 7},   {"dropout", 0.1}, {"vocab", state.config.model.vocab}};
  CHECK(document["config"] == config);
  CHECK(document["corpus"] == json({{"name", "toy"},
                                    {"tokenizer", "word"},
                                    {"train_tokens", state.corpus->train.size()},
                                    {"validation_tokens", state.corpus->validation.size()}}));
  CHECK(document["steps"] == 12);
  CHECK(document["step"] == 12);
  CHECK(document["interrupted"] == false);
  CHECK(document["saved"] == run);
  CHECK(document["log"] == log);
  REQUIRE(document["lanes"].size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    const json& lane = document["lanes"][i];
    CHECK(lane["name"] == state.lanes[i].name);
    CHECK(lane["step"] == 12);
    CHECK(lane["reported"].get<float>() == state.lanes[i].measured.reported);
    CHECK(lane["honest"].get<float>() == state.lanes[i].measured.honest);
    CHECK(lane["future_attention"].get<float>() == state.lanes[i].measured.future_attention);
    CHECK(lane["validation"] > 0);
    CHECK(lane["writes"].is_string());
    CHECK(lane["stopped"].is_null());
    CHECK(lane["model"] == (home / "run" / state.lanes[i].name).string());
  }
  CHECK(document["lanes"][0]["mask"] == describe(state.lanes[0].mask));

  const json unsaved = json_of(run_program(small({"--steps", "2", "--json", "--mask", "off"})).out);
  CHECK(unsaved["lanes"].size() == 1);
  for (const char* name : {"saved", "log"}) CHECK(unsaved[name].is_null());
  CHECK(unsaved["lanes"][0]["model"].is_null());

  const auto diverged = run_program(small({"--steps", "50", "--lr", "1e10", "--json"}));
  CHECK(diverged.status == 1);
  CHECK(json_of(diverged.out)["lanes"][0]["stopped"].is_string());
  CHECK(json_of(diverged.out)["lanes"][0]["honest"].is_null());
}

TEST_CASE("the table has one row a lane, whatever the text holds") {
  TemporaryFolder home;
  std::string text;
  for (int i = 0; i < 60; ++i) text += std::string("a\n\x1b[2Jb\tc\n") + '\0' + "mat\n";
  write_plain(home / "text.txt", text);
  for (const char* kind : {"char", "word", "bpe"}) {
    const auto outcome =
        run_program(training({"--corpus", (home / "text.txt").string(), "--tokenizer", kind, "--steps", "30",
                              "--d-model", "16", "--heads", "2", "--batch", "4", "--context", "8"}));
    CAPTURE(outcome.error);
    CHECK(outcome.status == 0);
    CHECK(std::count(outcome.out.begin(), outcome.out.end(), '\n') == 3);
    CHECK(outcome.out.find('\x1b') == std::string::npos);
    CHECK(outcome.out.find('\0') == std::string::npos);
  }
}

}  // namespace
}  // namespace nopeek::test::train_command_test
