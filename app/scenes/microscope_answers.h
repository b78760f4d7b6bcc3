#pragma once
#include <functional>
#include <memory>

#include "app/ui/motion.h"
#include "core/live/live_answers.h"

namespace nopeek {

/// What a page asks core on a thread of its own. Quick work is done at once, and again as a model in training moves on,
/// but not too often: training wants the processor, too. What takes long waits until the user runs it.
template <class Question, class Answer>
class PageAnswers {
 public:
  using Live = LiveAnswers<Question, Answer>;
  /// The numbers of `answered` may be shown while those of `asked` are waited for.
  using Fits = bool (*)(const Question& answered, const Question& asked);

  /// `every`: seconds between two answers of a model in training.
  PageAnswers(typename Live::Work work, Fits fits, double every) : work_(std::move(work)), fits_(fits), every_(every) {}

  /// Each frame. `operations` says how much work it is; `newer_weights`, that nothing else has changed since the answer
  /// that is shown.
  void ask(const Question& question, double operations, bool newer_weights, const std::function<void()>& wake) {
    if (!live_) live_ = std::make_unique<Live>(work_, wake);  // when the page is first seen: it is a thread
    quick_ = operations < kQuick;
    if (answer_ && !fits_(answer_->question, question)) answer_ = nullptr;
    take(question);
    current_ = answer_ && answer_->question == question;
    if (!current_) ask_if_due(question, newer_weights);
    if (progress() >= 0) ui::keep_moving();
  }
  /// Does the work that waits for a button.
  void run() { wanted_ = true; }
  void cancel() {
    live_->cancel();
    wanted_ = false;
  }

  /// Of this very question, or of one that fits; else null.
  const std::shared_ptr<const Answer>& answer() const { return answer_; }
  /// It is of this very question.
  bool current() const { return current_; }
  float progress() const { return live_ ? live_->progress() : -1; }
  /// So long that the progress is to be shown. Quick work that renews an answer is not waited for.
  bool waits() const {
    return progress() >= 0 && ui::clock_now() - asked_since_ > kProgressAfter && (!quick_ || !answer_);
  }
  /// Waits for run().
  bool due() const { return !quick_ && !current_ && progress() < 0; }
  bool quick() const { return quick_; }

 private:
  static constexpr double kProgressAfter = 0.3;  // s
  static constexpr double kQuick = 2e10;         // operations: a second or two

  void take(const Question& question) {
    const auto newest = live_->answer();
    if (!newest || newest == answer_ || !fits_(newest->question, question)) return;
    answer_ = newest;
    answered_ = ui::clock_now();
    wanted_ = false;
  }
  void ask_if_due(const Question& question, bool newer_weights) {
    if (quick_ && answer_ && newer_weights && ui::clock_now() - answered_ < every_) return ui::keep_moving();
    if (!quick_ && !wanted_) return;
    if (progress() < 0) asked_since_ = ui::clock_now();
    live_->ask(question);
  }

  typename Live::Work work_;
  Fits fits_;
  double every_;
  std::unique_ptr<Live> live_;
  std::shared_ptr<const Answer> answer_;
  bool quick_ = true, wanted_ = false, current_ = false;
  double asked_since_ = 0, answered_ = 0;  // on the clock of the UI
};

}  // namespace nopeek
