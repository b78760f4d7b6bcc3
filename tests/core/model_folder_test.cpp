// Models as folders: what is saved opens bit for bit, published layouts open, all else is refused by name.
#include "core/io/model_folder.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/io/folder.h"
#include "core/io/model_files.h"
#include "core/io/model_tensors.h"
#include "core/io/tokenizer_file.h"
#include "tests/core/support.h"

namespace nopeek::test::model_folder_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

Model small_model(const Mask& mask = Mask::causal(8)) {
  ModelConfig config = small_run().model;
  config.vocab = small_corpus()->vocab_size();
  config.dropout = 0.1;
  auto parameters = std::make_shared<Parameters<float>>(config);
  Rng rng(11);
  randomise(*parameters, rng, 0.3);
  return {"masked", std::make_shared<const Tokenizer>(small_corpus()->tokenizer), parameters,
          std::make_shared<const Mask>(mask), 417};
}

void check_same(const Model& a, const Model& b) {
  CHECK(a.name == b.name);
  CHECK(a.step == b.step);
  CHECK(a.config() == b.config());
  CHECK(hash_of(*a.parameters) == hash_of(*b.parameters));
  CHECK(*a.mask == *b.mask);
  CHECK(a.tokenizer->kind() == b.tokenizer->kind());
  CHECK(a.tokenizer->eos() == b.tokenizer->eos());
  CHECK(a.tokenizer->unknown() == b.tokenizer->unknown());
  CHECK(a.tokenizer->parts().tokens == b.tokenizer->parts().tokens);
}

Mask painted() {
  Mask mask = Mask::causal(8);
  mask.set(3, 5, -0.1f);
  mask.set(4, 0, Mask::kForbidden);
  mask.set(7, 2, -1e-30f);
  return mask;
}

TEST_CASE("a model comes back bit for bit, under every kind of mask") {
  TemporaryFolder home;
  const Mask masks[] = {Mask::causal(8), Mask::full(8), Mask::off_by_one(8), Mask::penalised_future(8, -0.1f),
                        painted()};
  for (const Mask& mask : masks) {
    const Model model = small_model(mask);
    save_model(home / "model", model);
    Progress progress;
    check_same(load_model(home / "model", &progress), model);
    CHECK(progress.fraction == 1.0f);
  }
  CHECK(std::distance(fs::directory_iterator(home.path()), {}) == 1);
}

TEST_CASE("every mask that has a name is written by it, so that people can read it") {
  TemporaryFolder home;
  const auto mask_of = [&](const Mask& mask) {
    save_model(home / "model", small_model(mask));
    return json_of(read_whole(home / "model/config.json"))["nopeek"]["mask"];
  };
  CHECK(mask_of(Mask::causal(8)) == "causal");
  CHECK(mask_of(Mask::full(8)) == "full");
  CHECK(mask_of(Mask::off_by_one(8)) == "off_by_one");
  CHECK(mask_of(Mask::penalised_future(8, -2.5f)) == json{{"penalised_future", -2.5}});
  CHECK(mask_of(painted())[4][0].is_null());
}

TEST_CASE("config.json is GPT-2's, as the ecosystem spells it") {
  TemporaryFolder home;
  save_model(home / "model", small_model());
  const json config = json_of(read_whole(home / "model/config.json"));
  const json expected = {{"model_type", "gpt2"},
                         {"vocab_size", small_corpus()->vocab_size()},
                         {"n_positions", 8},
                         {"n_ctx", 8},
                         {"n_embd", 16},
                         {"n_layer", 2},
                         {"n_head", 2},
                         {"activation_function", "gelu_new"},
                         {"resid_pdrop", 0.1},
                         {"embd_pdrop", 0.1},
                         {"attn_pdrop", 0.1},
                         {"layer_norm_epsilon", 1e-5},
                         {"bos_token_id", 0},
                         {"eos_token_id", 0},
                         {"torch_dtype", "float32"},
                         {"tie_word_embeddings", true}};
  for (const auto& [key, value] : expected.items()) CHECK(config[key] == value);
  CHECK(config["architectures"] == json::array({"GPT2LMHeadModel"}));
  CHECK(config["n_inner"].is_null());
}

