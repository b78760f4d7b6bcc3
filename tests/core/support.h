#pragma once
// What many tests need: hashes, random matrices, small corpora, folders that vanish.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "core/base/types.h"
#include "core/live/lab.h"
#include "core/nn/model.h"
#include "core/text/corpus.h"
#include "core/train/honest_loss.h"

namespace nopeek::test {

/// The project's own folder: golden values, corpora, tours.
std::filesystem::path source_folder();

/// What a file or an output says. By the core's parser, which is optimised where tests are not; json_test compares it
/// with the library's.
nlohmann::json json_of(std::string_view text);

/// FNV-1a over bytes (Fowler, Noll, Vo): equal hashes stand for equal bits.
uint64_t fnv1a(const void* data, size_t bytes);
inline uint64_t hash_of(std::string_view text) { return fnv1a(text.data(), text.size()); }
template <class S>
uint64_t hash_of(const Parameters<S>& parameters) {
  return fnv1a(parameters.flat().data(), parameters.size() * sizeof(S));
}

/// Equal bit for bit; distinguishes 0 from -0 and compares NaNs.
template <class A, class B>
bool same_bits(const A& a, const B& b) {
  const Matrix<typename A::Scalar> x = a, y = b;
  return x.rows() == y.rows() && x.cols() == y.cols() &&
         fnv1a(x.data(), sizeof(typename A::Scalar) * static_cast<size_t>(x.size())) ==
             fnv1a(y.data(), sizeof(typename A::Scalar) * static_cast<size_t>(y.size()));
}

template <class S>
Matrix<S> random_matrix(Eigen::Index rows, Eigen::Index cols, Rng& rng, double deviation = 1) {
  Matrix<S> m(rows, cols);
  for (Eigen::Index i = 0; i < m.size(); ++i) m.data()[i] = static_cast<S>(deviation * rng.normal());
  return m;
}
template <class S>
RowVector<S> random_row(Eigen::Index size, Rng& rng, double deviation = 1) {
  return random_matrix<S>(1, size, rng, deviation).row(0);
}
std::vector<TokenId> random_tokens(int count, int vocab, Rng& rng);

/// Every weight random, also those that start at 0 or 1, so that no gradient hides.
template <class S>
void randomise(Parameters<S>& parameters, Rng& rng, double deviation) {
  for (const TensorSpec& spec : parameters.table()) {
    auto tensor = parameters.tensor(spec);
    tensor = random_matrix<S>(spec.rows, spec.cols, rng, deviation);
    if (spec.init == TensorSpec::Init::kOne) tensor.array() += S(1);
  }
}

/// A small random model and what a pass over it needs.
template <class S>
struct SmallModel {
  SmallModel(const ModelConfig& config_, int B_, int T_, uint64_t seed, double deviation = 0.3)
      : config(config_),
        B(B_),
        T(T_),
        rng(seed),
        parameters(config),
        activations(config, B, T),
        scratch(config, B, T),
        gradients(config),
        inputs(random_tokens(B * T, config.vocab, rng)),
        targets(random_tokens(B * T, config.vocab, rng)) {
    randomise(parameters, rng, deviation);
  }
  double loss(std::span<const Mask> masks, const Dropout& drop = {}) {
    forward<S>(parameters, inputs, B, T, masks, drop, activations);
    head_forward<S>(parameters, activations);
    return loss_forward<S>(targets, activations);
  }
  double loss(const Mask& mask, const Dropout& drop = {}) { return loss(std::span(&mask, 1), drop); }
  MatrixMap<S> logits(const Mask& mask) { return loss(mask), activations.views().logits; }

  ModelConfig config;
  int B, T;
  Rng rng;
  Parameters<S> parameters;
  Activations<S> activations;
  BackwardScratch<S> scratch;
  Parameters<S> gradients;
  std::vector<TokenId> inputs, targets;
};

/// The honest loss of all positions, summed.
template <class S>
double honest_loss(const SmallModel<S>& model, const Mask& mask) {
  std::vector<int> all(static_cast<size_t>(model.T));
  std::iota(all.begin(), all.end(), 0);
  HonestLoss<S> honest(model.config, model.B, model.T);
  return honest.sum(model.parameters, model.inputs, model.targets, mask, all);
}

/// Sentences with a rule and some chance, over a dozen words: enough to learn from in a few dozen steps.
std::shared_ptr<const Corpus> small_corpus();
std::shared_ptr<const Corpus> shipped_corpus(const std::string& name);
/// A model that trains in microseconds a step. `vocab` is left to the corpus.
RunConfig small_run();

/// The message of the Error that `action` throws; empty if it throws none.
template <class Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}
inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// A folder of one's own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};
std::string read_whole(const std::filesystem::path& path);
/// Not by FileWriter, which is under test.
void write_plain(const std::filesystem::path& path, std::string_view content);

}  // namespace nopeek::test
