#pragma once
#include "core/base/progress.h"

namespace nopeek {

/// Progress of the one piece of work that a command does, which Ctrl+C cancels from the first call on. A second Ctrl+C
/// ends the program, should the work not.
Progress& interruptible();

}  // namespace nopeek
