// Pictures drawn off screen, through OpenGL: they are what the window would show, and the window does not notice.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>

#include "app/gl/heatmap.h"
#include "app/gl/objects.h"
#include "app/host/gl_camera.h"
#include "app/host/glfw_window.h"
#include "app/host/work_clock.h"
#include "app/scenes/microscope_export.h"
#include "app/ui/imgui_compat.h"
#include "app/ui/text.h"
#include "app/ui/widgets.h"
#include "core/base/error.h"
#include "core/nn/mask.h"

namespace nopeek::test {
namespace {

constexpr int kWidth = 1024, kHeight = 576;

/// The fonts, theme and camera of a window, without an App in it.
struct Stage {
  GlfwWindow window{kWidth, kHeight};
  gl::HeatmapRenderer heatmaps;
  WorkClock clock{[] { return 0.0; }, [] { return 0.0; }};
  GlCamera camera{window, heatmaps, clock};

  Stage() {
    ui::forget_fonts();
    ui::use_theme(ui::make_theme({kWidth, kHeight}, true, 1, false, false));
    ui::build_fonts(ui::theme().s, {});
  }
  ~Stage() { ui::forget_fonts(); }

  template <class Draw>
  Picture on_screen(Draw&& draw) {
    window.wait(0);
    window.begin_frame();
    ImGui::NewFrame();
    {
      const ui::Canvas canvas(ImGui::GetBackgroundDrawList());
      draw();
    }
    ImGui::Render();
    heatmaps.flush();
    window.draw({0, 0, 0, 1});
    return camera.window();
  }

  template <class Draw>
  Picture off_screen(ImVec2 size, Draw&& draw) {
    ui::OffScreenList list(size);
    {
      const ui::Canvas canvas(list.get());
      draw();
    }
    return camera.off_screen(list.draw_data());
  }

  /// A scene of all that is drawn: areas, text level and turned, lines, a matrix. Nothing in it is symmetric.
  void scene(ImVec2 size, float cell) {
    const auto& colors = ui::colors();
    ui::fill({{0, 0}, size}, colors.panel);
    ui::fill({{20, 10}, {120, 40}}, colors.past.fill, 6);
    ui::text({30, 25}, "looks at", ui::Font::kLabelBold, colors.past.on_fill);
    ui::text_turned({200, 90}, "the agent", ui::Font::kLabel, colors.text);
    ui::text({size.x - 12, 60}, "0.73", ui::Font::kMono, colors.secondary, ui::Align::kRight);
    ui::canvas()->AddLine({10, 110}, {size.x + 50, 140}, colors.future.fill, 1.5f);  // leaves the picture
    gl::HeatmapSpec spec;
    spec.columns = spec.rows = spec.T = 3;
    spec.width = spec.height = static_cast<int>(3 * cell);
    spec.gap = 2;
    spec.hatch_pitch = 6;
    spec.past = colors.past.scale;
    spec.future = colors.future.scale;
    spec.forbidden = colors.forbidden;
    spec.hatch = colors.hatch;
    const float weights[] = {1, 0.4f, -1, 0.5f, 0.5f, 0.9f, 0.1f, 0.2f, 0.7f};
    ui::canvas()->AddImage(heatmaps.draw(1, spec, weights, 1), {20, 150}, {20 + 3 * cell, 150 + 3 * cell});
  }
};

/// The greatest difference of a channel between `part` and the upper left corner of `whole`.
int difference(const Picture& whole, const Picture& part) {
  int greatest = 0;
  for (int y = 0; y < part.height; ++y) {
    const uint8_t* a = &whole.rgb[static_cast<size_t>(3 * whole.width * (whole.height - part.height + y))];
    const uint8_t* b = &part.rgb[static_cast<size_t>(3 * part.width * y)];
    for (int i = 0; i < 3 * part.width; ++i) greatest = std::max(greatest, std::abs(a[i] - b[i]));
  }
  return greatest;
}

/// RGB at column x of row y, from the top.
std::array<int, 3> pixel(const Picture& picture, int x, int y) {
  const uint8_t* at = &picture.rgb[static_cast<size_t>(3 * ((picture.height - 1 - y) * picture.width + x))];
  return {at[0], at[1], at[2]};
}

std::array<int, 3> rgb(ImU32 color) {
  return {static_cast<int>(color >> IM_COL32_R_SHIFT & 0xFF), static_cast<int>(color >> IM_COL32_G_SHIFT & 0xFF),
          static_cast<int>(color >> IM_COL32_B_SHIFT & 0xFF)};
}

int colors_of(const Picture& picture) {
  std::set<std::array<uint8_t, 3>> colors;
  for (size_t i = 0; i < picture.rgb.size(); i += 3)
    colors.insert({picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2]});
  return static_cast<int>(colors.size());
}

}  // namespace

