// JSON from elsewhere: parsed as the library does it, in linear time and bounded memory, or refused in one line.
#include "core/io/json.h"

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "tests/core/support.h"

namespace nopeek::test::json_test {
namespace {

using nlohmann::json;

json parsed(std::string_view text) { return parse_json(text, "\"f.json\""); }
std::string error(std::string_view text) {
  return error_of([&] { parsed(text); });
}
std::string repeated(std::string_view part, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += part;
  return text;
}

TEST_CASE("values of every kind, nested and in order") {
  for (const char* text :
       {"null", "true", "-3", "18446744073709551615", "-2.5e-3", "\"a\\u00e9\\n\"", "[]", "{}", "[[],{},[[1]]]",
        R"({"a": {"b": [1, {"c": null}], "d": {}}, "e": [[2], 3], "f": "g"})", " [1 , 2] \n"}) {
    CAPTURE(text);
    CHECK(parsed(text) == json::parse(text));
    CHECK(parsed(text).dump() == json::parse(text).dump());
  }
}

TEST_CASE("text that is changed at random is read as the library reads it, or refused as there") {
  const std::string whole =
      R"({"a": {"b": [1, {"c": null}], "d": {}}, "e": [[2], 3.5e2], "f": "gh", "i": [true, "j"]})";
  Rng rng(5);
  int read = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string text = whole;
    for (uint64_t i = rng.below(3); i-- > 0;) text[rng.below(text.size())] = "[]{},:\"1ae. "[rng.below(13)];
    const json expected = json::parse(text, nullptr, false);
    const std::string message = error(text);
    CAPTURE(text);
    if (message.empty()) {
      REQUIRE(parsed(text) == expected);
      ++read;
    } else {
      REQUIRE((expected.is_discarded() || contains(message, "twice") || contains(message, "too large")));
    }
  }
  CHECK(read > 1000);
}

TEST_CASE("hundreds of thousands of small values take no time that grows with their square") {
  constexpr int kMany = 200'000;  // squared: minutes
  for (const char* part : {"{},", "[],", "0,", "\"\",", "{\"a\":[{}]},"}) {
    const json array = parsed("[" + repeated(part, kMany) + "0]");
    CHECK(array.size() == kMany + 1);
    CHECK(array[kMany / 2] == array[0]);
  }
  std::string object = "{";
  for (int i = 0; i < kMany; ++i) object += "\"" + std::to_string(i) + "\":{},";
  CHECK(parsed(object + "\"x\":0}").size() == kMany + 1);
}

TEST_CASE("what would take too much memory is refused before it does") {
  for (const char* part : {"[],", "{},", "\"\",", "{\"a\":{\"a\":{}}},"}) {
    const std::string message = error("[" + repeated(part, 1'500'000) + "0]");
    CHECK(contains(message, "\"f.json\" holds more than NoPeek reads"));
  }
  CHECK(contains(error("[\"" + std::string(kMostJsonMemory, 'x') + "\"]"), "holds more"));  // one text
}

TEST_CASE("what is no JSON, too deep, too large a number or a key twice is refused in one line") {
  for (const char* text :
       {"", "{", "[1,]", "{\"a\"}", "{} {}", "nul", "\"a\nb\"", "[1}", "\xFF", "\"\xFF\"", "01", "NaN"}) {
    CAPTURE(text);
    CHECK(contains(error(text), "\"f.json\" is not valid JSON at byte "));
    CHECK_FALSE(contains(error(text), "\n"));
  }
  CHECK(contains(error("[1, x]"), "at byte 5."));
  for (const char* number : {"1e999", "-1e999", "1e400"}) {
    CHECK(contains(error("{\"a\": [" + std::string(number) + "]}"), "too large"));
  }
  CHECK(parsed(repeated("[", 64) + repeated("]", 64)).is_array());
  CHECK(contains(error(repeated("[", 65) + repeated("]", 65)), "64 deep"));
  CHECK(contains(error(repeated("{\"a\":", 100'000)), "64 deep"));
  CHECK(contains(error(R"({"b": {"a": 1}, "a": 1, "b": 2})"), "the key \"b\" twice"));
  CHECK(contains(error(R"({"a\n\u001b": 1, "a\n\u001b": 2})"), "the key \"a\u21B5<U+001B>\" twice"));
  CHECK(parsed(R"([{"a": 1}, {"a": {"a": 2}}])").size() == 2);
}

}  // namespace
}  // namespace nopeek::test::json_test
