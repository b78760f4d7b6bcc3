// Where memory is short: what fits is trained and saved, what does not is refused in one line.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "core/live/run_folder.h"
#include "tests/commands/program.h"

namespace nopeek::test::memory_limit_test {
namespace {

#ifdef NOPEEK_SANITIZED
constexpr bool kLimits = false;  // a sanitizer takes terabytes of address space
#else
constexpr bool kLimits = true;
#endif

namespace fs = std::filesystem;

struct Limited {
  int status;
  std::string error;
};

/// `nopeek train` with so many kilobytes of address space.
Limited train_within(int kilobytes, const std::string& arguments) {
  TemporaryFolder folder;
  const std::string error = (folder / "error").string();
  const std::string line = "ulimit -v " + std::to_string(kilobytes) + "; '" NOPEEK_PROGRAM "' train --corpus toy " +
                           arguments + " >/dev/null 2>'" + error + "'";
  const int status = std::system(line.c_str());
  return {WEXITSTATUS(status), read_whole(error)};
}

/// 270 MB in training; 50 of them are its weights.
const std::string kModel =
    "--tokenizer char --d-model 512 --layers 4 --heads 4 --context 16 --batch 1 --mask on --threads 1 --steps 2 ";

TEST_CASE("a training that fits into memory can be saved: no copy of it is made" * doctest::skip(!kLimits)) {
  TemporaryFolder home;
  for (const int kilobytes : {420000, 450000, 500000}) {
    const Limited run = train_within(kilobytes, kModel + "--save '" + (home / "run").string() + "'");
    CAPTURE(run.error);
    CHECK(run.status == 0);
    CHECK(load_run(home / "run").step == 2);
    fs::remove_all(home / "run");
  }
}

TEST_CASE("what does not fit is refused in one line that says how much there is" * doctest::skip(!kLimits)) {
  const Limited run = train_within(250000, kModel);
  CHECK(run.status == 2);
  CHECK(contains(run.error, "would take about"));
  CHECK(contains(run.error, "MB is free"));
  CHECK(std::count(run.error.begin(), run.error.end(), '\n') == 1);
}

}  // namespace
}  // namespace nopeek::test::memory_limit_test
