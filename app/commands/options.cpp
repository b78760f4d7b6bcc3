#include "app/commands/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>

#include "app/commands/nearest.h"
#include "core/base/error.h"
#include "core/text/utf8.h"

namespace nopeek {

std::optional<int64_t> parse_whole(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 10);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_real(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

namespace {

/// "a, b or c"
std::string listed(const std::vector<std::string>& words, const char* last = " or ") {
  std::string list;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) list += i + 1 == words.size() ? last : ", ";
    list += words[i];
  }
  return list;
}

std::string shortest(double value) {
  char room[32];
  return {room, std::to_chars(room, room + sizeof room, value).ptr};
}

std::string needs_of(Options::Whole range) {
  const auto is_limit = [](int64_t n) {  // of a type: nothing that one would tell a person
    return n == std::numeric_limits<int64_t>::max() || n == std::numeric_limits<int>::max() ||
           n == std::numeric_limits<int>::min() || n == std::numeric_limits<int64_t>::min();
  };
  std::string needs = "a whole number";
  if (!is_limit(range.least)) needs += " from " + std::to_string(range.least);
  if (!is_limit(range.most)) needs += " to " + std::to_string(range.most);
  return needs;
}

}  // namespace

Options::Option& Options::custom(const std::string& name, const std::string& kind, const std::string& needs,
                                 const std::string& help, std::function<bool(const std::string&)> set,
                                 std::function<std::string()> shown_default) {
  Option& added = options_.emplace_back();
  added.name = name;
  added.needs = needs;
  added.shown_default = std::move(shown_default);
  const auto take = [&added, set = std::move(set)](const CLI::results_t& values) {
    if (set(values.front())) return true;
    const std::string given = values.front().empty() ? "an empty one" : utf8::quoted(values.front());
    throw Error(added.name + " needs " + added.needs + ", not " + given + ".");
  };
  added.option = app_->add_option(name, CLI::callback_t(take), help)->type_name(kind);
  if (added.shown_default) added.option->default_str(added.shown_default());
  return added;
}

Options::Option& Options::text(const std::string& name, std::string& value, const std::string& help) {
  return custom(name, "TEXT", "a text", help, [&value](const std::string& text) { return value = text, true; });
}

Options::Option& Options::text(const std::string& name, std::optional<std::string>& value, const std::string& help) {
  return custom(name, "TEXT", "a text", help, [&value](const std::string& text) { return value = text, true; });
}

Options::Option& Options::file(const std::string& name, std::filesystem::path& value, const std::string& help) {
  Option& added = custom(name, "FILE", "the name of a file", help, [&value](const std::string& text) {
    value = text;
    return !text.empty();
  });
  added.is_file = true;
  return added;
}

Options::Option& Options::folder(const std::string& name, std::filesystem::path& value, const std::string& help) {
  Option& added = custom(name, "DIR", "the name of a folder", help, [&value](const std::string& text) {
    value = text;
    return !text.empty();
  });
  added.is_folder = true;
  return added;
}

Options::Option& Options::choice(const std::string& name, std::string& value, std::vector<std::string> words,
                                 const std::string& help) {
  const auto set = [&value, words](const std::string& text) {
    value = text;
    return std::find(words.begin(), words.end(), text) != words.end();
  };
  Option& added = custom(name, "WORD", listed(words), help, set, [&value] { return value; });
  added.words = std::move(words);
  return added;
}

Options::Option& Options::add_whole(const std::string& name, const std::string& help, Whole range,
                                    std::function<void(int64_t)> set, std::function<std::string()> shown_default) {
  const auto take = [name, range, set = std::move(set)](const std::string& text) {
    const auto value = parse_whole(text);
    const std::string_view digits = std::string_view(text).substr(text.starts_with('-') ? 1 : 0);
    const bool whole = !digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos;
    if (whole && (!value || *value < range.least || *value > range.most) && needs_of(range) == needs_of({})) {
      throw Error(name + " " + utf8::quoted(text) + " is out of range. Choose a number nearer to 0.");
    }
    if (!value || *value < range.least || *value > range.most) return false;
    set(*value);
    return true;
  };
  return custom(name, "N", needs_of(range), help, take, std::move(shown_default));
}

Options::Option& Options::add_real(const std::string& name, const std::string& help, const std::vector<double>& allowed,
                                   std::function<void(double)> set, std::function<std::string()> shown_default) {
  const auto take = [allowed, set = std::move(set)](const std::string& text) {
    const auto value = parse_real(text);
    if (!value || (!allowed.empty() && std::find(allowed.begin(), allowed.end(), *value) == allowed.end())) {
      return false;
    }
    set(*value);
    return true;
  };
  std::vector<std::string> words;
  for (const double value : allowed) words.push_back(shortest(value));
  const std::string needs = words.empty() ? "a number" : listed(words);
  Option& added = custom(name, "NUMBER", needs, help, take, std::move(shown_default));
  added.words = std::move(words);
  return added;
}

Options::Option& Options::real(const std::string& name, double& value, const std::string& help) {
  return add_real(
      name, help, {}, [&value](double number) { value = number; }, [&value] { return shortest(value); });
}

Options::Option& Options::real(const std::string& name, std::optional<double>& value, const std::string& help,
                               const std::vector<double>& allowed) {
  return add_real(
      name, help, allowed, [&value](double number) { value = number; }, nullptr);
}

