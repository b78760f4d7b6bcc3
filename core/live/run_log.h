#pragma once
#include <string>

#include "core/live/snapshot.h"

namespace nopeek {

// run.csv: step,lane,reported,honest,future_attention, a row a lane and step, empty where not measured. Numbers are
// written with as many digits as bring back the same bits.

std::string run_log_header();
std::string run_log_row(int64_t step, const std::string& lane, const StepRecord& record);
/// The whole run up to a snapshot.
std::string run_log(const Snapshot& snapshot);

}  // namespace nopeek
