#include "app/ui/fonts.h"

#include <imgui_freetype.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <unordered_map>
#include <vector>

#include "app/ui/font_file.h"
#include "app/ui/imgui_compat.h"
#include "core/text/utf8.h"

namespace nopeek::ui {
namespace {

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

constexpr int kPadding = 1;              // px between glyphs
constexpr float kBlock = 256 * 256;      // px; see kGreatestEm
constexpr int64_t kUsualRoom = 1 << 24;  // px of an atlas: 64 MB on the graphics card
constexpr size_t kMostExtra = 4096;      // characters: a tenth of a second
constexpr float kFill = 0.85f;           // of an atlas, which glyphs do not fill to the last pixel

struct Built {
  float s = 0;
  std::u32string extra;
  size_t left_out = 0;
  std::array<ImFont*, kSizes.size()> fonts{};
  std::array<float, kSizes.size()> ems{};
  std::vector<std::vector<ImWchar>> ranges;  // the atlas keeps pointers to them
} built;
int texture_limit = 4096;

void add_range(std::u32string& to, char32_t first, char32_t last) {
  for (char32_t c = first; c <= last; ++c) to += c;
}

/// Beside those of the corpus.
std::u32string usual(Glyphs glyphs) {
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
  return all;
}

bool holds_corpus(size_t font) {
  return kSizes[font].glyphs == Glyphs::kLatinAndCorpus || kSizes[font].glyphs == Glyphs::kEuropeAndCorpus;
}

/// The font of the same size that draws, for all of them, what their own faces lack. A fallback's glyphs are the same
/// beside every weight.
size_t lender_of(size_t font) {
  size_t i = 0;
  while (!holds_corpus(i) || kSizes[i].em != kSizes[font].em) ++i;
  return i;
}

/// What one font takes from one file.
struct Piece {
  size_t font;
  const FontFile* file;
  float em, height;  // px; ImGui asks for the height of a line
  std::u32string glyphs;
};

/// px of the atlas.
int64_t room_of(const FontFile& file, char32_t c, float em) {
  const ImVec2 box = file.box(c);
  const auto side = [&](float ems) { return static_cast<int64_t>(std::ceil(ems * em)) + 2; };  // hinting may widen it
  return (side(box.x) + kPadding) * (side(box.y) + kPadding);
}

int64_t room_of(const std::vector<Piece>& pieces) {
  int64_t room = 0;
  for (const Piece& piece : pieces) {
    for (char32_t c : piece.glyphs) room += room_of(*piece.file, c, piece.em);
  }
  return room;
}

Piece piece_of(size_t font, const FontFile& file, float em, std::u32string glyphs) {
  std::erase_if(glyphs, [&](char32_t c) { return static_cast<float>(room_of(file, c, em)) > kBlock; });
  const float height = std::round(file.line_height(em));
  return {font, &file, file.em_of(height), height, std::move(glyphs)};
}

/// Splits `glyphs` over the face and the fallback fonts, the first that has one taking it.
void plan_font(size_t font, const FontFile& own, float em, std::u32string glyphs, std::vector<Piece>& pieces) {
  const auto take = [&](const FontFile& file, float of_em) {
    const auto lacked = std::stable_partition(glyphs.begin(), glyphs.end(), [&](char32_t c) { return file.has(c); });
    pieces.push_back(piece_of(font, file, of_em, {glyphs.begin(), lacked}));
    glyphs.erase(glyphs.begin(), lacked);
  };
  take(own, em);
  const float exact = pieces.back().em;
  for (const FontFile* file : fallback_files()) {
    if (!glyphs.empty() && file != &own) take(*file, exact);
  }
}

float em_at(size_t font, float s) { return std::min(kSizes[font].em * s, kGreatestEm); }

std::vector<Piece> plan(float s, std::u32string_view extra) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < kSizes.size(); ++i) {
    const FontFile* own = font_file(kSizes[i].face);
    if (!own) continue;
    std::u32string glyphs = usual(kSizes[i].glyphs);
    for (char32_t c : extra) {
      if (holds_corpus(i) && (lender_of(i) == i || own->has(c))) glyphs += c;
    }
    std::sort(glyphs.begin(), glyphs.end());
    glyphs.erase(std::unique(glyphs.begin(), glyphs.end()), glyphs.end());
    plan_font(i, *own, em_at(i, s), std::move(glyphs), pieces);
  }
  return pieces;
}

