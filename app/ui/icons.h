#pragma once
#include "app/ui/theme.h"

namespace nopeek::ui {

enum class Icon {
  kNone,
  kPlay,
  kPause,
  kStep,
  kReset,
  kChevronRight,
  kChevronLeft,
  kChevronDown,
  kTick,
  kMatrix,
  kTheme,
  kPresent,
  kLeavePresent,
  kExport,
  kClose,
  kHelp,
  kFolder,
  kFile,
  kUp,
  kTextSize,
  kBars,
  kBack,
  kDice,
  kPencil,
  kUndo,
  kRedo,
  kLens
};

/// Draws with the middle at `centre`, in a box of 20 logical px times `size`.
void icon(Icon which, ImVec2 centre, ImU32 color, float size = 1);
/// The mark of the app: a causal matrix of 27 px whose forbidden cells are orange frames. `at` is its upper left
/// corner.
void logo(ImVec2 at);

}  // namespace nopeek::ui
