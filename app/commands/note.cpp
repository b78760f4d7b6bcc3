#include "app/commands/note.h"

#include <cstdio>

#include "core/io/shown.h"

namespace nopeek {

void note(std::string_view text) { std::fprintf(stderr, "nopeek: %s\n", one_line(text).c_str()); }

}  // namespace nopeek
