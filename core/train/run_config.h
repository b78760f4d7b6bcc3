#pragma once
#include <cstdint>
#include <string>

#include "core/nn/config.h"

namespace nopeek {

/// How a model is trained. The defaults belong to `tiny`.
struct TrainConfig {
  int batch = 16;  // B, sequences a step
  double learning_rate = 3e-3;
  int warmup_steps =
      20;  // the rate rises linearly from 0 over so many steps, then stays: a live run has no end to decay to
  double beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;
  double weight_decay = 0.1;  // on matrices, not on biases and layer norms
  double grad_clip = 1.0;     // largest global norm of the gradient; 0 turns it off
  int measure_every = 10;     // honest loss and future attention, in steps; also at step 1

  void validate() const;
  bool operator==(const TrainConfig&) const = default;
};

/// All that decides the numbers of a run, beside the corpus and the masks.
struct RunConfig {
  ModelConfig model;  // vocab comes from the corpus
  TrainConfig train;
  uint64_t seed = 1;

  void validate() const;
  bool operator==(const RunConfig&) const = default;
};

/// The named sizes of the size menu and of `bench`: "tiny", "small", "medium", "large". Throws Error on any other name.
RunConfig preset(const std::string& name);
/// The preset whose model shape equals `config`'s, or "custom".
std::string preset_name(const RunConfig& config);

}  // namespace nopeek
