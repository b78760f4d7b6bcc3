// However a training ends, what it came to is kept, and where is told.
#include <doctest/doctest.h>

#include <cstdlib>

#include "core/live/run_folder.h"
#include "tests/commands/program.h"

namespace nopeek::test::train_end_test {
namespace {

namespace fs = std::filesystem;

TEST_CASE("SIGTERM and SIGHUP that come twice, as from `timeout` and a terminal, still save what there is") {
  for (const int signal : {SIGTERM, SIGHUP}) {
    TemporaryFolder home;
    const std::string run = (home / "run").string();
    // Weights enough for the save to take longer than a look at it.
    Program program({"train", "--corpus", "toy", "--d-model", "256", "--heads", "2", "--batch", "1", "--context", "8",
                     "--steps", "50000000", "--save", run});
    program.until([&] { return program.catches(signal); });
    program.send(signal);
    // The first one has been handled when the part of the save, which is made after it, is there.
    const auto saving = [&] {
      std::error_code none;
      for (fs::directory_iterator entry(home.path(), none), end; !none && entry != end; entry.increment(none)) {
        if (fs::exists(entry->path() / "masked", none)) return true;
      }
      return false;
    };
    CHECK(program.until(saving));
    program.send(signal);
    const auto outcome = program.wait();
    CAPTURE(outcome.error);
    CHECK_FALSE(outcome.killed);
    CHECK(outcome.status == 128 + signal);
    CHECK(load_run(run).step > 0);
  }
}

#ifdef __linux__
TEST_CASE("where the run is saved is told, also where the table or the document cannot be written") {
  for (const char* more : {"", "--json "}) {
    TemporaryFolder home;
    const std::string run = (home / "run").string(), error = (home / "error").string();
    const int status =
        std::system(("'" NOPEEK_PROGRAM "' train --corpus toy --steps 1 --d-model 16 --heads 2 --batch 2 "
                     "--context 8 " +
                     std::string(more) + "--save '" + run + "' >/dev/full 2>'" + error + "'")
                        .c_str());
    CAPTURE(more);
    CHECK(WEXITSTATUS(status) == 2);
    CHECK(contains(read_whole(error), "The run is saved in \"" + run + "\""));
    CHECK(contains(read_whole(error), "in full"));
    CHECK(load_run(run).step == 1);
  }
}
#endif

}  // namespace
}  // namespace nopeek::test::train_end_test
