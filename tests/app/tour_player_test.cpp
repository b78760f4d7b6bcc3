// The player on a handful of plain ImGui widgets, without the App.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>

#include "app/tour/player.h"
#include "null_host.h"

namespace nopeek::test::tour_player_test {

namespace registry = nopeek::ui::registry;

namespace {

class Widgets : public NullHost {
 public:
  int clicks = 0, double_clicks = 0, hovers = 0, disabled_clicks = 0, far_clicks = 0, frame_count = 0;
  bool mask = true;
  bool dark = true;
  std::string scene = "Test";
  float speed = 60;
  int size = 0;
  char prompt[64] = "old";
  float painted = 0;  // how far the pointer was dragged over the area
  float wheel = 0;    // notches over it
  std::vector<std::string> dropped;
  int late_after = -1;  // frame from which the button "Late" exists

  nlohmann::json figures() override {
    return {{"step", frame_count},
            {"scene", scene},
            {"theme", dark ? "dark" : "light"},
            {"mask", mask},
            {"lane", {{"loss", 1.0 / frame_count}}}};
  }

 protected:
  void drop(const std::filesystem::path& file) override { dropped.push_back(file); }

  void draw() override {
    ++frame_count;
    registry::new_frame();
    ImGui::SetNextWindowPos({0, 0});
    ImGui::SetNextWindowSize({600, 500});
    ImGui::Begin("w", nullptr, ImGuiWindowFlags_NoDecoration);
    draw_rail();
    const registry::Scope scope("Test");
    clicks += ImGui::Button("Step");
    report("Step", "button", "");
    double_clicks += ImGui::IsMouseDoubleClicked(0);
    hovers += ImGui::IsItemHovered();
    if (late_after >= 0 && frame_count > late_after) {
      clicks += ImGui::Button("Late");
      report("Late", "button", "");
    }
    ImGui::Checkbox("Causal mask", &mask);
    report("Causal mask", "switch", mask ? "on" : "off");
    ImGui::SliderFloat("Speed", &speed, 1, 100, "%.3f");
    char shown[32];
    std::snprintf(shown, sizeof shown, "%g steps/s", speed);
    report("Speed", "slider", shown);
    ImGui::InputText("Prompt", prompt, sizeof prompt);
    report("Prompt", "field", prompt);
    draw_combo();
    ImGui::BeginDisabled();
    disabled_clicks += ImGui::Button("Disabled");
    report("Disabled", "button", "");
    ImGui::EndDisabled();
    draw_area();
    draw_scrolled();
    ImGui::End();
  }

