// A matrix by mouse and keyboard: what zooming, panning and choosing do, on a host without a display.
#include "app/ui/matrix_view.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "app/ui/registry.h"
#include "null_host.h"

namespace nopeek::test::matrix_view_test {

namespace ui = nopeek::ui;
using ui::Cell;

namespace {

class MatrixHost : public NullHost {
 public:
  MatrixHost(int columns, int rows, float side = 400) : side_(side) {
    spec.look.columns = columns;
    spec.look.rows = rows;
    values_.assign(static_cast<size_t>(columns * rows), 0.5f);
    for (int i = 0; i < std::max(columns, rows); ++i) labels_.push_back("word " + std::to_string(i));
    frames(3);
  }
  ui::MatrixView view;
  ui::MatrixSpec spec;
  Cell hovered;

  /// The cell that is under a place of the matrix, as fractions.
  Cell at(double x, double y) {
    input().move(rect_.min.x + rect_.w() * static_cast<float>(x), rect_.min.y + rect_.h() * static_cast<float>(y));
    frames(2);
    return hovered;
  }
  bool inside(Cell cell) const {
    const ui::Rect r = view.cell_rect(cell);
    return r.min.x >= rect_.min.x - 2 && r.max.x <= rect_.max.x + 2 && r.min.y >= rect_.min.y - 2 &&
           r.max.y <= rect_.max.y + 2;
  }

 protected:
  bool prepare() override {
    ui::use_theme(ui::make_theme(ImGui::GetIO().DisplaySize, true, 1, false, false));
    return ui::build_fonts(ui::theme().s, {});
  }
  void draw() override {
    ui::begin_widgets(1 / 60.0f);
    ImGui::SetNextWindowPos({0, 0});
    ImGui::SetNextWindowSize(ImGui::GetIO().DisplaySize);
    ImGui::Begin("w", nullptr, ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoNav);
    {
      const ui::registry::Scope scope("Test");
      spec.label = "Matrix";
      spec.area = {{300, 200}, {300 + side_, 200 + side_}};
      spec.values = values_.data();
      spec.row_labels = spec.column_labels = labels_;
      const ui::MatrixEvents events = view.draw(nullptr, spec);
      rect_ = events.rect;
      hovered = events.hovered;
      if (events.chosen) spec.chosen = *events.chosen;
    }
    ImGui::End();
    ui::end_widgets();
  }

