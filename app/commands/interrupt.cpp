#include "app/commands/interrupt.h"

#include <csignal>

namespace nopeek {

Progress& interruptible() {
  static Progress progress;
  static_assert(std::atomic<bool>::is_always_lock_free);  // else a signal handler must not touch it
  std::signal(SIGINT, [](int) {
    progress.cancelled = true;
    std::signal(SIGINT, SIG_DFL);
  });
  return progress;
}

}  // namespace nopeek
