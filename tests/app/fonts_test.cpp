// The atlas: what it holds, and that it fits the graphics card, whatever a vocabulary and a display bring.
#include "app/ui/fonts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "app/ui/theme.h"
#include "app_host.h"

namespace nopeek::test::fonts_test {

using namespace nopeek::ui;

namespace {

struct Atlas {
  explicit Atlas(int texture_limit) {
    ImGui::CreateContext();
    forget_fonts();
    set_texture_limit(texture_limit);
  }
  ~Atlas() {
    set_texture_limit(4096);
    forget_fonts();
    ImGui::DestroyContext();
  }
};

constexpr int kFonts = static_cast<int>(Font::kCount);
ImFont* font_of(int i) { return font(static_cast<Font>(i)); }

/// Every character of the basic plane but the usual ones: Chinese, symbols and private ones among them.
std::u32string all_characters() {
  std::u32string all;
  for (char32_t c = 0x500; c <= 0xFFFF; ++c) {
    if ((c < 0x2000 || c >= 0x2430) && (c < 0xD800 || c > 0xDFFF) && c != 0xFFFD) all += c;
  }
  return all;
}

constexpr char32_t kKa = 0x0915, kKha = 0x0916;  // Devanagari, which none of the design's faces has

size_t count_drawn(Font which, const std::u32string& characters) {
  return static_cast<size_t>(std::count_if(characters.begin(), characters.end(), [&](char32_t c) {
    return font(which)->FindGlyphNoFallback(static_cast<ImWchar>(c)) != nullptr;
  }));
}

float largest_glyph() {
  float largest = 0;
  for (int i = 0; i < kFonts; ++i) {
    for (const ImFontGlyph& g : font_of(i)->Glyphs) largest = std::max(largest, (g.X1 - g.X0) * (g.Y1 - g.Y0));
  }
  return largest;
}

}  // namespace

TEST_CASE("no window, text size or presentation asks for glyphs that are larger than a block of ImGui's font builder") {
  for (int w : {1, 1024, 1600, 3840, 7680, 12000, 16384, 32768}) {
    for (int h : {1, 576, 900, 2160, 4320, 12000, 16384, 32768}) {
      const ImVec2 size(static_cast<float>(w), static_cast<float>(h));
      for (double text_size : {0.8, 1.0, 1.25, 1.5, 1e6}) {
        for (bool presenting : {false, true}) CHECK(make_theme(size, true, text_size, presenting, true).s * 40 <= 240);
      }
    }
  }
  Atlas atlas(16384);
  for (float s : {6.0f, 7.2f, 40.0f}) {  // beyond 6 nobody asks, and still nothing is written past the end
    CAPTURE(s);
    REQUIRE(build_fonts(s, all_characters().substr(0, 2000)));
    CHECK(largest_glyph() <= 256 * 256);
    CHECK(em(Font::kHero) <= kGreatestEm + 1);
    for (const char* c = "0189%@W"; *c; ++c) CHECK(font(Font::kHero)->FindGlyphNoFallback(static_cast<ImWchar>(*c)));
  }
}

TEST_CASE("the atlas fits the graphics card, with as many of a vocabulary's characters as have room") {
  const std::u32string all = all_characters();
  size_t known = 0;  // of which the installed fonts know anything
  for (const auto& [limit, s] : {std::pair{1024, 6.0f}, {1024, 1.0f}, {4096, 3.0f}, {16384, 3.6f}, {16384, 1.0f}}) {
    CAPTURE(limit);
    CAPTURE(s);
    Atlas atlas(limit);
    REQUIRE(build_fonts(s, all));
    const ImFontAtlas& built = *ImGui::GetIO().Fonts;
    CHECK(built.TexWidth <= limit);
    CHECK(built.TexHeight <= limit);
    CHECK(int64_t{built.TexWidth} * built.TexHeight <= 1 << 26);
    const size_t drawn = count_drawn(Font::kLabel, all);
    if (known == 0) known = drawn + characters_left_out();
    CHECK(drawn + characters_left_out() == known);
    CHECK((limit < 16384 || drawn >= std::min<size_t>(known, 1500)));
    CHECK(font(Font::kLabel)->FindGlyphNoFallback('a'));
    CHECK_FALSE(build_fonts(s, all));
  }
}

TEST_CASE("a character is drawn in every font that shows the corpus, as wide in all of one size, or in none") {
  const std::u32string all = all_characters();
  Atlas atlas(16384);
  REQUIRE(build_fonts(2, all));
  for (const auto& [first, others] : {std::pair{Font::kBody, std::vector{Font::kBodyBold, Font::kMono}},
                                      {Font::kLabel, {Font::kLabelMedium, Font::kLabelBold, Font::kMonoLabel}}}) {
    for (Font other : others) {
      size_t lacking = 0;
      for (char32_t c : all) {
        const auto code = static_cast<ImWchar>(c);
        if (font(first)->FindGlyphNoFallback(code) && !font(other)->FindGlyphNoFallback(code)) ++lacking;
      }
      CHECK(lacking == 0);
    }
  }
  const ImFontGlyph *a = font(Font::kLabel)->FindGlyphNoFallback(kKa),
                    *b = font(Font::kLabelBold)->FindGlyphNoFallback(kKa);
  REQUIRE((a && b));
  CHECK(a->AdvanceX == b->AdvanceX);
  CHECK(a->U0 == b->U0);
  CHECK(a->X1 - a->X0 == b->X1 - b->X0);
}

TEST_CASE("the most wanted characters are drawn: the most frequent, then those of the lowest ids") {
  const std::vector<std::string> labels{"a\u4E8C\u4E8C\u4E8C", "\u4E01", "\u4E00", "\u4E09", "\u4E09b", "plain \u00E9"};
  CHECK(unusual_characters(labels) == U"\u4E8C\u4E09\u4E01\u4E00");
  Atlas atlas(1024);
  std::u32string turned = all_characters();
  std::reverse(turned.begin(), turned.end());
  turned = kKa + turned;
  REQUIRE(build_fonts(1, turned));
  CHECK(characters_left_out() > 0);
  CHECK(font(Font::kLabel)->FindGlyphNoFallback(kKa));
  CHECK_FALSE(font(Font::kLabel)->FindGlyphNoFallback(kKha));
}

TEST_CASE("a vocabulary of more characters than can be drawn is said once, and the window goes on") {
  test::TemporaryFolder folder;
  std::string text;
  const auto append = [&](char32_t c) {
    text += {static_cast<char>(0xE0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 63)),
             static_cast<char>(0x80 | (c & 63))};
  };
  for (char32_t c = 0x2190; c < 0x2C00; ++c) append(c), text += c % 9 ? "" : " ";
  for (char32_t c = 0xA000; c < 0xD000; ++c) append(c), text += c % 9 ? "" : " ";
  for (char32_t c = 0x0900; c < 0x2000; ++c) append(c), text += c % 9 ? "" : " ";
  test::make_file(folder / "words.txt", text + text);
  test::AppHost host;
  REQUIRE_MESSAGE(host.play("drop \"" + (folder / "words.txt").string() + "\"\nwait until corpus == words"),
                  host.failure());
  host.frames(3);
  if (characters_left_out() > 0) {
    CHECK_MESSAGE(host.play("expect message contains \"of the rarer characters\""), host.failure());
  }
  CHECK_MESSAGE(host.play("resize 3840x2160\nscene Generate\nscene Microscope"), host.failure());
}

}  // namespace nopeek::test::fonts_test
