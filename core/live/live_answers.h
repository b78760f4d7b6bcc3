#pragma once
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "core/base/progress.h"
#include "core/base/scheduling.h"

namespace nopeek {

/// Does `work`, and says why it could not be done: in a sentence for people, empty if it was. Throws Cancelled.
template <class Work>
std::string failure_of(const Work& work) {
  try {
    work();
    return {};
  } catch (const Cancelled&) {
    throw;
  } catch (const std::bad_alloc&) {
    return "Not enough memory for this model and this text.";
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// Answers questions on a thread of its own, which gives way to the window's: the newest one only. It replaces one that
/// is still waiting, and ends the work under way if the answer to that would be of no use any more.
///
/// Question: `operator==`, and `bool outdates(const Question& at_work)`.
/// Nothing here blocks for longer than it takes to swap a pointer, but for the destructor: it waits until the work has
/// seen that it is cancelled.
template <class Question, class Answer>
class LiveAnswers {
 public:
  /// Called on the thread, with the newest answer (null before the first), of which much may still hold. May throw
  /// Cancelled. What goes wrong is part of the answer, see failure_of(); where not even that can be made, there is no
  /// answer, and the question can be asked again.
  using Work = std::function<Answer(const Question& question, const Answer* newest, Progress& progress)>;

  /// `answered` is called on the thread when there is a new answer.
  LiveAnswers(Work work, std::function<void()> answered)
      : work_(std::move(work)), answered_(std::move(answered)), thread_([this](std::stop_token stop) { run(stop); }) {}
  ~LiveAnswers() {
    thread_.request_stop();
    {
      // Under the lock: else a question that is just being taken up would clear the flag, and be answered to the end.
      const std::lock_guard lock(mutex_);
      progress_.cancelled = true;
    }
    thread_.join();
  }
  LiveAnswers(const LiveAnswers&) = delete;

  /// Does nothing if it is the newest question already: ask each frame.
  void ask(Question question) {
    const std::lock_guard lock(mutex_);
    if (asked_ && question == *asked_) return;
    if (at_work_ && question.outdates(*at_work_)) progress_.cancelled = true;
    asked_ = question;
    waiting_ = std::move(question);
    wake_.notify_one();
  }
  /// Ends the work under way and forgets what was asked: nothing more comes before the next question, even if the work
  /// is done before it sees that it is of no use.
  void cancel() {
    const std::lock_guard lock(mutex_);
    if (at_work_) progress_.cancelled = true;
    asked_.reset();
    waiting_.reset();
  }
  /// The newest answer, perhaps to an earlier question; null before the first.
  std::shared_ptr<const Answer> answer() const {
    const std::lock_guard lock(mutex_);
    return newest_;
  }
  /// From 0 to 1, of the work that is under way or waits; negative: there is none.
  float progress() const {
    const std::lock_guard lock(mutex_);
    if (!at_work_ && !waiting_) return -1;
    return waiting_ ? 0.0f : progress_.fraction.load();
  }

 private:
  void run(std::stop_token stop) {
    give_way();
    while (true) {
      try {
        Question question;
        {
          std::unique_lock lock(mutex_);
          at_work_.reset();
          wake_.wait(lock, stop, [&] { return waiting_.has_value(); });
          if (stop.stop_requested()) return;
          question = std::move(*waiting_);
          waiting_.reset();
          at_work_ = question;
          progress_.fraction = 0;
          progress_.cancelled = false;
        }
        auto result = std::make_shared<const Answer>(work_(question, newest_.get(), progress_));
        const std::lock_guard lock(mutex_);
        if (progress_.cancelled) continue;
        newest_ = std::move(result);
        at_work_.reset();  // with the answer, so that whoever sees it is not told that more is to come
      } catch (const Cancelled&) {
        continue;
      } catch (...) {  // no memory even for a question or for its error
        const std::lock_guard lock(mutex_);
        if (!waiting_) asked_.reset();
      }
      if (answered_) answered_();
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::optional<Question> asked_, waiting_, at_work_;
  std::shared_ptr<const Answer> newest_;  // written by the thread alone
  Progress progress_;
  // ------------------------------------------------------------------ the thread's own
  Work work_;
  std::function<void()> answered_;
  std::jthread thread_;  // last: it uses all the rest
};

}  // namespace nopeek
