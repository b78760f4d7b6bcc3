// Fields of JSON from elsewhere: type and range are checked, each refusal names the field.
#include "core/io/json_fields.h"

#include <doctest/doctest.h>

#include "tests/core/support.h"

namespace nopeek::test::json_fields_test {
namespace {

Fields fields(const std::string& text) { return {parse_json(text, "\"f.json\""), "\"f.json\""}; }

TEST_CASE("fields are read as what they are; null counts as not there") {
  const Fields f = fields(R"({"i": -3, "n": 2.5, "b": true, "t": "text", "u": "18446744073709551615", "z": null})");
  CHECK(f.integer("i", -5, 5) == -3);
  CHECK(f.number("n", 0, 3) == 2.5);
  CHECK(f.number("i", -3, 0) == -3);
  CHECK(f.flag("b"));
  CHECK(f.text("t") == "text");
  CHECK(f.bits("u") == ~uint64_t{0});
  for (const char* absent : {"z", "none"}) {
    CHECK(f.find(absent) == nullptr);
    CHECK(f.integer(absent, 0, 9, 7) == 7);
    CHECK(f.number(absent, 0, 9, 0.5) == 0.5);
    CHECK(f.flag(absent, true));
    CHECK(f.text(absent, "other") == "other");
    CHECK(contains(error_of([&] { f.integer(absent, 0, 9); }), std::string("does not say \"") + absent));
  }
}

TEST_CASE("a whole number may be written with a point or an exponent: JSON has one kind of numbers") {
  for (const char* value : {"12", "12.0", "1.2e1", "120e-1"}) {
    CHECK(fields(std::string("{\"x\": ") + value + "}").integer("x", 0, 12) == 12);
  }
  CHECK(fields(R"({"x": -0.0})").integer("x", 0, 12) == 0);
}

TEST_CASE("another type or a value out of range is refused by the name of the field and of the file") {
  const char* values[] = {
      "6",     "-6",  "1.5", "6.0", "1e400", "1e300", "18446744073709551615", "18446744073709551616",
      "\"1\"", "[1]", "{}",  "true"};
  for (const char* value : values) {
    const std::string text = std::string("{\"x\": ") + value + "}";
    std::string message = error_of([&] { fields(text).integer("x", -5, 5); });
    CAPTURE(value);
    CAPTURE(message);
    CHECK(contains(message, "f.json"));
    CHECK((contains(message, "\"x\"") || contains(message, "too large")));
  }
  CHECK(contains(error_of([] { fields(R"({"x": 4})").number("x", 0, 3); }), "from 0.0 to 3.0"));
  CHECK(contains(error_of([] { fields(R"({"x": "4"})").number("x", 0, 3); }), "\"x\""));
  CHECK(contains(error_of([] { fields(R"({"x": 1})").flag("x"); }), "true or false"));
  CHECK(contains(error_of([] { fields(R"({"x": 1})").text("x"); }), "text"));
  CHECK(contains(error_of([] { fields("{\"x\": \"" + std::string(4097, 'a') + "\"}").text("x"); }), "4096"));
  for (const char* bits : {"\"\"", "\"-1\"", "\"+1\"", "\" 1\"", "\"1 \"", "\"18446744073709551616\"", "1"}) {
    CHECK_FALSE(error_of([&] { fields(std::string("{\"x\": ") + bits + "}").bits("x"); }).empty());
  }
  CHECK(contains(error_of([] { fields("[]"); }), "JSON object"));
  CHECK(contains(error_of([] { fields(R"({"x": []})").object("x"); }), "\"x\" must be a JSON object"));
}

}  // namespace
}  // namespace nopeek::test::json_fields_test