// ------------------------------------------------------------------ other people's files

/// A saved model whose files can be spoilt, one after the other.
struct Folder {
  Folder() { save_model(path, model); }
  json config() const { return json_of(read_whole(path / "config.json")); }
  void set(const std::string& key, const json& value) {
    json changed = config();
    changed[json::json_pointer(key)] = value;
    write_plain(path / "config.json", changed.dump());
  }
  void set_mask(const json& value) { set("/nopeek/mask", value); }
  /// Rewrites the weights with `change` made to the list of tensors.
  void change_tensors(const std::function<void(std::vector<TensorToWrite>&)>& change) {
    auto tensors = tensors_of(model.config(), model.parameters->flat());
    change(tensors);
    write_safetensors(path / "model.safetensors", tensors);
  }
  std::string error() const {
    return error_of([&] { load_model(path); });
  }

  TemporaryFolder home;
  fs::path path = home / "model";
  Model model = small_model();
};

TEST_CASE("published layouts open: the prefix, the mask buffers, a tied head beside, defaults left out") {
  Folder folder;
  const std::vector<float> buffer(64, 1), scalar = {-1e4f};
  folder.change_tensors([&](std::vector<TensorToWrite>& tensors) {
    const TensorToWrite head = {
        "lm_head.weight", tensors[0].shape,
        std::span(folder.model.parameters->wte().data(), folder.model.parameters->wte().size())};
    for (TensorToWrite& tensor : tensors) tensor.name = "transformer." + tensor.name;
    tensors.push_back({"transformer.h.0.attn.bias", {1, 1, 8, 8}, std::span(buffer)});
    tensors.push_back({"transformer.h.1.attn.masked_bias", {}, std::span(scalar)});
    tensors.push_back(head);
  });
  json config = folder.config();
  for (const char* key : {"n_ctx", "n_inner", "activation_function", "layer_norm_epsilon", "resid_pdrop",
                          "tie_word_embeddings", "torch_dtype", "architectures", "nopeek", "eos_token_id"}) {
    config.erase(key);
  }
  write_plain(folder.path / "config.json", config.dump());
  const Model model = load_model(folder.path);
  CHECK(hash_of(*model.parameters) == hash_of(*folder.model.parameters));
  CHECK(model.config().dropout == 0.1);  // the ecosystem's default
  CHECK(model.name == "model");          // the folder's
  CHECK(model.step == 0);
  CHECK(model.masked());
  CHECK(load_model(folder.path / "").name == "model");
}

TEST_CASE("a context of 1, a vocabulary of 2, a width of 1: vectors and matrices are told apart") {
  TemporaryFolder home;
  Model model = small_model(Mask::causal(1));
  ModelConfig config{.vocab = 2, .context = 1, .channels = 1, .layers = 1, .heads = 1};
  auto parameters = std::make_shared<Parameters<float>>(config);
  parameters->initialise(Rng(1));
  model.parameters = parameters;
  model.tokenizer = std::make_shared<const Tokenizer>();
  save_model(home / "m", model);
  check_same(load_model(home / "m"), model);
}

