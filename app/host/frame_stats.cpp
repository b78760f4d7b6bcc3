#include "app/host/frame_stats.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace nopeek {

void FrameStats::add(double whole, double ui) {
  if (frames_ < kKept) {
    whole_.push_back(whole);
    ui_.push_back(ui);
  } else {
    whole_[frames_ % kKept] = whole;
    ui_[frames_ % kKept] = ui;
  }
  ++frames_;
}

void FrameStats::write(nlohmann::json& figures) const {
  figures["frame"] = {{"ms_p50", percentile(whole_, 0.5)},
                      {"ms_p99", percentile(whole_, 0.99)},
                      {"count", frames_},
                      {"first_ms", first_frame_ms_}};
  figures["ui"]["ms_p50"] = percentile(ui_, 0.5);
  figures["ui"]["ms_p99"] = percentile(ui_, 0.99);
}

double percentile(std::vector<double> values, double p) {
  if (values.empty()) return 0;
  const auto rank = static_cast<size_t>(
      std::clamp(std::ceil(p * static_cast<double>(values.size())) - 1, 0.0, static_cast<double>(values.size() - 1)));
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[rank];
}

}  // namespace nopeek
