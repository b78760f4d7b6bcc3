#include "app/commands/train_log.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/io/folder.h"
#include "core/io/shown.h"
#include "core/live/run_log.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

bool lies_in(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

void require_log_beside(const fs::path& log, const fs::path& save) {
  std::error_code ignored;  // opening the file tells
  if (!log.has_filename() || fs::is_directory(log, ignored)) {
    throw Error("--log " + shown(log) + " is a folder. Name a file, such as run.csv.");
  }
  const fs::path above = log.parent_path();
  if (!above.empty() && !fs::is_directory(above, ignored)) {
    throw Error("The folder " + shown(above) + " of --log is not there. Make it, or name another one.");
  }
  if (save.empty()) return;
  const fs::path file = resolved(log), folder = resolved(save);
  if (!lies_in(file, folder) && !lies_in(folder, file)) return;
  throw Error("--log " + shown(log) + " and --save " + shown(save) +
              " are in each other's way: the folder of a run holds nothing else. Name a log outside of it.");
}

}  // namespace

TrainLog::TrainLog(const fs::path& path, const fs::path& save) {
  if (path.empty()) return;
  require_log_beside(path, save);
  file_.emplace(path).write(run_log_header());
}

void TrainLog::write(const Lab& lab, int64_t step, bool measured) {
  if (!file_ || failure_) return;
  try {
    for (size_t i = 0; i < lab.lane_count(); ++i) {
      if (lab.history(i).size() < step) continue;
      StepRecord record = lab.history(i).at_step(step);
      if (measured) static_cast<StepStats&>(record) = lab.measured(i);
      file_->write(run_log_row(step, lab.name(i), record));
    }
  } catch (const std::exception&) {
    failure_ = std::current_exception();
  }
}

void TrainLog::commit() {
  if (failure_) std::rethrow_exception(failure_);
  if (file_) file_->commit();
}

}  // namespace nopeek
