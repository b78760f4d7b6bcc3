#include "app/host/corpus_loader.h"

#include <exception>

#include "app/host/assets.h"
#include "core/base/error.h"

namespace nopeek {

void CorpusLoader::start(const std::string& name_or_path) {
  cancel();
  name_ = std::filesystem::path(name_or_path).filename().string();
  job_ = std::make_shared<Job>();
  thread_ = std::jthread([job = job_, setting = name_or_path, done = done_] {
    Result result{setting, nullptr, {}};
    try {
      result.corpus = std::make_shared<const Corpus>(load_corpus(find_corpus(setting), {}, &job->progress));
    } catch (const Cancelled&) {
      return;
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

void CorpusLoader::cancel() {
  if (!job_) return;
  job_->progress.cancelled = true;
  if (thread_.joinable()) thread_.join();  // it looks at `cancelled` often
  job_.reset();
}

float CorpusLoader::fraction() const { return job_ ? job_->progress.fraction.load() : 0; }

std::optional<CorpusLoader::Result> CorpusLoader::poll() {
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
