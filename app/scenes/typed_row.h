#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/nn/attention.h"

namespace nopeek {

/// A row of scores, as it goes into the softmax: that of a lesson, or a copy of a model's own that one may type over.
struct ScoreRow {
  std::string query;
  int query_at = 0;               // its position: later keys are its future
  std::vector<std::string> keys;  // one or more
  std::vector<double> scores;     // scaled; finite
  std::vector<bool> forbidden;    // the mask adds -inf

  SoftmaxSteps steps() const;
  bool operator==(const ScoreRow&) const = default;
};

/// The classroom's row: four scores whose softmax one does by hand. The mask is off, and so the first word looks at the
/// very word that it has to predict.
ScoreRow lesson_row();

/// What is typed into a row of scores. Whatever cannot be is refused with a reason, and changes nothing.
class TypedRow {
 public:
  /// Null: the row is the model's own.
  const ScoreRow* row() const { return state_ ? &state_->now : nullptr; }
  /// It is no longer as it was opened.
  bool changed() const { return state_ && !(state_->now == state_->opened); }
  bool is_lesson() const { return state_ && state_->opened == lesson_row(); }

  void open(ScoreRow row);
  void reset();
  void close();
  /// Empty, or why not. A number, or minus infinity, which forbids the key.
  std::string type(size_t key, std::string_view text);
  std::string forbid(size_t key, bool on);

  void undo() { swap(undo_, redo_); }
  void redo() { swap(redo_, undo_); }
  size_t undos() const { return undo_.size(); }
  size_t redos() const { return redo_.size(); }

 private:
  struct Open {
    ScoreRow now, opened;
  };
  using State = std::optional<Open>;
  void keep();
  void swap(std::vector<State>& from, std::vector<State>& to);

  State state_;
  std::vector<State> undo_, redo_;
};

}  // namespace nopeek
