#pragma once
// The program as people start it: a child process, its output and its exit status.
#include <sys/wait.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/core/support.h"

namespace nopeek::test {

struct ProgramOutcome {
  int status;
  std::string out, error;
};

/// `interrupt_after`: seconds behind which it gets Ctrl+C; 0: never.
inline ProgramOutcome run_program(const std::vector<std::string>& arguments, double interrupt_after = 0) {
  const auto quoted = [](std::string_view text) {
    std::string result = "'";
    for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
  };
  TemporaryFolder folder;
  std::string line;
  if (interrupt_after > 0) line = "timeout --preserve-status -s INT " + std::to_string(interrupt_after) + " ";
  line += quoted(NOPEEK_PROGRAM);
  for (const std::string& argument : arguments) line += " " + quoted(argument);
  line += " >" + quoted((folder / "out").string()) + " 2>" + quoted((folder / "error").string());
  const int status = std::system(line.c_str());
  return {WEXITSTATUS(status), read_whole(folder / "out"), read_whole(folder / "error")};
}

}  // namespace nopeek::test
