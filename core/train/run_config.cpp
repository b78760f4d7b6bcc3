#include "core/train/run_config.h"

#include <cmath>
#include <vector>

#include "core/base/error.h"
#include "core/text/utf8.h"

namespace nopeek {

void TrainConfig::validate() const {
  const auto need = [](bool ok, const char* message) {
    if (!ok) throw Error(message);
  };
  need(batch >= 1 && batch <= 1024, "Batch must be from 1 to 1024 sequences.");
  need(std::isfinite(learning_rate) && learning_rate > 0, "Learning rate must be above 0, such as 2e-3.");
  need(warmup_steps >= 0, "Warm-up steps must not be negative.");
  need(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1, "AdamW's betas must be at least 0 and below 1.");
  need(epsilon > 0, "AdamW's epsilon must be above 0.");
  need(weight_decay >= 0, "Weight decay must not be negative.");
  need(grad_clip >= 0, "Gradient clipping must not be negative; 0 turns it off.");
  need(measure_every >= 1, "The honest loss must be measured every so many steps, at least 1.");
}

void RunConfig::validate() const {
  model.validate();
  train.validate();
}

namespace {

struct Preset {
  const char* name;
  int batch, context, channels, layers, heads;
  double learning_rate;  // wider models want smaller steps
};
constexpr Preset kPresets[] = {
    {"tiny", 16, 24, 64, 2, 4, 3e-3},
    {"small", 16, 64, 128, 4, 4, 1e-3},
    {"medium", 12, 64, 128, 4, 4, 1e-3},
    {"large", 8, 256, 384, 6, 6, 5e-4},
};

}  // namespace

RunConfig preset(const std::string& name) {
  for (const Preset& p : kPresets) {
    if (name != p.name) continue;
    RunConfig config;
    config.model.context = p.context;
    config.model.channels = p.channels;
    config.model.layers = p.layers;
    config.model.heads = p.heads;
    config.train.batch = p.batch;
    config.train.learning_rate = p.learning_rate;
    return config;
  }
  throw Error("There is no model size \"" + utf8::one_line(name) + "\". Choose tiny, small, medium or large.");
}

std::string preset_name(const RunConfig& config) {
  for (const Preset& p : kPresets) {
    RunConfig candidate = preset(p.name);
    candidate.model.vocab = config.model.vocab;
    candidate.seed = config.seed;
    if (candidate == config) return p.name;
  }
  return "custom";
}

}  // namespace nopeek
