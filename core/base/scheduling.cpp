#include "core/base/scheduling.h"

#ifdef __linux__
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#endif

namespace nopeek {

#ifdef __linux__

// A nice value weighs a thread against the others: against one of 0, 5 gets a quarter of the core. 10 gets a tenth, and
// training stood still beside other busy programs, which are served first as well. On Linux it is of the
// thread, not of the process.
void give_way() {
  constexpr int kNice = 5;
  setpriority(PRIO_PROCESS, 0, std::max(kNice, getpriority(PRIO_PROCESS, 0)));  // if it fails, all are equal
}

namespace {

/// The kernel's figures of one thread, opened once: they are read several times a frame.
class SchedStat {
 public:
  SchedStat() : file_(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}
  ~SchedStat() {
    if (file_ >= 0) close(file_);
  }
  SchedStat(const SchedStat&) = delete;

  /// Nanoseconds on a core and nanoseconds of waiting for one are its first two numbers.
  double waited() const {
    char text[80] = {};
    unsigned long long ran = 0, waited = 0;
    if (file_ < 0 || pread(file_, text, sizeof text - 1, 0) <= 0) return 0;
    return std::sscanf(text, "%llu %llu", &ran, &waited) == 2 ? static_cast<double>(waited) * 1e-9 : 0;
  }

 private:
  int file_;
};

}  // namespace

double waited_for_core() {
  thread_local const SchedStat stat;
  return stat.waited();
}

#else

void give_way() {}
double waited_for_core() { return 0; }

#endif

}  // namespace nopeek
