#pragma once
#include <deque>
#include <string>

#include "app/commands/options.h"

namespace nopeek {

/// The script that lets bash complete the commands, their options and what these take, made from the descriptions.
std::string bash_completion(const std::deque<Options>& commands);

}  // namespace nopeek
