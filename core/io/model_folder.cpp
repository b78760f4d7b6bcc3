#include "core/io/model_folder.h"

#include "core/base/error.h"
#include "core/io/byte_counter.h"
#include "core/io/folder.h"
#include "core/io/model_config.h"
#include "core/io/model_files.h"
#include "core/io/model_lookup.h"
#include "core/io/model_tensors.h"
#include "core/io/shown.h"
#include "core/io/tokenizer_file.h"
#include "core/io/weight_files.h"

namespace nopeek {

namespace fs = std::filesystem;

Model read_model_files(const fs::path& asked, const BytesRead& count) {
  const fs::path folder = locate_model(asked);
  SavedConfig saved = read_model_config(folder / "config.json");
  if (count) count(0);  // may throw Cancelled
  auto tokenizer = std::make_shared<const Tokenizer>(load_tokenizer(folder, saved.eos, saved.model.vocab));
  WeightFiles files(folder);
  auto parameters = std::make_shared<const Parameters<float>>(read_model_tensors(files, saved.model, count));
  std::string name = !saved.name.empty() ? saved.name : model_name(folder);
  return {std::move(name), std::move(tokenizer), std::move(parameters),
          std::make_shared<const Mask>(std::move(saved.mask)), saved.step};
}

void write_model_files(const fs::path& folder, const Model& model) {
  write_file(folder / "config.json", model_config_json(model));
  write_file(folder / "tokenizer.json", tokenizer_json(*model.tokenizer));
  write_file(folder / "tokenizer_config.json", tokenizer_config_json(*model.tokenizer, model.config().context));
  // With a head of its own beside it, transformers wants the body's names to say which is which.
  const bool tied = model.config().tied;
  auto tensors = tensors_of(model.config(), model.parameters->flat(), tied ? "" : "transformer.");
  if (!tied) tensors.back().name = kHeadName;
  write_safetensors(folder / "model.safetensors", tensors);
}

Model load_model(const fs::path& folder, Progress* progress) {
  const fs::path located = locate_model(folder);
  Model model = read_model_files(located, ByteCounter(progress, weight_bytes(located)));
  if (progress != nullptr) progress->fraction = 1;
  return model;
}

void save_model(const fs::path& folder, const Model& model) {
  FolderWriter writer(folder);
  write_model_files(writer.part(), model);
  writer.commit();
}

}  // namespace nopeek
