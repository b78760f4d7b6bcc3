#include "core/live/run_log.h"

#include <charconv>
#include <cmath>

namespace nopeek {

namespace {

void append(std::string& row, float value) {
  row += ',';
  if (std::isnan(value)) return;
  char text[32];
  row.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

}  // namespace

std::string run_log_header() { return "step,lane,reported,honest,future_attention\n"; }

std::string run_log_row(int64_t step, const std::string& lane, const StepRecord& record) {
  std::string row = std::to_string(step) + ',' + lane;
  append(row, record.reported);
  append(row, record.honest);
  append(row, record.future_attention);
  return row + '\n';
}

std::string run_log(const Snapshot& snapshot) {
  std::string log = run_log_header();
  for (int64_t step = 1; step <= snapshot.step; ++step) {
    for (const LaneSnapshot& lane : snapshot.lanes) {
      if (step <= lane.history_size) log += run_log_row(step, lane.name, lane.history->at_step(step));
    }
  }
  return log;
}

}  // namespace nopeek
