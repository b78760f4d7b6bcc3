#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/text/corpus.h"

namespace nopeek {

/// Reads a corpus on a thread of its own; one at a time, a new one cancels the one under way. For the UI thread.
class CorpusLoader {
 public:
  /// `done` is called on the loading thread when poll() has something.
  explicit CorpusLoader(std::function<void()> done) : done_(std::move(done)) {}
  ~CorpusLoader() { cancel(); }

  void start(const std::string& name_or_path);
  void cancel();

  bool loading() const { return job_ != nullptr; }
  const std::string& name() const { return name_; }  // of what is being read, for people
  float fraction() const;

  struct Result {
    std::string setting;  // what start() was given
    std::shared_ptr<const Corpus> corpus;
    std::string error;  // empty if it worked
  };
  /// The outcome, once. Nothing while it reads, or after cancel().
  std::optional<Result> poll();

 private:
  struct Job {
    Progress progress;
    std::mutex mutex;
    std::optional<Result> result;
  };
  std::function<void()> done_;
  std::string name_;
  std::shared_ptr<Job> job_;
  std::jthread thread_;
};

}  // namespace nopeek
