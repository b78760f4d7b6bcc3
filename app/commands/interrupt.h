#pragma once
#include "core/base/progress.h"

namespace nopeek {

/// Progress of the one piece of work that a command does, which from the first call on is cancelled by Ctrl+C (SIGINT),
/// by SIGTERM, as of `timeout` or a queue of jobs, and by SIGHUP, as of a terminal that is closed. A second SIGINT ends
/// the program, should the work not; SIGTERM and SIGHUP may come twice from one sender, and change nothing more. A
/// signal that was ignored when the program started, as for a job in the background or under nohup, stays ignored.
Progress& interruptible();

/// The first signal that cancelled the work; 0: none did. Shells give 128 + its number as the status.
int interrupted_by();

/// How to call it in a sentence: "Ctrl+C", "SIGTERM".
const char* signal_name(int signal);

}  // namespace nopeek
