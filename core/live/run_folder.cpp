#include "core/live/run_folder.h"

#include <algorithm>
#include <array>
#include <new>
#include <span>

#include "core/base/error.h"
#include "core/io/byte_counter.h"
#include "core/io/folder.h"
#include "core/io/model_files.h"
#include "core/io/model_tensors.h"
#include "core/io/shown.h"
#include "core/io/state_folder.h"
#include "core/live/run_json.h"
#include "core/text/utf8.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

using Row = RowVector<float>;

// ------------------------------------------------------------------ writing

/// The weights as a model has them: the lane's own where they lie, not copied.
std::shared_ptr<const Parameters<float>> parameters_of(const LaneView& lane, const RunConfig& config) {
  const bool sound = lane.trainer.weights.allFinite();
  if (sound && lane.parameters != nullptr) return {std::shared_ptr<void>(), lane.parameters};
  auto parameters = std::make_shared<Parameters<float>>(config.model);
  parameters->flat() = sound ? lane.trainer.weights : lane.trainer.last_good;
  return parameters;
}

/// What a lane looks like to others. Weights that its newest step ruined do not make a model: its last good ones do.
Model model_of(const LaneView& lane, const RunView& run) {
  return {lane.name, std::shared_ptr<const Tokenizer>(run.corpus, &run.corpus->tokenizer),
          parameters_of(lane, run.config), std::make_shared<const Mask>(lane.mask), lane.trainer.updates};
}

/// A column of the history, block by block.
template <class T, size_t kSize>
TensorToWrite column(const std::string& name, const LaneView& lane, std::array<T, kSize> LaneHistory::Block::*values) {
  const auto size = static_cast<uint64_t>(lane.history_size);
  TensorToWrite tensor("history." + name, {size}, std::span<const T>());
  for (uint64_t i = 0; i * kSize < size; ++i) {
    tensor.add(std::span<const T>(lane.history->block(static_cast<int64_t>(i)).*values)
                   .first(std::min<uint64_t>(kSize, size - i * kSize)));
  }
  return tensor;
}

void write_training(const fs::path& path, const LaneView& lane, const ModelConfig& config) {
  std::vector<TensorToWrite> tensors;
  const auto add = [&](const std::string& prefix, const ConstVectorMap<float>& values) {
    for (TensorToWrite& tensor : tensors_of(config, values, prefix)) tensors.push_back(std::move(tensor));
  };
  add("m.", lane.trainer.m);
  add("v.", lane.trainer.v);
  add("last_good.", lane.trainer.last_good);
  if (!lane.trainer.weights.allFinite()) add("ruined.", lane.trainer.weights);
  tensors.push_back(column("reported", lane, &LaneHistory::Block::reported));
  tensors.push_back(column("honest", lane, &LaneHistory::Block::honest));
  tensors.push_back(column("future_attention", lane, &LaneHistory::Block::future_attention));
  tensors.push_back(column("masked", lane, &LaneHistory::Block::masked));
  write_safetensors(path, tensors);
}

void write_corpus(const fs::path& path, const Corpus& corpus) {
  const TensorToWrite tensors[] = {{"train", {corpus.train.size()}, std::span(corpus.train)},
                                   {"validation", {corpus.validation.size()}, std::span(corpus.validation)}};
  write_safetensors(path, tensors);
}

// ------------------------------------------------------------------ reading

Row read_flat(SafetensorsReader& file, const std::string& prefix, const ModelConfig& config, const BytesRead& count) {
  const std::vector<TensorSpec> table = parameter_table(config);
  for (const TensorSpec& spec : table) file.require_floats(prefix + spec.name, shape_of(spec));
  Row values(static_cast<Eigen::Index>(table.back().offset + table.back().size()));
  for (const TensorSpec& spec : table) {
    file.read_floats(prefix + spec.name, {values.data() + spec.offset, spec.size()}, count);
  }
  return values;
}

std::shared_ptr<const LaneHistory> read_history(SafetensorsReader& file, const BytesRead& count) {
  const auto shape = file.tensor("history.reported").shape;
  for (const char* name : {"reported", "honest", "future_attention"}) {
    file.require_floats(std::string("history.") + name, shape);
  }
  file.tensor("history.masked", shape);
  const uint64_t size = file.tensor("history.reported").elements;
  std::vector<float> reported(size), honest(size), future_attention(size);
  std::vector<uint8_t> masked(size);
  file.read_floats("history.reported", reported, count);
  file.read_floats("history.honest", honest, count);
  file.read_floats("history.future_attention", future_attention, count);
  file.read_integers("history.masked", masked, count);
  auto history = std::make_shared<LaneHistory>();
  for (size_t i = 0; i < size; ++i) {
    history->append({{reported[i], honest[i], future_attention[i]}, masked[i] != 0});
  }
  return history;
}

void read_training(const fs::path& path, LaneState& lane, const ModelConfig& config, const BytesRead& count) {
  SafetensorsReader file(path);
  lane.trainer.optimiser.m = read_flat(file, "m.", config, count);
  lane.trainer.optimiser.v = read_flat(file, "v.", config, count);
  lane.trainer.last_good = read_flat(file, "last_good.", config, count);
  if (file.contains("ruined.wte.weight")) lane.trainer.weights = read_flat(file, "ruined.", config, count);
  lane.history = read_history(file, count);
  lane.history_size = lane.history->size();
}

