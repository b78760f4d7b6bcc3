// The file of weights: what is written comes back bit for bit, and what lies about itself is refused.
#include "core/io/safetensors.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "tests/core/support.h"

namespace nopeek::test::safetensors_test {
namespace {

/// What IEEE 754 says a 16-bit float means, by arithmetic and not by bits.
double by_definition(uint16_t bits, int exponent_bits, int fraction_bits) {
  const int exponent = (bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) return fraction == 0 ? sign * INFINITY : NAN;
  const double significand = std::ldexp(fraction, -fraction_bits) + (exponent == 0 ? 0 : 1);
  return sign * std::ldexp(significand, (exponent == 0 ? 1 : exponent) - bias);
}

bool same_number(float read, double expected) {
  if (std::isnan(expected)) return std::isnan(read);
  return static_cast<double>(read) == expected && std::signbit(read) == std::signbit(expected);
}

TEST_CASE("all 65536 halves and bfloats are read as IEEE 754 defines them") {
  for (uint32_t i = 0; i <= 0xFFFF; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    REQUIRE(same_number(float_from_half(bits), by_definition(bits, 5, 10)));
    REQUIRE(same_number(float_from_bfloat(bits), by_definition(bits, 8, 7)));
  }
  CHECK(float_from_half(0x3C00) == 1.0f);
  CHECK(float_from_half(0x0001) == 0x1p-24f);
  CHECK(float_from_half(0x7BFF) == 65504.0f);
}

std::string file_of(const std::string& header, std::string_view data) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data);
}

std::vector<float> read_all(const std::filesystem::path& path, const std::string& name) {
  SafetensorsReader file(path);
  std::vector<float> values(file.tensor(name).elements);
  file.read_floats(name, values);
  return values;
}

TEST_CASE("floats come back bit for bit, NaN and minus zero among them, from the place that the header says") {
  TemporaryFolder folder;
  const std::vector<float> a = {1.5f, -0.0f, std::bit_cast<float>(0x7FC12345u), 1e-45f, -INFINITY, 3.25f};
  const std::vector<float> none, one = {7};
  const std::vector<uint16_t> ids = {0, 1, 65535};
  const std::vector<uint8_t> flags = {1, 0};
  const TensorToWrite tensors[] = {{"a", {2, 3}, std::span(a)},
                                   {"none", {0}, std::span(none)},
                                   {"one", {}, std::span(one)},
                                   {"ids", {3}, std::span(ids)},
                                   {"flags", {2}, std::span(flags)}};
  const auto path = folder / "x.safetensors";
  write_safetensors(path, tensors);

  const auto read = read_all(path, "a");
  CHECK(std::memcmp(read.data(), a.data(), a.size() * sizeof(float)) == 0);
  CHECK(read_all(path, "one") == one);
  CHECK(read_all(path, "none").empty());
  SafetensorsReader file(path);
  CHECK(file.tensors().size() == 5);
  CHECK(file.tensor("a").shape == SafetensorsReader::Shape{2, 3});
  std::vector<uint16_t> ids_read(3);
  file.read_integers("ids", ids_read);
  CHECK(ids_read == ids);
  std::vector<uint8_t> flags_read(2);
  file.read_integers("flags", flags_read);
  CHECK(flags_read == flags);

  const std::string bytes = read_whole(path);
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  CHECK(bytes.substr(8).starts_with(R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],)"));
  CHECK(bytes.size() == 8 + length + 4 * 7 + 2 * 3 + 2);
}

TEST_CASE("halves and bfloats are widened, over more than one chunk, and the bytes are counted") {
  TemporaryFolder folder;
  constexpr size_t kCount = 700'000;  // more than a chunk of 2^19 halves
  std::string data(2 * kCount, '\0');
  Rng rng(3);
  for (char& byte : data) byte = static_cast<char>(rng.below(256));
  for (const char* dtype : {"F16", "BF16"}) {
    const std::string header =
        std::string(R"({"x":{"dtype":")") + dtype + R"(","shape":[700000],"data_offsets":[0,1400000]}})";
    write_plain(folder / "x", file_of(header, data));
    SafetensorsReader file(folder / "x");
    std::vector<float> values(kCount);
    uint64_t bytes = 0;
    file.read_floats("x", values, [&](uint64_t some) { bytes += some; });
    CHECK(bytes == data.size());
    for (size_t i = 0; i < kCount; ++i) {
      uint16_t bits = 0;
      std::memcpy(&bits, data.data() + 2 * i, 2);
      const bool half = dtype[0] == 'F';
      REQUIRE(same_number(values[i], by_definition(bits, half ? 5 : 8, half ? 10 : 7)));
    }
  }
}

TEST_CASE("tensors may be listed in any order, and types that are not read may be there") {
  TemporaryFolder folder;
  write_plain(folder / "x", file_of(R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[3,7]},)"
                                    R"("mask":{"dtype":"BOOL","shape":[1,3],"data_offsets":[0,3]}}  )",
                                    std::string_view("\1\1\0\0\0\x80\x3f", 7)));
  CHECK(read_all(folder / "x", "b") == std::vector<float>{1.0f});
  CHECK(contains(error_of([&] { read_all(folder / "x", "mask"); }), "BOOL"));
}

struct Lie {
  const char* says;  // a word of the message
  std::string file;
};

