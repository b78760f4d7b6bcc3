#include "app/tour/parser.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>

#include "core/base/error.h"
#include "core/io/shown.h"
#include "core/text/utf8.h"

namespace nopeek::tour {

namespace {

struct Word {
  std::string text;
  size_t quoted = 0;  // so many of its first characters stood in quotes, as "Speed" in `"Speed".value`
  bool was_quoted = false;
};

// Splits a line at blanks; a # outside quotes begins a comment.
std::vector<Word> split(std::string_view line) {
  std::vector<Word> words;
  size_t i = 0;
  while (i < line.size() && line[i] != '#') {
    if (std::isspace(static_cast<unsigned char>(line[i]))) {
      ++i;
      continue;
    }
    Word word;
    if (line[i] == '"') {
      for (++i;; ++i) {
        if (i >= line.size()) throw Error("a quote (\") is not closed");
        if (line[i] == '"') break;
        if (line[i] == '\\' && i + 1 < line.size()) ++i;
        word.text += line[i];
      }
      ++i;
      word.quoted = word.text.size();
      word.was_quoted = true;
    }
    while (i < line.size() && !std::isspace(static_cast<unsigned char>(line[i]))) word.text += line[i++];
    words.push_back(std::move(word));
  }
  return words;
}

double number(const std::string& text, const char* what) {
  double value = 0;
  if (!parse_number(text, value)) throw Error(std::string(what) + " must be a number, not '" + text + "'");
  return value;
}

// "2s" or "2"
double seconds(std::string text) {
  if (text.ends_with('s')) text.pop_back();
  const double value = number(text, "a time in seconds, as in 2s,");
  if (value < 0 || value > 86400) throw Error("a time must lie between 0 s and 86400 s, not " + text);
  return value;
}

// "0.3" or "0.3,0.5"
Place place(const std::string& text) {
  const size_t comma = text.find(',');
  Place p;
  p.x = number(text.substr(0, comma), "a place in a widget, as in 0.3 or 0.3,0.5,");
  if (comma != std::string::npos) p.y = number(text.substr(comma + 1), "a place in a widget, as in 0.3,0.5,");
  if (std::min(p.x, p.y) < 0 || std::max(p.x, p.y) > 1)
    throw Error("a place in a widget lies between 0 and 1: " + text);
  return p;
}

int notches(const std::string& text) {
  const double value = number(text, "notches of the wheel");
  if (value != std::round(value) || std::abs(value) > 1000)
    throw Error("notches of the wheel are a whole number of at most 1000, up or, with a minus, down; not " + text);
  return static_cast<int>(value);
}

Resize size(const std::string& text) {
  int width = 0, height = 0;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%dx%d%c", &width, &height, &rest) != 2 || width < 1 || height < 1 || width > 16384 ||
      height > 16384) {
    throw Error("a size is written as 1600x900, not '" + text + "'");
  }
  return {width, height};
}

Expression expression(const std::vector<Word>& words, size_t first) {
  if (words.size() != first + 3) {
    throw Error("an expression has three parts with blanks between them, as in: unmasked.reported < 0.2");
  }
  const Word& figure = words[first];
  Expression e{"", figure.text, words[first + 1].text, words[first + 2].text};
  if (figure.was_quoted) {
    if (figure.text.size() < figure.quoted + 2 || figure.text[figure.quoted] != '.') {
      throw Error("behind a widget's name stands what is asked of it, as in: \"Speed\".value == 60");
    }
    e.widget = figure.text.substr(0, figure.quoted);
    e.figure = figure.text.substr(figure.quoted + 1);
    const auto known = {"value", "kind", "enabled", "visible"};
    if (std::find(known.begin(), known.end(), e.figure) == known.end()) {
      throw Error("a widget has a value, kind, enabled and visible, but no '" + e.figure + "'");
    }
  }
  const auto ops = {"<", "<=", ">", ">=", "==", "!=", "contains"};
  if (std::find(ops.begin(), ops.end(), e.op) == ops.end()) {
    throw Error("'" + e.op + "' is none of < <= > >= == != contains");
  }
  return e;
}

Command wait(const std::vector<Word>& words) {
  if (words.size() >= 2 && words[1].text == "until") return WaitUntil{expression(words, 2)};
  if (words.size() == 3 && words[1].text == "steps") {
    const double steps = number(words[2].text, "the number of steps");
    if (steps < 0 || steps > 1e9) throw Error("the number of steps must lie between 0 and 1e9");
    return WaitSteps{static_cast<int64_t>(steps)};
  }
  if (words.size() == 2) return Pause{seconds(words[1].text)};
  throw Error("'wait' is written as: wait 2s, wait steps 300, or wait until unmasked.reported < 0.2");
}

Chord chord(const std::string& name) {
  if (auto parsed = parse_chord(name)) return *parsed;
  throw Error("'" + name + "' is not a key; keys are written as in Space, F11, Ctrl+S, Shift+Tab");
}

bool dark(const std::string& word) {
  if (word != "dark" && word != "light") throw Error("a theme is dark or light, not '" + word + "'");
  return word == "dark";
}

/// What a tour writes stays below the current folder, where links within lead it, too: one that came by mail shall not
/// replace a file elsewhere by a slip.
std::filesystem::path written_file(const std::string& text) {
  const auto here = std::filesystem::weakly_canonical(std::filesystem::current_path());
  const auto file = std::filesystem::weakly_canonical(std::filesystem::absolute(text));
  const auto below = file.lexically_relative(here);
  if (below.empty() || below == "." || *below.begin() == "..")
    throw Error("a tour writes below the current folder only, and " + shown(text) + " is not there");
  return text;
}

struct Syntax {
  const char* usage;
  size_t least, most;  // words behind the command
  std::function<Command(const std::vector<Word>&)> read;
};

const std::map<std::string, Syntax>& commands() {
  using Words = const std::vector<Word>&;
  static const std::map<std::string, Syntax> table = {
      {"scene", {"scene NAME", 1, 1, [](Words w) { return Scene{w[1].text}; }}},
      {"say", {"say \"TEXT\"", 1, 1, [](Words w) { return Say{w[1].text}; }}},
      {"point", {"point NAME", 1, 1, [](Words w) { return Point{w[1].text}; }}},
      {"click",
       {"click NAME [X,Y]", 1, 2,
        [](Words w) {
          return Click{w[1].text, w.size() > 2 ? place(w[2].text) : Place{}};
        }}},
      {"hover",
       {"hover NAME [X,Y]", 1, 2,
        [](Words w) {
          return Hover{w[1].text, w.size() > 2 ? place(w[2].text) : Place{}};
        }}},
      {"drag",
       {"drag NAME FROM TO", 3, 3,
        [](Words w) {
          return Drag{w[1].text, place(w[2].text), place(w[3].text)};
        }}},
      {"scroll",
       {"scroll NAME [X,Y] NOTCHES", 2, 3,
        [](Words w) {
          return Scroll{w[1].text, w.size() > 3 ? place(w[2].text) : Place{}, notches(w.back().text)};
        }}},
      {"set",
       {"set NAME VALUE", 2, 2,
        [](Words w) {
          return Set{w[1].text, w[2].text};
        }}},
      {"type",
       {"type NAME \"TEXT\"", 2, 2,
        [](Words w) {
          return Type{w[1].text, w[2].text};
        }}},
      {"key", {"key CHORD", 1, 1, [](Words w) { return PressKey{chord(w[1].text)}; }}},
      {"drop", {"drop FILE", 1, 1, [](Words w) { return Drop{w[1].text}; }}},
      {"wait", {"wait 2s | wait steps N | wait until EXPRESSION", 1, 4, wait}},
      {"timeout", {"timeout SECONDS", 1, 1, [](Words w) { return Timeout{seconds(w[1].text)}; }}},
      {"expect", {"expect EXPRESSION", 3, 3, [](Words w) { return Expect{expression(w, 1)}; }}},
      {"shot", {"shot FILE", 1, 1, [](Words w) { return Shot{written_file(w[1].text)}; }}},
      {"state", {"state FILE", 1, 1, [](Words w) { return WriteState{written_file(w[1].text)}; }}},
      {"resize", {"resize WIDTHxHEIGHT", 1, 1, [](Words w) { return size(w[1].text); }}},
      {"theme", {"theme dark|light", 1, 1, [](Words w) { return Theme{dark(w[1].text)}; }}},
      {"quit", {"quit", 0, 0, [](Words) { return Quit{}; }}},
  };
  return table;
}

Command command(const std::vector<Word>& words) {
  const auto found = commands().find(words[0].text);
  if (found == commands().end()) {
    std::string names;
    for (const auto& [name, syntax] : commands()) names += ' ' + name;
    throw Error("'" + words[0].text + "' is not a command; there are:" + names);
  }
  const Syntax& syntax = found->second;
  if (words.size() - 1 < syntax.least || words.size() - 1 > syntax.most) {
    throw Error(std::string("this is written as: ") + syntax.usage + " (names and texts with blanks need quotes)");
  }
  return syntax.read(words);
}

}  // namespace

