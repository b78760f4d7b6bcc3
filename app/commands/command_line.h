#pragma once

namespace nopeek {

/// The whole program: without a subcommand the window, else what the subcommand does. Returns the exit status: 0 done,
/// 1 a check failed, 2 bad usage, bad input, or output that could not be written, with one line on standard error.
int run_command_line(int argc, char** argv);

}  // namespace nopeek
