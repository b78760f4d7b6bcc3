// The command line, an argument a line. What the commands do is left out: their functions are those below, which ask
// whether they got what the command line promises.
#include <iostream>

#include "app/commands/bench_command.h"
#include "app/commands/command_line.h"
#include "app/commands/generate_command.h"
#include "app/commands/inspect_command.h"
#include "app/commands/leaktest_command.h"
#include "app/commands/train_command.h"
#include "tests/fuzz/fuzz.h"

namespace nopeek {

int run_train(const TrainCommand& command) {
  fuzz::require(command.steps >= 1 && command.steps <= 50'000'000, "--steps is in its range");
  fuzz::require(command.threads >= 0 && command.threads <= 256, "--threads is in its range");
  fuzz::require(command.config.seed < 1'000'000'000'000'000'000u, "--seed has at most 18 digits");
  command.config.train.validate();
  return 0;
}
int run_generate(const GenerateCommand& command) {
  fuzz::require(!command.model.empty(), "--model names a folder");
  fuzz::require(command.max_new_tokens >= 0 && command.max_new_tokens <= 1'000'000, "--max-new-tokens is in its range");
  return 0;
}
int run_inspect(const InspectCommand& command) {
  fuzz::require(command.mask.empty() || command.mask == "on" || command.mask == "off", "--mask is on or off");
  return 0;
}
int run_leaktest(const LeakTestCommand& command) {
  fuzz::require(command.mask.empty() || command.mask == "on" || command.mask == "off", "--mask is on or off");
  return 0;
}
int run_bench(const BenchCommand& command) {
  const int threads = command.threads.value_or(1), samples = command.samples.value_or(1);
  fuzz::require(threads >= 1 && threads <= 256, "--threads is in its range");
  fuzz::require(samples >= 1 && samples <= 1'000'000, "--samples is in its range");
  return 0;
}

namespace fuzz {

namespace {

/// What the program prints on standard error meanwhile; its standard output goes nowhere.
class Captured {
 public:
  Captured() : memory_(::open_memstream(&text_, &size_)) {
    stderr = memory_;
    std::cout.rdbuf(nullptr);
  }
  ~Captured() {
    stderr = stderr_;
    std::fclose(memory_);
    std::free(text_);
  }
  Captured(const Captured&) = delete;
  std::string text() const {
    std::fflush(memory_);
    return {text_, size_};
  }

 private:
  std::FILE* stderr_ = stderr;
  char* text_ = nullptr;
  size_t size_ = 0;
  std::FILE* memory_;
};

std::vector<std::string> arguments(std::string_view input) {
  constexpr size_t kLongest = 200;  // bytes: messages repeat an argument
  std::vector<std::string> result = {"nopeek"};
  while (!input.empty()) {
    const size_t end = std::min(input.find('\n'), input.size());
    result.emplace_back(input.substr(0, std::min(end, kLongest)));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  return result;
}

void require_sound(int status, const std::string& error) {
  require(status == 0 || status == 2, "nothing was run that could fail otherwise");
  if (status == 0) return require(error.empty(), "what is taken is taken without a word");
  require(error.starts_with("nopeek: ") && error.ends_with('\n'), "a refusal begins with the program's name");
  require(error.find("Something went wrong") == std::string::npos, "a refusal was thought of");
  require_message(std::string_view(error).substr(0, error.size() - 1));
}

}  // namespace

void run_input(std::string_view input) {
  std::vector<std::string> words = arguments(input);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int status = 0;
  std::string error;
  {
    Captured captured;
    status = run_command_line(static_cast<int>(words.size()), argv.data());
    error = captured.text();
  }
  require_sound(status, error);
}

}  // namespace fuzz
}  // namespace nopeek
