#pragma once
// The program as people start it: a child process, its output and its exit status.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/core/support.h"

namespace nopeek::test {

struct ProgramOutcome {
  int status;  // 128 + the signal that killed it, as shells have it
  std::string out, error;
  bool killed = false;
};

/// What the program finds when it starts.
struct Surroundings {
  std::vector<int> ignored;     // signals
  rlim_t file_size = 0;         // bytes that a file may have; 0: any number
  std::filesystem::path where;  // the current folder; empty: this one
};

inline bool one_line(const std::string& text) {
  return text.starts_with("nopeek: ") && text.find('\n') == text.size() - 1;
}

class Program {
 public:
  explicit Program(std::vector<std::string> arguments, const Surroundings& surroundings = {}) {
    arguments.insert(arguments.begin(), NOPEEK_PROGRAM);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    process_ = fork();
    if (process_ == 0) become(argv.data(), surroundings);
  }
  ~Program() {
    if (process_ <= 0) return;
    send(SIGKILL);
    wait();
  }

  void send(int signal) { ::kill(process_, signal); }
  /// Waits until `done`, or the program has ended. Returns whether it came to be.
  template <class Condition>
  bool until(Condition done) {
    while (!done()) {
      siginfo_t ended{};
      if (waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid != 0) {
        return done();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  /// Whether it has a handler for the signal, which it has as soon as the work begins that the signal may end.
  bool catches(int signal) const {
    const std::string about = "/proc/" + std::to_string(process_);
    // Before it is the program, it is a copy of the tests, with their handlers.
    std::error_code none;
    if (std::filesystem::read_symlink(about + "/exe", none) != std::filesystem::canonical(NOPEEK_PROGRAM)) return false;
    std::ifstream file(about + "/status");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("SigCgt:")) return (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1) != 0;
    }
    return false;
  }
  ProgramOutcome wait() {
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = 0;
    const bool killed = WIFSIGNALED(status);
    return {killed ? 128 + WTERMSIG(status) : WEXITSTATUS(status), read_whole(folder_ / "out"),
            read_whole(folder_ / "error"), killed};
  }

 private:
  [[noreturn]] void become(char* const* argv, const Surroundings& surroundings) const {
    for (const int each : {SIGINT, SIGTERM, SIGHUP}) ::signal(each, SIG_DFL);  // whatever started the tests
    for (const int each : surroundings.ignored) ::signal(each, SIG_IGN);
    const auto into = [&](const char* name, int descriptor) {
      dup2(::open((folder_ / name).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), descriptor);
    };
    into("out", STDOUT_FILENO);
    into("error", STDERR_FILENO);
    const rlimit limit{surroundings.file_size, surroundings.file_size};
    if (surroundings.file_size > 0) setrlimit(RLIMIT_FSIZE, &limit);
    const bool there = surroundings.where.empty() || chdir(surroundings.where.c_str()) == 0;
    if (there) execv(argv[0], argv);
    _exit(127);
  }

  TemporaryFolder folder_;
  pid_t process_;
};

inline ProgramOutcome run_program(const std::vector<std::string>& arguments, const Surroundings& surroundings = {}) {
  return Program(arguments, surroundings).wait();
}

/// Sends the signal as soon as the program would catch it.
inline ProgramOutcome interrupt_program(const std::vector<std::string>& arguments, int signal = SIGINT) {
  Program program(arguments);
  program.until([&] { return program.catches(signal); });
  program.send(signal);
  return program.wait();
}

}  // namespace nopeek::test
