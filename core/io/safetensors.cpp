#include "core/io/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <limits>

#include "core/base/error.h"
#include "core/base/stop.h"
#include "core/io/json.h"
#include "core/text/utf8.h"

namespace nopeek {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensors are read and written as they lie in memory");

namespace {

constexpr uint64_t kLengthBytes = 8;
// A line of some 100 bytes a tensor: 10 kB for GPT-2 small, 300 kB for a lane of 48 layers with its moments. The format
// allows 100 MB, which would be parsed, and take a multiple of that, before anything can be said about the file.
constexpr uint64_t kMostHeader = 4u << 20;
constexpr size_t kChunk = 1 << 20;  // bytes between two looks at `cancelled`

/// Bytes an element; 0 for a type that the format does not know.
uint64_t element_size(const std::string& dtype) {
  static const std::map<std::string, uint64_t> sizes = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"U16", 2}, {"I16", 2}, {"F16", 2},
      {"BF16", 2}, {"U32", 4}, {"I32", 4}, {"F32", 4},     {"U64", 8},     {"I64", 8}, {"F64", 8}};
  const auto found = sizes.find(dtype);
  return found == sizes.end() ? 0 : found->second;
}

bool multiply(uint64_t& product, uint64_t factor) {
  if (factor != 0 && product > std::numeric_limits<uint64_t>::max() / factor) return false;
  product *= factor;
  return true;
}

std::string text_of(const SafetensorsReader::Shape& shape) {
  constexpr size_t kMost = 8;
  std::string text = "(";
  for (size_t i = 0; i < std::min(kMost, shape.size()); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() > kMost ? ", ...)" : ")");
}

bool is_size(const json& value) { return value.is_number_unsigned(); }

}  // namespace

SafetensorsReader::SafetensorsReader(const std::filesystem::path& path) : file_(path) {
  read_header();
  check_layout();
}

void SafetensorsReader::fail(const std::string& what) const {
  throw Error(shown() + " " + what + ". It may be damaged; get it again.");
}

void SafetensorsReader::read_header() {
  if (file_.size() < kLengthBytes) fail("is too short to be a safetensors file");
  uint64_t length = 0;
  file_.read(0, &length, kLengthBytes);
  if (length > kMostHeader || length > file_.size() - kLengthBytes) {
    fail("is no safetensors file: it claims a header of " + std::to_string(length) + " bytes and has " +
         std::to_string(file_.size()) + " in all");
  }
  std::string text(length, '\0');
  file_.read(kLengthBytes, text.data(), text.size());
  data_ = kLengthBytes + length;
  if (!text.starts_with('{')) fail("is no safetensors file: its header does not begin with a brace");
  const json header = parse_json(text, "The header of " + shown());
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      const auto is_text = [](const json& value) { return value.is_string(); };
      if (!entry.is_object() || !std::all_of(entry.begin(), entry.end(), is_text)) {
        fail("has metadata that is not text");
      }
    } else {
      add_tensor(name, entry);
    }
  }
}

void SafetensorsReader::add_tensor(const std::string& name, const json& entry) {
  const auto field = [&](const char* key) { return entry.is_object() && entry.contains(key) ? entry[key] : json(); };
  const json dtype = field("dtype"), shape = field("shape"), place = field("data_offsets");
  const std::string which = "describes the tensor " + utf8::quoted(name) + " ";
  if (!dtype.is_string() || !shape.is_array() || !place.is_array()) fail(which + "without a type, shape or place");
  Tensor tensor{.dtype = dtype.get<std::string>(), .shape = {}, .elements = 1, .begin = 0, .end = 0};
  uint64_t bytes = element_size(tensor.dtype);
  if (bytes == 0) fail(which + "with the unknown type " + utf8::quoted(tensor.dtype));
  for (const json& size : shape) {
    if (!is_size(size)) fail(which + "with a shape that is not whole numbers from 0 on");
    tensor.shape.push_back(size.get<uint64_t>());
    if (!multiply(tensor.elements, tensor.shape.back())) fail(which + "with a shape too large for any memory");
  }
  if (place.size() != 2 || !is_size(place[0]) || !is_size(place[1])) {
    fail(which + "with a place that is not two whole numbers from 0 on");
  }
  tensor.begin = place[0].get<uint64_t>();
  tensor.end = place[1].get<uint64_t>();
  if (tensor.begin > tensor.end || tensor.end > file_.size() - data_) fail(which + "at a place outside of the file");
  if (!multiply(bytes, tensor.elements) || bytes != tensor.end - tensor.begin) {
    fail(which + "of shape " + text_of(tensor.shape) + " and type " + tensor.dtype + " in " +
         std::to_string(tensor.end - tensor.begin) + " bytes, which do not fit");
  }
  tensors_.emplace(name, std::move(tensor));
}

/// The format wants the tensors side by side: bytes that belong to nobody, or to two, are a sign of damage or of guile.
void SafetensorsReader::check_layout() const {
  std::vector<std::pair<uint64_t, uint64_t>> places;
  for (const auto& [name, tensor] : tensors_) places.emplace_back(tensor.begin, tensor.end);
  std::sort(places.begin(), places.end());
  uint64_t end = 0;
  for (const auto& place : places) {
    if (place.first != end) fail(place.first < end ? "has tensors that overlap" : "has a hole between its tensors");
    end = place.second;
  }
  if (end != file_.size() - data_) fail("does not end with its last tensor");
}