Options::Option& Options::Option::require() {
  option->required();
  return *this;
}

Options::Option& Options::flag(const std::string& name, bool& value, const std::string& help) {
  Option& added = options_.emplace_back();
  added.name = name;
  added.option = app_->add_flag(name, value, help)->disable_flag_override();
  return added;
}

void Options::show_defaults() {
  for (Option& each : options_) {
    if (each.shown_default) each.option->default_str(each.shown_default());
  }
}

std::set<std::string> Options::given() const {
  std::set<std::string> names;
  for (const Option& each : options_) {
    if (each.option->count() > 0) names.insert(each.name);
  }
  return names;
}

std::string Options::command() const { return app_->get_parent() == nullptr ? "" : app_->get_name(); }
std::string Options::description() const { return app_->get_description(); }

namespace {

using Commands = std::deque<Options>;

std::vector<std::string> names_of_commands(const Commands& commands) {
  std::vector<std::string> names;
  for (const Options& each : commands) {
    if (!each.command().empty()) names.push_back(each.command());
  }
  return names;
}

std::vector<std::string> names_of_options(const Options& command) {
  std::vector<std::string> names;
  for (const Options::Option& each : command.all()) names.push_back(each.name);
  return names;
}

std::string help_of(const Options& command) {
  return "\"nopeek " + (command.command().empty() ? "" : command.command() + " ") + "--help\" lists them.";
}

[[noreturn]] void refuse_option(const Commands& commands, const Options& command, const std::string& given) {
  const std::string name = given.substr(0, given.find('='));
  for (const Options& other : commands) {  // nopeek --steps 9 train
    const auto names = names_of_options(other);
    const bool known = std::find(names.begin(), names.end(), name) != names.end();
    if (!command.command().empty() || !known) continue;
    throw Error(name + " is an option of " + other.command() + ", and comes after it: nopeek " + other.command() + " " +
                name + ".");
  }
  const auto meant = nearest(name, names_of_options(command));
  throw Error((command.command().empty() ? "There is no option " : command.command() + " has no option ") +
              utf8::quoted(name) + ". " + (meant ? "Did you mean " + *meant + "? " : "") + help_of(command));
}

/// The first argument that nothing is called.
[[noreturn]] void refuse(const Commands& commands, const Options& command, const std::string& given) {
  if (given.starts_with('-')) refuse_option(commands, command, given);
  if (!command.command().empty()) {
    throw Error(utf8::quoted(given) + " belongs to no option of " + command.command() +
                ". Put a text of several words in quotation marks.");
  }
  const auto names = names_of_commands(commands);
  const auto meant = nearest(given, names);
  throw Error("There is no command " + utf8::quoted(given) + ". " + (meant ? "Did you mean " + *meant + "? " : "") +
              "The commands are " + listed(names, " and ") + ".");
}

/// The library's message names the option that it speaks of at its beginning; a flag without its dashes.
[[noreturn]] void explain(const Options& command, const CLI::ParseError& error) {
  const std::string what = error.what();
  for (const Options::Option& each : command.all()) {
    const bool is_flag = each.needs.empty();
    const bool named = what.starts_with(each.name + ":") || what.starts_with(each.name + " ") ||
                       (is_flag && what.starts_with(each.name.substr(2) + " "));
    if (!named) continue;
    if (is_flag) throw Error(each.name + " is a switch and takes no value.");
    if (each.option->count() > 1) throw Error(each.name + " is given more than once.");
    if (each.option->count() == 1) break;
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
      throw Error(command.command() + " needs " + each.name + ": " + each.needs + ".");
    }
    throw Error(each.name + " needs " + each.needs + ", and nothing follows it.");
  }
  throw Error(what + (what.ends_with('.') ? "" : ".") + " Run with --help for what there is.");
}

bool takes_value(const Commands& commands, const std::string& name) {
  return std::any_of(commands.begin(), commands.end(), [&](const Options& command) {
    return std::any_of(command.all().begin(), command.all().end(),
                       [&](const Options::Option& each) { return each.name == name && !each.needs.empty(); });
  });
}

/// The arguments as the library takes them: last one first. It would read the one behind "--prompt=" as the prompt, so
/// that becomes two, the second of them empty; a value that only looks like it stays as it is.
std::vector<std::string> arguments(const Commands& commands, int argc, const char* const* argv) {
  std::vector<std::string> result;
  for (int i = 1; i < argc; ++i) {
    result.emplace_back(argv[i]);
    if (takes_value(commands, result.back()) && i + 1 < argc) {
      result.emplace_back(argv[++i]);
    } else if (result.back().ends_with('=') &&
               takes_value(commands, result.back().substr(0, result.back().size() - 1))) {
      result.back().pop_back();
      result.emplace_back();
    }
  }
  std::reverse(result.begin(), result.end());
  return result;
}

}  // namespace

bool parse_command_line(Commands& commands, int argc, const char* const* argv) {
  CLI::App& app = commands.front().app();
  try {
    app.parse(arguments(commands, argc, argv));
    return true;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error), false;  // --help, --version
    const Options* used = &commands.front();
    for (const Options& each : commands) {
      if (const auto unknown = each.app().remaining(); !unknown.empty()) refuse(commands, each, unknown.front());
      if (!each.command().empty() && each.app().count() > 0) used = &each;
    }
    explain(*used, error);
  }
}

}  // namespace nopeek
