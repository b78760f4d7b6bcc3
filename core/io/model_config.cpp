#include "core/io/model_config.h"

#include <cmath>
#include <limits>

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

/// Settings of the ecosystem that change the mathematics: only these values are what core computes.
void require_gpt2(const Fields& config) {
  const auto refuse = [&](const std::string& what, const std::string& computes) {
    throw Error(config.what() + ": NoPeek cannot compute a model with " + what + "; " + computes + ".");
  };
  const std::string type = config.text("model_type");
  if (type != "gpt2") refuse("model_type " + utf8::quoted(type), "it opens GPT-2 models");
  const std::string activation = config.text("activation_function", "gelu_new");
  if (activation != "gelu_new" && activation != "gelu_pytorch_tanh") {  // two names of one formula
    refuse("activation_function " + utf8::quoted(activation), "it computes \"gelu_new\"");
  }
  const int64_t channels = config.integer("n_embd", 1, 1 << 20, 768);
  const int64_t inner = config.integer("n_inner", 1, 1 << 24, 4 * channels);
  if (inner != 4 * channels) refuse("n_inner " + std::to_string(inner), "it computes four times n_embd");
  const double epsilon = config.number("layer_norm_epsilon", 0, 1, 1e-5);
  if (epsilon != 1e-5) refuse("layer_norm_epsilon " + json(epsilon).dump(), "it computes with 1e-05");
  if (!config.flag("scale_attn_weights", true)) refuse("scale_attn_weights off", "it computes GPT-2 as published");
  for (const char* key : {"scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn", "add_cross_attention"}) {
    if (config.flag(key, false)) refuse(std::string(key) + " on", "it computes GPT-2 as published");
  }
}

ModelConfig read_shape(const Fields& config) {
  constexpr int64_t kAny = 1 << 20;  // finer limits are validate()'s
  ModelConfig model;
  model.vocab = static_cast<int>(config.integer("vocab_size", 1, Tokenizer::kMaxTokens, 50257));
  model.context = static_cast<int>(config.integer("n_positions", 1, kAny, 1024));
  model.channels = static_cast<int>(config.integer("n_embd", 1, kAny, 768));
  model.layers = static_cast<int>(config.integer("n_layer", 1, kAny, 12));
  model.heads = static_cast<int>(config.integer("n_head", 1, kAny, 12));
  model.dropout = config.number("resid_pdrop", 0, 1, 0.1);
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
  const int64_t id = first.integer("eos_token_id", 0, kMostEos);
  return id < vocab ? std::optional(static_cast<TokenId>(id)) : std::nullopt;
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
  saved.tied = config.flag("tie_word_embeddings", true);
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
  config["n_inner"] = nullptr;
  config["activation_function"] = "gelu_new";
  config["layer_norm_epsilon"] = 1e-5;
  for (const char* key : {"resid_pdrop", "embd_pdrop", "attn_pdrop"}) config[key] = shape.dropout;
  config["tie_word_embeddings"] = true;
  for (const char* key : {"bos_token_id", "eos_token_id"}) config[key] = eos ? json(*eos) : json();
  config["torch_dtype"] = "float32";
  config["nopeek"] = {
      {"version", kVersion}, {"name", model.name}, {"step", model.step}, {"mask", json_from(*model.mask)}};
  return config.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace nopeek
