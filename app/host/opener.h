#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "core/decode/model.h"
#include "core/live/run_state.h"
#include "core/text/corpus.h"

namespace nopeek {

/// True for a folder that opens as one thing: a model, or a saved run of the lab.
bool is_model_folder(const std::filesystem::path& folder);

/// Opens what people point at, on a thread of its own: a text, a model folder, or a saved run. One at a time; a new one
/// cancels the one under way, which is not waited for. For the UI thread.
class Opener {
 public:
  using RunPointer = std::shared_ptr<const RunState>;
  using Opened = std::variant<std::shared_ptr<const Corpus>, Model, RunPointer>;

  /// `done` is called on the opening thread when poll() has something.
  explicit Opener(std::function<void()> done) : done_(std::move(done)) {}
  ~Opener() { cancel(); }  // waits until what was cancelled has seen it

  /// `name` is a built-in corpus or a path.
  void start(const std::string& name);
  void cancel();

  bool opening() const { return running_.job != nullptr; }
  const std::string& name() const { return name_; }  // of what is being read, for people
  float fraction() const;

  struct Result {
    std::string from;   // what start() was given
    Opened opened;      // if there is no error
    std::string error;  // empty if it worked
  };
  /// The outcome, once. Nothing while it reads, or after cancel().
  std::optional<Result> poll();

 private:
  struct Job {
    Progress progress;
    std::atomic<bool> ended{false};
    std::mutex mutex;
    std::optional<Result> result;
  };
  struct Running {
    std::shared_ptr<Job> job;
    std::jthread thread;
  };
  static Result open(const std::string& name, Progress& progress);

  std::function<void()> done_;
  std::string name_;
  Running running_;
  std::vector<Running> cancelled_;  // until they have ended
};

}  // namespace nopeek