const SafetensorsReader::Tensor& SafetensorsReader::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw Error(shown() + " lacks the tensor " + utf8::quoted(name) + ".");
  return found->second;
}

const SafetensorsReader::Tensor& SafetensorsReader::tensor(const std::string& name, const Shape& shape) const {
  const Tensor& found = tensor(name);
  if (found.shape != shape) {
    throw Error(shown() + ": the tensor " + utf8::quoted(name) + " has the shape " + text_of(found.shape) + ", where " +
                text_of(shape) + " is needed.");
  }
  return found;
}

void SafetensorsReader::require_floats(const std::string& name, const Shape& shape) const {
  const std::string& dtype = tensor(name, shape).dtype;
  if (dtype == "F32" || dtype == "F16" || dtype == "BF16") return;
  throw Error(shown() + ": the tensor " + utf8::quoted(name) + " has the type " + dtype +
              ". NoPeek reads F32, F16 and BF16; convert the file to one of them.");
}

void SafetensorsReader::read_bytes(const Tensor& tensor, std::span<std::byte> to, const BytesRead& count) {
  for (size_t done = 0; done < to.size(); done += kChunk) {
    const size_t bytes = std::min(kChunk, to.size() - done);
    file_.read(data_ + tensor.begin + done, to.data() + done, bytes);
    if (count) count(bytes);
  }
}

void SafetensorsReader::read_halves(const Tensor& tensor, std::span<float> to, float (*convert)(uint16_t),
                                    const BytesRead& count) {
  std::vector<uint16_t> halves(std::min(kChunk / sizeof(uint16_t), to.size()));
  for (size_t done = 0; done < to.size(); done += halves.size()) {
    const size_t some = std::min(halves.size(), to.size() - done);
    file_.read(data_ + tensor.begin + done * sizeof(uint16_t), halves.data(), some * sizeof(uint16_t));
    for (size_t i = 0; i < some; ++i) to[done + i] = convert(halves[i]);
    if (count) count(some * sizeof(uint16_t));
  }
}

void SafetensorsReader::read_floats(const std::string& name, std::span<float> to, const BytesRead& count) {
  const Tensor& found = tensor(name);
  require_floats(name, found.shape);
  assert(to.size() == found.elements);
  if (found.dtype == "F32") return read_bytes(found, std::as_writable_bytes(to), count);
  read_halves(found, to, found.dtype == "F16" ? float_from_half : float_from_bfloat, count);
}

void SafetensorsReader::read_integers(const std::string& name, std::span<uint16_t> to, const BytesRead& count) {
  const Tensor& found = tensor(name);
  if (found.dtype != "U16") fail("has the tensor " + utf8::quoted(name) + " of type " + found.dtype + " and not U16");
  assert(to.size() == found.elements);
  read_bytes(found, std::as_writable_bytes(to), count);
}

void SafetensorsReader::read_integers(const std::string& name, std::span<uint8_t> to, const BytesRead& count) {
  const Tensor& found = tensor(name);
  if (found.dtype != "U8") fail("has the tensor " + utf8::quoted(name) + " of type " + found.dtype + " and not U8");
  assert(to.size() == found.elements);
  read_bytes(found, std::as_writable_bytes(to), count);
}

float float_from_half(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1Fu, fraction = bits & 0x3FFu;
  if (exponent == 0) {  // zero and subnormal: fraction times 2^-24, which a float holds exactly
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  // Infinity and NaN keep the largest exponent; the others change from a bias of 15 to one of 127.
  const uint32_t widened = exponent == 0x1F ? 0xFFu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | widened << 23 | fraction << 13);
}

float float_from_bfloat(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

namespace {

template <class T>
std::string_view bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

}  // namespace

TensorToWrite::TensorToWrite(std::string name_, std::vector<uint64_t> shape_, std::span<const float> values)
    : name(std::move(name_)), dtype("F32"), shape(std::move(shape_)), bytes(bytes_of(values)) {}
TensorToWrite::TensorToWrite(std::string name_, std::vector<uint64_t> shape_, std::span<const uint16_t> values)
    : name(std::move(name_)), dtype("U16"), shape(std::move(shape_)), bytes(bytes_of(values)) {}
TensorToWrite::TensorToWrite(std::string name_, std::vector<uint64_t> shape_, std::span<const uint8_t> values)
    : name(std::move(name_)), dtype("U8"), shape(std::move(shape_)), bytes(bytes_of(values)) {}

void TensorToWrite::add(std::span<const float> values) { more.push_back(bytes_of(values)); }
void TensorToWrite::add(std::span<const uint8_t> values) { more.push_back(bytes_of(values)); }

uint64_t TensorToWrite::size() const {
  uint64_t size = bytes.size();
  for (const std::string_view piece : more) size += piece.size();
  return size;
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorToWrite> tensors) {
  nlohmann::ordered_json header;
  header["__metadata__"] = {{"format", "pt"}};
  uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    const std::array<uint64_t, 2> place = {offset, offset + tensor.size()};
    header[tensor.name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", place}};
    offset = place[1];
  }
  std::string text = header.dump();
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');  // so that the tensors lie aligned
  const uint64_t length = text.size();

  FileWriter file(path);
  file.write(bytes_of(std::span(&length, 1)));
  file.write(text);
  for (const TensorToWrite& tensor : tensors) {
    stop_if_asked();
    file.write(tensor.bytes);
    for (const std::string_view piece : tensor.more) file.write(piece);
  }
  file.commit();
}

}  // namespace nopeek
