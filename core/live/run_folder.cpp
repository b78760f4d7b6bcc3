#include "core/live/run_folder.h"

#include "core/base/error.h"
#include "core/io/byte_counter.h"
#include "core/io/folder.h"
#include "core/io/model_files.h"
#include "core/io/model_tensors.h"
#include "core/io/shown.h"
#include "core/live/run_json.h"
#include "core/text/utf8.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

using Row = RowVector<float>;

// ------------------------------------------------------------------ writing

/// What a lane looks like to others. Weights that its newest step ruined do not make a model: its last good ones do.
Model model_of(const LaneState& lane, const RunState& run) {
  auto parameters = std::make_shared<Parameters<float>>(run.config.model);
  parameters->flat() = lane.trainer.weights.allFinite() ? lane.trainer.weights : lane.trainer.last_good;
  return {lane.name, std::shared_ptr<const Tokenizer>(run.corpus, &run.corpus->tokenizer), std::move(parameters),
          std::make_shared<const Mask>(lane.mask), lane.trainer.optimiser.t};
}

/// Histories by column, as tensors have it.
struct Columns {
  std::vector<float> reported, honest, future_attention;
  std::vector<uint8_t> masked;

  explicit Columns(size_t size) : reported(size), honest(size), future_attention(size), masked(size) {}
  explicit Columns(const std::vector<StepRecord>& history) {
    for (const StepRecord& record : history) {
      reported.push_back(record.reported);
      honest.push_back(record.honest);
      future_attention.push_back(record.future_attention);
      masked.push_back(record.masked ? 1 : 0);
    }
  }
  std::vector<StepRecord> records() const {
    std::vector<StepRecord> records;
    for (size_t i = 0; i < reported.size(); ++i) {
      records.push_back({{reported[i], honest[i], future_attention[i]}, masked[i] != 0});
    }
    return records;
  }
};

ConstVectorMap<float> flat(const Row& values) { return {values.data(), values.size()}; }
ConstVectorMap<float> flat(const Matrix<float>& values) { return {values.data(), values.size()}; }

void write_training(const fs::path& path, const LaneState& lane, const ModelConfig& config) {
  std::vector<TensorToWrite> tensors;
  const auto add = [&](const std::string& prefix, const auto& values) {
    for (TensorToWrite& tensor : tensors_of(config, flat(values), prefix)) tensors.push_back(std::move(tensor));
  };
  add("m.", lane.trainer.optimiser.m);
  add("v.", lane.trainer.optimiser.v);
  add("last_good.", lane.trainer.last_good);
  if (!lane.trainer.weights.allFinite()) add("ruined.", lane.trainer.weights);
  const Columns history(lane.history);
  const std::vector<uint64_t> shape = {lane.history.size()};
  tensors.emplace_back("history.reported", shape, std::span(history.reported));
  tensors.emplace_back("history.honest", shape, std::span(history.honest));
  tensors.emplace_back("history.future_attention", shape, std::span(history.future_attention));
  tensors.emplace_back("history.masked", shape, std::span(history.masked));
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

std::vector<StepRecord> read_history(SafetensorsReader& file, const BytesRead& count) {
  const auto shape = file.tensor("history.reported").shape;
  for (const char* name : {"reported", "honest", "future_attention"}) {
    file.require_floats(std::string("history.") + name, shape);
  }
  file.tensor("history.masked", shape);
  Columns columns(file.tensor("history.reported").elements);
  file.read_floats("history.reported", columns.reported, count);
  file.read_floats("history.honest", columns.honest, count);
  file.read_floats("history.future_attention", columns.future_attention, count);
  file.read_integers("history.masked", columns.masked, count);
  return columns.records();
}

void read_training(const fs::path& path, LaneState& lane, const ModelConfig& config, const BytesRead& count) {
  SafetensorsReader file(path);
  lane.trainer.optimiser.m = read_flat(file, "m.", config, count);
  lane.trainer.optimiser.v = read_flat(file, "v.", config, count);
  lane.trainer.last_good = read_flat(file, "last_good.", config, count);
  if (file.contains("ruined.wte.weight")) lane.trainer.weights = read_flat(file, "ruined.", config, count);
  lane.history = read_history(file, count);
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

void save_run(const fs::path& folder, const RunState& run) {
  run.validate();
  FolderWriter writer(folder);
  write_file(writer.part() / "run.json", run_json(run));
  write_corpus(writer.part() / "corpus.safetensors", *run.corpus);
  for (const LaneState& lane : run.lanes) {
    write_model_files(writer.part() / lane.name, model_of(lane, run));
    write_training(writer.part() / lane.name / "training.safetensors", lane, run.config.model);
  }
  writer.commit();
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
