#pragma once
#include <memory>
#include <string>

#include "app/gl/heatmap.h"
#include "app/scenes/microscope_clock.h"
#include "core/live/live_attention.h"

namespace nopeek {

/// What the five matrices of a head are called.
const char* stage_name(Stage stage);
/// The same where there is room: "scaled scores".
const char* stage_matrix_name(Stage stage);
/// What makes this matrix of the one before; `scaling` as scale_operator() gives it.
std::string stage_operator(Stage stage, const std::string& scaling);
/// What scores are divided by: "÷ √16", or "÷ 2√16" in layer 1 of a model that scales by layer.
std::string scale_operator(const HeadStages<float>& stages);
inline constexpr const char* kUnknownScale = "\xC3\xB7 \xE2\x88\x9A";

/// The five matrices of a head as pictures (VISUAL.md 4). Holds the answer that they are of.
class StageMatrices {
 public:
  /// Does nothing if they are of this answer and voice already.
  void use(const std::shared_ptr<const AttentionAnswer>& answer, size_t voice);

  bool ready() const { return answer_ != nullptr; }
  /// With columns, rows, T and mapping; `pitch` is a cell's, in logical px.
  gl::HeatmapSpec look(Stage stage, float pitch) const;
  const float* values(Stage stage) const;
  uint64_t revision() const { return revision_; }
  /// The mask of the model hides all of the future.
  bool masked() const { return masked_; }
  /// Largest |v| of the values' rows: what bars of them are drawn to.
  float largest_value() const { return largest_value_; }

 private:
  const HeadStages<float>& stages() const { return answer_->voices[voice_].stages; }

  std::shared_ptr<const AttentionAnswer> answer_;
  size_t voice_ = 0;
  uint64_t revision_ = 0;
  Matrix<float> weights_;  // -inf where the mask forbids
  bool masked_ = true;
  float low_ = 0, high_ = 1;  // of the scores, over their finite cells
  float largest_output_ = 1, largest_value_ = 1;
};

}  // namespace nopeek