bool displayable(char32_t c) {
  if (c > IM_UNICODE_CODEPOINT_MAX) return false;
  const auto has = [c](const FontFile* file) { return file && file->has(c); };
  return has(font_file(Face::kRegular)) || std::any_of(fallback_files().begin(), fallback_files().end(), has);
}

/// The longest beginning of `extra` that fits in a texture of the graphics card, and in a sensible one.
std::u32string_view fitting(float s, std::u32string_view extra) {
  const int64_t usual_room = room_of(plan(s, {}));
  const auto limit =
      static_cast<int64_t>(kFill * static_cast<float>(texture_limit) * static_cast<float>(texture_limit));
  const int64_t most = std::min(limit, std::max(kUsualRoom, usual_room + usual_room / 2));
  extra = extra.substr(0, kMostExtra);
  while (!extra.empty()) {
    const int64_t room = room_of(plan(s, extra));
    if (room <= most) break;
    const double share = static_cast<double>(most - usual_room) / static_cast<double>(room - usual_room);
    const double kept = static_cast<double>(extra.size()) * std::max(share, 0.0);
    extra = extra.substr(0, std::min(static_cast<size_t>(kept), extra.size() - 1));
  }
  return extra;
}

const ImWchar* ranges_of(const std::u32string& text) {
  ImFontGlyphRangesBuilder builder;
  for (char32_t c : text) builder.AddChar(static_cast<ImWchar>(c));
  ImVector<ImWchar> out;
  builder.BuildRanges(&out);
  built.ranges.emplace_back(out.begin(), out.end());
  return built.ranges.back().data();
}

void add(const Piece& piece) {
  const bool merge = built.fonts[piece.font] != nullptr;
  if (merge && piece.glyphs.empty()) return;
  ImFontConfig config;
  config.FontDataOwnedByAtlas = false;
  config.MergeMode = merge;
  config.FontBuilderFlags = ImGuiFreeTypeBuilderFlags_LightHinting;
  const std::vector<char>& bytes = piece.file->bytes();
  ImFont* font = ImGui::GetIO().Fonts->AddFontFromMemoryTTF(
      const_cast<char*>(bytes.data()), static_cast<int>(bytes.size()), piece.height, &config, ranges_of(piece.glyphs));
  if (merge) return;
  built.fonts[piece.font] = font;
  built.ems[piece.font] = piece.em;
}

void add_default_font(size_t i, float s) {
  ImFontConfig config;
  config.SizePixels = std::round(em_at(i, s));
  built.fonts[i] = ImGui::GetIO().Fonts->AddFontDefault(&config);
  built.ems[i] = em_at(i, s);
}

/// About as wide as it is high.
int width_for(int64_t room) {
  int width = std::min(2048, texture_limit);
  while (width<texture_limit&& static_cast<float>(room)> kFill * static_cast<float>(width) * static_cast<float>(width))
    width = std::min(2 * width, texture_limit);
  return width;
}

/// False if the atlas became higher than the graphics card takes.
bool build_atlas(float s, std::u32string_view extra) {
  ImFontAtlas& atlas = *ImGui::GetIO().Fonts;
  const std::vector<Piece> pieces = plan(s, extra);
  atlas.Clear();
  atlas.FontBuilderIO = ImGuiFreeType::GetBuilderForFreeType();
  atlas.Flags |= ImFontAtlasFlags_NoPowerOfTwoHeight;
  atlas.TexGlyphPadding = kPadding;
  atlas.TexDesiredWidth = width_for(room_of(pieces));
  built.fonts.fill(nullptr);
  built.ranges.clear();
  built.ranges.reserve(pieces.size());  // so that no vector of them moves
  for (const Piece& piece : pieces) add(piece);
  for (size_t i = 0; i < kSizes.size(); ++i) {
    if (!built.fonts[i]) add_default_font(i, s);
  }
  if (!atlas.Build()) throw std::bad_alloc();
  return atlas.TexHeight <= texture_limit;
}

