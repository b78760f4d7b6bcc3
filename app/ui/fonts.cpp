#include "app/ui/fonts.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_ADVANCES_H
#include <imgui_freetype.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <vector>

#include "app/ui/imgui_compat.h"

namespace nopeek::ui {
namespace {

enum class Face { kRegular, kMedium, kSemiBold, kMono, kMonoBold, kCount };
enum class Glyphs { kDigits, kLatin, kLatinAndCorpus, kEuropeAndCorpus };

struct Size {
  Face face;
  float em;
  Glyphs glyphs;
};
constexpr std::array<Size, static_cast<size_t>(Font::kCount)> kSizes{{
    {Face::kSemiBold, 40, Glyphs::kDigits},
    {Face::kSemiBold, 32, Glyphs::kDigits},
    {Face::kSemiBold, 22, Glyphs::kLatin},
    {Face::kRegular, 16, Glyphs::kEuropeAndCorpus},
    {Face::kSemiBold, 16, Glyphs::kLatinAndCorpus},
    {Face::kRegular, 14, Glyphs::kEuropeAndCorpus},
    {Face::kMedium, 14, Glyphs::kLatinAndCorpus},
    {Face::kSemiBold, 14, Glyphs::kLatinAndCorpus},
    {Face::kRegular, 13, Glyphs::kLatin},
    {Face::kSemiBold, 13, Glyphs::kLatin},
    {Face::kMono, 16, Glyphs::kLatinAndCorpus},
    {Face::kMonoBold, 22, Glyphs::kLatin},
    {Face::kMonoBold, 14, Glyphs::kLatin},
    {Face::kMono, 14, Glyphs::kLatinAndCorpus},
    {Face::kMono, 13, Glyphs::kLatin},
    {Face::kMono, 13, Glyphs::kLatin},
}};

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
// For what the face itself lacks.
const std::vector<const char*> kFallbacks{"noto/NotoSans-Regular.ttf", "noto/NotoSansDevanagari-Regular.ttf",
                                          "noto/NotoSansSymbols2-Regular.ttf", "noto/NotoSansMath-Regular.ttf",
                                          "dejavu/DejaVuSans.ttf"};

/// A font file in memory, opened once: the atlas reads the same bytes at every scale.
struct File {
  std::vector<char> bytes;
  FT_Face face = nullptr;
  bool has(char32_t c) const { return face && FT_Get_Char_Index(face, c) != 0; }
  /// ImGui asks for ascender - descender in whole px; the design says the em.
  float line_height(float em) const {
    return em * static_cast<float>(face->ascender - face->descender) / face->units_per_EM;
  }
  float em_of(float height) const {
    return height * face->units_per_EM / static_cast<float>(face->ascender - face->descender);
  }
};

FT_Library library() {
  static FT_Library handle = [] {
    FT_Library made = nullptr;
    FT_Init_FreeType(&made);
    return made;
  }();
  return handle;
}

std::vector<char> read(const char* name) {
  for (const char* folder : kFolders) {
    std::ifstream in(std::filesystem::path(folder) / name, std::ios::binary);
    if (in) return {std::istreambuf_iterator<char>(in), {}};
  }
  return {};
}

/// Null if the file is not there or no font.
const File* open(const char* name) {
  static std::map<std::string, File> files;
  File& file = files[name];
  if (!file.face && file.bytes.empty()) {
    file.bytes = read(name);
    const auto* data = reinterpret_cast<const FT_Byte*>(file.bytes.data());
    if (!file.bytes.empty() &&
        FT_New_Memory_Face(library(), data, static_cast<FT_Long>(file.bytes.size()), 0, &file.face))
      file.face = nullptr;
  }
  return file.face ? &file : nullptr;
}

const File* open(Face face) {
  for (const char* name : kFiles[static_cast<size_t>(face)]) {
    if (const File* file = open(name)) return file;
  }
  return nullptr;
}

struct Built {
  float s = 0;
  std::u32string extra;
  std::array<ImFont*, static_cast<size_t>(Font::kCount)> fonts{};
  std::array<float, static_cast<size_t>(Font::kCount)> ems{};
  std::vector<std::vector<ImWchar>> ranges;  // the atlas keeps pointers to them
} built;

void add_range(std::u32string& to, char32_t first, char32_t last) {
  for (char32_t c = first; c <= last; ++c) to += c;
}

std::u32string wanted(Glyphs glyphs, const std::u32string& extra) {
  std::u32string all;
  add_range(all, 0x20, 0x7E);
  all += U"\u2212\u2009\u2026\u00B7\u00D7";
  if (glyphs == Glyphs::kDigits) return all;
  add_range(all, 0xA0, 0xFF);
  add_range(all, 0x2010, 0x2027);
  add_range(all, 0x2190, 0x2193);
  all += U"\u2022\u203A\u2039\u2260\u2264\u2265\u221A\u221E\u2423\u21B5\u23CE\u00B6\uFFFD";
  if (glyphs == Glyphs::kEuropeAndCorpus) {
    add_range(all, 0x100, 0x17F);
    add_range(all, 0x370, 0x3FF);
    add_range(all, 0x400, 0x45F);
  }
  if (glyphs != Glyphs::kLatin) all += extra;
  return all;
}

const ImWchar* ranges_of(const std::u32string& text) {
  ImFontGlyphRangesBuilder builder;
  for (char32_t c : text) {
    if (c <= IM_UNICODE_CODEPOINT_MAX) builder.AddChar(static_cast<ImWchar>(c));
  }
  ImVector<ImWchar> out;
  builder.BuildRanges(&out);
  built.ranges.emplace_back(out.begin(), out.end());
  return built.ranges.back().data();
}

ImFont* add(const File& file, float height, const std::u32string& text, bool merge) {
  ImFontConfig config;
  config.FontDataOwnedByAtlas = false;
  config.MergeMode = merge;
  config.FontBuilderFlags = ImGuiFreeTypeBuilderFlags_LightHinting;
  auto* data = const_cast<char*>(file.bytes.data());
  return ImGui::GetIO().Fonts->AddFontFromMemoryTTF(data, static_cast<int>(file.bytes.size()), height, &config,
                                                    ranges_of(text));
}

/// Splits what the face lacks over the fallback fonts, the first that has a glyph taking it.
void add_fallbacks(const File& file, float em, const std::u32string& text) {
  std::u32string missing;
  for (char32_t c : text) {
    if (!file.has(c)) missing += c;
  }
  for (const char* name : kFallbacks) {
    const File* other = missing.empty() ? nullptr : open(name);
    if (!other || other == &file) continue;
    std::u32string here, rest;
    for (char32_t c : missing) (other->has(c) ? here : rest) += c;
    if (!here.empty()) add(*other, std::round(other->line_height(em)), here, true);
    missing = rest;
  }
}

void add_font(size_t i, float s, const std::u32string& extra) {
  const Size& size = kSizes[i];
  const File* file = open(size.face);
  if (!file) {
    ImFontConfig config;
    config.SizePixels = std::round(size.em * s);
    built.fonts[i] = ImGui::GetIO().Fonts->AddFontDefault(&config);
    built.ems[i] = size.em * s;
    return;
  }
  const float height = std::round(file->line_height(size.em * s));
  const std::u32string text = wanted(size.glyphs, extra);
  built.fonts[i] = add(*file, height, text, false);
  built.ems[i] = file->em_of(height);
  add_fallbacks(*file, built.ems[i], text);
}

/// The builder rounds advances up, which widens text; these are the designer's.
void set_exact_advances(ImFont* font, const File& file, float em) {
  const float scale = em / static_cast<float>(file.face->units_per_EM);
  for (const ImFontGlyph& glyph : font->Glyphs) {
    const auto c = static_cast<ImWchar>(glyph.Codepoint);
    const FT_UInt index = FT_Get_Char_Index(file.face, c);
    FT_Fixed advance = 0;
    if (index && !FT_Get_Advance(file.face, index, FT_LOAD_NO_SCALE, &advance))
      shift_glyph(font, c, static_cast<float>(advance) * scale, 0);
  }
}

/// Digits at the advance of '0', each centred in it, so that live numbers do not jitter.
void make_digits_tabular(ImFont* font) {
  const float zero = font->GetCharAdvance('0');
  for (ImWchar c = '1'; c <= '9'; ++c) shift_glyph(font, c, zero, std::round((zero - font->GetCharAdvance(c)) * 0.5f));
}

}  // namespace

bool build_fonts(float s, const std::u32string& extra) {
  ImFontAtlas& atlas = *ImGui::GetIO().Fonts;
  if (built.s == s && built.extra == extra && built.fonts[0] && !atlas.Fonts.empty() &&
      atlas.Fonts[0] == built.fonts[0])
    return false;
  atlas.Clear();
  atlas.FontBuilderIO = ImGuiFreeType::GetBuilderForFreeType();
  atlas.TexDesiredWidth = 2048;
  built.ranges.clear();
  built.ranges.reserve(kSizes.size() * (kFallbacks.size() + 1));  // so that no vector of them moves
  for (size_t i = 0; i < kSizes.size(); ++i) add_font(i, s, extra);
  atlas.Build();
  for (size_t i = 0; i < kSizes.size(); ++i) {
    if (const File* file = open(kSizes[i].face)) set_exact_advances(built.fonts[i], *file, built.ems[i]);
    make_digits_tabular(built.fonts[i]);
  }
  built.s = s;
  built.extra = extra;
  return true;
}

ImFont* font(Font which) { return built.fonts[static_cast<size_t>(which)]; }
float em(Font which) { return built.ems[static_cast<size_t>(which)]; }
void forget_fonts() { built = {}; }

}  // namespace nopeek::ui
