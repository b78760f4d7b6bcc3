#include "app/scenes/microscope_stages.h"

#include <algorithm>
#include <cmath>

#include "app/ui/matrix_view.h"

namespace nopeek {

namespace {

float largest(const Matrix<float>& m) { return std::max(m.size() > 0 ? m.cwiseAbs().maxCoeff() : 0.0f, 1e-12f); }

}  // namespace

const char* stage_name(Stage stage) {
  constexpr const char* kNames[] = {"scores", "scaled", "masked", "weights", "output"};
  return kNames[static_cast<int>(stage)];
}

const char* stage_matrix_name(Stage stage) {
  constexpr const char* kNames[] = {"scores", "scaled scores", "masked scores", "weights", "output"};
  return kNames[static_cast<int>(stage)];
}

std::string scale_operator(const HeadStages<float>& stages) {
  const auto HS = static_cast<double>(stages.query.cols()), times = stages.divisor / std::sqrt(HS);
  const long whole = std::lround(times);
  const bool by_root = std::abs(times - static_cast<double>(whole)) < 1e-9;
  const std::string factor = by_root && whole == 1 ? "" : std::to_string(by_root ? whole : std::lround(stages.divisor));
  return "\xC3\xB7 " + factor + (by_root ? "\xE2\x88\x9A" + std::to_string(stages.query.cols()) : "");
}

std::string stage_operator(Stage stage, const std::string& scaling) {
  if (stage == Stage::kScaled) return scaling;
  constexpr const char* kOperators[] = {"Q \xC2\xB7 K", "", "+ mask", "softmax", "\xC3\x97 V"};
  return kOperators[static_cast<int>(stage)];
}

void StageMatrices::use(const std::shared_ptr<const AttentionAnswer>& answer, size_t voice) {
  if (answer == answer_ && voice == voice_) return;
  answer_ = answer;
  voice_ = voice;
  if (!answer_) return;
  ++revision_;
  const HeadStages<float>& s = stages();
  masked_ = answer_->question.models[voice_].masked();
  weights_ = (s.masked.array() == Mask::kForbidden).select(Mask::kForbidden, s.weights.array());
  low_ = s.scores.size() > 0 ? s.scores.minCoeff() : 0;
  high_ = s.scores.size() > 0 ? s.scores.maxCoeff() : 1;
  largest_output_ = largest(s.output);
  largest_value_ = largest(s.value);
}

gl::HeatmapSpec StageMatrices::look(Stage stage, float pitch) const {
  gl::HeatmapSpec look = ui::heatmap_look(pitch);
  const HeadStages<float>& s = stages();
  look.rows = look.columns = look.T = static_cast<int>(s.weights.rows());
  switch (stage) {
    case Stage::kScores:
    case Stage::kScaled:
    case Stage::kMasked: {
      // One place on the scale for a score through the three stages: only what the mask does to it is a change.
      const float scale = stage == Stage::kScores ? 1 : static_cast<float>(s.divisor);
      look.mapping = gl::Mapping::kScore;
      look.low = low_ / scale;
      look.high = high_ / scale;
      break;
    }
    case Stage::kWeights:
      break;
    case Stage::kOutput:
      look.columns = static_cast<int>(s.output.cols());
      look.T = 0;
      look.mapping = gl::Mapping::kMagnitude;
      look.high = largest_output_;
      look.past = ui::colors().neutral;
  }
  return look;
}

const float* StageMatrices::values(Stage stage) const {
  const HeadStages<float>& s = stages();
  const Matrix<float>* const matrices[] = {&s.scores, &s.scaled, &s.masked, &weights_, &s.output};
  return matrices[static_cast<int>(stage)]->data();
}

}  // namespace nopeek
