#include "app/ui/theme.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace nopeek::test::theme_test {

using namespace nopeek::ui;

TEST_CASE("the text size of a first start stays within what the display asks for, and within the window") {
  for (float display : {0.5f, 1.0f, 1.25f, 1.5f, 1.75f, 2.0f, 3.0f}) {
    for (const ImVec2 size : {ImVec2(1024, 576), ImVec2(1366, 700), ImVec2(1600, 900), ImVec2(1920, 1040),
                              ImVec2(2560, 1400), ImVec2(3200, 1800), ImVec2(3840, 2160), ImVec2(30000, 20000)}) {
      CAPTURE(display);
      CAPTURE(size.x);
      const double chosen = first_text_size(size, display);
      CHECK(std::find(kTextSizes.begin(), kTextSizes.end(), chosen) != kTextSizes.end());
      CHECK(chosen >= 1);
      if (chosen == 1) continue;
      CHECK(wished_scale(size, chosen) <= display + 0.02f);
      CHECK(wished_scale(size, chosen) <= greatest_scale(size) + 0.02f);
    }
  }
  CHECK(first_text_size({1600, 900}, 1) == 1);
  CHECK(first_text_size({1600, 900}, 1.25f) == 1.25);  // Xft.dpi 120
  CHECK(first_text_size({3200, 1800}, 2) == 1);        // the window itself is twice as large
  CHECK(first_text_size({1920, 1080}, 2) == 1.5);      // a small screen at 192 dpi: as near as there is room
}

}  // namespace nopeek::test::theme_test
