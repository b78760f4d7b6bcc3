#pragma once
#include <ft2build.h>
#include FT_FREETYPE_H
#include <imgui.h>

#include <span>
#include <unordered_map>
#include <vector>

/// The font files that are installed here.
namespace nopeek::ui {

enum class Face { kRegular, kMedium, kSemiBold, kMono, kMonoBold, kCount };

/// A font file in memory, opened once: the atlas reads the same bytes at every scale.
class FontFile {
 public:
  explicit FontFile(std::vector<char> bytes);
  FontFile(const FontFile&) = delete;

  bool valid() const { return face_ != nullptr; }
  const std::vector<char>& bytes() const { return bytes_; }
  bool has(char32_t c) const { return face_ && FT_Get_Char_Index(face_, c) != 0; }
  /// ImGui asks for ascender - descender in whole px; the design says the em.
  float line_height(float em) const;
  float em_of(float height) const;
  /// Of a glyph's outline, in ems.
  ImVec2 box(char32_t c) const;
  /// The designer's, in ems; negative if there is no such glyph.
  float advance(char32_t c) const;

 private:
  std::vector<char> bytes_;
  FT_Face face_ = nullptr;
  mutable std::unordered_map<char32_t, ImVec2> boxes_;  // to load a glyph costs as much as to draw it small
};

/// The nearest to the design that is installed; null if there is none at all.
const FontFile* font_file(Face face);
/// For what the face itself lacks, in order of preference.
std::span<const FontFile* const> fallback_files();

}  // namespace nopeek::ui