std::vector<Step> parse(std::string_view text, const std::string& file) {
  std::vector<Step> steps;
  int line = 0;
  while (!text.empty()) {
    ++line;
    const size_t end = std::min(text.find('\n'), text.size());
    try {
      if (const auto bad = utf8::first_invalid_byte(text.substr(0, end))) {
        throw Error("byte " + std::to_string(*bad) + " of the line is not UTF-8");
      }
      if (const auto words = split(text.substr(0, end)); !words.empty()) steps.push_back({line, command(words)});
    } catch (const Error& e) {
      throw Error(one_line(file + ":" + std::to_string(line) + ": " + e.what()));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return steps;
}

std::vector<Step> with_pictures(std::vector<Step> steps, const std::filesystem::path& folder,
                                const std::string& prefix) {
  constexpr double kLongestPause = 0.5;
  std::vector<Step> result;
  int pictures = 0;
  const auto add_picture = [&](int line) {
    char number[24];
    std::snprintf(number, sizeof number, "-%02d.png", ++pictures);
    result.push_back({line, Shot{folder / (prefix + number)}});
  };
  bool captioned = false;
  for (Step& step : steps) {
    if (std::holds_alternative<Quit>(step.command)) break;
    if (auto* pause = std::get_if<Pause>(&step.command)) pause->seconds = std::min(pause->seconds, kLongestPause);
    if (const auto* say = std::get_if<Say>(&step.command)) {
      if (captioned) add_picture(step.line);
      captioned = !say->text.empty();
    }
    result.push_back(std::move(step));
  }
  const int last = result.empty() ? 1 : result.back().line;
  if (captioned) add_picture(last);
  result.push_back({last, Quit{}});
  return result;
}

bool ends_app(const std::vector<Step>& steps) {
  return std::any_of(steps.begin(), steps.end(), [](const Step& s) { return std::holds_alternative<Quit>(s.command); });
}

}  // namespace nopeek::tour