 private:
  static void report(const char* label, const char* kind, const std::string& value) {
    registry::add(label, kind, value, ImGui::GetItemRectMin(), ImGui::GetItemRectMax());
  }
  void draw_rail() {
    const registry::Scope scope("Rail");
    const char* other = dark ? "Light" : "Dark";
    const bool pressed = ImGui::Button(other);
    report(other, "button", "");
    if (pressed) dark = !dark;
    if (ImGui::Button("Other scene")) scene = "Other scene";
    report("Other scene", "nav", "");
  }
  void draw_combo() {
    const char* sizes[] = {"tiny", "small", "medium"};
    const bool open = ImGui::BeginCombo("Size", sizes[size]);
    report("Size", "combo", sizes[size]);
    if (!open) return;
    const registry::Scope scope("Size");
    for (int i = 0; i < 3; ++i) {
      if (ImGui::Selectable(sizes[i], i == size)) size = i;
      report(sizes[i], "option", i == size ? "on" : "off");
    }
    ImGui::EndCombo();
  }
  void draw_area() {
    ImGui::InvisibleButton("area", {200, 50});
    if (ImGui::IsItemHovered()) wheel += ImGui::GetIO().MouseWheel;
    if (ImGui::IsItemActive()) painted = std::max(painted, ImGui::GetMousePos().x - ImGui::GetItemRectMin().x);
    report("Area", "area", "");
  }
  void draw_scrolled() {
    ImGui::BeginChild("scrolled", {300, 60});
    ImGui::Dummy({10, 400});
    far_clicks += ImGui::Button("Far down");
    report("Far down", "button", "");
    ImGui::EndChild();
  }
};

}  // namespace

TEST_CASE("the wheel turns over a widget, up and down") {
  Widgets w;
  CHECK_MESSAGE(w.play("scroll Area 0.9,0.5 7\nexpect step > 7"), w.failure());
  CHECK(w.wheel == 7);
  CHECK_MESSAGE(w.play("scroll Area -3\nscroll Step 5"), w.failure());
  CHECK(w.wheel == 4);
  CHECK_FALSE(w.play("scroll \"No such thing\" 1"));
}

TEST_CASE("click, hover and drag") {
  Widgets w;
  CHECK_MESSAGE(w.play("click Step\nclick Test/Step\nexpect scene == Test\nhover Step"), w.failure());
  CHECK(w.clicks == 2);
  CHECK(w.double_clicks == 0);
  CHECK(w.hovers > 0);
  CHECK_MESSAGE(w.play("drag Area 0.1 0.75"), w.failure());
  CHECK(w.painted == doctest::Approx(150).epsilon(0.02));
}

TEST_CASE("set: switch, slider, combo and field") {
  Widgets w;
  CHECK_MESSAGE(w.play("set \"Causal mask\" off"), w.failure());
  CHECK_FALSE(w.mask);
  CHECK_MESSAGE(w.play("set \"Causal mask\" off\nexpect mask == off"), w.failure());
  CHECK_FALSE(w.mask);
  CHECK_MESSAGE(w.play("set Speed 12.5\nexpect Speed == Speed") == false, "an expression needs a figure");
  CHECK(w.speed == 12.5f);
  CHECK_MESSAGE(w.play("expect \"Speed\".value == 12.5\nset Size medium\nexpect \"Size\".value == medium"),
                w.failure());
  CHECK(w.size == 2);
  CHECK_MESSAGE(w.play("set Prompt \"the agent opened é\""), w.failure());
  CHECK(w.prompt == std::string("the agent opened é"));
}

TEST_CASE("scene and theme go through the rail") {
  Widgets w;
  CHECK_MESSAGE(w.play("theme light\ntheme light\nexpect theme == light\ntheme dark\nexpect theme == dark"),
                w.failure());
  CHECK_MESSAGE(w.play("scene \"Other scene\"\nexpect scene == \"Other scene\""), w.failure());
  CHECK_FALSE(w.play("scene Nowhere"));
}

TEST_CASE("type replaces what was there, keys go where the focus is") {
  Widgets w;
  CHECK_MESSAGE(w.play("type Prompt \"abc\"\nkey Backspace\nkey Shift+z\nkey Space"), w.failure());
  CHECK(w.prompt == std::string("abZ "));
  CHECK_MESSAGE(w.play("type Prompt \"\""), w.failure());
  CHECK(w.prompt == std::string());
}

TEST_CASE("a widget may come later, and may have to be scrolled to") {
  Widgets w;
  w.late_after = 40;
  CHECK_MESSAGE(w.play("click Late"), w.failure());
  CHECK(w.clicks == 1);
  CHECK_MESSAGE(w.play("click \"Far down\""), w.failure());
  CHECK(w.far_clicks == 1);
}

TEST_CASE("waits end when they are reached, or in time") {
  Widgets w;
  CHECK_MESSAGE(w.play("wait 0.02s\nwait steps 20\nwait until lane.loss < 0.02"), w.failure());
  CHECK(w.frame_count >= 50);
  CHECK_FALSE(w.play("timeout 0.05\n\nwait until lane.loss < 0"));
  CHECK_MESSAGE(w.failure().starts_with("test:3: waited"), w.failure());
  CHECK(w.failure().find("lane.loss < 0; it is 0.0") != std::string::npos);
}

TEST_CASE("what goes wrong names the line and what was found instead") {
  Widgets w;
  const std::pair<const char*, const char*> cases[] = {
      {"say hi\nclick Stp", "test:2: there is no 'Stp'"},
      {"click Disabled", "test:1: the widget 'Disabled' is disabled"},
      {"expect mask == off", "test:1: expected mask == off, found true"},
      {"expect lane.gain == 1", "test:1: there is no figure 'lane.gain'"},
      {"expect \"Sped\".value == 1", "test:1: there is no 'Sped'"},
      {"wait until nothing > 1", "test:1: there is no figure 'nothing'"},
      {"set Step on", "test:1: 'Step' is a button"},
      {"set \"Causal mask\" maybe", "test:1: the switch"},
      {"set Speed fast", "test:1: a slider is set to"},
      {"set Size huge", "test:1: there is no 'Size/huge'"},
      {"point Nowhere", "test:1: there is no 'Nowhere'"},
  };
  for (const auto& [tour, expected] : cases) {
    CAPTURE(tour);
    CHECK_FALSE(w.play(tour));
    CHECK_MESSAGE(w.failure().find(expected) == 0, w.failure());
  }
  CHECK(w.disabled_clicks == 0);
}

TEST_CASE("captions, pictures, dropped files, and quit ends before the rest") {
  Widgets w;
  CHECK_MESSAGE(w.play("say Hello\npoint Step\nshot a.png\ndrop b.txt\nquit\nclick Nowhere"), w.failure());
  CHECK(w.captions == std::vector<std::string>{"Hello"});
  CHECK(w.pointed == "Step");
  CHECK(w.shots == std::vector<std::filesystem::path>{"a.png"});
  CHECK(w.dropped == std::vector<std::string>{"b.txt"});
  CHECK(w.play("say Bye"));
  CHECK(w.captions.back().empty());  // a tour that ends leaves no caption
  w.shot_failure = "disk full";
  CHECK_FALSE(w.play("shot a.png"));
  CHECK(w.failure() == "test:1: disk full");
}

TEST_CASE("state holds the figures and every widget") {
  Widgets w;
  TemporaryFolder folder;
  const nopeek::test::CurrentFolder here(folder / "");
  CHECK_MESSAGE(w.play("resize 800x600\nstate new/state.json"), w.failure());
  const auto state = nlohmann::json::parse(nopeek::test::read_file(folder / "new/state.json"));
  CHECK(state["scene"] == "Test");
  const auto& widgets = state["widgets"];
  const auto step = std::find_if(widgets.begin(), widgets.end(), [](const auto& i) { return i["name"] == "Step"; });
  REQUIRE(step != widgets.end());
  CHECK((*step)["scope"] == "Test");
  CHECK((*step)["kind"] == "button");
  CHECK((*step)["enabled"] == true);
  CHECK((*step)["rect"][2] > 10);
  CHECK(ImGui::GetIO().DisplaySize.x == 800);
  nopeek::test::make_file(folder / "file", "x");
  CHECK_FALSE(w.play("say hi\nstate file/state.json"));
  CHECK_MESSAGE(w.failure().starts_with("test:2: "), w.failure());
}

}  // namespace nopeek::test::tour_player_test