TEST_CASE("what NoPeek would not compute faithfully is refused by the name of the setting") {
  struct Case {
    const char* key;
    json value;
    const char* says;
  };
  const Case cases[] = {
      {"/model_type", "llama", "model_type \"llama\""},
      {"/model_type", 2, "model_type"},
      {"/model_type", "a\nb\x1b[2J", "model_type \"a\u21B5b<U+001B>[2J\""},
      {"/activation_function", "quick_gelu", "\"quick_gelu\""},
      {"/activation_function", "re\nlu", "\"re\u21B5lu\""},
      {"/activation_function", 1, "activation_function"},
      {"/n_inner", 32, "(16, 32)"},
      {"/n_inner", 0, "n_inner"},
      {"/n_inner", 65537, "65536"},
      {"/layer_norm_epsilon", -1, "layer_norm_epsilon"},
      {"/layer_norm_epsilon", "1e-5", "layer_norm_epsilon"},
      {"/scale_attn_weights", "no", "scale_attn_weights"},
      {"/scale_attn_by_inverse_layer_idx", 1, "scale_attn_by_inverse_layer_idx"},
      {"/reorder_and_upcast_attn", 1, "reorder_and_upcast_attn"},
      {"/quantization_config", {{"load_in_8bit", true}}, "quantization_config"},
      {"/pruned_heads", {{"0", {1}}}, "pruned_heads"},
      {"/auto_map", {{"AutoModel", "x.Y"}}, "auto_map"},
      {"/hidden_size", 32, "\"hidden_size\""},
      {"/num_hidden_layers", 3, "\"num_hidden_layers\""},
      {"/add_cross_attention", true, "add_cross_attention"},
      {"/add_cross_attention", "yes", "add_cross_attention"},
      {"/tie_word_embeddings", false, "lm_head.weight"},
      {"/vocab_size", 0, "vocab_size"},
      {"/vocab_size", -5, "vocab_size"},
      {"/vocab_size", 2'000'000'000, "vocab_size"},
      {"/vocab_size", 13.5, "vocab_size"},
      {"/vocab_size", 65537, "from 1 to 65536"},
      {"/vocab_size", 15, "wte.weight"},
      {"/n_positions", 1 << 19, "Context"},
      {"/n_positions", 9, "wpe.weight"},
      {"/n_embd", 18446744073709551615u, "n_embd"},
      {"/n_embd", 4096, "wte.weight"},
      {"/n_layer", 1'000'000, "Layers"},
      {"/n_layer", 48, "h.2.ln_1.weight"},
      {"/n_layer", 1, "h.1."},  // the file has more
      {"/n_head", 3, "heads"},
      {"/n_head", 0, "n_head"},
      {"/resid_pdrop", 1, "Dropout"},
      {"/resid_pdrop", -1, "resid_pdrop"},
      {"/resid_pdrop", "x", "resid_pdrop"},
      {"/eos_token_id", -2, "eos_token_id"},
      {"/eos_token_id", {"x", 1}, "eos_token_id"},
      {"/nopeek", 5, "nopeek"},
      {"/nopeek/version", 2, "newer NoPeek"},
      {"/nopeek/version", 0, "version"},
      {"/nopeek/name", json::array(), "name"},
      {"/nopeek/step", -1, "step"},
      {"/nopeek/step", 1e300, "step"},
      {"/nopeek/mask", "hidden", "mask"},
      {"/nopeek/mask", nullptr, "mask"},
      {"/nopeek/mask", json::array(), "mask"},
      {"/nopeek/mask", {{"penalised_future", 1}}, "penalised_future"},
      {"/nopeek/mask", {{"penalised_future", -1e300}}, "penalised_future"},
      {"/nopeek/mask", {{"other", 1}}, "penalised_future"},
  };
  for (const auto& [key, value, says] : cases) {
    Folder folder;
    folder.set(key, value);
    const std::string message = folder.error();
    CAPTURE(key);
    CAPTURE(message);
    CHECK(contains(message, says));
    CHECK(contains(message, folder.path.string()));
    CHECK_FALSE(contains(message, "\n"));
  }
}

TEST_CASE("the token that ends a text may be the first of a list") {
  Folder folder;
  const std::optional<TokenId> eos = load_model(folder.path).tokenizer->eos();
  for (const json& value : {json::array({2}), json::array({2, 3}), json(2)}) {
    folder.set("/eos_token_id", value);
    CHECK(load_model(folder.path).tokenizer->eos() == 2);
  }
  for (const json& value : {json::array({50256}), json::array(), json(), json(-1), json::array({-1})}) {
    folder.set("/eos_token_id", value);
    CHECK(load_model(folder.path).tokenizer->eos() == eos);
  }
}

TEST_CASE("a name that could not be shown in a line gives way to the folder's") {
  Folder folder;
  for (const char* name :
       {"a\nb", "\x1b[2J", "", " ", " a", "a ", "a  b", "\u202Eabc", "a\tb", "\u200B", "../up", "a\\b"}) {
    folder.set("/nopeek/name", name);
    CHECK(load_model(folder.path).name == "model");
  }
  folder.set("/nopeek/name", std::string(129, 'a'));
  CHECK(load_model(folder.path).name == "model");
  for (const char* name : {"naïve 東京", "masked", "a b"}) {
    folder.set("/nopeek/name", name);
    CHECK(load_model(folder.path).name == name);
  }
  folder.set("/nopeek/name", "\n");
  fs::rename(folder.path, folder.home / "a b\n");
  CHECK(load_model(folder.home / "a b\n").name == "a b\u21B5");
  CHECK(contains(error_of([&] { load_model(folder.home / "x y\n"); }), "x y\u21B5\"."));
}

TEST_CASE("the largest painted mask opens again") {
  TemporaryFolder home;
  Model model = small_model(Mask::causal(1));
  ModelConfig config{.vocab = 2, .context = 1024, .channels = 1, .layers = 1, .heads = 1};
  auto parameters = std::make_shared<Parameters<float>>(config);
  parameters->initialise(Rng(1));
  Mask mask = Mask::full(1024);
  for (int query = 0; query < 1024; ++query) {
    for (int key = 0; key < 1024; ++key) mask.set(query, key, -1.17549449e-38f - static_cast<float>(key) * 1e-40f);
  }
  model.parameters = parameters;
  model.tokenizer = std::make_shared<const Tokenizer>();
  model.mask = std::make_shared<const Mask>(mask);
  save_model(home / "m", model);
  CHECK(*load_model(home / "m").mask == mask);
}

TEST_CASE("painted masks are checked number by number") {
  const json row = json::array({0, 0, 0, 0, 0, 0, 0, 0});
  const auto rows_with = [&](const json& last) {
    json rows = json::array();
    for (int i = 0; i < 7; ++i) rows.push_back(row);
    rows.push_back(last);
    return rows;
  };
  Folder folder;
  folder.set_mask(rows_with(row));
  CHECK(*load_model(folder.path).mask == Mask::full(8));
  json changed = row;
  for (const json& bad : {json("x"), json(1.0), json(1e300), json(-1e300), json(true), json::array()}) {
    changed[3] = bad;
    folder.set_mask(rows_with(changed));
    CAPTURE(bad.dump());
    CHECK(contains(folder.error(), "mask"));
  }
  const json forbidden = json::array({nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr});
  folder.set_mask(rows_with(forbidden));
  CHECK(contains(folder.error(), "Row 7"));
  for (const json& bad : {json::array({0}), json(0), json::object()}) {
    folder.set_mask(rows_with(bad));
    CHECK(contains(folder.error(), "mask"));
  }
}

TEST_CASE("tensors that are missing, unknown, wrongly shaped or not finite are named") {
  Folder folder;
  const auto& config = folder.model.config();
  const auto& flat = folder.model.parameters->flat();
  const std::vector<float> some(16 * 16, 1.0f);
  using Tensors = std::vector<TensorToWrite>;
  struct Case {
    const char* says;
    std::function<void(Tensors&)> change;
  };
  const Case cases[] = {
      {"\"wte.weight\"", [](Tensors& t) { t.erase(t.begin()); }},
      {"\"ln_f.bias\"", [](Tensors& t) { t.pop_back(); }},
      {"\"h.1.mlp.c_fc.bias\"",
       [](Tensors& t) { std::erase_if(t, [](auto& x) { return x.name == "h.1.mlp.c_fc.bias"; }); }},
      {"\"h.2.ln_1.weight\"",
       [&](Tensors& t) {
         t.push_back({"h.2.ln_1.weight", {16}, std::span(some).first(16)});
       }},
      {"\"else.weight\"",
       [&](Tensors& t) {
         t.push_back({"else.weight", {16, 1}, std::span(some).first(16)});
       }},
      {"\"lm_head.weight\"",
       [&](Tensors& t) {
         t.push_back({"lm_head.weight", {16, 16}, std::span(some)});
       }},
      {"(16, 1)",
       [](Tensors& t) {
         t.back().shape = {16, 1};
       }},
      {"(16, 13)", [](Tensors& t) { std::swap(t[0].shape[0], t[0].shape[1]); }},
      {"U8", [](Tensors& t) { t.back().dtype = "U8", t.back().bytes = t.back().bytes.substr(0, 16); }},
      {"U32", [](Tensors& t) { t.back().dtype = "U32"; }},
      {"\"transformer.wpe.weight\"", [](Tensors& t) { t[0].name = "transformer.wte.weight"; }},
  };
  REQUIRE(config.vocab == 13);
  for (const auto& [says, change] : cases) {
    folder.change_tensors(change);
    const std::string message = folder.error();
    CAPTURE(message);
    CHECK(contains(message, says));
    CHECK(contains(message, "model.safetensors"));
  }
  for (const float bad : {INFINITY, -INFINITY, std::nanf("")}) {
    std::vector<float> spoilt(flat.data(), flat.data() + flat.size());
    spoilt.back() = bad;
    write_safetensors(folder.path / "model.safetensors",
                      tensors_of(config, {spoilt.data(), static_cast<Eigen::Index>(spoilt.size())}));
    CHECK(contains(folder.error(), "\"ln_f.bias\" has values that are no finite numbers"));
  }
}

TEST_CASE("an output head is one of its own wherever it differs, or the config says so") {
  Folder folder;
  std::vector<float> head(folder.model.parameters->wte().data(),
                          folder.model.parameters->wte().data() + folder.model.parameters->wte().size());
  const auto add_head = [&](std::vector<TensorToWrite>& tensors) {
    tensors.push_back({"lm_head.weight", tensors[0].shape, std::span(head)});
  };
  folder.change_tensors(add_head);
  CHECK(load_model(folder.path).config().tied);
  folder.set("/tie_word_embeddings", false);
  CHECK_FALSE(load_model(folder.path).config().tied);
  head.back() += 1;
  folder.change_tensors(add_head);
  for (const bool said : {true, false}) {
    folder.set("/tie_word_embeddings", said);
    const Model model = load_model(folder.path);
    CHECK_FALSE(model.config().tied);
    CHECK(model.parameters->head()(12, 15) == head.back());
    CHECK(model.parameters->wte()(12, 15) == head.back() - 1);
  }
}

TEST_CASE("a config that does not say what it is may be GPT-2's by its class or by its names") {
  Folder folder;
  folder.set("/model_type", nullptr);
  CHECK(folder.error().empty());
  folder.set("/architectures", {"OpenAIGPTLMHeadModel"});
  CHECK(contains(folder.error(), "add \"model_type\": \"gpt2\""));
  folder.set("/architectures", nullptr);
  CHECK(folder.error().empty());
  folder.set("/n_head", nullptr);
  folder.set("/num_attention_heads", 2);
  CHECK(contains(folder.error(), "add \"model_type\": \"gpt2\""));
}

TEST_CASE("layouts that hold a GPT-2 otherwise, and heads of other tasks, are told by name") {
  Folder folder;
  const std::vector<float> some(16 * 16, 1.0f);
  const auto message_of = [&](const std::function<void(std::vector<TensorToWrite>&)>& change) {
    folder.change_tensors(change);
    return folder.error();
  };
  const auto rename_all = [](const std::string& prefix) {
    return [=](auto& tensors) {
      for (TensorToWrite& tensor : tensors) tensor.name = prefix + tensor.name;
    };
  };
  CHECK(contains(message_of(rename_all("_orig_mod.transformer.")), "torch.compile"));
  CHECK(contains(message_of([](auto& tensors) {
                   for (TensorToWrite& t : tensors) {
                     if (t.shape.size() == 2 && t.name.starts_with("h.")) std::swap(t.shape[0], t.shape[1]);
                   }
                 }),
                 "Transpose c_attn, c_proj and c_fc"));
  CHECK(contains(
      message_of([](auto& tensors) { std::erase_if(tensors, [](auto& t) { return t.name.ends_with("bias"); }); }),
      "no biases"));
  for (const char* name : {"score.weight", "v_head.summary.weight", "multiple_choice_head.summary.weight"}) {
    const std::string message = message_of([&](auto& tensors) {
      tensors.push_back({name, {16, 1}, std::span(some).first(16)});
    });
    CHECK(contains(message, name));
    CHECK(contains(message, "GPT2LMHeadModel"));
  }
}

// ------------------------------------------------------------------ several files, caches, other formats

/// The folder's weights as two files and their index, which can be spoilt.
struct Sharded : Folder {
  Sharded() {
    auto tensors = tensors_of(model.config(), model.parameters->flat());
    const std::span all(tensors);
    write_safetensors(path / "a.safetensors", all.first(5));
    write_safetensors(path / "b.safetensors", all.subspan(5));
    for (size_t i = 0; i < tensors.size(); ++i) map[tensors[i].name] = i < 5 ? "a.safetensors" : "b.safetensors";
    fs::remove(path / "model.safetensors");
    write_index(map);
  }
  void write_index(const json& weight_map) const {
    write_plain(path / "model.safetensors.index.json",
                json{{"metadata", {{"total_size", 1}}}, {"weight_map", weight_map}}.dump());
  }
  std::string error_with(const std::string& tensor, const json& file) const {
    json changed = map;
    changed[tensor] = file;
    write_index(changed);
    return error();
  }
  json map;
};

TEST_CASE("weights in several files open as those of one, with their progress") {
  const Sharded folder;
  Progress progress;
  check_same(load_model(folder.path, &progress), folder.model);
  CHECK(progress.fraction == 1.0f);
}

TEST_CASE("files that do not fit their index are refused, and no path leads out of the folder") {
  const Sharded folder;
  fs::copy_file(folder.path / "a.safetensors", folder.home / "a.safetensors");
  const std::string outside[] = {"../a.safetensors",
                                 (folder.home / "a.safetensors").string(),
                                 "..",
                                 "",
                                 ".safetensors/",
                                 "a.bin",
                                 "./a.safetensors",
                                 "a.safetensors\n",
                                 "x/../a.safetensors"};
  for (const std::string& file : outside) {
    const std::string message = folder.error_with("wte.weight", file);
    CAPTURE(message);
    CHECK(contains(message, "\"wte.weight\" must be a .safetensors file of this folder"));
    CHECK_FALSE(contains(message, "\n"));
  }
  CHECK(contains(folder.error_with("wte.weight", 5), "wte.weight"));
  CHECK(contains(folder.error_with("wte.weight", "c.safetensors"), "c.safetensors\", one of the 3 files"));
  CHECK(contains(folder.error_with("wte.weight", "b.safetensors"), "which the index puts into \"b.safetensors\""));
  CHECK(contains(folder.error_with("more", "b.safetensors"), "lacks the tensor \"more\""));
  json fewer = folder.map;
  fewer.erase("ln_f.bias");
  folder.write_index(fewer);
  CHECK(contains(folder.error(), "\"ln_f.bias\", which the index puts nowhere"));
  for (const json& map : {json(), json(5), json::object(), json::array({"a.safetensors"})}) {
    folder.write_index(map);
    CHECK(contains(folder.error(), "weight_map"));
  }
  json many = folder.map;
  for (int i = 0; i < 300; ++i) many["t" + std::to_string(i)] = std::to_string(i) + ".safetensors";
  folder.write_index(many);
  CHECK(contains(folder.error(), "302 files"));
  folder.write_index(folder.map);
  fs::copy_file(folder.path / "a.safetensors", folder.path / "b.safetensors", fs::copy_options::overwrite_existing);
  CHECK(contains(folder.error(), "do not belong together"));
  CHECK(contains(folder.error(), "b.safetensors"));
}

TEST_CASE("a model of Hugging Face's cache opens by its own folder, under its own name") {
  TemporaryFolder home;
  const fs::path cached = home / "hub/models--owner--small-gpt2";
  Model model = small_model();
  save_model(cached / "snapshots/0123abc", model);
  json config = json_of(read_whole(cached / "snapshots/0123abc/config.json"));
  config.erase("nopeek");
  write_plain(cached / "snapshots/0123abc/config.json", config.dump());
  CHECK(load_model(cached).name == "small-gpt2");
  CHECK(load_model(cached / "snapshots/0123abc").name == "small-gpt2");
  CHECK(contains(error_of([&] { load_model(home / "hub"); }), "such as \"" + cached.string() + "\""));

  save_model(cached / "snapshots/ffff", model);
  CHECK(contains(error_of([&] { load_model(cached); }), "several snapshots"));
  for (const char* main : {"ffff", "ffff\n"}) {
    write_file(cached / "refs/main", main);
    CHECK(load_model(cached).name == "masked");  // NoPeek's key has a name
  }
  for (const char* main : {"../..", "", "gone"}) {
    write_file(cached / "refs/main", main);
    CHECK(contains(error_of([&] { load_model(cached); }), "several snapshots"));
  }
  fs::remove_all(cached / "snapshots");
  fs::create_directories(cached / "snapshots/0123abc");
  CHECK(contains(error_of([&] { load_model(cached); }), "unfinished"));
}

TEST_CASE("weights of other formats are named, with the way to ours") {
  struct Case {
    const char *file, *says;
  };
  const Case cases[] = {{"pytorch_model.bin", "save_pretrained"},
                        {"pytorch_model.bin.index.json", "save_pretrained"},
                        {"tf_model.h5", "from_tf=True"},
                        {"flax_model.msgpack", "from_flax=True"},
                        {"gpt2-fp16.safetensors", "rename it to model.safetensors"},
                        {"training.safetensors", "Get it: it holds the weights"},
                        {"adapter_model.safetensors", "Get it: it holds the weights"}};
  for (const auto& [file, says] : cases) {
    Folder folder;
    fs::rename(folder.path / "model.safetensors", folder.path / file);
    CAPTURE(folder.error());
    CHECK(contains(folder.error(), says));
    CHECK((contains(folder.error(), file) || contains(says, "Get it")));
  }
  Folder folder;
  for (const char* name : {"x-1.safetensors", "x-2.safetensors"}) {
    fs::copy_file(folder.path / "model.safetensors", folder.path / name);
  }
  fs::remove(folder.path / "model.safetensors");
  CHECK(contains(folder.error(), "index.json"));
  TemporaryFolder home;
  write_file(home / "lora/adapter_config.json", "{}");
  CHECK(contains(error_of([&] { load_model(home / "lora"); }), "adapter"));
  write_file(home / "nano/ckpt.pt", "x");
  CHECK(contains(error_of([&] { load_model(home / "nano"); }), "nanoGPT"));
}

TEST_CASE("a file that git LFS did not fetch is told as such, whichever it is") {
  for (const char* name : {"model.safetensors", "config.json", "tokenizer.json"}) {
    Folder folder;
    write_plain(folder.path / name, "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 497774208\n");
    CAPTURE(folder.error());
    CHECK(contains(folder.error(), name));
    CHECK(contains(folder.error(), "git lfs pull"));
  }
}

TEST_CASE("a tokenizer of fewer or more tokens than the model has rows opens; vocab_size is the model's") {
  Folder folder;
  const int rows = folder.model.config().vocab;
  write_plain(folder.path / "tokenizer.json", tokenizer_json(Tokenizer()));
  const Model padded = load_model(folder.path);
  CHECK(padded.tokenizer->vocab_size() == rows);
  CHECK(padded.tokenizer->label(rows - 1) == "<row " + std::to_string(rows - 1) + ">");
  write_plain(folder.path / "tokenizer.json",
              tokenizer_json(Tokenizer::train("a b c d e f g h i j k l m n o p q r s t", TokenizerKind::kWord)));
  CHECK(load_model(folder.path).tokenizer->vocab_size() == rows);
}

TEST_CASE("what is no model folder is told apart, each in one line") {
  TemporaryFolder home;
  write_plain(home / "file", "x");
  fs::create_directories(home / "empty");
  const auto error = [&](const char* name) { return error_of([&] { load_model(home / name); }); };
  CHECK(contains(error("none"), "There is no folder"));
  CHECK(contains(error("file"), "is not a folder"));
  CHECK(contains(error("empty"), "no config.json"));
  save_model(home / "model", small_model());
  CHECK(contains(error("model/model.safetensors"), "is not a folder"));
  fs::remove(home / "model/model.safetensors");
  CHECK(contains(error("model"), "no model.safetensors"));
  fs::create_directories(home / "model/model.safetensors");
  CHECK(contains(error("model"), "is a folder"));
  write_file(home / "run/run.json", "{}");
  CHECK(contains(error("run"), "saved run without a model"));
  for (const char* lane : {"unmasked", "unmasked-2", "x"}) write_file(home / "run" / lane / "config.json", "{}");
  fs::create_directories(home / "run/masked");
  CHECK(contains(error("run"), "such as \"" + (home / "run/unmasked").string() + "\"."));
#ifdef __linux__
  fs::remove(home / "model/model.safetensors");
  fs::create_symlink("/dev/zero", home / "model/model.safetensors");
  CHECK(contains(error("model"), "regular"));
  fs::remove(home / "model/config.json");
  fs::create_symlink("/dev/zero", home / "model/config.json");
  CHECK(contains(error("model"), "regular"));
#endif
}

TEST_CASE("opening can be cancelled") {
  TemporaryFolder home;
  save_model(home / "model", small_model());
  Progress progress;
  progress.cancelled = true;
  CHECK_THROWS_AS(load_model(home / "model", &progress), Cancelled);
}

TEST_CASE("saving does not replace what is not ours, and an Error leaves the old model") {
  TemporaryFolder home;
  write_file(home / "thesis/chapter.txt", "x");
  CHECK(contains(error_of([&] { save_model(home / "thesis", small_model()); }), "Choose another name"));
  CHECK(read_whole(home / "thesis/chapter.txt") == "x");
  const Model old = small_model();
  save_model(home / "model", old);
#ifdef __linux__
  if (fs::exists("/dev/full")) {  // the disk is full in the middle of the weights
    Model next = small_model(Mask::full(8));
    FolderWriter writer(home / "model");
    fs::create_symlink("/dev/full", writer.part() / "model.safetensors");
    CHECK(contains(error_of([&] { write_model_files(writer.part(), next); }), "space on the disk"));
  }
#endif
  check_same(load_model(home / "model"), old);
}

/// Damaged files open or are refused; they do nothing else. Weights may well be others: any number is a weight.
TEST_CASE("fuzz: flipped bytes and cut files give an Error or a sound model") {
  const Folder folder;
  Rng rng(20);
  int opened = 0, refused = 0;
  for (const char* name : {"config.json", "model.safetensors", "tokenizer.json"}) {
    const std::string whole = read_whole(folder.path / name);
    for (int round = 0; round < 150; ++round) {
      std::string bytes = whole;
      const size_t reach = std::min<size_t>(bytes.size(), 4000);  // where the headers are
      for (uint64_t flips = rng.below(3); flips-- > 0;) bytes[rng.below(reach)] = static_cast<char>(rng.below(256));
      if (rng.below(3) == 0) bytes.resize(rng.below(bytes.size()));
      write_plain(folder.path / name, bytes);
      try {
        const Model model = load_model(folder.path);
        REQUIRE(model.parameters->flat().allFinite());
        REQUIRE(model.tokenizer->vocab_size() == model.config().vocab);
        REQUIRE_NOTHROW(model.mask->validate());
        ++opened;
      } catch (const Error& error) {
        REQUIRE(contains(error.what(), "model"));
        REQUIRE_FALSE(contains(error.what(), "\n"));
        ++refused;
      }
    }
    write_plain(folder.path / name, whole);
  }
  CHECK(opened > 20);
  CHECK(refused > 200);
}

}  // namespace
}  // namespace nopeek::test::model_folder_test
