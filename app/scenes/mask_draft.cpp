#include "app/scenes/mask_draft.h"

#include <algorithm>

namespace nopeek {

using ui::Cell;

namespace {

constexpr size_t kMaskDraftMostUndos = 64;  // of a mask of 1024 tokens: 8 MB

std::vector<bool> forbidden_cells(const Mask& mask) {
  const auto T = static_cast<size_t>(mask.size());
  std::vector<bool> cells(T * T);
  auto cell = cells.begin();
  for (int query = 0; query < mask.size(); ++query) {
    for (int key = 0; key < mask.size(); ++key) *cell++ = mask(query, key) < 0;
  }
  return cells;
}

uint64_t next_revision() {
  static uint64_t newest = 0;
  return ++newest;
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

/// A row that is penalised throughout is as good as open, and needs an open key.
MaskDraft::State MaskDraft::state_of(std::shared_ptr<const Mask> mask) {
  State state{forbidden_cells(*mask), strength_of(*mask), mask};
  const auto T = static_cast<size_t>(mask->size());
  for (size_t query = 0; query < T; ++query) {
    const auto row = state.forbidden.begin() + static_cast<std::ptrdiff_t>(query * T);
    if (std::find(row, row + static_cast<std::ptrdiff_t>(T), false) == row + static_cast<std::ptrdiff_t>(T))
      row[static_cast<std::ptrdiff_t>(query)] = false;
  }
  return state;
}

void MaskDraft::follow(std::shared_ptr<const Mask> own) {
  if (own == own_) return;
  if (own_ && own_->size() != own->size()) *this = {};
  const bool drafted = own_ && mask();
  own_ = std::move(own);
  stale_ = true;
  if (drafted) return;
  now_ = state_of(own_);
  changed();
}

Mask MaskDraft::made_of(float strength) const {
  Mask mask = Mask::full(own_->size());
  auto forbidden = now_.forbidden.begin();
  for (int query = 0; query < mask.size(); ++query) {
    for (int key = 0; key < mask.size(); ++key) mask.set(query, key, *forbidden++ ? strength : 0.0f);
  }
  return mask;
}

Mask MaskDraft::pattern() const { return made_of(Mask::kForbidden); }

bool MaskDraft::forbids_any() const {
  return std::find(now_.forbidden.begin(), now_.forbidden.end(), true) != now_.forbidden.end();
}

float MaskDraft::value(Cell cell) const {
  if (now_.exact) return (*now_.exact)(cell.row, cell.column);
  return forbids(cell) ? now_.strength : 0.0f;
}

std::shared_ptr<const Mask> MaskDraft::mask() {
  if (!std::exchange(stale_, false)) return mask_;
  mask_ = now_.exact ? now_.exact : std::make_shared<const Mask>(made_of(now_.strength));
  if (mask_ == own_ || *mask_ == *own_) mask_ = nullptr;
  return mask_;
}

// The brush
// ------------------------------------------------------------------------------------------------
void MaskDraft::begin_stroke(Cell cell) {
  stroke_ = Stroke{.forbids = !forbids(cell)};
  refused_row_.reset();
  paint(cell);
}

/// A row keeps an open key whatever the strength is: that may be set to -inf at any time.
void MaskDraft::paint(Cell cell) {
  if (!stroke_ || forbids(cell) == stroke_->forbids) return;
  if (stroke_->forbids && sees_only(cell)) {
    refused_row_ = cell.row;
    return;
  }
  if (!std::exchange(stroke_->changed, true)) keep();
  now_.forbidden[place(cell)] = stroke_->forbids;
  painted_.push_back(cell);
  stale_ = true;
}

bool MaskDraft::sees_only(Cell cell) const {
  for (int key = 0; key < own_->size(); ++key) {
    if (key != cell.column && !forbids({cell.row, key})) return false;
  }
  return true;
}

// Whole masks
// ------------------------------------------------------------------------------------------------
void MaskDraft::use(const Mask& pattern) { change_to({forbidden_cells(pattern), now_.strength, nullptr}); }

void MaskDraft::set_strength(float strength, bool goes_on) {
  if (!goes_on || now_.exact) return change_to({now_.forbidden, strength, nullptr});
  now_.strength = strength;
  redo_.clear();
  changed();
}

void MaskDraft::drop() {
  if (mask()) change_to(state_of(own_));
}

// Undo
// ------------------------------------------------------------------------------------------------
/// What is now can be undone to, and is about to be edited.
void MaskDraft::keep() {
  undo_.push_back(now_);
  if (undo_.size() > kMaskDraftMostUndos) undo_.erase(undo_.begin());
  redo_.clear();
  // Several strengths become one, on all of the picture.
  if (std::exchange(now_.exact, nullptr)) changed();
}

void MaskDraft::changed() {
  stale_ = true;
  revision_ = next_revision();
  painted_.clear();
}

void MaskDraft::change_to(State state) {
  keep();
  now_ = std::move(state);
  refused_row_.reset();
  changed();
}

void MaskDraft::swap_states(std::vector<State>& from, std::vector<State>& to) {
  if (from.empty()) return;
  end_stroke();
  refused_row_.reset();
  to.push_back(std::exchange(now_, std::move(from.back())));
  from.pop_back();
  changed();
}

}  // namespace nopeek
