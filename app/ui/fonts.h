#pragma once
#include <imgui.h>

#include <span>
#include <string>

/// The faces and sizes of the look, rasterised at the scale of the frame. A face that is not installed is replaced by
/// the nearest one that is; at worst by ImGui's own bitmap font.
namespace nopeek::ui {

enum class Font {
  kHero,         // 40 SemiBold: hero numbers, the lie
  kFigure,       // 32 SemiBold: entropy, perplexity
  kTitle,        // 22 SemiBold
  kBody,         // 16 Regular
  kBodyBold,     // 16 SemiBold
  kLabel,        // 14 Regular: token labels, captions
  kLabelMedium,  // 14 Medium: controls, suggestions
  kLabelBold,    // 14 SemiBold
  kSmall,        // 13 Regular
  kSmallBold,    // 13 SemiBold
  kMono,         // 16 JetBrains Mono
  kMonoTitle,    // 22 JetBrains Mono Bold: results of arithmetic
  kMonoBold,     // 14 JetBrains Mono Bold
  kMonoLabel,    // 14 JetBrains Mono
  kMonoSmall,    // 13 JetBrains Mono: axes
  kCode,         // 13 JetBrains Mono: code
  kCount
};

/// The characters of a vocabulary's labels that the usual ranges may lack: the most frequent first, and among equals
/// those of the lowest ids.
std::u32string unusual_characters(std::span<const std::string> labels);

/// The graphics card takes no larger texture (GL_MAX_TEXTURE_SIZE); 4096 px until it is told.
void set_texture_limit(int px);

/// Builds the atlas of the current ImGui context for scale `s`, with `extra` characters beside the usual ranges, the
/// most wanted first. As many of them as there is room for are drawn; the others show as the replacement character.
/// Does nothing, and returns false, if the atlas already is that.
bool build_fonts(float s, const std::u32string& extra);
/// How many of the `extra` characters that some font has found no room.
size_t characters_left_out();

/// No font is rasterised larger than this, in px: ImGui 1.86 keeps glyphs in blocks of 256 x 256 px, and writes a
/// larger one past the block's end.
inline constexpr float kGreatestEm = 240;

ImFont* font(Font which);
/// The em of a font in px, as rasterised (the design's sizes are ems; ImGui's are line heights).
float em(Font which);

/// Forgets the atlas' settings, e.g. because a new ImGui context begins.
void forget_fonts();

}  // namespace nopeek::ui
