#include "app/commands/interrupt.h"

#include <csignal>

namespace nopeek {

namespace {

volatile std::sig_atomic_t cancelled_by = 0;
Progress interruptible_work;
static_assert(std::atomic<bool>::is_always_lock_free);  // else a signal handler must not touch it

/// Only who presses Ctrl+C twice means to end what is being saved: `timeout` sends SIGTERM twice by itself, as a
/// terminal that is closed does with SIGHUP.
void cancel(int number) {
  if (cancelled_by == 0) cancelled_by = number;
  interruptible_work.cancelled = true;
  if (number == SIGINT) std::signal(SIGINT, SIG_DFL);
}

bool is_ignored(int number) {
  struct sigaction now {};
  return sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

bool catch_signals() {
  for (const int each : {SIGINT, SIGTERM, SIGHUP}) {
    if (!is_ignored(each)) std::signal(each, cancel);
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
