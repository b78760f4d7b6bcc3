#include "core/text/utf8.h"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "core/io/json.h"
#include "tests/core/support.h"

namespace nopeek::test::utf8_test {
namespace {

TEST_CASE("valid UTF-8 of every length is accepted, up to both ends of each range") {
  for (const char* text : {"", "plain", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "नमस्ते", "naïve 東京 🙂"}) {
    CHECK_FALSE(utf8::first_invalid_byte(text).has_value());
  }
  CHECK_FALSE(utf8::first_invalid_byte(std::string_view("a\0b", 3)).has_value());
}

TEST_CASE("the first byte that does not belong is named") {
  struct Case {
    std::string text;
    size_t byte;
  };
  const Case cases[] = {
      {"ab\xFF", 2},  // never valid
      {"ab\xFE"
       "c",
       2},
      {"\x80", 0},  // continuation without a lead
      {"abc\xBF"
       "d",
       3},
      {"a\xC0\xAF", 1},  // overlong '/'
      {"a\xC1\xBF", 1},
      {"\xE0\x9F\xBF", 0},      // overlong in three
      {"\xF0\x8F\xBF\xBF", 0},  // overlong in four
      {"x\xED\xA0\x80", 1},     // surrogate
      {"x\xED\xBF\xBF", 1},
      {"\xF4\x90\x80\x80", 0},  // past U+10FFFF
      {"\xF5\x80\x80\x80", 0},
      {"ab\xC3", 2},  // cut off at the end
      {"ab\xE2\x82", 2},
      {"ab\xF0\x9F\x99", 2},
      {"ab\xE2\x82"
       "c",
       2},  // cut off in the middle
      {"\xC3(", 0},
      {"\xE2(\xA1", 0},
      {"\xF0\x9F(\x99", 0},
      {"ok \xC3\xA9 \xE9t\xE9", 6},  // valid, then Latin-1
  };
  for (const auto& [text, byte] : cases) {
    CAPTURE(text);
    CHECK(utf8::first_invalid_byte(text) == byte);
  }
}

/// RFC 3629, section 3, forwards.
std::string encoded(char32_t c) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0 | (c >> 6)), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xE0 | (c >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (c >> 18)), tail(12), tail(6), tail(0)};
}

TEST_CASE("every code point is valid, has its length and decodes to itself; every surrogate is refused") {
  int wrong = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const std::string text = encoded(c);
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    wrong += utf8::first_invalid_byte(text).has_value() != surrogate;
    if (!surrogate) wrong += utf8::decode(text) != c || utf8::length(text[0]) != static_cast<int>(text.size());
  }
  CHECK(wrong == 0);
}

TEST_CASE("spaces, words and the rest do not overlap, and are what one expects") {
  for (const char32_t c : {U' ', U'\t', U'\n', U'\r', U'\u00A0', U'\u3000', U'\u2003'}) CHECK(utf8::is_space(c));
  for (const char32_t c : {U'a', U'Z', U'7', U'_', U'é', U'ß', U'я', U'न', U'्', U'東', U'々', U'ª'})
    CHECK(utf8::is_word(c));
  for (const char32_t c : {U'.', U',', U'-', U'<', U'"', U'«', U'×', U'—', U'…', U'।', U'→', U'。', U'€', U'🙂'}) {
    CAPTURE(static_cast<uint32_t>(c));
    CHECK_FALSE(utf8::is_word(c));
    CHECK_FALSE(utf8::is_space(c));
  }
}

TEST_CASE("golden: the class of every code point is that of Python's regex") {
  const auto golden = parse_json(read_whole(test::source_folder() / "tests/golden/byte_pair.json"), "golden");
  const auto class_of = [](char32_t c) {
    const bool word = utf8::is_word(c);
    if (utf8::is_space(c)) return word ? '!' : 's';
    if (utf8::is_letter(c)) return word && !utf8::is_number(c) ? 'L' : '!';
    if (utf8::is_number(c)) return word ? 'N' : 'n';
    return word ? 'w' : '-';
  };
  char32_t c = 0;
  int wrong = 0;
  for (const std::string line : golden.at("classes")) {
    std::istringstream runs(line);
    char expected = 0;
    for (uint32_t count = 0, end = 0; runs >> count >> expected;) {
      for (end = c + count; c < end; ++c) wrong += expected != 'u' && class_of(c) != expected;
    }
  }
  CHECK(c == 0x110000);
  CHECK(wrong == 0);
}

TEST_CASE("repaired text is valid, and what was valid is as it was") {
  CHECK(utf8::repaired("naïve 東京 🙂") == "naïve 東京 🙂");
  CHECK(utf8::repaired("\xF1\x80\x80\xE1\x80\xC2"
                       "b\x80"
                       "c\x80\xBF"
                       "d") == "\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
  CHECK(utf8::repaired("\xC0\xAF\xF4\x90\x80\x80") == "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST_CASE("what one cannot see is made visible") {
  CHECK(utf8::visible("a b") == "a\u2423b");
  CHECK(utf8::visible("\n\t\r\x1B") == "\u21B5\u21E5<U+000D><U+001B>");
  CHECK(utf8::visible("\u00A0\u3000\u0085") == "<U+00A0><U+3000><U+0085>");
  CHECK(utf8::visible("\u200D") == "<U+200D>");
  CHECK(utf8::visible("क\u094D\u200Dष") == "क\u094D\u200Dष");  // within a word it has its place
  CHECK(utf8::visible("\xE6\x9D") == "<E6><9D>");
  CHECK(utf8::visible("a\xFF"
                      "é") == "a<FF>é");
  CHECK(utf8::quoted("x\n") == "\"x\u21B5\"");
  CHECK(utf8::quoted(std::string(41, 'x')) == "\"" + std::string(40, 'x') + "...\"");
}

}  // namespace
}  // namespace nopeek::test::utf8_test
