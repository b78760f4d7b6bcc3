#include "core/io/model_config.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/json_fields.h"
#include "core/io/shown.h"
#include "core/text/utf8.h"

namespace nopeek {

using nlohmann::json;

namespace {

constexpr uint64_t kMostBytes = 40u << 20;        // a painted mask of 1024 x 1024 takes up to 35 MB
constexpr int64_t kMostEos = 1 << 20;             // four times the largest vocabulary in use
constexpr int64_t kMostSteps = int64_t{1} << 53;  // what a JSON number holds exactly
constexpr double kMostFloat = std::numeric_limits<float>::max();
constexpr int kVersion = 1;  // of the `nopeek` key

[[noreturn]] void refuse_model(const Fields& config, const std::string& what) {
  throw Error(config.what() + ": NoPeek cannot compute a model with " + what + "; it opens GPT-2 models.");
}

/// Files of 2019 do not say what they are: then the name of the class does, or GPT-2's own names of its numbers.
bool looks_like_gpt2(const Fields& config) {
  const json* classes = config.find("architectures");
  if (classes == nullptr || !classes->is_array() || classes->empty()) {
    return config.find("n_embd") != nullptr && config.find("n_layer") != nullptr && config.find("n_head") != nullptr;
  }
  return std::any_of(classes->begin(), classes->end(), [](const json& name) {
    return name.is_string() && name.get_ref<const std::string&>().starts_with("GPT2");
  });
}

void require_model_type(const Fields& config) {
  if (config.find("model_type") == nullptr) {
    if (looks_like_gpt2(config)) return;
    throw Error(config.what() + " does not say \"model_type\". If it is a GPT-2, add \"model_type\": \"gpt2\".");
  }
  const std::string type = config.text("model_type");
  if (type != "gpt2") refuse_model(config, "model_type " + utf8::quoted(type));
}

/// Settings of the ecosystem that change the mathematics into what core does not compute.
void require_gpt2(const Fields& config) {
  require_model_type(config);
  if (config.flag("add_cross_attention", false)) refuse_model(config, "add_cross_attention on");
  config.flag("reorder_and_upcast_attn", false);  // the same formula in another order
  for (const char* key : {"quantization_config", "pruned_heads", "auto_map"}) {
    const json* value = config.find(key);
    if (value != nullptr && !value->empty()) {
      refuse_model(config, std::string(key) + (key == std::string("auto_map") ? " (code of its own)" : ""));
    }
  }
}

/// The ecosystem's names of the three activations. Where there are several, they are of one formula.
constexpr std::pair<const char*, Activation> kActivations[] = {
    {"gelu_new", Activation::kGeluTanh},         {"gelu_pytorch_tanh", Activation::kGeluTanh},
    {"gelu_fast", Activation::kGeluTanh},        {"gelu_accurate", Activation::kGeluTanh},
    {"gelu_python_tanh", Activation::kGeluTanh}, {"gelu", Activation::kGelu},
    {"gelu_python", Activation::kGelu},          {"relu", Activation::kRelu}};

Activation read_activation(const Fields& config) {
  const std::string said = config.text("activation_function", "gelu_new");
  for (const auto& [name, activation] : kActivations) {
    if (said == name) return activation;
  }
  throw Error(config.what() + ": NoPeek cannot compute a model with activation_function " + utf8::quoted(said) +
              "; it computes \"gelu_new\", \"gelu\" and \"relu\".");
}

const char* name_of(Activation activation) {
  for (const auto& [name, value] : kActivations) {
    if (value == activation) return name;
  }
  return "";
}

/// A number of the shape, by GPT-2's name of it or by the one that all of the ecosystem's models share.
int read_size(const Fields& config, const char* key, const char* shared, int64_t otherwise) {
  constexpr int64_t kAny = 1 << 20;  // finer limits are validate()'s
  const int64_t by_shared = config.integer(shared, 1, kAny, otherwise);
  const int64_t size = config.integer(key, 1, kAny, by_shared);
  if (config.find(shared) != nullptr && size != by_shared) {
    throw Error(config.what() + ": \"" + key + "\" is " + std::to_string(size) + " and \"" + shared + "\", which is " +
                "another name for it, " + std::to_string(by_shared) + ". Remove the wrong one.");
  }
  return static_cast<int>(size);
}

ModelConfig read_shape(const Fields& config) {
  constexpr int64_t kMostInner = 1 << 24;
  ModelConfig model;
  model.vocab = static_cast<int>(config.integer("vocab_size", 1, Tokenizer::kMaxTokens, 50257));
  model.context = read_size(config, "n_positions", "max_position_embeddings", 1024);
  model.channels = read_size(config, "n_embd", "hidden_size", 768);
  model.layers = read_size(config, "n_layer", "num_hidden_layers", 12);
  model.heads = read_size(config, "n_head", "num_attention_heads", 12);
  model.dropout = config.number("resid_pdrop", 0, 1, 0.1);
  const int64_t inner = config.integer("n_inner", 1, kMostInner, int64_t{4} * model.channels);
  model.inner = inner == int64_t{4} * model.channels ? 0 : static_cast<int>(inner);
  model.activation = read_activation(config);
  model.epsilon = config.number("layer_norm_epsilon", 0, 1, 1e-5);
  model.tied = config.flag("tie_word_embeddings", true);
  model.scaled = config.flag("scale_attn_weights", true);
  model.scaled_by_layer = config.flag("scale_attn_by_inverse_layer_idx", false);
  try {
    model.validate();
  } catch (const Error& error) {
    throw Error(config.what() + ": " + error.what());
  }
  return model;
}

/// Configurations of small models often still say GPT-2's 50256: then the tokenizer knows better.
std::optional<TokenId> read_eos(const Fields& config, int vocab) {
  const json* value = config.find("eos_token_id");
  if (value == nullptr || (value->is_array() && value->empty())) return std::nullopt;
  // Where a list of several ends a text, the first is the usual one.
  const Fields first(json{{"eos_token_id", value->is_array() ? value->front() : *value}}, config.what());
  const int64_t id = first.integer("eos_token_id", -1, kMostEos);  // -1: none
  return id >= 0 && id < vocab ? std::optional(static_cast<TokenId>(id)) : std::nullopt;
}

// Masks are written by name where they have one, else as rows; null stands for minus infinity, which JSON lacks.

json json_from(const Mask& mask) {
  const int T = mask.size();
  if (mask == Mask::causal(T)) return "causal";
  if (mask == Mask::full(T)) return "full";
  if (mask == Mask::off_by_one(T)) return "off_by_one";
  const float corner = T > 1 ? mask(0, T - 1) : 0.0f;
  if (mask == Mask::penalised_future(T, corner)) return {{"penalised_future", corner}};
  json rows = json::array();
  for (int query = 0; query < T; ++query) {
    json row = json::array();
    for (int key = 0; key < T; ++key) row.push_back(mask.visible(query, key) ? json(mask(query, key)) : json());
    rows.push_back(std::move(row));
  }
  return rows;
}

Mask mask_of_rows(const json& rows, int T, const Fields& nopeek) {
  const auto fail = [&] {
    nopeek.fail("mask", std::to_string(T) + " rows of " + std::to_string(T) + " numbers or nulls, or a mask's name");
  };
  if (!rows.is_array() || rows.size() != static_cast<size_t>(T)) fail();
  Mask mask = Mask::full(T);
  for (int query = 0; query < T; ++query) {
    const json& row = rows[static_cast<size_t>(query)];
    if (!row.is_array() || row.size() != static_cast<size_t>(T)) fail();
    for (int key = 0; key < T; ++key) {
      const json& value = row[static_cast<size_t>(key)];
      const bool fits = value.is_number() && std::abs(value.get<double>()) <= kMostFloat;
      if (!fits && !value.is_null()) fail();
      mask.set(query, key, value.is_null() ? Mask::kForbidden : value.get<float>());
    }
  }
  return mask;
}

Mask read_mask(const Fields& nopeek, int T) {
  const json& value = nopeek.at("mask");
  if (value == "causal") return Mask::causal(T);
  if (value == "full") return Mask::full(T);
  if (value == "off_by_one") return Mask::off_by_one(T);
  if (!value.is_object()) return mask_of_rows(value, T, nopeek);
  return Mask::penalised_future(T,
                                static_cast<float>(nopeek.object("mask").number("penalised_future", -kMostFloat, 0)));
}

}  // namespace

SavedConfig read_model_config(const std::filesystem::path& path) {
  const std::string shown = nopeek::shown(path);
  const Fields config(parse_json(read_file(path, kMostBytes), shown), shown);
  require_gpt2(config);
  SavedConfig saved{.model = read_shape(config), .mask = Mask::causal(1), .name = {}, .eos = {}};
  saved.eos = read_eos(config, saved.model.vocab);
  if (config.find("nopeek") == nullptr) {
    saved.mask = Mask::causal(saved.model.context);
    return saved;
  }
  const Fields nopeek = config.object("nopeek");
  if (nopeek.integer("version", 1, std::numeric_limits<int>::max()) != kVersion) {
    throw Error(shown + " was saved by a newer NoPeek. Open it with that one.");
  }
  saved.mask = read_mask(nopeek, saved.model.context);
  saved.name = nopeek.text("name", "");
  if (!is_sound_name(saved.name)) saved.name.clear();
  saved.step = nopeek.integer("step", 0, kMostSteps, 0);
  try {
    saved.mask.validate();
  } catch (const Error& error) {
    throw Error(nopeek.what() + ": " + error.what());
  }
  return saved;
}

std::string model_config_json(const Model& model) {
  const ModelConfig& shape = model.config();
  const std::optional<TokenId> eos = model.tokenizer->eos();
  nlohmann::ordered_json config;
  config["model_type"] = "gpt2";
  config["architectures"] = {"GPT2LMHeadModel"};
  config["vocab_size"] = shape.vocab;
  config["n_positions"] = config["n_ctx"] = shape.context;
  config["n_embd"] = shape.channels;
  config["n_layer"] = shape.layers;
  config["n_head"] = shape.heads;
  config["n_inner"] = shape.inner > 0 ? json(shape.inner) : json();
  config["activation_function"] = name_of(shape.activation);
  config["layer_norm_epsilon"] = shape.epsilon;
  for (const char* key : {"resid_pdrop", "embd_pdrop", "attn_pdrop"}) config[key] = shape.dropout;
  config["tie_word_embeddings"] = shape.tied;
  if (!shape.scaled) config["scale_attn_weights"] = false;
  if (shape.scaled_by_layer) config["scale_attn_by_inverse_layer_idx"] = true;
  for (const char* key : {"bos_token_id", "eos_token_id"}) config[key] = eos ? json(*eos) : json();
  config["torch_dtype"] = "float32";
  config["nopeek"] = {
      {"version", kVersion}, {"name", model.name}, {"step", model.step}, {"mask", json_from(*model.mask)}};
  return config.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace nopeek
