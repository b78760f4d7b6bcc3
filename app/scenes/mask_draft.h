#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "app/ui/matrix_view.h"
#include "core/nn/mask.h"

namespace nopeek {

/// A mask in the making: which cells are forbidden, and what a forbidden cell gets. As long as nothing is drafted it is
/// the model's own. Every stroke of the brush, preset and strength is one step of undo.
///
///   draft.follow(own);             // each frame
///   draft.begin_stroke({3, 5});    // that cell turns: the stroke forbids, or it allows
///   draft.paint({3, 6});
///   draft.end_stroke();
///   lens.draft = draft.mask();     // null while it is the model's own
class MaskDraft {
 public:
  /// The mask to draft over. One of another size begins anew, and forgets what could be undone.
  void follow(std::shared_ptr<const Mask> own);

  /// What is forbidden: 0 or -inf.
  const Mask& pattern() const { return now_.pattern ? *now_.pattern : *own_pattern_; }
  /// What a forbidden cell gets: from 0 to -inf.
  float strength() const { return now_.pattern ? now_.strength : own_strength_; }
  /// With the strength in its forbidden cells. Null if nothing is drafted that differs from the model's own.
  std::shared_ptr<const Mask> mask();

  // The brush
  void begin_stroke(ui::Cell cell);
  /// Does nothing to a cell that is the last one that its row sees: refused_row() then names it.
  void paint(ui::Cell cell);
  void end_stroke() { canvas_ = nullptr; }
  bool stroking() const { return canvas_ != nullptr; }
  /// The row that would have seen nothing, until the next edit.
  std::optional<int> refused_row() const { return refused_row_; }

  // Whole masks
  void use(Mask pattern);  // of 0 and -inf
  /// `goes_on`: of the same movement of a slider as the call before, and so of the same step of undo.
  void set_strength(float strength, bool goes_on);
  void drop();  // back to the model's own

  bool can_undo() const { return !undo_.empty(); }
  bool can_redo() const { return !redo_.empty(); }
  void undo() { swap_states(undo_, redo_); }
  void redo() { swap_states(redo_, undo_); }

 private:
  struct State {
    std::shared_ptr<const Mask> pattern;  // null: the model's own mask
    float strength = Mask::kForbidden;
  };
  void change_to(State state);
  void swap_states(std::vector<State>& from, std::vector<State>& to);

  std::shared_ptr<const Mask> own_, own_pattern_;
  float own_strength_ = Mask::kForbidden;
  State now_;
  std::vector<State> undo_, redo_;
  std::shared_ptr<const Mask> mask_;
  bool stale_ = false;  // mask_ is of an earlier state

  std::shared_ptr<Mask> canvas_;  // the pattern that the stroke under way changes
  bool forbids_ = false;
  std::optional<int> refused_row_;
};

}  // namespace nopeek