/// False if there is no room, on the graphics card or in memory. The smallest atlas has to do, or throws.
bool try_atlas(float s, std::u32string_view extra) {
  const bool smallest = s <= 0.1f;
  try {
    return build_atlas(s, extra) || smallest;
  } catch (const std::bad_alloc&) {
    if (smallest) throw;
    return false;
  }
}

void lend_glyphs(std::u32string_view extra) {
  for (size_t i = 0; i < kSizes.size(); ++i) {
    if (!holds_corpus(i) || lender_of(i) == i) continue;
    share_glyphs(built.fonts[lender_of(i)], built.fonts[i], extra);
  }
}

/// The builder rounds advances up, which widens text; these are the designer's.
void set_exact_advances(ImFont* font, const FontFile& file, float em) {
  for (const ImFontGlyph& glyph : font->Glyphs) {
    const auto c = static_cast<ImWchar>(glyph.Codepoint);
    if (const float advance = file.advance(c); advance >= 0) shift_glyph(font, c, advance * em, 0);
  }
}

/// Digits at the advance of '0', each centred in it, so that live numbers do not jitter.
void make_digits_tabular(ImFont* font) {
  const float zero = font->GetCharAdvance('0');
  for (ImWchar c = '1'; c <= '9'; ++c) shift_glyph(font, c, zero, std::round((zero - font->GetCharAdvance(c)) * 0.5f));
}

}  // namespace

std::u32string unusual_characters(std::span<const std::string> labels) {
  std::u32string found;  // in the order of the ids
  std::unordered_map<char32_t, size_t> count;
  for (std::string_view rest : labels) {
    for (; !rest.empty(); rest.remove_prefix(static_cast<size_t>(utf8::length(rest[0])))) {
      const char32_t c = utf8::decode(rest);
      if (c > 0x17F && count[c]++ == 0) found += c;
    }
  }
  std::stable_sort(found.begin(), found.end(), [&](char32_t a, char32_t b) { return count[a] > count[b]; });
  return found;
}

void set_texture_limit(int px) { texture_limit = std::max(px, 1024); }  // what OpenGL 3.3 promises

bool build_fonts(float s, const std::u32string& extra) {
  ImFontAtlas& atlas = *ImGui::GetIO().Fonts;
  if (built.s == s && built.extra == extra && built.fonts[0] && !atlas.Fonts.empty() &&
      atlas.Fonts[0] == built.fonts[0])
    return false;
  built.s = 0;  // nothing is, should there be no memory for it
  std::u32string known;
  std::copy_if(extra.begin(), extra.end(), std::back_inserter(known), displayable);
  float fits_at = s;
  std::u32string_view shown = fitting(fits_at, known);
  while (!try_atlas(fits_at, shown)) {
    if (shown.empty()) fits_at *= 0.8f;
    shown = shown.substr(0, shown.size() / 2);
  }
  lend_glyphs(shown);
  for (size_t i = 0; i < kSizes.size(); ++i) {
    if (const FontFile* file = font_file(kSizes[i].face)) set_exact_advances(built.fonts[i], *file, built.ems[i]);
    make_digits_tabular(built.fonts[i]);
  }
  built.s = s;
  built.extra = extra;
  built.left_out = known.size() - shown.size();
  return true;
}

size_t characters_left_out() { return built.left_out; }
ImFont* font(Font which) { return built.fonts[static_cast<size_t>(which)]; }
float em(Font which) { return built.ems[static_cast<size_t>(which)]; }
void forget_fonts() { built = {}; }

}  // namespace nopeek::ui
