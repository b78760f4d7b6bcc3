// parse_json() against the library's own parser.
#include "core/io/json.h"
#include "tests/fuzz/fuzz.h"

namespace nopeek::fuzz {

using nlohmann::json;

void run_input(std::string_view input) {
  json value;
  if (!accepted([&] { value = parse_json(input, "\"a.json\""); })) return;
  const json expected = json::parse(input, nullptr, /*allow_exceptions=*/false);
  require(!expected.is_discarded(), "what parse_json() takes is JSON");
  require(value == expected, "parse_json() reads what the library reads");
  must("what is written again is read again",
       [&] { require(parse_json(value.dump(), "\"a.json\"") == value, "what is written again is the same"); });
}

}  // namespace nopeek::fuzz
