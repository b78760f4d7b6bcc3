#include "core/io/weight_files.h"

#include <set>

#include "core/base/error.h"
#include "core/io/json_fields.h"
#include "core/io/shown.h"
#include "core/text/utf8.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

constexpr const char *kOneFile = "model.safetensors", *kIndex = "model.safetensors.index.json";
constexpr uint64_t kMostIndexBytes = 4u << 20;  // as much as the header of one file may have

/// A file of the folder itself: no path leads out of it.
bool is_shard_name(const std::string& name) {
  return is_sound_name(name) && name.ends_with(".safetensors") && fs::path(name).filename() == fs::path(name);
}

std::map<std::string, std::string> read_index(const fs::path& path) {
  const std::string shown = nopeek::shown(path);
  const Fields index(parse_json(read_file(path, kMostIndexBytes), shown), shown);
  const nlohmann::json& map = index.at("weight_map");
  if (!map.is_object() || map.empty()) index.fail("weight_map", "an object that names the file of each tensor");
  std::map<std::string, std::string> file_of_tensor;
  for (const auto& [tensor, file] : map.items()) {
    if (!file.is_string() || !is_shard_name(file.get_ref<const std::string&>())) {
      throw Error(shown + ": the place of the tensor " + utf8::quoted(tensor) +
                  " must be a .safetensors file of this folder. The file may be damaged; get it again.");
    }
    file_of_tensor.emplace(tensor, file.get<std::string>());
  }
  return file_of_tensor;
}

}  // namespace

WeightFiles::WeightFiles(const fs::path& folder) : shown_(nopeek::shown(folder / kOneFile)) {
  std::error_code error;
  if (fs::exists(folder / kOneFile, error) || !fs::exists(folder / kIndex, error)) {
    files_.emplace_back(folder / kOneFile);
    for (const auto& [name, tensor] : files_[0].tensors()) places_.emplace(name, 0);
    return;
  }
  shown_ = nopeek::shown(folder / kIndex);
  open_shards(folder, read_index(folder / kIndex));
}

/// A tensor that is in another file than the index says, or in two, is a sign of files that were mixed up.
void WeightFiles::open_shards(const fs::path& folder, const std::map<std::string, std::string>& file_of_tensor) {
  std::set<std::string> shards;
  for (const auto& [tensor, file] : file_of_tensor) shards.insert(file);
  const std::string count = std::to_string(shards.size());
  if (shards.size() > kMostShards) {
    throw Error(shown_ + " names " + count + " files, and NoPeek reads at most " + std::to_string(kMostShards) +
                ". Save the model in fewer.");
  }
  for (const std::string& shard : shards) {
    std::error_code error;
    if (fs::exists(folder / shard, error)) continue;
    throw Error("There is no " + nopeek::shown(folder / shard) + ", one of the " + count +
                " files that hold this model's weights. Get it from where the others came from.");
  }
  for (const std::string& shard : shards) {
    files_.emplace_back(folder / shard);
    for (const auto& [name, tensor] : files_.back().tensors()) {
      const auto said = file_of_tensor.find(name);
      if (said == file_of_tensor.end() || said->second != shard) {
        throw Error(files_.back().shown() + " has the tensor " + utf8::quoted(name) + ", which the index puts " +
                    (said == file_of_tensor.end() ? "nowhere" : "into " + utf8::quoted(said->second)) +
                    ". The files do not belong together; get them again.");
      }
      places_.emplace(name, files_.size() - 1);
    }
  }
  for (const auto& [tensor, file] : file_of_tensor) {
    if (contains(tensor)) continue;
    throw Error(nopeek::shown(folder / file) + " lacks the tensor " + utf8::quoted(tensor) +
                ", which the index puts there. The files do not belong together; get them again.");
  }
}

const SafetensorsReader& WeightFiles::file_of(const std::string& name) const {
  const auto found = places_.find(name);
  if (found == places_.end()) throw Error(shown_ + " lacks the tensor " + utf8::quoted(name) + ".");
  return files_[found->second];
}

void WeightFiles::read_floats(const std::string& name, std::span<float> to, const BytesRead& count) {
  file_of(name);  // throws if there is none
  files_[places_.at(name)].read_floats(name, to, count);
}

uint64_t weight_bytes(const fs::path& folder) {
  std::error_code error;
  if (fs::exists(folder / kOneFile, error)) {
    const uintmax_t bytes = fs::file_size(folder / kOneFile, error);
    return error ? 0 : bytes;
  }
  uint64_t bytes = 0;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->path().extension() != ".safetensors" || !entry->is_regular_file(ignored)) continue;
    const uintmax_t of_file = entry->file_size(ignored);
    if (!ignored) bytes += of_file;
  }
  return bytes;
}

}  // namespace nopeek
