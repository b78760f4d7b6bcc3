#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nopeek {

/// The one of `names` that somebody who typed `word` most likely meant: fewest letters added, left out, replaced or
/// swapped with their neighbour, at most one in three. Empty if none is that near. The first of equals.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& names);

}  // namespace nopeek
