// Files of tensors: every type is read, and what could be read is written and read again.
#include <deque>

#include "core/io/safetensors.h"
#include "tests/fuzz/fuzz.h"

namespace nopeek::fuzz {

namespace {

/// The values of one type; false if the tensor is of another.
template <class T, class Read>
bool values_of(const SafetensorsReader::Tensor& tensor, std::vector<T>& values, Read&& read) {
  values.assign(tensor.elements, T{});
  return accepted([&] { read(std::span<T>(values)); });
}

struct Values {
  std::vector<float> floats;
  std::vector<uint16_t> words;
  std::vector<uint8_t> bytes;
};

void require_sound(const SafetensorsReader::Tensor& tensor, uint64_t file_size) {
  require(tensor.begin <= tensor.end && tensor.end <= file_size, "a tensor lies within the file");
  uint64_t elements = 1;
  for (const uint64_t size : tensor.shape) elements *= size;
  require(elements == tensor.elements, "elements are the product of the shape");
  require(tensor.elements <= 8 * file_size, "a tensor has no more elements than the file has bits");
}

/// Reads the tensor as all that it can be; what it is, to be written.
void read_tensor(SafetensorsReader& file, const std::string& name, Values& values, std::vector<TensorToWrite>& out) {
  const SafetensorsReader::Tensor tensor = file.tensor(name);
  require_sound(tensor, file.size());
  if (values_of(tensor, values.floats, [&](auto to) { file.read_floats(name, to); })) {
    must("what is read as floats passes for them", [&] { file.require_floats(name, tensor.shape); });
    out.emplace_back(name, tensor.shape, std::span<const float>(values.floats));
  }
  if (values_of(tensor, values.words, [&](auto to) { file.read_integers(name, to); })) {
    out.emplace_back(name, tensor.shape, std::span<const uint16_t>(values.words));
  }
  if (values_of(tensor, values.bytes, [&](auto to) { file.read_integers(name, to); }) && tensor.dtype == "U8") {
    out.emplace_back(name, tensor.shape, std::span<const uint8_t>(values.bytes));
  }
}

}  // namespace

void run_input(std::string_view input) {
  const auto path = folder() / "a.safetensors";
  write_plain(path, input);
  std::deque<Values> all;  // `out` points into it
  std::vector<TensorToWrite> out;
  const bool opened = accepted([&] {
    SafetensorsReader file(path);
    for (const auto& entry : file.tensors()) {
      read_tensor(file, entry.first, all.emplace_back(), out);
      accepted([&] { file.require_floats(entry.first, {1}); });
    }
    accepted([&] { file.tensor("no such tensor"); });
  });
  if (!opened || out.empty()) return;
  must("what was read can be written and read again", [&] {
    write_safetensors(folder() / "b.safetensors", out);
    SafetensorsReader again(folder() / "b.safetensors");
    for (const TensorToWrite& tensor : out) {
      const auto& other = again.tensor(tensor.name, tensor.shape);
      require(other.end - other.begin == tensor.bytes.size(), "a tensor comes back with its size");
    }
  });
}

}  // namespace nopeek::fuzz
