#pragma once
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "app/ui/matrix_view.h"
#include "core/nn/mask.h"

namespace nopeek {

/// A mask in the making: which cells are forbidden, and what a forbidden cell gets. As long as nothing is drafted it is
/// the model's own. Every stroke of the brush, preset and strength is one step of undo; a step is a whole mask, so that
/// it means the same after the model has taken another one.
///
///   draft.follow(own);             // each frame
///   draft.begin_stroke({3, 5});    // that cell turns: the stroke forbids, or it allows
///   draft.paint({3, 6});
///   draft.end_stroke();
///   model.mask = draft.mask();     // null while it is the model's own
class MaskDraft {
 public:
  /// The mask to draft over. What is drafted stays, and so does what can be undone, unless it is of another size.
  void follow(std::shared_ptr<const Mask> own);

  /// What is forbidden: 0 or -inf.
  Mask pattern() const;
  bool forbids(ui::Cell cell) const { return now_.forbidden[place(cell)]; }
  /// Some cell is, whatever it gets.
  bool forbids_any() const;
  /// What a forbidden cell gets: from 0 to -inf.
  float strength() const { return now_.strength; }
  /// What is added to a cell's score.
  float value(ui::Cell cell) const;
  /// With the strength in its forbidden cells. Null if nothing is drafted that differs from the model's own. It is made
  /// when it is asked for, in some ms at a context of 1024.
  std::shared_ptr<const Mask> mask();
  /// The same as it was when it was last asked for: what a large mask shows in the middle of a stroke.
  const std::shared_ptr<const Mask>& newest_mask() const { return mask_; }

  // What has changed, for a picture
  /// Another one, among all drafts, whenever more than painted cells has changed.
  uint64_t revision() const { return revision_; }
  std::vector<ui::Cell> take_painted() { return std::exchange(painted_, {}); }

  // The brush
  void begin_stroke(ui::Cell cell);
  /// Does nothing to a cell that is the last one that its row sees: refused_row() then names it.
  void paint(ui::Cell cell);
  void end_stroke() { stroke_.reset(); }
  bool stroking() const { return stroke_.has_value(); }
  /// The row that would have seen nothing, until the next edit.
  std::optional<int> refused_row() const { return refused_row_; }

  // Whole masks
  void use(const Mask& pattern);  // of 0 and -inf
  /// `goes_on`: of the same movement of a slider as the call before, and so of the same step of undo.
  void set_strength(float strength, bool goes_on);
  void drop();  // back to the model's own

  bool can_undo() const { return !undo_.empty(); }
  bool can_redo() const { return !redo_.empty(); }
  void undo() { swap_states(undo_, redo_); }
  void redo() { swap_states(redo_, undo_); }

 private:
  struct State {
    std::vector<bool> forbidden;        // (T, T): a bit a cell, for a step of undo is kept for each stroke
    float strength = Mask::kForbidden;  // of the forbidden cells
    std::shared_ptr<const Mask> exact;  // the mask of a model that this is, which may have several strengths; or null
  };
  struct Stroke {
    bool forbids = false, changed = false;
  };
  static State state_of(std::shared_ptr<const Mask> mask);
  size_t place(ui::Cell cell) const {
    return static_cast<size_t>(cell.row) * static_cast<size_t>(own_->size()) + static_cast<size_t>(cell.column);
  }
  Mask made_of(float strength) const;
  bool sees_only(ui::Cell cell) const;
  void keep();
  void changed();
  void change_to(State state);
  void swap_states(std::vector<State>& from, std::vector<State>& to);

  std::shared_ptr<const Mask> own_;
  State now_;
  std::vector<State> undo_, redo_;
  std::shared_ptr<const Mask> mask_;
  bool stale_ = false;  // mask_ is of an earlier state

  uint64_t revision_ = 0;
  std::vector<ui::Cell> painted_;
  std::optional<Stroke> stroke_;  // the one under way
  std::optional<int> refused_row_;
};

}  // namespace nopeek
