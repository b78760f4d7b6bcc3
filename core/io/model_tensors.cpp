#include "core/io/model_tensors.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "core/base/error.h"
#include "core/text/utf8.h"

namespace nopeek {

namespace {

const std::string kPrefix = "transformer.", kHead = "lm_head.weight";

/// "h.3.attn.bias" and "h.3.attn.masked_bias": the causal mask, which old programs stored with the weights.
bool is_buffer(const std::string& name) {
  return name.starts_with("h.") && (name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias"));
}

/// The prefix that this file puts before every name of the model proper.
std::string prefix_of(const SafetensorsReader& file) { return file.contains(kPrefix + "wte.weight") ? kPrefix : ""; }

void require_tensors(const SafetensorsReader& file, const std::vector<TensorSpec>& table, bool tied) {
  const std::string prefix = prefix_of(file);
  std::set<std::string> known = {kHead};
  for (const TensorSpec& spec : table) {
    file.require_floats(prefix + spec.name, shape_of(spec));
    known.insert(prefix + spec.name);
  }
  if (!tied || file.contains(kHead)) file.require_floats(kHead, shape_of(table.front()));
  for (const auto& [name, tensor] : file.tensors()) {
    const std::string plain = name.starts_with(prefix) ? name.substr(prefix.size()) : name;
    if (known.contains(name) || is_buffer(plain)) continue;
    throw Error(file.shown() + " has the tensor " + utf8::quoted(name) + ", which this model has no use for. " +
                "It would not be computed as it was meant.");
  }
}

/// An output head of its own is a model that NoPeek does not have; one that only was not declared tied is welcome.
void require_equal_head(SafetensorsReader& file, const Parameters<float>& parameters, const BytesRead& count) {
  const auto wte = parameters.wte();
  std::vector<float> head(static_cast<size_t>(wte.size()));
  file.read_floats(kHead, head, count);
  if (std::memcmp(head.data(), wte.data(), head.size() * sizeof(float)) == 0) return;
  throw Error(file.shown() + " has an output head of its own (lm_head.weight differs from wte.weight). " +
              "NoPeek computes models whose head is tied to the token embeddings.");
}

}  // namespace

SafetensorsReader::Shape shape_of(const TensorSpec& spec) {
  const auto rows = static_cast<uint64_t>(spec.rows), cols = static_cast<uint64_t>(spec.cols);
  return spec.is_matrix() ? SafetensorsReader::Shape{rows, cols} : SafetensorsReader::Shape{cols};
}

Parameters<float> read_model_tensors(const std::filesystem::path& path, const ModelConfig& config, bool tied,
                                     const BytesRead& count) {
  SafetensorsReader file(path);
  require_tensors(file, parameter_table(config), tied);
  const std::string prefix = prefix_of(file);
  Parameters<float> parameters(config);
  for (const TensorSpec& spec : parameters.table()) {
    auto tensor = parameters.tensor(spec);
    file.read_floats(prefix + spec.name, {tensor.data(), spec.size()}, count);
    // Any number times 0 is 0, but infinity and NaN become NaN. Unlike allFinite(), the compiler vectorises this.
    if (!((tensor.array() * 0.0f).sum() == 0.0f)) {
      throw Error(file.shown() + ": the tensor \"" + spec.name + "\" has values that are no finite numbers.");
    }
  }
  if (!tied) require_equal_head(file, parameters, count);
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
