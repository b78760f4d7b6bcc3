#include "core/io/model_folder.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/io/byte_counter.h"
#include "core/io/folder.h"
#include "core/io/model_config.h"
#include "core/io/model_files.h"
#include "core/io/model_tensors.h"
#include "core/io/shown.h"
#include "core/io/tokenizer_file.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

/// The first by name of the folders in `folder` that look like a model; empty if there is none.
fs::path first_model_in(const fs::path& folder) {
  fs::path first;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path path = entry->path();
    if (fs::exists(path / "config.json", error) && (first.empty() || path < first)) first = path;
  }
  return first;
}

/// One line for each way in which a folder can be none that opens.
void require_model_folder(const fs::path& folder) {
  const std::string shown = nopeek::shown(folder);
  std::error_code error;
  const auto status = fs::status(folder, error);
  if (!fs::exists(status)) throw Error("There is no folder " + shown + ".");
  if (!fs::is_directory(status)) {
    throw Error(shown + " is not a folder. Choose the folder that holds config.json and model.safetensors.");
  }
  const auto has = [&](const char* name) { return fs::exists(folder / name, error); };
  if (has("run.json") && !has("config.json")) {
    const fs::path lane = first_model_in(folder);
    if (lane.empty()) throw Error(shown + " is a saved run without a model in it. It may be damaged.");
    throw Error(shown + " is a saved run. Choose one of the models in it, such as " + nopeek::shown(lane) + ".");
  }
  if (!has("config.json")) {
    throw Error(shown + " has no config.json. Choose the folder of a model: config.json and model.safetensors.");
  }
  if (has("model.safetensors")) return;
  const char* instead = has("model.safetensors.index.json") ? "has its weights in several files"
                        : has("pytorch_model.bin")          ? "has its weights as pytorch_model.bin"
                                                            : nullptr;
  if (instead == nullptr) throw Error(shown + " has no model.safetensors.");
  throw Error(shown + " " + instead + ". NoPeek reads one model.safetensors; get it, or convert the model to it.");
}

}  // namespace

Model read_model_files(const fs::path& folder, const BytesRead& count) {
  require_model_folder(folder);
  SavedConfig saved = read_model_config(folder / "config.json");
  if (count) count(0);  // may throw Cancelled
  auto tokenizer = std::make_shared<const Tokenizer>(load_tokenizer(folder, saved.eos, saved.model.vocab));
  auto parameters = std::make_shared<const Parameters<float>>(
      read_model_tensors(folder / "model.safetensors", saved.model, saved.tied, count));
  const fs::path plain = fs::absolute(folder).lexically_normal();
  const fs::path last = plain.has_filename() ? plain.filename() : plain.parent_path().filename();
  std::string name = !saved.name.empty() ? saved.name : one_line(last.string());
  return {std::move(name), std::move(tokenizer), std::move(parameters),
          std::make_shared<const Mask>(std::move(saved.mask)), saved.step};
}

void write_model_files(const fs::path& folder, const Model& model) {
  write_file(folder / "config.json", model_config_json(model));
  write_file(folder / "tokenizer.json", tokenizer_json(*model.tokenizer));
  write_file(folder / "tokenizer_config.json", tokenizer_config_json(*model.tokenizer, model.config().context));
  const auto tensors = tensors_of(model.config(), model.parameters->flat());
  write_safetensors(folder / "model.safetensors", tensors);
}

Model load_model(const fs::path& folder, Progress* progress) {
  std::error_code error;  // a missing file is told by who reads it
  const uintmax_t bytes = fs::file_size(folder / "model.safetensors", error);
  Model model = read_model_files(folder, ByteCounter(progress, bytes));
  if (progress != nullptr) progress->fraction = 1;
  return model;
}

void save_model(const fs::path& folder, const Model& model) {
  FolderWriter writer(folder);
  write_model_files(writer.part(), model);
  writer.commit();
}

}  // namespace nopeek
