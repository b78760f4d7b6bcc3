#include "core/base/memory.h"

#include <limits>

#ifdef __linux__
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#endif

namespace nopeek {

namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

#ifdef __linux__

double free_on_the_machine() {
  std::FILE* file = std::fopen("/proc/meminfo", "re");
  if (file == nullptr) return kNoLimit;
  double available = kNoLimit;
  char line[160];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    unsigned long long kilobytes = 0;
    if (std::sscanf(line, "MemAvailable: %llu", &kilobytes) != 1) continue;
    available = static_cast<double>(kilobytes) * 1024;
    break;
  }
  std::fclose(file);
  return available;
}

double left_of_address_space() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kNoLimit;
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return kNoLimit;
  unsigned long long pages = 0;
  const bool read = std::fscanf(file, "%llu", &pages) == 1;
  std::fclose(file);
  if (!read) return kNoLimit;
  const double used = static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
  return std::max(0.0, static_cast<double>(limit.rlim_cur) - used);
}

#endif

}  // namespace

#ifdef __linux__
double available_memory() { return std::min(free_on_the_machine(), left_of_address_space()); }
#else
double available_memory() { return kNoLimit; }
#endif

}  // namespace nopeek
