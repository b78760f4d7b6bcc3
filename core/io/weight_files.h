#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/io/safetensors.h"

namespace nopeek {

/// The weights of a model folder as one table of tensors: model.safetensors, or the files (shards) that
/// model.safetensors.index.json names, each of which must hold exactly the tensors that the index says. Headers only
/// are read here; see SafetensorsReader, which this looks like. All throw Error.
class WeightFiles {
 public:
  static constexpr size_t kMostShards = 256;  // each is kept open

  explicit WeightFiles(const std::filesystem::path& folder);

  bool contains(const std::string& name) const { return places_.contains(name); }
  const std::map<std::string, size_t>& names() const { return places_; }
  /// Throws Error if there is no such tensor.
  const SafetensorsReader::Tensor& tensor(const std::string& name) const { return file_of(name).tensor(name); }
  /// Throws Error unless read_floats() can read it and it has that shape.
  void require_floats(const std::string& name, const SafetensorsReader::Shape& shape) const {
    file_of(name).require_floats(name, shape);
  }
  void read_floats(const std::string& name, std::span<float> to, const BytesRead& count = {});
  /// The file, or the index, in quotation marks.
  const std::string& shown() const { return shown_; }
  /// The file that a tensor is in, which must be there.
  const std::string& shown(const std::string& name) const { return file_of(name).shown(); }

 private:
  void open_shards(const std::filesystem::path& folder, const std::map<std::string, std::string>& file_of_tensor);
  const SafetensorsReader& file_of(const std::string& name) const;

  std::string shown_;
  std::vector<SafetensorsReader> files_;
  std::map<std::string, size_t> places_;  // tensor: its file
};

/// Bytes of the weights of a folder, for showing progress; 0 if they cannot be told.
uint64_t weight_bytes(const std::filesystem::path& folder);

}  // namespace nopeek
