#pragma once
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace nopeek {

/// A whole number, in decimal: an optional '-' and digits, leading zeros allowed. Nothing else: no blanks, no '+', no
/// "0x". Empty if `text` is none, or beyond 64 bits.
std::optional<int64_t> parse_whole(std::string_view text);
/// A finite number such as 0.003, 3e-3 or -1. Empty if `text` is none, or too large or too small for a double.
std::optional<double> parse_real(std::string_view text);

/// The options of one command. CLI11 takes the line apart and prints the help; which values are good, and what is said
/// about the others, is decided here: a message names the option, what it needs, and what it got.
///
///   Options options(*app.add_subcommand("train", "Train a model."));
///   options.whole("--steps", train.steps, {1, 50'000'000}, "How many steps to train");
///   --steps ten  ->  Error: --steps needs a whole number from 1 to 50000000, not "ten".
///
/// Values are set in the order in which the options were described, not in that of the command line. The value that a
/// variable has when it is described is the default that --help shows. The variables must outlive the parsing.
class Options {
 public:
  explicit Options(CLI::App& app) : app_(&app) {}

  struct Option {
    std::string name;                         // "--steps"
    std::string needs;                        // "a whole number", for messages; empty: it is a flag and takes no value
    std::vector<std::string> words;           // the values there are, or some of them; for completion
    bool is_file = false, is_folder = false;  // for completion
    CLI::Option* option = nullptr;
    std::function<std::string()> shown_default;
    Option& require();
  };
  struct Whole {
    int64_t least = std::numeric_limits<int64_t>::min(), most = std::numeric_limits<int64_t>::max();
  };

  Option& text(const std::string& name, std::string& value, const std::string& help);
  Option& text(const std::string& name, std::optional<std::string>& value, const std::string& help);
  /// The empty path stands for none inside the program; on the command line it is a variable that was not set, and
  /// refused.
  Option& file(const std::string& name, std::filesystem::path& value, const std::string& help);
  Option& folder(const std::string& name, std::filesystem::path& value, const std::string& help);
  /// One of a few words.
  Option& choice(const std::string& name, std::string& value, std::vector<std::string> words, const std::string& help);
  /// A number that is in `range` and in that of its type; what else it must be, its user says.
  template <class Integer>
  Option& whole(const std::string& name, Integer& value, Whole range, const std::string& help) {
    return add_whole(
        name, help, within<Integer>(range), [&value](int64_t n) { value = static_cast<Integer>(n); },
        [&value] { return std::to_string(value); });
  }
  template <class Integer>
  Option& whole(const std::string& name, std::optional<Integer>& value, Whole range, const std::string& help) {
    return add_whole(
        name, help, within<Integer>(range), [&value](int64_t n) { value = static_cast<Integer>(n); }, nullptr);
  }
  /// A finite number; with `allowed`, one of these.
  Option& real(const std::string& name, double& value, const std::string& help);
  Option& real(const std::string& name, std::optional<double>& value, const std::string& help,
               const std::vector<double>& allowed = {});
  Option& flag(const std::string& name, bool& value, const std::string& help);
  /// Any value that `set` takes: it returns whether it does. `needs` is for the message, `kind` for --help.
  Option& custom(const std::string& name, const std::string& kind, const std::string& needs, const std::string& help,
                 std::function<bool(const std::string&)> set, std::function<std::string()> shown_default = nullptr);

  /// Shows the values of now as the defaults in --help.
  void show_defaults();
  /// The names of those that were on the command line.
  std::set<std::string> given() const;

  /// Empty for what the program does without a command.
  std::string command() const;
  std::string description() const;
  const std::deque<Option>& all() const { return options_; }
  CLI::App& app() const { return *app_; }

 private:
  template <class Integer>
  static Whole within(Whole range) {
    if constexpr (sizeof(Integer) < sizeof(int64_t)) {
      range.least = std::max<int64_t>(range.least, std::numeric_limits<Integer>::min());
      range.most = std::min<int64_t>(range.most, std::numeric_limits<Integer>::max());
    }
    return range;
  }
  Option& add_whole(const std::string& name, const std::string& help, Whole range, std::function<void(int64_t)> set,
                    std::function<std::string()> shown_default);
  Option& add_real(const std::string& name, const std::string& help, const std::vector<double>& allowed,
                   std::function<void(double)> set, std::function<std::string()> shown_default);

  CLI::App* app_;
  std::deque<Option> options_;  // stay where they are
};

/// Parses the command line into the variables that `commands` describe; the first of them is the program without a
/// command, and the app that holds the others. Throws Error on whatever is wrong with it, with the nearest name for one
/// that there is not. Returns false if --help or --version was asked for: then it is printed, and nothing set.
bool parse_command_line(std::deque<Options>& commands, int argc, const char* const* argv);

}  // namespace nopeek
