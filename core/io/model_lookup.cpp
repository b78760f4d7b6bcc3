#include "core/io/model_lookup.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <vector>

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/folder.h"
#include "core/io/shown.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

using Choice = std::function<bool(const fs::path&)>;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// The entries of a folder that are asked for, by name; none if it cannot be read.
std::vector<fs::path> entries(const fs::path& folder, const Choice& wanted) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (wanted(entry->path())) found.push_back(entry->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool has_config(const fs::path& folder) { return is_there(folder / "config.json"); }

bool is_cached_model(const fs::path& path) { return path.filename().string().starts_with("models--"); }

/// Hugging Face's cache keeps each version of a model in snapshots/<hash>, and the newest one's hash in refs/main.
fs::path snapshot_in(const fs::path& folder) {
  const fs::path all = folder / "snapshots", main = folder / "refs" / "main";
  if (is_there(main)) {
    constexpr uint64_t kMostBytes = 4096;
    std::string hash = read_file(main, kMostBytes);
    hash.erase(std::find_if_not(hash.begin(), hash.end(), [](unsigned char c) { return std::isalnum(c); }), hash.end());
    if (!hash.empty() && has_config(all / hash)) return all / hash;
  }
  const std::vector<fs::path> snapshots = entries(all, has_config);
  if (snapshots.empty()) {
    throw Error(shown(folder) + " has no snapshot with a config.json. Its download may be unfinished; repeat it.");
  }
  if (snapshots.size() > 1) {
    throw Error(shown(folder) + " has several snapshots. Choose one of them, such as " + shown(snapshots[0]) + ".");
  }
  return snapshots[0];
}

[[noreturn]] void refuse_without_config(const fs::path& folder) {
  const std::string shown = nopeek::shown(folder);
  if (is_there(folder / "run.json")) {
    const std::vector<fs::path> lanes = entries(folder, has_config);
    if (lanes.empty()) throw Error(shown + " is a saved run without a model in it. It may be damaged.");
    throw Error(shown + " is a saved run. Choose one of the models in it, such as " + nopeek::shown(lanes[0]) + ".");
  }
  if (const auto models = entries(folder, is_cached_model); !models.empty()) {
    throw Error(shown + " is a cache of models. Choose one of them, such as " + nopeek::shown(models[0]) + ".");
  }
  if (is_there(folder / "adapter_config.json")) {
    throw Error(shown +
                " is an adapter (LoRA), which only changes another model. Merge it into that one, and save it.");
  }
  if (is_there(folder / "ckpt.pt")) {
    throw Error(shown + " has a checkpoint of nanoGPT (ckpt.pt). Convert it to GPT-2's config.json and " +
                "model.safetensors, with its Linear weights transposed.");
  }
  throw Error(shown + " has no config.json. Choose the folder of a model: config.json and model.safetensors.");
}

/// Weights in other formats, and how one gets from each to ours.
[[noreturn]] void refuse_without_weights(const fs::path& folder) {
  struct Format {
    const char *file, *from;  // the argument of from_pretrained() that reads it
  };
  const Format formats[] = {{"pytorch_model.bin", ""},
                            {"pytorch_model.bin.index.json", ""},
                            {"tf_model.h5", ", from_tf=True"},
                            {"flax_model.msgpack", ", from_flax=True"}};
  const std::string shown = nopeek::shown(folder);
  for (const auto& [file, from] : formats) {
    if (!is_there(folder / file)) continue;
    throw Error(shown + " has its weights as " + file + ". NoPeek reads model.safetensors: get it, or convert them " +
                "in Python with GPT2LMHeadModel.from_pretrained(folder" + from + ").save_pretrained(folder).");
  }
  const auto others = entries(folder, [](const fs::path& path) {
    const std::string name = path.filename().string();
    return name.ends_with(".safetensors") && name != "training.safetensors" && !name.starts_with("adapter");
  });
  if (others.size() == 1) {
    throw Error(shown + " has no model.safetensors, but " + nopeek::shown(others[0].filename()) +
                ". If that is the whole model, rename it to model.safetensors.");
  }
  if (others.size() > 1) {
    throw Error(shown + " has no model.safetensors, but several other files of that kind, such as " +
                nopeek::shown(others[0].filename()) +
                ". If they are the parts of one model, get its model.safetensors.index.json, too.");
  }
  throw Error(shown + " has no model.safetensors. Get it: it holds the weights.");
}

}  // namespace

fs::path locate_model(const fs::path& folder) {
  std::error_code error;
  const auto status = fs::status(folder, error);
  if (!fs::exists(status)) throw Error("There is no folder " + shown(folder) + ".");
  if (!fs::is_directory(status)) {
    throw Error(shown(folder) + " is not a folder. Choose the folder that holds config.json and model.safetensors.");
  }
  if (!has_config(folder)) {
    if (!fs::is_directory(folder / "snapshots", error)) refuse_without_config(folder);
    return locate_model(snapshot_in(folder));
  }
  if (is_there(folder / "model.safetensors") || is_there(folder / "model.safetensors.index.json")) return folder;
  refuse_without_weights(folder);
}

std::string model_name(const fs::path& folder) {
  const fs::path path = in_full(folder);
  const fs::path model = path.parent_path().parent_path();
  const std::string name = path.filename().string(), cached = model.filename().string();
  if (path.parent_path().filename() != "snapshots" || !is_cached_model(model)) return one_line(name);
  return one_line(cached.substr(cached.rfind("--") + 2));
}

}  // namespace nopeek
