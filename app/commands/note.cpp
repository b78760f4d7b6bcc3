#include "app/commands/note.h"

#include <unistd.h>

#include <cstdio>

#include "core/io/shown.h"

namespace nopeek {

void note(std::string_view text) {
  const char* clear = isatty(STDERR_FILENO) != 0 ? "\r\033[K" : "";  // of a progress bar
  std::fprintf(stderr, "%snopeek: %s\n", clear, one_line(text).c_str());
}

}  // namespace nopeek
