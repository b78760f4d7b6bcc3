#include "app/commands/completion.h"

namespace nopeek {

namespace {

// Bash cuts a word at '=': "--mask=o" comes as "--mask", "=", "o".
constexpr const char* kHead = R"(# Completion of nopeek for bash, as printed by: nopeek --completion bash
_nopeek() {
  local IFS=$'\n' current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD-1]} command= words= i
  COMPREPLY=()
  [ "$current" = = ] && current=
  [ "$option" = = ] && option=${COMP_WORDS[COMP_CWORD-2]}
)";

constexpr const char* kTail = R"(  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  COMPREPLY=("${COMPREPLY[@]// /\\ }")
}
complete -F _nopeek nopeek
)";

bool has_value(const Options::Option& option) { return !option.needs.empty(); }

/// Words one a line, as IFS has it.
std::string lines(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : "\n") + word;
  return text;
}

/// Which command stands on the line: the first word that is no option and no option's value.
std::string find_command(const std::deque<Options>& commands) {
  std::string with_value, names;
  for (const Options& command : commands) {
    if (!command.command().empty()) names += (names.empty() ? "" : "|") + command.command();
    for (const auto& option : command.all()) {
      if (has_value(option)) with_value += (with_value.empty() ? "" : "|") + option.name;
    }
  }
  return "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "    case ${COMP_WORDS[i]} in\n"
         "      " +
         with_value +
         ") [ \"${COMP_WORDS[i+1]}\" = = ] && ((i += 2)) || ((i += 1)) ;;\n"
         "      " +
         names +
         ") command=${COMP_WORDS[i]}; break ;;\n"
         "    esac\n"
         "  done\n"
         "  case $command\\ $option in\n";
}

/// What the value of an option may be.
std::string value_case(const std::string& command, const Options::Option& option) {
  std::string line = "    '" + command + " " + option.name + "')";
  if (option.is_file || option.is_folder) {
    line += std::string(" compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -") + (option.is_file ? "f" : "d") +
            " -W '" + lines(option.words) + "' -- \"$current\")); return ;;\n";
  } else {
    line += " words='" + lines(option.words) + "' ;;\n";
  }
  return line;
}

}  // namespace

std::string bash_completion(const std::deque<Options>& commands) {
  std::string script = kHead + find_command(commands), names;
  for (const Options& command : commands) {
    for (const auto& option : command.all()) {
      if (has_value(option)) script += value_case(command.command(), option);
    }
  }
  for (const Options& command : commands) {
    std::vector<std::string> words = {"--help"};
    for (const auto& option : command.all()) words.push_back(option.name);
    if (command.command().empty()) {
      words.emplace_back("--version");
      for (const Options& other : commands) {
        if (!other.command().empty()) words.push_back(other.command());
      }
    }
    script += "    '" + command.command() + " '*) words='" + lines(words) + "' ;;\n";
  }
  return script + kTail;
}

}  // namespace nopeek
