// What models on people's disks have otherwise than GPT-2 has: each is opened and computed as another GPT-2 computes it
// (tests/golden/make_shapes.py), in every pass that there is.
#include <doctest/doctest.h>

#include <bit>
#include <map>
#include <nlohmann/json.hpp>

#include "core/decode/attention_trace.h"
#include "core/decode/decoder.h"
#include "core/decode/inspect.h"
#include "core/io/model_folder.h"
#include "core/io/safetensors.h"
#include "core/train/leak_test.h"
#include "tests/core/gradient_check.h"
#include "tests/core/support.h"

namespace nopeek::test::model_shapes_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const json& shapes_file() {
  static const json file = json_of(read_whole(source_folder() / "tests/golden/shapes.json"));
  return file;
}
std::vector<TokenId> shapes_ids() { return shapes_file()["ids"].get<std::vector<TokenId>>(); }

/// The weights that make_shapes.py makes from a tensor's name.
std::vector<float> numbers_of(const std::string& name, size_t size) {
  uint64_t state = 0;
  for (const char c : name) state += static_cast<unsigned char>(c);
  const bool scale = contains("." + name, ".ln_") && name.ends_with("weight");
  std::vector<float> values;
  for (size_t i = 0; i < size; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    values.push_back((static_cast<float>((state >> 40) % 128) - 64) / 128 + (scale ? 1.0f : 0.0f));
  }
  return values;
}

/// Halves of numbers that both types hold exactly and that are 0 or not tiny.
uint16_t half_of(float value, const std::string& dtype) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (dtype == "BF16") return static_cast<uint16_t>(bits >> 16);
  if (value == 0) return 0;
  const uint32_t exponent = ((bits >> 23) & 0xFFu) - 127 + 15;
  return static_cast<uint16_t>((bits >> 16 & 0x8000u) | exponent << 10 | (bits >> 13 & 0x3FFu));
}

/// A tensor as a file has it, and what keeps its numbers.
struct Stored {
  std::string name;
  std::vector<uint64_t> shape;
  std::vector<float> floats;
  std::vector<uint16_t> halves;

  Stored(const std::string& prefix, const std::string& plain, const json& shape_, const std::string& dtype)
      : name(plain == "lm_head.weight" ? plain : prefix + plain), shape(shape_.get<std::vector<uint64_t>>()) {
    size_t size = 1;
    for (const uint64_t n : shape) size *= n;
    floats = numbers_of(plain, size);
    for (const float value : floats) halves.push_back(half_of(value, dtype));
  }
  TensorToWrite as(const std::string& dtype) const {
    if (dtype == "F32") return {name, shape, std::span(floats)};
    TensorToWrite tensor{name, shape, std::span(halves)};
    tensor.dtype = dtype;
    return tensor;
  }
};

void write_tokenizer(const fs::path& folder, int vocab) {
  json words = {{"<unk>", 0}};
  for (int i = 1; i < vocab; ++i) words["w" + std::to_string(i)] = i;
  const json tokenizer = {{"version", "1.0"},
                          {"added_tokens", json::array()},
                          {"pre_tokenizer", {{"type", "Whitespace"}}},
                          {"model", {{"type", "WordLevel"}, {"vocab", words}, {"unk_token", "<unk>"}}}};
  write_plain(folder / "tokenizer.json", tokenizer.dump());
}

void write_shape(const fs::path& folder, const json& shape) {
  fs::create_directories(folder);
  write_plain(folder / "config.json", shape["config"].dump());
  write_tokenizer(folder, shape["config"]["vocab_size"]);
  const std::string dtype = shape["dtype"];
  std::vector<Stored> stored;
  for (const auto& [name, size] : shape["tensors"].items()) stored.emplace_back(shape["prefix"], name, size, dtype);
  const size_t files = shape["files"];
  json map;
  for (size_t f = 0; f < files; ++f) {
    std::vector<TensorToWrite> part;
    const std::string name = files == 1 ? "model.safetensors" : "model-" + std::to_string(f) + ".safetensors";
    for (size_t i = f; i < stored.size(); i += files) {
      part.push_back(stored[i].as(dtype));
      map[stored[i].name] = name;
    }
    write_safetensors(folder / name, part);
  }
  if (files > 1) write_plain(folder / "model.safetensors.index.json", json{{"weight_map", map}}.dump());
}

Matrix<float> inspected_logits(const Model& model, std::span<const TokenId> ids) {
  return inspect<float>(*model.parameters, *model.mask, ids, false).logits;
}

double golden_distance(const Matrix<float>& ours, const json& golden) {
  double largest = 0;
  REQUIRE(static_cast<size_t>(ours.rows()) == golden.size());
  for (Eigen::Index t = 0; t < ours.rows(); ++t) {
    const auto row = golden[static_cast<size_t>(t)].get<std::vector<double>>();
    REQUIRE(static_cast<size_t>(ours.cols()) == row.size());
    for (Eigen::Index v = 0; v < ours.cols(); ++v) {
      largest = std::max(largest, std::abs(static_cast<double>(ours(t, v)) - row[static_cast<size_t>(v)]));
    }
  }
  return largest;
}

