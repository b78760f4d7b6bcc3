#include "core/base/memory.h"

#include <limits>

#ifdef __linux__
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
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

/// The number that a file holds; none if it holds something else, such as "max", or is not there.
std::optional<double> number_in(const std::string& path) {
  std::ifstream file(path);
  double number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

/// Bytes that a control group has for copies of files: the system takes them back when memory is asked for.
double files_in_memory(const std::string& group) {
  std::ifstream file(group + "/memory.stat");
  double bytes = 0, value = 0;
  for (std::string name; file >> name >> value;) {
    if (name == "active_file" || name == "inactive_file") bytes += value;
  }
  return bytes;
}

double left_in_control_group(const std::string& group) {
  const auto most = number_in(group + "/memory.max"), used = number_in(group + "/memory.current");
  if (!most || !used) return kNoLimit;
  return std::max(0.0, *most - std::max(0.0, *used - files_in_memory(group)));
}

/// Of the process's own group (version 2) and those above it, each of which may have a limit: a container, a service.
double left_in_control_groups() {
  constexpr std::string_view kVersion2 = "0::";
  std::ifstream file("/proc/self/cgroup");
  double left = kNoLimit;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(kVersion2)) continue;
    const std::string root = "/sys/fs/cgroup";
    std::string group = line.substr(kVersion2.size());
    for (size_t end = group.size(); end != std::string::npos && end > 0; end = group.rfind('/')) {
      group.resize(end);
      left = std::min(left, left_in_control_group(root + group));
    }
    left = std::min(left, left_in_control_group(root));
  }
  return left;
}

#endif

}  // namespace

#ifdef __linux__
double available_memory() {
  return std::min({free_on_the_machine(), left_of_address_space(), left_in_control_groups()});
}
#else
double available_memory() { return kNoLimit; }
#endif

}  // namespace nopeek
