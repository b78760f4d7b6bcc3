#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/file.h"

namespace nopeek {

// The safetensors format (https://github.com/huggingface/safetensors): 8 bytes with the length of a JSON header, the
// header, and then the tensors' bytes side by side. All numbers are little-endian, as this program's memory is.

/// Called after each chunk with the bytes that were read, to show progress; may throw Cancelled.
using BytesRead = std::function<void(uint64_t)>;

/// A file whose header has been read and checked: lengths against the size of the file, every tensor's type, shape and
/// place, no overlap, no hole. Nothing is allocated because the file claims to be large. All throw Error with one line
/// that names the file and the tensor.
///
///   SafetensorsReader file("model/model.safetensors");
///   std::vector<float> bias(64);
///   file.read_floats("ln_f.bias", bias);
class SafetensorsReader {
 public:
  using Shape = std::vector<uint64_t>;
  struct Tensor {
    std::string dtype;    // as the format spells it: "F32", "F16", "BF16", "U16", ...
    Shape shape;          // empty: a scalar
    uint64_t elements;    // product of the shape
    uint64_t begin, end;  // bytes, counted from the first tensor
  };

  explicit SafetensorsReader(const std::filesystem::path& path);

  const std::map<std::string, Tensor>& tensors() const { return tensors_; }
  bool contains(const std::string& name) const { return tensors_.contains(name); }
  /// Throws Error if there is no such tensor.
  const Tensor& tensor(const std::string& name) const;
  /// The same, also if its shape is another.
  const Tensor& tensor(const std::string& name, const Shape& shape) const;
  /// Throws Error unless read_floats() can read it and it has that shape.
  void require_floats(const std::string& name, const Shape& shape) const;
  const std::string& shown() const { return file_.shown(); }  // the path in quotation marks
  uint64_t size() const { return file_.size(); }              // of the file, in bytes

  /// Reads a tensor of F32, F16 or BF16 straight into `to`, which must have its number of elements. F32 keeps its bits.
  void read_floats(const std::string& name, std::span<float> to, const BytesRead& count = {});
  /// Reads a tensor of U16, or of U8.
  void read_integers(const std::string& name, std::span<uint16_t> to, const BytesRead& count = {});
  void read_integers(const std::string& name, std::span<uint8_t> to, const BytesRead& count = {});

 private:
  void read_header();
  void add_tensor(const std::string& name, const nlohmann::json& entry);
  void check_layout() const;
  void read_bytes(const Tensor& tensor, std::span<std::byte> to, const BytesRead& count);
  void read_halves(const Tensor& tensor, std::span<float> to, float (*convert)(uint16_t), const BytesRead& count);
  [[noreturn]] void fail(const std::string& what) const;

  FileReader file_;
  uint64_t data_ = 0;  // where the first tensor begins
  std::map<std::string, Tensor> tensors_;
};

/// IEEE 754 half precision, with subnormals, infinities and NaNs.
float float_from_half(uint16_t bits);
/// The upper half of a float.
float float_from_bfloat(uint16_t bits);

/// A tensor to be written; the bytes are the caller's.
struct TensorToWrite {
  TensorToWrite(std::string name, std::vector<uint64_t> shape, std::span<const float> values);
  TensorToWrite(std::string name, std::vector<uint64_t> shape, std::span<const uint16_t> values);
  TensorToWrite(std::string name, std::vector<uint64_t> shape, std::span<const uint8_t> values);

  std::string name, dtype;
  std::vector<uint64_t> shape;
  std::string_view bytes;
  /// The rest, in pieces, of a tensor that does not lie in one.
  std::vector<std::string_view> more = {};
  void add(std::span<const float> values);
  void add(std::span<const uint8_t> values);
  uint64_t size() const;  // in bytes
};

/// Writes the tensors in their order, with {"format": "pt"} as metadata, which PyTorch's tools ask for. Put larger
/// types first, so that each begins at a multiple of its size. Throws Error.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorToWrite> tensors);

}  // namespace nopeek
