#pragma once
#include <stdexcept>

namespace nopeek {

/// Something the user can mend: bad input, a refused setting, a file that cannot be read. what() is one line for people
/// that names what is wrong and what to do about it. Misuse of the code is an assert, not an Error.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Thrown by long work that was asked to stop (see base/progress.h); not an error, and not to be shown as one.
struct Cancelled : std::exception {};

}  // namespace nopeek
