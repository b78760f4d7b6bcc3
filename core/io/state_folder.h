#pragma once
#include <filesystem>

namespace nopeek {

/// The folder that an environment variable names. Empty if there is none, and if it is not absolute: the XDG Base
/// Directory Specification has it ignored then.
std::filesystem::path folder_in_environment(const char* name);

/// Where NoPeek keeps what must survive its end and is nobody's document: $XDG_STATE_HOME/nopeek or
/// ~/.local/state/nopeek, or as usual on the platform. Need not be there yet; empty if there is no such place.
std::filesystem::path state_folder();

}  // namespace nopeek
