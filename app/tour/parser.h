#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/tour/expression.h"
#include "app/tour/keys.h"

/// Tours: files of one command a line, played through the real widgets. docs/tours.md is the manual.
namespace nopeek::tour {

/// A place within a widget: fractions of its width and height from its upper left corner.
struct Place {
  double x = 0.5, y = 0.5;
  bool operator==(const Place&) const = default;
};

// One type a command. `name` is a widget: "Label" or "Scope/Label".
struct Scene {
  std::string name;
};
struct Say {
  std::string text;
};
struct Point {
  std::string name;
};
struct Click {
  std::string name;
  Place place;
};
struct Hover {
  std::string name;
  Place place;
};
struct Drag {
  std::string name;
  Place from, to;
};
struct Scroll {
  std::string name;
  Place place;
  int notches;  // of the wheel, up
};
struct Set {
  std::string name, value;
};
struct Type {
  std::string name, text;
};
struct PressKey {
  Chord chord;
};
struct Drop {
  std::filesystem::path file;
};
struct Pause {
  double seconds;
};
struct WaitSteps {
  int64_t steps;
};
struct WaitUntil {
  Expression expression;
};
struct Timeout {
  double seconds;  // of every later wait
};
struct Expect {
  Expression expression;
};
struct Shot {
  std::filesystem::path file;
};
struct WriteState {
  std::filesystem::path file;
};
struct Resize {
  int width, height;
};
struct Theme {
  bool dark;
};
struct Quit {};

using Command = std::variant<Scene, Say, Point, Click, Hover, Drag, Scroll, Set, Type, PressKey, Drop, Pause, WaitSteps,
                             WaitUntil, Timeout, Expect, Shot, WriteState, Resize, Theme, Quit>;
struct Step {
  int line = 0;  // in the file, from 1
  Command command;
};

/// Throws Error "file:line: what is wrong" on the first line that cannot be understood, or that would write a file
/// elsewhere than below the current folder. `file` is only named.
std::vector<Step> parse(std::string_view text, const std::string& file);

/// The tour for those who cannot watch: a picture of the end of each caption goes into `folder` as <prefix>-01.png and
/// so on, nobody is given time to read, and the app ends with the tour.
std::vector<Step> with_pictures(std::vector<Step> steps, const std::filesystem::path& folder,
                                const std::string& prefix);

/// True if the tour itself ends the app: a script. Other tours are watched by a person, who may end them at any time.
bool ends_app(const std::vector<Step>& steps);

}  // namespace nopeek::tour
