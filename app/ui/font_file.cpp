#include "app/ui/font_file.h"

#include FT_ADVANCES_H

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>

namespace nopeek::ui {
namespace {

// In order of preference.
constexpr std::array<const char*, 3> kFolders{"/usr/share/fonts/opentype/", "/usr/share/fonts/truetype/",
                                              "/usr/local/share/fonts/"};
const std::array<std::vector<const char*>, static_cast<size_t>(Face::kCount)> kFiles{{
    {"inter/Inter-Regular.otf", "inter/Inter-Regular.ttf", "noto/NotoSans-Regular.ttf", "dejavu/DejaVuSans.ttf"},
    {"inter/Inter-Medium.otf", "inter/Inter-Medium.ttf", "noto/NotoSans-Regular.ttf", "dejavu/DejaVuSans.ttf"},
    {"inter/Inter-SemiBold.otf", "inter/Inter-SemiBold.ttf", "noto/NotoSans-Bold.ttf", "dejavu/DejaVuSans-Bold.ttf"},
    {"jetbrains-mono/JetBrainsMono-Regular.ttf", "noto/NotoSansMono-Regular.ttf", "dejavu/DejaVuSansMono.ttf"},
    {"jetbrains-mono/JetBrainsMono-Bold.ttf", "noto/NotoSansMono-Bold.ttf", "dejavu/DejaVuSansMono-Bold.ttf"},
}};
constexpr std::array kFallbacks{"noto/NotoSans-Regular.ttf", "noto/NotoSansDevanagari-Regular.ttf",
                                "noto/NotoSansSymbols2-Regular.ttf", "noto/NotoSansMath-Regular.ttf",
                                "dejavu/DejaVuSans.ttf"};

FT_Library library() {
  static FT_Library handle = [] {
    FT_Library made = nullptr;
    FT_Init_FreeType(&made);
    return made;
  }();
  return handle;
}

std::vector<char> bytes_of(const char* name) {
  for (const char* folder : kFolders) {
    std::ifstream in(std::filesystem::path(folder) / name, std::ios::binary);
    if (in) return {std::istreambuf_iterator<char>(in), {}};
  }
  return {};
}

/// Null if the file is not there or no font.
const FontFile* installed(const char* name) {
  static std::map<std::string, std::unique_ptr<FontFile>> files;
  std::unique_ptr<FontFile>& file = files[name];
  if (!file) file = std::make_unique<FontFile>(bytes_of(name));
  return file->valid() ? file.get() : nullptr;
}

}  // namespace

FontFile::FontFile(std::vector<char> bytes) : bytes_(std::move(bytes)) {
  const auto* data = reinterpret_cast<const FT_Byte*>(bytes_.data());
  if (bytes_.empty() || FT_New_Memory_Face(library(), data, static_cast<FT_Long>(bytes_.size()), 0, &face_))
    face_ = nullptr;
}

float FontFile::line_height(float em) const {
  return em * static_cast<float>(face_->ascender - face_->descender) / face_->units_per_EM;
}

float FontFile::em_of(float height) const {
  return height * face_->units_per_EM / static_cast<float>(face_->ascender - face_->descender);
}

ImVec2 FontFile::box(char32_t c) const {
  const auto [found, is_new] = boxes_.try_emplace(c);
  if (is_new && !FT_Load_Glyph(face_, FT_Get_Char_Index(face_, c), FT_LOAD_NO_SCALE)) {
    const auto units = static_cast<float>(face_->units_per_EM);
    found->second = {static_cast<float>(face_->glyph->metrics.width) / units,
                     static_cast<float>(face_->glyph->metrics.height) / units};
  }
  return found->second;
}

float FontFile::advance(char32_t c) const {
  const FT_UInt index = FT_Get_Char_Index(face_, c);
  FT_Fixed units = 0;
  if (!index || FT_Get_Advance(face_, index, FT_LOAD_NO_SCALE, &units)) return -1;
  return static_cast<float>(units) / static_cast<float>(face_->units_per_EM);
}

const FontFile* font_file(Face face) {
  for (const char* name : kFiles[static_cast<size_t>(face)]) {
    if (const FontFile* file = installed(name)) return file;
  }
  return nullptr;
}

std::span<const FontFile* const> fallback_files() {
  static const std::vector<const FontFile*> files = [] {
    std::vector<const FontFile*> found;
    for (const char* name : kFallbacks) {
      if (const FontFile* file = installed(name)) found.push_back(file);
    }
    return found;
  }();
  return files;
}

}  // namespace nopeek::ui