TEST_CASE("models of every shape open, and their logits are those of another GPT-2, by every pass") {
  const auto ids = shapes_ids();
  CHECK(shapes_file()["shapes"].size() >= 10);
  for (const json& shape : shapes_file()["shapes"]) {
    TemporaryFolder home;
    CAPTURE(shape["name"].get<std::string>());
    write_shape(home / "model", shape);
    const Model model = load_model(home / "model");
    CHECK(golden_distance(inspected_logits(model, ids), shape["logits"]) < 1e-5);

    Matrix<float> decoded[2] = {inspected_logits(model, ids), inspected_logits(model, ids)};
    for (const bool cache : {false, true}) {
      Decoder<float> decoder(*model.parameters, *model.mask, cache);
      for (size_t t = 0; t < ids.size(); ++t) {
        const auto row = decoder.next_logits(std::span(ids).first(t + 1));
        std::copy(row.begin(), row.end(), &decoded[cache](static_cast<Eigen::Index>(t), 0));
      }
      CHECK(golden_distance(decoded[cache], shape["logits"]) < 1e-5);
    }
    CHECK_FALSE(leak_test(*model.parameters, *model.mask, ids).leaks());
  }
}

TEST_CASE("a model of any shape is saved as what it is") {
  for (const json& shape : shapes_file()["shapes"]) {
    TemporaryFolder home;
    CAPTURE(shape["name"].get<std::string>());
    write_shape(home / "model", shape);
    const Model model = load_model(home / "model");
    save_model(home / "again", model);
    const Model again = load_model(home / "again");
    CHECK(again.config() == model.config());
    CHECK(hash_of(*again.parameters) == hash_of(*model.parameters));
    // transformers takes a head beside names without the prefix for a damaged file.
    const SafetensorsReader file(home / "again/model.safetensors");
    CHECK(file.contains("lm_head.weight") == !model.config().tied);
    CHECK(file.contains("transformer.wte.weight") == !model.config().tied);
  }
}

TEST_CASE("the stages of a head, written out, are those of the pass, however scores are scaled") {
  const auto ids = shapes_ids();
  const Eigen::Index T = std::ssize(ids);
  for (const json& shape : shapes_file()["shapes"]) {
    TemporaryFolder home;
    CAPTURE(shape["name"].get<std::string>());
    write_shape(home / "model", shape);
    const Model model = load_model(home / "model");
    const auto seen = inspect<float>(*model.parameters, *model.mask, ids, false);
    const AttentionTrace trace = trace_attention(*model.parameters, *model.mask, ids);
    for (int l = 0, at = 0; l < model.config().layers; ++l) {
      for (int h = 0; h < model.config().heads; ++h, ++at) {
        const auto stages = head_stages<float>(trace.qkv[static_cast<size_t>(l)], model.config().heads, h, *model.mask,
                                               model.config().score_divisor(l));
        const Eigen::Map<const Matrix<float>> weights(seen.attention.data() + at * T * T, T, T);
        CHECK(same_bits(stages.weights, weights));
        CHECK(stages.divisor == model.config().score_divisor(l));
        CHECK((stages.scaled * static_cast<float>(stages.divisor)).isApprox(stages.scores, 1e-5f));
      }
    }
  }
}

// ------------------------------------------------------------------ the same in double: gradients and honest losses

/// Everything otherwise at once, for each activation. The fewer values relu gets, the less one is so near its bend that
/// a step of numerical differentiation crosses it.
ModelConfig odd_config(Activation activation, bool tied) {
  return {.vocab = 7,
          .context = 6,
          .channels = 6,
          .layers = activation == Activation::kRelu ? 1 : 2,
          .heads = 2,
          .inner = 5,
          .activation = activation,
          .epsilon = 0.01,
          .tied = tied,
          .scaled = activation != Activation::kGelu,
          .scaled_by_layer = true};
}

TEST_CASE("whole model: every gradient of every activation, with a head of its own, another epsilon and scale") {
  constexpr int kB = 2, kT = 5;
  const Mask mask = Mask::off_by_one(kT);
  for (const Activation activation : {Activation::kGeluTanh, Activation::kGelu, Activation::kRelu}) {
    for (const bool tied : {true, false}) {
      SmallModel<double> model(odd_config(activation, tied), kB, kT, 61);
      const auto loss = [&] { return model.loss(mask); };
      loss();
      model.gradients.set_zero();
      backward<double>(model.parameters, model.inputs, model.targets, 1, Dropout{}, model.activations, model.scratch,
                       model.gradients);
      CHECK((model.parameters.table().back().name == "lm_head.weight") == !tied);
      for (const TensorSpec& spec : model.parameters.table()) {
        CAPTURE(spec.name);
        double* weights = model.parameters.flat().data() + spec.offset;
        const double* gradients = model.gradients.flat().data() + spec.offset;
        CHECK_GRADIENT(check_gradient({weights, spec.size()}, {gradients, spec.size()}, loss, 1e-4));
      }
    }
  }
}

TEST_CASE("the honest loss of any shape is that of its prefixes") {
  constexpr int kT = 6;
  for (const Activation activation : {Activation::kGelu, Activation::kRelu}) {
    for (const Mask& mask : {Mask::causal(kT), Mask::full(kT)}) {
      SmallModel<double> model(odd_config(activation, false), 1, kT, 62);
      double expected = 0;
      for (int t = 1; t <= kT; ++t) {
        forward<double>(model.parameters, std::span(model.inputs).first(static_cast<size_t>(t)), 1, t, {&mask, 1},
                        Dropout{}, model.activations);
        head_forward<double>(model.parameters, model.activations);
        std::vector<TokenId> targets(static_cast<size_t>(t), kIgnore);
        targets.back() = model.targets[static_cast<size_t>(t - 1)];
        expected += loss_forward<double>(targets, model.activations);
      }
      CHECK(honest_loss(model, mask) == doctest::Approx(expected).epsilon(1e-12));
    }
  }
}

}  // namespace
}  // namespace nopeek::test::model_shapes_test