std::vector<Lie> lies() {
  const auto one = [](const std::string& entry, const std::string& data = std::string(4, '\0')) {
    return file_of("{\"x\":" + entry + "}", data);
  };
  const auto header_of = [](uint64_t length) {
    std::string bytes(1000, ' ');
    std::memcpy(bytes.data(), &length, 8);
    return bytes;
  };
  return {
      {"too short", ""},
      {"too short", "1234567"},
      {"claims a header", header_of(2'000'000'000)},
      {"claims a header", header_of(uint64_t{1} << 63)},
      {"claims a header", header_of(~uint64_t{0})},
      {"claims a header", header_of(993)},
      {"claims a header", file_of(std::string((4 << 20) + 1, '{'), "")},
      {"brace", file_of("", "")},
      {"brace", file_of("[]", "")},
      {"brace", file_of(" {}", "")},
      {"valid JSON", file_of("{\"x\":", "")},
      {"valid JSON", file_of(std::string("{\0}", 3), "")},
      {"valid JSON", file_of("{} {}", "")},
      {"deep", file_of("{\"x\":" + std::string(5000, '['), "")},
      {"twice", file_of(R"({"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"x":1})", "abcd")},
      {"twice", one(R"({"dtype":"F32","dtype":"F16","shape":[],"data_offsets":[0,4]})")},
      {"metadata", file_of(R"({"__metadata__":[]})", "")},
      {"metadata", file_of(R"({"__metadata__":{"format":1}})", "")},
      {"\"a\u21B5<U+001B>[2J\"", file_of(R"({"a\n\u001b[2J":1})", "")},
      {"\"a\u21B5b\" twice", file_of(R"({"a\nb":1,"a\nb":1})", "")},
      {"unknown type \"F\u21B532\"", one(R"({"dtype":"F\n32","shape":[],"data_offsets":[0,4]})")},
      {"(1, 1, 1, 1, 1, 1, 1, 1, ...)", one(R"({"dtype":"F16","shape":[1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]})")},
      {"without a type", one("1")},
      {"without a type", one("{}")},
      {"without a type", one(R"({"shape":[],"data_offsets":[0,4]})")},
      {"without a type", one(R"({"dtype":4,"shape":[],"data_offsets":[0,4]})")},
      {"without a type", one(R"({"dtype":"F32","data_offsets":[0,4]})")},
      {"without a type", one(R"({"dtype":"F32","shape":{},"data_offsets":[0,4]})")},
      {"without a type", one(R"({"dtype":"F32","shape":[]})")},
      {"unknown type", one(R"({"dtype":"F33","shape":[],"data_offsets":[0,4]})")},
      {"whole numbers", one(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})")},
      {"whole numbers", one(R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})")},
      {"whole numbers", one(R"({"dtype":"F32","shape":["1"],"data_offsets":[0,4]})")},
      {"whole numbers", one(R"({"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4]})")},
      {"too large", one(R"({"dtype":"F32","shape":[1e400],"data_offsets":[0,4]})")},
      {"too large", one(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]})")},
      {"do not fit", one(R"({"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]})")},  // times 4 is 4
      {"do not fit", one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})")},
      {"do not fit", one(R"({"dtype":"F16","shape":[1],"data_offsets":[0,4]})")},
      {"do not fit", one(R"({"dtype":"F32","shape":[0],"data_offsets":[0,4]})")},
      {"two whole numbers", one(R"({"dtype":"F32","shape":[1],"data_offsets":[0]})")},
      {"two whole numbers", one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4,8]})")},
      {"two whole numbers", one(R"({"dtype":"F32","shape":[1],"data_offsets":[-4,0]})")},
      {"two whole numbers", one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4.5]})")},
      {"outside", one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})")},
      {"outside", one(R"({"dtype":"F32","shape":[1],"data_offsets":[1,5]})")},
      {"outside", one(R"({"dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,18446744073709551615]})")},
      {"hole", one(R"({"dtype":"F16","shape":[1],"data_offsets":[2,4]})")},
      {"end with", one(R"({"dtype":"F16","shape":[1],"data_offsets":[0,2]})")},
      {"end with", file_of("{}", "x")},
      {"hole", file_of(R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                       R"("y":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
                       "abc")},
      {"overlap", file_of(R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                          R"("y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                          "abc")},
      {"overlap", file_of(R"({"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                          R"("y":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})",
                          "abc")},
  };
}

TEST_CASE("a file that lies about itself is refused in one line that names it and the lie") {
  TemporaryFolder folder;
  for (const auto& [says, file] : lies()) {
    write_plain(folder / "lie.safetensors", file);
    const std::string message = error_of([&] { SafetensorsReader(folder / "lie.safetensors"); });
    CAPTURE(file.substr(0, 200));
    CAPTURE(message);
    CHECK(contains(message, says));
    CHECK(contains(message, "lie.safetensors"));
    CHECK_FALSE(contains(message, "\n"));
  }
}

TEST_CASE("a tensor that is missing, or of another shape or type, is named") {
  TemporaryFolder folder;
  const std::vector<float> values(6);
  const TensorToWrite tensors[] = {{"x", {2, 3}, std::span(values)}};
  write_safetensors(folder / "f", tensors);
  SafetensorsReader file(folder / "f");
  CHECK(contains(error_of([&] { file.tensor("y"); }), "\"y\""));
  const std::string message = error_of([&] { file.tensor("x", {3, 2}); });
  CHECK(contains(message, "(2, 3)"));
  CHECK(contains(message, "(3, 2)"));
  CHECK_NOTHROW(file.require_floats("x", {2, 3}));
  std::vector<uint8_t> bytes(6);
  CHECK(contains(error_of([&] { file.read_integers("x", bytes); }), "F32"));
}

TEST_CASE("what is no regular file is refused, and not waited for") {
  TemporaryFolder folder;
  CHECK(contains(error_of([&] { SafetensorsReader(folder / "none"); }), "no file"));
  CHECK(contains(error_of([&] { SafetensorsReader(folder.path()); }), "folder"));
#ifdef __linux__
  CHECK(contains(error_of([&] { SafetensorsReader("/dev/zero"); }), "regular"));
#endif
}

}  // namespace
}  // namespace nopeek::test::safetensors_test