 private:
  float side_;
  ui::Rect rect_{};
  std::vector<float> values_;
  std::vector<std::string> labels_;
};

}  // namespace

TEST_CASE("the pointer finds the cell below it, a click chooses it") {
  MatrixHost h(10, 10);
  CHECK(h.at(0.05, 0.05) == Cell{0, 0});
  CHECK(h.at(0.95, 0.55) == Cell{5, 9});
  PLAY(h, "click Matrix 0.35,0.75");
  CHECK(h.spec.chosen == Cell{7, 3});
  CHECK(h.view.zoom() == 1);
  PLAY(h, "scroll Matrix 5");
  CHECK(h.view.zoom() == 1);  // cells of 26 px are readable already
}

TEST_CASE("the cell under the pointer stays there while one zooms in and out") {
  MatrixHost h(1024, 1024);
  for (const auto& [x, y] : {std::pair{0.3, 0.7}, {0.5, 0.5}, {0.91, 0.13}}) {
    const Cell before = h.at(x, y);
    for (int i = 0; i < 30; ++i) {
      h.input().wheel(0, 1);
      h.frames(2);
      CHECK(std::abs(h.hovered.row - before.row) <= 1);
      CHECK(std::abs(h.hovered.column - before.column) <= 1);
    }
    CHECK(h.view.zoom() == doctest::Approx(20 / (400.0 / 1024)).epsilon(0.01));  // cells of 20 px, and no larger
    const Cell close = h.hovered;
    for (int i = 0; i < 5; ++i) {
      h.input().wheel(0, -1);
      h.frames(2);
      CHECK(h.hovered == close);
    }
    h.view.fit();
  }
}

TEST_CASE("the view never leaves the matrix") {
  MatrixHost h(200, 200);
  for (const char* corner : {"0.01,0.01", "0.99,0.99", "0.01,0.99"}) {
    PLAY(h, std::string("scroll Matrix ") + corner + " 12\ndrag Matrix 0.1,0.1 0.9,0.9\ndrag Matrix 0.1,0.1 0.9,0.9");
    CHECK(h.inside(h.at(0.001, 0.001)));
    PLAY(h, "drag Matrix 0.9,0.9 0.1,0.1\ndrag Matrix 0.9,0.9 0.1,0.1\ndrag Matrix 0.9,0.9 0.1,0.1");
    const Cell last = h.at(0.999, 0.999);
    CHECK(last.row <= 199);
    CHECK(last.column <= 199);
    CHECK(h.inside(last));
    h.view.fit();
    h.frames(2);
    CHECK(h.at(0.001, 0.001) == Cell{0, 0});
    CHECK(h.at(0.999, 0.999) == Cell{199, 199});
  }
}

TEST_CASE("a drag pans by as many cells as the pointer goes over, and chooses none") {
  MatrixHost h(400, 400);
  PLAY(h, "scroll Matrix 0.5,0.5 12");
  const Cell grabbed = h.at(0.3, 0.4);
  h.spec.chosen = {};
  PLAY(h, "drag Matrix 0.3,0.4 0.6,0.2");
  CHECK_FALSE(h.spec.chosen.valid());
  const Cell now = h.at(0.6, 0.2);
  CHECK(std::abs(now.row - grabbed.row) <= 1);
  CHECK(std::abs(now.column - grabbed.column) <= 1);
}

TEST_CASE("what paints does not pan with the left button") {
  MatrixHost h(400, 400);
  PLAY(h, "scroll Matrix 0.5,0.5 12");
  h.spec.paints = true;
  const Cell before = h.at(0.3, 0.4);
  PLAY(h, "drag Matrix 0.3,0.4 0.6,0.2");
  CHECK(h.at(0.3, 0.4) == before);
}

TEST_CASE("arrows move the chosen cell and bring it into view; the edges hold") {
  MatrixHost h(300, 300);
  h.spec.chosen = {150, 150};
  PLAY(h, "scroll Matrix 0.01,0.01 20\nkey Tab\nkey Tab");  // the fit button comes first
  for (int i = 0; i < 3; ++i) PLAY(h, "key Down\nkey Right");
  CHECK(h.spec.chosen == Cell{153, 153});
  CHECK(h.inside(h.spec.chosen));
  h.spec.chosen = {0, 299};
  PLAY(h, "key Up\nkey Right");
  CHECK(h.spec.chosen == Cell{0, 299});
  CHECK(h.inside(h.spec.chosen));
}

TEST_CASE("fit: by its button, by a double click and by a key") {
  MatrixHost h(300, 300);
  CHECK(ui::registry::find("Test/Matrix fit") == nullptr);
  PLAY(h, "scroll Matrix 6");
  REQUIRE(h.view.zoom() > 2);
  PLAY(h, "click \"Matrix fit\"");
  CHECK(h.view.zoom() == 1);
  CHECK_FALSE(h.spec.chosen.valid());
  PLAY(h, "scroll Matrix 6\nclick Matrix 0.1,0.1\nkey 0");
  CHECK(h.view.zoom() == 1);
  PLAY(h, "scroll Matrix 0.5,0.5 6");
  for (const bool down : {true, false, true, false}) {
    h.input().button(0, down);
    h.frames(1);
  }
  h.frames(2);
  CHECK(h.view.zoom() == 1);
}

TEST_CASE("a tall matrix is zoomed down, where it is small, and not across, where it can be read") {
  MatrixHost h(10, 1024);
  PLAY(h, "scroll Matrix 0.5,0.5 30");
  CHECK(h.at(0.01, 0.5).column == 0);
  CHECK(h.at(0.99, 0.5).column == 9);
  const ui::Rect cell = h.view.cell_rect(h.at(0.5, 0.5));
  CHECK(cell.h() >= 18);
  CHECK(cell.w() >= 18);
}

TEST_CASE("a single cell, and another matrix in the same place") {
  MatrixHost h(1, 1);
  CHECK(h.at(0.5, 0.5) == Cell{0, 0});
  PLAY(h, "click Matrix\nscroll Matrix 3\nkey Tab\nkey Down\nkey Right");
  CHECK(h.spec.chosen == Cell{0, 0});
}

}  // namespace nopeek::test::matrix_view_test
