#include "app/host/opener.h"

#include <exception>
#include <new>
#include <utility>

#include "app/commands/assets.h"
#include "app/host/messages.h"
#include "core/base/error.h"
#include "core/base/scheduling.h"
#include "core/io/corpus_file.h"
#include "core/io/model_folder.h"
#include "core/io/shown.h"
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
  const fs::path path = name;
  name_ = one_line((path.has_filename() ? path : path.parent_path()).filename().string());
  Running started;  // running_ only if there is a thread for it
  started.job = std::make_shared<Job>();
  started.thread = std::jthread([job = started.job, name, done = done_] {
    give_way();
    try {
      Result result = open(name, job->progress);
      const std::lock_guard lock(job->mutex);
      job->result = std::move(result);
    } catch (...) {  // Cancelled; or not even memory to say so, which poll() sees
    }
    job->ended = true;
    if (done) done();
  });
  running_ = std::move(started);
}

/// Nothing but Cancelled leaves it.
Opener::Result Opener::open(const std::string& name, Progress& progress) {
  try {
    return {name, open_any(name, progress), {}};
  } catch (const Cancelled&) {
    throw;
  } catch (const std::bad_alloc&) {
    return {name, {}, "There is not enough memory to open " + shown(name) + "."};
  } catch (const std::exception& error) {
    return {name, {}, words_of(error)};
  }
}

void Opener::cancel() {
  if (!running_.job) return;
  running_.job->progress.cancelled = true;
  cancelled_.push_back(std::exchange(running_, {}));
}

float Opener::fraction() const { return running_.job ? running_.job->progress.fraction.load() : 0; }

std::optional<Opener::Result> Opener::poll() {
  std::erase_if(cancelled_, [](const Running& old) { return old.job->ended.load(); });
  if (!running_.job) return std::nullopt;
  const bool ended = running_.job->ended;  // before its result is looked for, which comes first
  std::optional<Result> result;
  {
    const std::lock_guard lock(running_.job->mutex);
    result = std::move(running_.job->result);
  }
  if (ended && !result) result = Result{.from = name_, .opened = {}, .error = "There is not enough memory to open it."};
  if (result) running_ = {};
  return result;
}

}  // namespace nopeek
