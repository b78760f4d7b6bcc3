#pragma once
#include <exception>
#include <filesystem>
#include <optional>

#include "core/io/file.h"
#include "core/live/lab.h"

namespace nopeek {

/// run.csv, if one is asked for. A disk that is full shall not cost the run: what fails on the way is thrown by
/// commit(), when the run is saved.
class TrainLog {
 public:
  /// An empty path: none. Throws Error if it cannot be written, or would lie in the folder `save`: that holds nothing
  /// but the run, or it could not be replaced; with the log in it, the training would come to its end and then not be
  /// saved.
  TrainLog(const std::filesystem::path& path, const std::filesystem::path& save);

  /// The rows of one step. `measured`: everything was measured at it, if only to be shown.
  void write(const Lab& lab, int64_t step, bool measured = false);
  void commit();

 private:
  std::optional<FileWriter> file_;
  std::exception_ptr failure_;
};

}  // namespace nopeek
