#include "app/host/opener.h"

#include <exception>

#include "app/host/assets.h"
#include "core/base/error.h"
#include "core/io/model_folder.h"
#include "core/live/run_folder.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

bool has(const fs::path& folder, const char* file) {
  std::error_code ignored;
  return fs::exists(folder / file, ignored);
}

Opener::Opened open_any(const std::string& name, Progress& progress) {
  fs::path path = name;
  std::error_code ignored;
  // One of a folder's files stands for the folder.
  const bool inside = !fs::is_directory(path, ignored) && is_model_folder(path.parent_path());
  if (inside && (path.extension() == ".safetensors" || path.extension() == ".json")) path = path.parent_path();
  if (!is_built_in_corpus(name) && fs::is_directory(path, ignored)) {
    if (has(path, "run.json")) return std::make_shared<const RunState>(load_run(path, &progress));
    return load_model(path, &progress);
  }
  return std::make_shared<const Corpus>(load_corpus(find_corpus(name), {}, &progress));
}

}  // namespace

bool is_model_folder(const fs::path& folder) { return has(folder, "config.json") || has(folder, "run.json"); }

void Opener::start(const std::string& name) {
  cancel();
  fs::path path = name;
  name_ = (path.has_filename() ? path : path.parent_path()).filename().string();
  job_ = std::make_shared<Job>();
  thread_ = std::jthread([job = job_, name, done = done_] {
    Result result{name, {}, {}};
    try {
      result.opened = open_any(name, job->progress);
    } catch (const Cancelled&) {
      return;
    } catch (const std::bad_alloc&) {
      result.error = "There is not enough memory to open \"" + name + "\".";
    } catch (const std::exception& error) {
      result.error = error.what();
    }
    {
      const std::lock_guard lock(job->mutex);
      job->result = std::move(result);
    }
    if (done) done();
  });
}

void Opener::cancel() {
  if (!job_) return;
  job_->progress.cancelled = true;
  if (thread_.joinable()) thread_.join();  // it looks at `cancelled` often
  job_.reset();
}

float Opener::fraction() const { return job_ ? job_->progress.fraction.load() : 0; }

std::optional<Opener::Result> Opener::poll() {
  if (!job_) return std::nullopt;
  std::optional<Result> result;
  {
    const std::lock_guard lock(job_->mutex);
    result = std::move(job_->result);
  }
  if (!result) return std::nullopt;
  thread_.join();
  job_.reset();
  return result;
}

}  // namespace nopeek
