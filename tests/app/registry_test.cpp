#include "app/ui/registry.h"

#include <doctest/doctest.h>

#include <functional>

#include "null_host.h"

namespace nopeek::test::registry_test {

namespace registry = nopeek::ui::registry;

namespace {

class Host : public nopeek::test::NullHost {
 public:
  std::function<void()> content;

 protected:
  void draw() override {
    registry::new_frame();
    ImGui::SetNextWindowPos({0, 0});
    ImGui::SetNextWindowSize({400, 300});
    ImGui::Begin("w", nullptr, ImGuiWindowFlags_NoDecoration);
    if (content) content();
    ImGui::End();
  }
};

void button(const char* label) {
  ImGui::Button(label);
  registry::add(label, "button", "", ImGui::GetItemRectMin(), ImGui::GetItemRectMax());
}

}  // namespace

TEST_CASE("widgets are found by label, or by scope and label where two share one") {
  Host h;
  h.content = [] {
    {
      const registry::Scope scope("Left");
      button("Go##1"), button("Only here");
    }
    const registry::Scope scope("Right");
    button("Go##1");
  };
  h.frames(3);
  CHECK(registry::find("Only here"));
  std::string why;
  CHECK_FALSE(registry::find("Go##1", &why));
  CHECK(why.find("Left/Go##1") != std::string::npos);
  CHECK(why.find("Right/Go##1") != std::string::npos);
  REQUIRE(registry::find("Right/Go##1"));
  CHECK(registry::find("Right/Go##1")->scope == "Right");
  CHECK_FALSE(registry::find("Only there", &why));
  CHECK(why.find("Left/Only here") != std::string::npos);
}

TEST_CASE("what is no longer drawn is no longer found; what takes input goes before its label") {
  Host h;
  h.content = [] {
    registry::add_drawn("Speed", "text", "Speed", {0, 0}, {40, 10});
    button("Speed");
  };
  h.frames(3);
  REQUIRE(registry::find("Speed"));
  CHECK(registry::find("Speed")->kind == "button");
  h.content = nullptr;
  h.frames(2);
  CHECK_FALSE(registry::find("Speed"));
  CHECK(registry::items().empty());
}

TEST_CASE("disabled and invisible widgets are told apart") {
  Host h;
  h.content = [] {
    ImGui::BeginDisabled();
    button("Off");
    ImGui::EndDisabled();
    registry::add_drawn("Outside", "text", "x", {900, 900}, {950, 910});
  };
  h.frames(3);
  CHECK_FALSE(registry::find("Off")->enabled);
  CHECK(registry::find("Off")->visible);
  CHECK_FALSE(registry::find("Outside")->visible);
}

TEST_CASE("nothing is kept while the registry is off") {
  Host h;
  h.content = [] { button("Go"); };
  registry::set_enabled(false);
  h.frames(3);
  CHECK(registry::items().empty());
}

}  // namespace nopeek::test::registry_test
