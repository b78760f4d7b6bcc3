#include "app/commands/interrupt.h"

#include <csignal>

namespace nopeek {

namespace {

struct Signal {
  int number;
  bool caught = false;
};
Signal caught_signals[] = {{SIGINT}, {SIGTERM}, {SIGHUP}};
volatile std::sig_atomic_t cancelled_by = 0;
Progress interruptible_work;
static_assert(std::atomic<bool>::is_always_lock_free);  // else a signal handler must not touch it

void cancel(int number) {
  cancelled_by = number;
  interruptible_work.cancelled = true;
  for (const Signal& each : caught_signals) {
    if (each.caught) std::signal(each.number, SIG_DFL);
  }
}

bool is_ignored(int number) {
  struct sigaction now {};
  return sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

bool catch_signals() {
  for (Signal& each : caught_signals) {
    each.caught = !is_ignored(each.number);
    if (each.caught) std::signal(each.number, cancel);
  }
  return true;
}

}  // namespace

Progress& interruptible() {
  [[maybe_unused]] static const bool caught = catch_signals();
  return interruptible_work;
}

int interrupted_by() { return cancelled_by; }

const char* signal_name(int signal) {
  switch (signal) {
    case SIGINT:
      return "Ctrl+C";
    case SIGTERM:
      return "SIGTERM";
    case SIGHUP:
      return "SIGHUP";
    default:
      return "a signal";
  }
}

}  // namespace nopeek