std::vector<uint16_t> read_ids(SafetensorsReader& file, const std::string& name, int vocab, const BytesRead& count) {
  std::vector<uint16_t> ids(file.tensor(name).elements);
  file.read_integers(name, ids, count);
  for (const uint16_t id : ids) {
    if (id < vocab) continue;
    throw Error(file.shown() + ": \"" + name + "\" has the token " + std::to_string(id) + ", and the vocabulary only " +
                std::to_string(vocab) + ".");
  }
  return ids;
}

/// Reads what the lane's folder holds; what the model's files repeat must agree with run.json. Returns the tokenizer.
std::shared_ptr<const Tokenizer> read_lane(const fs::path& folder, LaneState& lane, const ModelConfig& config,
                                           const BytesRead& count) {
  const Model model = read_model_files(folder, count);
  if (model.config() != config) {
    throw Error(shown(folder) + " holds a model of other settings than run.json says.");
  }
  if (model.name != lane.name) {
    throw Error(shown(folder / "config.json") + " names the model " + utf8::quoted(model.name) + ", and run.json " +
                utf8::quoted(lane.name) + ". The files do not belong together.");
  }
  lane.mask = *model.mask;
  lane.trainer.weights = model.parameters->flat();
  read_training(folder / "training.safetensors", lane, config, count);
  return model.tokenizer;
}

uint64_t bytes_in(const fs::path& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".safetensors" && entry->is_regular_file(error)) bytes += entry->file_size(error);
  }
  return bytes;
}

void require_run_folder(const fs::path& folder) {
  const std::string shown = nopeek::shown(folder);
  std::error_code error;
  if (!fs::exists(folder, error)) throw Error("There is no folder " + shown + ".");
  if (!fs::is_directory(folder, error)) throw Error(shown + " is not a folder. Choose the folder of a saved run.");
  if (fs::exists(folder / "run.json", error)) return;
  const bool lane = fs::exists(folder / "training.safetensors", error);
  throw Error(shown + " is no saved run: it has no run.json. " +
              (lane ? "It is one model of a run; choose the folder above it." : "Choose a folder that was saved."));
}

}  // namespace

void save_run(const fs::path& folder, const RunView& run) {
  run.validate();
  FolderWriter writer(folder);
  write_file(writer.part() / "run.json", run_json(run));
  write_corpus(writer.part() / "corpus.safetensors", *run.corpus);
  for (const LaneView& lane : run.lanes) {
    write_model_files(writer.part() / lane.name, model_of(lane, run));
    write_training(writer.part() / lane.name / "training.safetensors", lane, run.config.model);
  }
  writer.commit();
}

namespace {

/// Empty, or why it could not be.
std::string refusal(const fs::path& folder, const RunView& run) {
  try {
    save_run(folder, run);
    return {};
  } catch (const Cancelled&) {
    throw;
  } catch (const std::bad_alloc&) {
    return "There is not enough memory to save to " + shown(folder) + ".";
  } catch (const std::exception& error) {
    return error.what();
  }
}

fs::path free_name(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  fs::path candidate = folder / name;
  for (int n = 2; fs::exists(fs::symlink_status(candidate, ignored)); ++n) {
    candidate = folder / (name + "-" + std::to_string(n));
  }
  return candidate;
}

}  // namespace

std::string SavedRunPlace::warning() const {
  return refused.empty() ? "" : refused + " The run was saved to " + shown(folder) + " instead.";
}

SavedRunPlace save_run_somewhere(const fs::path& folder, const RunView& run) {
  const std::string refused = refusal(folder, run);
  if (refused.empty()) return {folder, {}};
  std::error_code ignored;
  const fs::path plain = in_full(folder);
  const std::string name = plain.has_filename() ? plain.filename().string() : "run";
  for (const fs::path& place : {plain.parent_path(), state_folder(), fs::temp_directory_path(ignored)}) {
    if (place.empty()) continue;
    const fs::path instead = free_name(place, name);
    if (refusal(instead, run).empty()) return {instead, refused};
  }
  throw Error(refused);
}

RunState load_run(const fs::path& folder, Progress* progress) {
  require_run_folder(folder);
  SavedRun saved = read_run_json(folder / "run.json");
  RunState run = std::move(saved.run);
  const BytesRead count = ByteCounter(progress, bytes_in(folder));
  auto corpus = std::make_shared<Corpus>();
  std::shared_ptr<const Tokenizer> tokenizer;
  for (LaneState& lane : run.lanes) {
    const auto of_lane = read_lane(folder / lane.name, lane, run.config.model, count);
    if (tokenizer != nullptr && tokenizer->parts() != of_lane->parts()) {
      throw Error(shown(folder) + ": the models " + run.lanes[0].name + " and " + lane.name +
                  " have different tokenizers. The files do not belong together.");
    }
    tokenizer = of_lane;
  }
  corpus->tokenizer = *tokenizer;
  corpus->name = saved.corpus_name;
  corpus->source = saved.corpus_source;
  SafetensorsReader file(folder / "corpus.safetensors");
  corpus->train = read_ids(file, "train", run.config.model.vocab, count);
  corpus->validation = read_ids(file, "validation", run.config.model.vocab, count);
  run.corpus = std::move(corpus);
  try {
    run.validate();
  } catch (const Error& error) {
    throw Error(shown(folder) + ": " + error.what());
  }
  if (progress != nullptr) progress->fraction = 1;
  return run;
}

}  // namespace nopeek
