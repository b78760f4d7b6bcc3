#include "core/io/json.h"

#include <set>
#include <vector>

#include "core/base/error.h"

namespace nopeek {

using nlohmann::json;

json parse_json(std::string_view text, const std::string& what) {
  constexpr int kMaxDepth = 64;
  std::vector<std::set<std::string>> keys;  // of each object that is open
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMaxDepth) throw Error(what + " is nested more than " + std::to_string(kMaxDepth) + " deep.");
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      throw Error(what + " has the key " + parsed.dump(-1, ' ', false, json::error_handler_t::replace) + " twice.");
    }
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::parse_error& error) {
    throw Error(what + " is not valid JSON at byte " + std::to_string(error.byte) + ". It may be damaged.");
  } catch (const json::out_of_range&) {  // 1e400
    throw Error(what + " has a number that is too large for any use. It may be damaged.");
  }
}

}  // namespace nopeek
