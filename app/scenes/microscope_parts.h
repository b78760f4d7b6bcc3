#pragma once
#include <string_view>

#include "app/scenes/microscope.h"

/// What several pages of the Microscope draw alike.
namespace nopeek {

/// In the middle of `panel` while there are no numbers: how far they are, or why there will be none. False if there
/// are.
bool draw_waiting(const Lens& lens, const ui::Rect& panel);

/// The tooltip of the cell under the pointer: 'opened -> a  0.603'.
void describe_cell(const Lens& lens, const ui::MatrixEvents& events, std::string_view value);

/// Says so, and why, if the held twin trains no more.
void explain_stopped(const SceneInput& in, Explanation& out);

/// Whether a mask has had a say in what goes into the attention of `layer`, the first being 0.
std::string words_of_masks_below(int layer, bool masked);

/// Outlines each query's own target, the cell that it must not see, but not the chosen one, which has a frame.
void draw_answers(const ui::MatrixView& view, int T, bool masked, ui::Cell chosen);

/// Where a square matrix of all tokens stands in `area`, whose upper left corner its cells begin at: its area, with
/// cells of at most `pitch`. Logical px.
ui::Rect square_in(const ui::Rect& area, int T, float pitch = 26);

/// A square for the cells of a labelled matrix, as high as `panel` allows, which leaves `words` at its right. Logical
/// px.
ui::Rect square_beside_words(const ui::Rect& panel, float words);

}  // namespace nopeek