TEST_CASE("off screen, every pixel is as in the window; the window's frame before, at and after it are the same") {
  Stage stage;
  const ImVec2 size{400, 300};
  const auto in_window = [&] { stage.scene(size, 40); };
  const Picture first = stage.on_screen(in_window);
  REQUIRE(first.width == kWidth);
  CHECK(colors_of(first) > 50);

  const Picture same = stage.off_screen(size, in_window);
  CHECK(same.width == 400);
  CHECK(same.height == 300);
  CHECK(difference(first, same) <= 2);  // slanted edges are computed in the coordinates of another size

  SUBCASE("larger than the window, with the same matrix in another size, and more than 65536 vertices") {
    const ImVec2 large{2400, 1300};
    const Picture other = stage.off_screen(large, [&] {
      stage.scene(large, 100);
      for (int i = 0; i < 20'000; ++i) {
        const auto x = static_cast<float>(400 + 2 * (i % 1000)), y = static_cast<float>(500 + 2 * (i / 1000));
        ui::canvas()->AddRectFilled({x, y}, {x + 1, y + 1}, IM_COL32(255, 0, 0, 255));
      }
    });
    int red = 0;
    for (size_t i = 0; i < other.rgb.size(); i += 3) red += other.rgb[i] == 255 && other.rgb[i + 1] == 0;
    CHECK(red == 20'000);
    // Its own cells, not those of the window's smaller matrix, stretched: their gap would be wider.
    int gap = 0;
    for (int x = 100; x < 140; ++x) gap += pixel(other, x, 200) == rgb(ui::colors().panel);
    CHECK(gap == 2);
    CHECK(pixel(other, 70, 200) == rgb(ui::colors().past.scale[4]));
  }
  SUBCASE("refused by the driver") {
    CHECK_THROWS_AS(stage.off_screen({1'000'000, 10}, [] {}), Error);
  }
  CHECK(difference(stage.camera.window(), first) == 0);  // it is presented only now
  CHECK(difference(stage.on_screen(in_window), first) == 0);
}

TEST_CASE("a matrix that the driver refuses stays blank and is told; all others are drawn, and so is the next one") {
  Stage stage;
  GLint most = 0;
  glGetIntegerv(GL_MAX_TEXTURE_SIZE, &most);
  gl::HeatmapSpec spec;
  spec.columns = most + 1;
  spec.rows = spec.T = 1;
  spec.width = spec.height = 40;
  spec.past = ui::colors().past.scale;
  spec.future = ui::colors().future.scale;
  const std::vector<float> values(static_cast<size_t>(most + 1), 1.0f);
  const auto image = [](ImTextureID texture, float x) { ui::canvas()->AddImage(texture, {x, 0}, {x + 40, 40}); };
  const auto draw = [&](uint64_t revision) {
    ui::fill({{0, 0}, {200, 60}}, ui::colors().panel);
    image(stage.heatmaps.draw(1, spec, values.data(), revision), 0);
    gl::HeatmapSpec small = spec;
    small.columns = 1;
    image(stage.heatmaps.draw(2, small, values.data(), 1), 100);
  };
  CHECK_THROWS_AS(stage.on_screen([&] { draw(1); }), Error);
  Picture picture = stage.on_screen([&] { draw(1); });  // told already
  CHECK(pixel(picture, 20, 20) == rgb(ui::colors().panel));
  CHECK(pixel(picture, 120, 20) == rgb(ui::colors().past.scale[4]));
  CHECK_THROWS_AS(stage.on_screen([&] { draw(2); }), Error);  // other numbers: tried again
  SUBCASE("also where the picture is what is too large") {
    spec.columns = 1;
    spec.width = most + 1;
    CHECK_THROWS_AS(stage.on_screen([&] { draw(3); }), Error);
  }
  spec.columns = 1;
  spec.width = 40;
  picture = stage.on_screen([&] { draw(4); });
  CHECK(pixel(picture, 20, 20) == rgb(ui::colors().past.scale[4]));
}

TEST_CASE("an exported matrix has the colours of its cells and of its scale") {
  Stage stage;
  stage.on_screen([] {});  // the first frame gives the backend its fonts
  ExportedMatrix matrix;
  matrix.name = "weights";
  matrix.values.resize(2, 2);
  matrix.values << 1, 0, 0.25f, 0.75f;
  matrix.shown = {1, Mask::kForbidden, 0.25f, 0.75f};
  matrix.rows = matrix.columns = {"the", "agent"};
  matrix.look = ui::heatmap_look(44);
  matrix.look.columns = matrix.look.rows = matrix.look.T = 2;
  const ImVec2 size = picture_size(matrix);
  const Picture picture = stage.off_screen(size, [&] {
    ui::fill({{0, 0}, size}, ui::colors().panel);
    draw_picture(&stage.heatmaps, matrix, 1);
  });
  const auto& colors = ui::colors();
  CHECK(pixel(picture, 121, 185) == rgb(colors.past.scale[4]));
  CHECK(pixel(picture, 121, 229) == rgb(colors.past.scale[2]));  // t is the root of the weight
  const int scale = static_cast<int>(size.y) - 59;
  CHECK(pixel(picture, 259, scale) == rgb(colors.past.scale[4]));
  CHECK(pixel(picture, 259, scale + 20) == rgb(colors.future.scale[4]));
  CHECK(colors_of(picture) > 50);  // words, and the hatch
}

}  // namespace nopeek::test
