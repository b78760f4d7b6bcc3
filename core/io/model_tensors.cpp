#include "core/io/model_tensors.h"

#include <cstring>
#include <set>

#include "core/base/error.h"
#include "core/text/utf8.h"

namespace nopeek {

namespace {

const std::string kPrefix = "transformer.";

/// "h.3.attn.bias" and "h.3.attn.masked_bias": the causal mask, which old programs stored with the weights.
bool is_buffer(const std::string& name) {
  return name.starts_with("h.") && (name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias"));
}

/// What a model's tensors are called in its files.
struct TensorNames {
  std::string prefix;      // before every name of the model proper, but not before the head's
  bool only_head = false;  // of a tied pair, safetensors' save_model() keeps the name that comes first: lm_head.weight

  TensorNames(const WeightFiles& files, bool tied) {
    const auto first = files.names().lower_bound(kPrefix);
    if (first != files.names().end() && first->first.starts_with(kPrefix)) prefix = kPrefix;
    only_head = tied && !files.contains(prefix + "wte.weight") && files.contains(kHeadName);
  }
  std::string of(const TensorSpec& spec) const {
    return spec.name == kHeadName || (only_head && spec.name == "wte.weight") ? kHeadName : prefix + spec.name;
  }
};

/// Layouts that hold the same model otherwise; said before one tensor after the other would be missed.
void refuse_other_layouts(const WeightFiles& files, const TensorNames& names, const ModelConfig& config) {
  const auto refuse_file = [&](const std::string& why) { throw Error(files.shown() + " " + why); };
  for (const auto& [name, file] : files.names()) {
    if (!name.starts_with("_orig_mod.")) continue;
    refuse_file(
        "has names that begin with \"_orig_mod.\", as torch.compile leaves them. Rename the tensors to GPT-2's names.");
  }
  const std::string block = names.prefix + "h.0.", c_attn = block + "attn.c_attn.weight";
  const auto C = static_cast<uint64_t>(config.channels);
  if (files.contains(c_attn) && files.tensor(c_attn).shape == SafetensorsReader::Shape{3 * C, C}) {
    refuse_file(
        "keeps its weights as (out, in), as nanoGPT and Linear layers do; GPT-2 keeps them as (in, out). Transpose "
        "c_attn, c_proj and c_fc of every block.");
  }
  if (files.contains(block + "ln_1.weight") && !files.contains(block + "ln_1.bias")) {
    refuse_file("lacks the tensor " + utf8::quoted(block + "ln_1.bias") +
                ". If the model has no biases, as nanoGPT's, add them to the file as zeros.");
  }
}

/// Heads of other tasks come with GPT-2s that were trained for them.
std::string task_of(const std::string& name) {
  const std::pair<const char*, const char*> heads[] = {{"score.", "classifying texts"},
                                                       {"classifier.", "classifying tokens"},
                                                       {"qa_outputs.", "answering questions"},
                                                       {"v_head.", "reinforcement learning"},
                                                       {"multiple_choice_head.", "multiple choice"}};
  for (const auto& [head, task] : heads) {
    if (name.starts_with(head)) return task;
  }
  return {};
}

[[noreturn]] void refuse_unknown(const WeightFiles& files, const std::string& name) {
  const std::string task = task_of(name);
  throw Error(files.shown(name) + " has the tensor " + utf8::quoted(name) + ", which " +
              (task.empty()
                   ? "this model has no use for. It would not be computed as it was meant."
                   : "is for " + task + ". NoPeek predicts tokens only: save the model without it, in Python " +
                         "with GPT2LMHeadModel.from_pretrained(folder).save_pretrained(other)."));
}

void require_tensors(const WeightFiles& files, const TensorNames& names, const ModelConfig& config) {
  refuse_other_layouts(files, names, config);
  if (!config.tied && !files.contains(kHeadName)) {
    throw Error(files.shown() + " lacks the tensor \"lm_head.weight\": config.json says that the output head is not " +
                "the token embeddings (\"tie_word_embeddings\": false). If it is, set that to true.");
  }
  const std::vector<TensorSpec> table = parameter_table(config);
  std::set<std::string> known = {kHeadName};
  for (const TensorSpec& spec : table) {
    files.require_floats(names.of(spec), shape_of(spec));
    known.insert(names.of(spec));
  }
  if (files.contains(kHeadName)) files.require_floats(kHeadName, shape_of(table.front()));
  for (const auto& [name, file] : files.names()) {
    const std::string plain = name.starts_with(names.prefix) ? name.substr(names.prefix.size()) : name;
    if (!known.contains(name) && !is_buffer(plain)) refuse_unknown(files, name);
  }
}

/// Whether the head beside the token embeddings is only their copy.
bool is_copy(WeightFiles& files, const std::string& wte, const BytesRead& count) {
  const auto elements = static_cast<size_t>(files.tensor(wte).elements);
  std::vector<float> head(elements), embeddings(elements);
  const BytesRead may_stop = [&](uint64_t) {
    if (count) count(0);
  };
  files.read_floats(kHeadName, head, may_stop);
  files.read_floats(wte, embeddings, may_stop);
  return std::memcmp(head.data(), embeddings.data(), elements * sizeof(float)) == 0;
}

}  // namespace

SafetensorsReader::Shape shape_of(const TensorSpec& spec) {
  const auto rows = static_cast<uint64_t>(spec.rows), cols = static_cast<uint64_t>(spec.cols);
  return spec.is_matrix() ? SafetensorsReader::Shape{rows, cols} : SafetensorsReader::Shape{cols};
}

Parameters<float> read_model_tensors(WeightFiles& files, ModelConfig config, const BytesRead& count) {
  const TensorNames names(files, config.tied);
  require_tensors(files, names, config);
  if (config.tied && !names.only_head && files.contains(kHeadName)) {
    config.tied = is_copy(files, names.prefix + "wte.weight", count);
  }
  Parameters<float> parameters(config);
  for (const TensorSpec& spec : parameters.table()) {
    auto tensor = parameters.tensor(spec);
    files.read_floats(names.of(spec), {tensor.data(), spec.size()}, count);
    // Any number times 0 is 0, but infinity and NaN become NaN. Unlike allFinite(), the compiler vectorises this.
    if (!((tensor.array() * 0.0f).sum() == 0.0f)) {
      throw Error(files.shown(names.of(spec)) + ": the tensor \"" + spec.name +
                  "\" has values that are no finite numbers.");
    }
  }
  return parameters;
}

std::vector<TensorToWrite> tensors_of(const ModelConfig& config, ConstVectorMap<float> flat,
                                      const std::string& prefix) {
  std::vector<TensorToWrite> tensors;
  for (const TensorSpec& spec : parameter_table(config)) {
    tensors.emplace_back(prefix + spec.name, shape_of(spec), std::span(flat.data() + spec.offset, spec.size()));
  }
  return tensors;
}

}  // namespace nopeek
