#include <csignal>

#include "app/commands/command_line.h"

int main(int argc, char** argv) {
#ifdef SIGXFSZ
  std::signal(SIGXFSZ, SIG_IGN);  // a file that grows beyond `ulimit -f` is then an error like a full disk
#endif
  return nopeek::run_command_line(argc, argv);
}
