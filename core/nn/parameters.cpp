#include "core/nn/parameters.h"

#include <cmath>
#include <stdexcept>

#include "core/base/stop.h"

namespace nopeek {

std::vector<TensorSpec> parameter_table(const ModelConfig& config) {
  using Init = TensorSpec::Init;
  const int C = config.channels, I = config.inner_size();
  const double normal = 0.02;
  // Each block adds two branches to the residual stream; so that its variance does not grow with depth (GPT-2, 2.3).
  const double residual = normal / std::sqrt(2.0 * config.layers);

  std::vector<TensorSpec> table;
  size_t offset = 0;
  const auto add = [&](const std::string& name, int rows, int cols, Init init, double deviation = 0) {
    table.push_back({name, rows, cols, init, deviation, offset});
    offset += table.back().size();
  };
  add("wte.weight", config.vocab, C, Init::kNormal, normal);
  add("wpe.weight", config.context, C, Init::kNormal, normal);
  for (int layer = 0; layer < config.layers; ++layer) {
    const std::string h = "h." + std::to_string(layer) + ".";
    add(h + "ln_1.weight", 1, C, Init::kOne);
    add(h + "ln_1.bias", 1, C, Init::kZero);
    add(h + "attn.c_attn.weight", C, 3 * C, Init::kNormal, normal);
    add(h + "attn.c_attn.bias", 1, 3 * C, Init::kZero);
    add(h + "attn.c_proj.weight", C, C, Init::kNormal, residual);
    add(h + "attn.c_proj.bias", 1, C, Init::kZero);
    add(h + "ln_2.weight", 1, C, Init::kOne);
    add(h + "ln_2.bias", 1, C, Init::kZero);
    add(h + "mlp.c_fc.weight", C, I, Init::kNormal, normal);
    add(h + "mlp.c_fc.bias", 1, I, Init::kZero);
    add(h + "mlp.c_proj.weight", I, C, Init::kNormal, residual);
    add(h + "mlp.c_proj.bias", 1, C, Init::kZero);
  }
  add("ln_f.weight", 1, C, Init::kOne);
  add("ln_f.bias", 1, C, Init::kZero);
  if (!config.tied) add(kHeadName, config.vocab, C, Init::kNormal, normal);
  return table;
}

namespace {

/// Hands out views by name. Used while a Parameters is made, never on the way of a step.
template <class S>
struct Views {
  const std::vector<TensorSpec>& table;
  S* data;

  const TensorSpec& spec(const std::string& name) const {
    for (const TensorSpec& row : table) {
      if (row.name == name) return row;
    }
    throw std::logic_error("no tensor named " + name);
  }
  MatrixMap<S> matrix(const std::string& name) const {
    const TensorSpec& row = spec(name);
    return {data + row.offset, row.rows, row.cols};
  }
  VectorMap<S> vector(const std::string& name) const {
    const TensorSpec& row = spec(name);
    return {data + row.offset, row.cols};
  }
  typename Parameters<S>::Block block(const std::string& h) const {
    return {vector(h + "ln_1.weight"),      vector(h + "ln_1.bias"),          matrix(h + "attn.c_attn.weight"),
            vector(h + "attn.c_attn.bias"), matrix(h + "attn.c_proj.weight"), vector(h + "attn.c_proj.bias"),
            vector(h + "ln_2.weight"),      vector(h + "ln_2.bias"),          matrix(h + "mlp.c_fc.weight"),
            vector(h + "mlp.c_fc.bias"),    matrix(h + "mlp.c_proj.weight"),  vector(h + "mlp.c_proj.bias")};
  }
};

}  // namespace

template <class S>
Parameters<S>::Parameters(const ModelConfig& config)
    : config_(config),
      table_(parameter_table(config)),
      flat_(table_.back().offset + table_.back().size()),
      wte_(Views<S>{table_, flat_.data()}.matrix("wte.weight")),
      wpe_(Views<S>{table_, flat_.data()}.matrix("wpe.weight")),
      head_(Views<S>{table_, flat_.data()}.matrix(config.tied ? "wte.weight" : kHeadName)),
      ln_f_weight_(Views<S>{table_, flat_.data()}.vector("ln_f.weight")),
      ln_f_bias_(Views<S>{table_, flat_.data()}.vector("ln_f.bias")) {
  for (int layer = 0; layer < config.layers; ++layer) {
    blocks_.push_back(Views<S>{table_, flat_.data()}.block("h." + std::to_string(layer) + "."));
  }
}

template <class S>
void Parameters<S>::initialise(Rng rng) {
  for (const TensorSpec& spec : table_) {
    stop_if_asked();  // billions of numbers take a minute
    for (size_t i = 0; i < spec.size(); ++i) {
      flat_[spec.offset + i] = spec.init == TensorSpec::Init::kNormal ? static_cast<S>(spec.deviation * rng.normal())
                               : spec.init == TensorSpec::Init::kOne  ? S(1)
                                                                      : S(0);
    }
  }
}

template class Parameters<float>;
template class Parameters<double>;

}  // namespace nopeek
