#include "app/host/frame_stats.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace nopeek {

void FrameStats::Ring::add(double value) {
  if (count_ < kKept) values_.push_back(value);
  values_[static_cast<size_t>(count_ % kKept)] = value;
  ++count_;
  max_ = std::max(max_, value);
}

double FrameStats::Ring::percentile(double p) const { return nopeek::percentile(values_, p); }

/// The first frame is part of the start, which has a figure of its own: before it there is no picture that could hitch.
void FrameStats::add(const FrameTimes& times) {
  whole_.add(times.whole);
  ui_.add(times.ui);
  if (frames_++ == 0) return;
  own_.add(times.own);
  if (times.own > kHitch) ++hitches_;
}

void FrameStats::answered(double ms) { input_.add(ms); }

void FrameStats::write(nlohmann::json& figures) const {
  figures["frame"] = {{"ms_p50", whole_.percentile(0.5)},
                      {"ms_p99", whole_.percentile(0.99)},
                      {"own_ms_p99", own_.percentile(0.99)},
                      {"own_ms_max", own_.max()},
                      {"hitches", hitches_},
                      {"count", frames_},
                      {"first_ms", first_frame_ms_}};
  figures["ui"] = {{"ms_p50", ui_.percentile(0.5)}, {"ms_p99", ui_.percentile(0.99)}};
  figures["input"] = {{"ms_p50", input_.percentile(0.5)},
                      {"ms_p90", input_.percentile(0.9)},
                      {"ms_max", input_.max()},
                      {"count", input_.count()}};
}

double percentile(std::vector<double> values, double p) {
  if (values.empty()) return 0;
  const auto rank = static_cast<size_t>(
      std::clamp(std::ceil(p * static_cast<double>(values.size())) - 1, 0.0, static_cast<double>(values.size() - 1)));
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[rank];
}

}  // namespace nopeek
