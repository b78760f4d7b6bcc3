#include "app/scenes/mask_draft.h"

#include <utility>

namespace nopeek {

namespace {

constexpr size_t kMostUndos = 64;  // a mask of 1024 tokens is 4 MB

template <class Value>
Mask each_cell(const Mask& mask, Value&& value) {
  Mask out = Mask::full(mask.size());
  for (int query = 0; query < mask.size(); ++query) {
    for (int key = 0; key < mask.size(); ++key) out.set(query, key, value(mask(query, key)));
  }
  return out;
}

/// A row that is penalised throughout is as good as open, and needs an open key.
Mask pattern_of(const Mask& mask) {
  Mask pattern = each_cell(mask, [](float value) { return value < 0 ? Mask::kForbidden : 0.0f; });
  for (int query = 0; query < mask.size(); ++query) {
    if (!pattern.has_visible_key(query)) pattern.set(query, query, 0.0f);
  }
  return pattern;
}

/// Of its first cell that is not open. A mask of several strengths gets this one as soon as it is edited.
float strength_of(const Mask& mask) {
  for (int query = 0; query < mask.size(); ++query) {
    for (int key = 0; key < mask.size(); ++key) {
      if (mask(query, key) < 0) return mask(query, key);
    }
  }
  return Mask::kForbidden;
}

}  // namespace

void MaskDraft::follow(std::shared_ptr<const Mask> own) {
  if (own == own_) return;
  if (own_ && own_->size() != own->size()) *this = {};
  own_ = std::move(own);
  own_pattern_ = std::make_shared<const Mask>(pattern_of(*own_));
  own_strength_ = strength_of(*own_);
  stale_ = true;
  if (now_.pattern && !mask()) now_ = {};  // what was drafted is the model's own by now
}

std::shared_ptr<const Mask> MaskDraft::mask() {
  if (!std::exchange(stale_, false)) return mask_;
  mask_ = nullptr;
  if (!now_.pattern) return mask_;
  Mask made = each_cell(*now_.pattern, [this](float value) { return value < 0 ? now_.strength : 0.0f; });
  if (made != *own_) mask_ = std::make_shared<const Mask>(std::move(made));
  return mask_;
}

void MaskDraft::begin_stroke(ui::Cell cell) {
  forbids_ = pattern().visible(cell.row, cell.column);
  canvas_ = std::make_shared<Mask>(pattern());
  refused_row_.reset();
  paint(cell);
}

/// A row keeps an open key whatever the strength is: that may be set to -inf at any time.
void MaskDraft::paint(ui::Cell cell) {
  if (!canvas_ || canvas_->visible(cell.row, cell.column) != forbids_) return;
  canvas_->set(cell.row, cell.column, forbids_ ? Mask::kForbidden : 0.0f);
  if (!canvas_->has_visible_key(cell.row)) {
    canvas_->set(cell.row, cell.column, 0.0f);
    refused_row_ = cell.row;
    return;
  }
  if (now_.pattern != canvas_) change_to({canvas_, strength()});
  stale_ = true;
}

void MaskDraft::use(Mask pattern) { change_to({std::make_shared<const Mask>(std::move(pattern)), strength()}); }

void MaskDraft::set_strength(float strength, bool goes_on) {
  const auto same = now_.pattern ? now_.pattern : own_pattern_;
  if (!goes_on || !now_.pattern) return change_to({same, strength});
  now_.strength = strength;
  redo_.clear();
  stale_ = true;
}

void MaskDraft::drop() {
  if (now_.pattern) change_to({});
}

void MaskDraft::change_to(State state) {
  undo_.push_back(std::exchange(now_, std::move(state)));
  if (undo_.size() > kMostUndos) undo_.erase(undo_.begin());
  redo_.clear();
  stale_ = true;
  if (!canvas_) refused_row_.reset();
}

void MaskDraft::swap_states(std::vector<State>& from, std::vector<State>& to) {
  if (from.empty()) return;
  end_stroke();
  refused_row_.reset();
  to.push_back(std::exchange(now_, std::move(from.back())));
  from.pop_back();
  stale_ = true;
}

}  // namespace nopeek
