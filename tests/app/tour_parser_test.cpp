#include <GLFW/glfw3.h>
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/tour/parser.h"
#include "core/base/error.h"
#include "null_host.h"

namespace nopeek::test::tour_parser_test {

using namespace nopeek::tour;

namespace {

template <class T>
T only(const std::string& line) {
  const auto steps = parse(line, "t");
  REQUIRE(steps.size() == 1);
  REQUIRE(std::holds_alternative<T>(steps[0].command));
  return std::get<T>(steps[0].command);
}

std::string refusal(const std::string& text) {
  try {
    parse(text, "t.tour");
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("every command of the manual is understood") {
  CHECK(only<Scene>("scene \"Mask Lab\"").name == "Mask Lab");
  CHECK(only<Say>("say \"He said \\\"no\\\".\"").text == "He said \"no\".");
  CHECK(only<Say>("say \"\"").text.empty());
  CHECK(only<Point>("point \"Top bar/Causal mask\"").name == "Top bar/Causal mask");
  CHECK(only<Click>("  click Step   # once").name == "Step");
  CHECK(only<Click>("click Chart 0.25,0.75").place == Place{0.25, 0.75});
  CHECK(only<Hover>("hover Chart 1").place == Place{1, 0.5});
  CHECK(only<Drag>("drag Speed 0.1 0.9,0.2").to == Place{0.9, 0.2});
  CHECK(only<Scroll>("scroll Area -3").notches == -3);
  CHECK(only<Scroll>("scroll Area 0.1,0.2 5").place == Place{0.1, 0.2});
  CHECK(only<Scroll>("scroll Area 0.1,0.2 5").notches == 5);
  CHECK(only<Set>("set \"Temperature\" 0.7").value == "0.7");
  CHECK(only<Type>("type Prompt \"the agent # opened\"").text == "the agent # opened");
  CHECK(only<PressKey>("key Ctrl+S").chord.code == GLFW_KEY_S);
  CHECK(only<Drop>("drop a/b.txt").file == "a/b.txt");
  CHECK(only<Pause>("wait 2.5s").seconds == 2.5);
  CHECK(only<WaitSteps>("wait steps 300").steps == 300);
  CHECK(only<WaitUntil>("wait until unmasked.reported < 0.2").expression.text() == "unmasked.reported < 0.2");
  CHECK(only<Timeout>("timeout 120").seconds == 120);
  CHECK(only<Expect>("expect scene == \"Mask Lab\"").expression.literal == "Mask Lab");
  CHECK(only<Expect>("expect \"Top bar/Speed\".value == 60").expression.widget == "Top bar/Speed");
  CHECK(only<Shot>("shot out.png").file == "out.png");
  CHECK(only<WriteState>("state out.json").file == "out.json");
  CHECK(only<Resize>("resize 1280x720").height == 720);
  CHECK_FALSE(only<Theme>("theme light").dark);
  only<Quit>("quit");
}

TEST_CASE("blank lines and comments count as lines") {
  const auto steps = parse("# a tour\n\n  \t\nquit # done\r\n", "t");
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].line == 4);
  CHECK(parse("", "t").empty());
}

TEST_CASE("a line that cannot be understood is refused by its number, with what would be right") {
  const std::pair<const char*, const char*> cases[] = {
      {"quit\nclik Step", "t.tour:2: 'clik' is not a command; there are: click"},
      {"click", "click NAME"},
      {"click Causal mask now", "need quotes"},
      {"say \"no end", "not closed"},
      {"wait", "wait 2s"},
      {"wait soon", "number"},
      {"wait -1s", "between"},
      {"wait nan", "number"},
      {"wait 2s 3s", "wait steps"},
      {"wait until a b", "three parts"},
      {"wait until a = 1", "none of"},
      {"expect a.b is 1", "none of"},
      {"expect \"Speed\" == 1", "behind a widget's name"},
      {"expect \"Speed\".size == 1", "no 'size'"},
      {"key Hyper+S", "not a key"},
      {"key Ctrl+", "not a key"},
      {"resize 1280", "1600x900"},
      {"resize 0x5", "1600x900"},
      {"resize 10x10x10", "1600x900"},
      {"theme blue", "dark or light"},
      {"theme \x1b[2J", "dark or light, not '<U+001B>[2J'"},
      {"drag A 0.1 1.5", "between 0 and 1"},
      {"scroll A", "scroll NAME [X,Y] NOTCHES"},
      {"scroll A 0.5", "whole number"},
      {"scroll A 1e9", "whole number"},
      {"scroll A up", "must be a number"},
      {"click A x", "number"},
      {"quit now", "quit"},
  };
  for (const auto& [text, expected] : cases) {
    CAPTURE(text);
    CHECK_MESSAGE(refusal(text).find(expected) != std::string::npos, refusal(text));
    CHECK(refusal(text).starts_with("t.tour:"));
  }
}

TEST_CASE("a tour writes below the current folder only, by whatever way it is named") {
  nopeek::test::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "here/sub");
  std::filesystem::create_directories(folder / "elsewhere");
  std::filesystem::create_directory_symlink(folder / "elsewhere", folder / "here/link");
  const nopeek::test::CurrentFolder here(folder / "here");
  const auto quoted = [](const std::filesystem::path& path) { return "\"" + path.string() + "\""; };
  for (const std::string command : {"shot ", "state "}) {
    for (const auto& inside : {std::string("a"), std::string("new/sub/a"), std::string("sub/../a"),
                               quoted(folder / "here/a"), std::string("../here/a")}) {
      CAPTURE(command + inside);
      CHECK(parse(command + inside, "t").size() == 1);
    }
    for (const auto& outside :
         {std::string("../a"), std::string("sub/../../a"), std::string("."), std::string("link/a"),
          quoted(folder / "a"), std::string("/dev/null"), std::string("../here-too/a")}) {
      CAPTURE(command + outside);
      CHECK(refusal(command + outside).find("below the current folder only") != std::string::npos);
    }
  }
  const auto steps =
      nopeek::tour::with_pictures(parse("say a", "t"), folder / "elsewhere", "p");  // asked for by people
  CHECK(steps.size() > 1);
}

TEST_CASE("keys") {
  CHECK(parse_chord("?")->character == '?');
  CHECK(parse_chord("?")->code == GLFW_KEY_SLASH);
  CHECK(parse_chord("Shift+/")->character == '?');
  CHECK(parse_chord("Shift+1")->character == '!');
  CHECK(parse_chord("!")->modifiers == std::vector<int>{GLFW_KEY_LEFT_SHIFT});
  CHECK(parse_chord("_")->code == GLFW_KEY_MINUS);
  CHECK(parse_chord("Ctrl++")->character == '+');
  CHECK(parse_chord("Ctrl+0")->character == '0');
  CHECK(parse_chord("Ctrl+Space")->character == 0);
  CHECK(parse_chord("Alt+1")->character == 0);
  CHECK(parse_chord("a")->character == 'a');
  CHECK(parse_chord("Shift+A")->character == 'A');
  CHECK(parse_chord("Ctrl+a")->character == 0);
  CHECK(parse_chord("Ctrl+Shift+F11")->modifiers.size() == 2);
  CHECK(parse_chord("space")->character == ' ');
  CHECK(parse_chord("+")->modifiers == std::vector<int>{GLFW_KEY_LEFT_SHIFT});
  CHECK(parse_chord("Ctrl++")->code == GLFW_KEY_EQUAL);
  CHECK(parse_chord("Ctrl+-")->code == GLFW_KEY_MINUS);
  CHECK_FALSE(parse_chord(""));
  CHECK_FALSE(parse_chord("F13"));
}

TEST_CASE("expressions") {
  const nlohmann::json figures = {{"step", 300},
                                  {"masked", {{"reported", 0.5}, {"mask", true}, {"honest", nullptr}}},
                                  {"scene", "Mask Lab"},
                                  {"runs", {{{"steps", 7}}}},
                                  {"speed", "60 steps/s"}};
  const auto check = [&](const std::string& text) {
    const auto e = only<Expect>("expect " + text).expression;
    return holds(e, find_figure(figures, e.figure));
  };
  CHECK(check("step >= 300"));
  CHECK_FALSE(check("step < 300"));
  CHECK(check("masked.reported != 0.6"));
  CHECK(check("masked.mask == on"));
  CHECK(check("masked.mask == true"));
  CHECK_FALSE(check("masked.mask == off"));
  CHECK(check("scene == \"Mask Lab\""));
  CHECK(check("scene contains Lab"));
  CHECK_FALSE(check("scene contains lab"));
  CHECK(check("runs.0.steps == 7"));
  CHECK(check("speed == 60"));
  CHECK_FALSE(check("masked.honest < 10"));  // not measured yet: nothing holds
  CHECK_FALSE(check("masked.honest != 10"));
  CHECK_THROWS_AS(check("scene < 3"), Error);
  CHECK_THROWS_WITH_AS(check("masked.loss < 3"),
                       "there is no figure 'masked.loss': 'loss' is not among honest, mask, reported", Error);
  CHECK_THROWS_AS(check("runs.1.steps == 7"), Error);
  CHECK_THROWS_AS(check("step.x == 7"), Error);
}

TEST_CASE("a tour for those who cannot watch takes a picture of every caption, and ends") {
  const auto steps =
      with_pictures(parse("say \"one\"\nwait 9s\nsay \"two\"\nclick A\nsay \"\"\nwait steps 3\n", "t"), "out", "demo");
  REQUIRE(steps.size() == 9);
  CHECK(std::get<Pause>(steps[1].command).seconds == 0.5);
  CHECK(std::get<Shot>(steps[2].command).file == std::filesystem::path("out/demo-01.png"));
  CHECK(std::get<Shot>(steps[5].command).file == std::filesystem::path("out/demo-02.png"));
  CHECK(std::holds_alternative<Quit>(steps.back().command));
  CHECK(ends_app(steps));
}

TEST_CASE("the tours that we ship can be read") {
  int tours = 0;
  for (const char* folder : {"/assets/tours", "/tests/tours"}) {
    for (const auto& entry : std::filesystem::directory_iterator(NOPEEK_SOURCE + std::string(folder))) {
      if (entry.path().extension() != ".tour") continue;
      CAPTURE(entry.path());
      CHECK_NOTHROW(parse(test::read_file(entry.path()), entry.path().string()));
      ++tours;
    }
  }
  CHECK(tours >= 2);
  CHECK_FALSE(ends_app(parse(test::read_file(NOPEEK_SOURCE "/assets/tours/mask-lab.tour"), "demo")));
}

}  // namespace nopeek::test::tour_parser_test
