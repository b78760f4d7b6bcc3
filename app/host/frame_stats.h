#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace nopeek {

/// How long the newest frames took, in milliseconds.
class FrameStats {
 public:
  /// `whole`: from the first look at the input until the picture is on the screen, waiting for the display included.
  /// `ui`: building the frame alone, from ImGui's NewFrame to its Render, without the graphics driver.
  void add(double whole, double ui);
  /// The first frame is on the screen, so many milliseconds after the program began.
  void first_frame(double since_start) { first_frame_ms_ = since_start; }
  int64_t frames() const { return frames_; }

  /// Adds frame.ms_p50, frame.ms_p99, frame.count, frame.first_ms, ui.ms_p50 and ui.ms_p99 to the figures of a tour.
  void write(nlohmann::json& figures) const;

 private:
  static constexpr int64_t kKept = 600;
  std::vector<double> whole_, ui_;  // rings of the newest kKept frames
  int64_t frames_ = 0;
  double first_frame_ms_ = 0;
};

/// The value below which the fraction `p` of `values` lies (nearest rank); 0 if there are none.
double percentile(std::vector<double> values, double p);

}  // namespace nopeek
