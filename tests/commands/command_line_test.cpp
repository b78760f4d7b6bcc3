// What people type, also wrongly: what is taken for an option and what for its value, numbers, names that there are
// not, and what the program says.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/io/model_folder.h"
#include "tests/commands/program.h"

namespace nopeek::test::command_line_test {
namespace {

using nlohmann::json;

const std::vector<std::string> kQuick = {"train", "--corpus",  "toy", "--d-model", "8", "--heads", "1",  "--layers",
                                         "1",     "--context", "4",   "--batch",   "1", "--mask",  "on", "--steps",
                                         "1",     "--threads", "1"};

std::vector<std::string> quick(const std::vector<std::string>& more) {
  auto line = kQuick;
  for (size_t i = 0; i + 1 < more.size(); i += 2) {  // options that are given replace those above
    const auto at = std::find(line.begin(), line.end(), more[i]);
    if (at != line.end()) line.erase(at, at + 2);
  }
  line.insert(line.end(), more.begin(), more.end());
  return line;
}

json trained(std::vector<std::string> line, const Surroundings& surroundings = {}) {
  line.emplace_back("--json");
  const auto outcome = run_program(line, surroundings);
  CAPTURE(outcome.error);
  REQUIRE(outcome.status == 0);
  return json_of(outcome.out);
}

void refuses(const std::vector<std::string>& line, const std::string& message) {
  const auto outcome = run_program(line);
  CAPTURE(line.back());
  CHECK(outcome.status == 2);
  CHECK(outcome.out.empty());
  CHECK(outcome.error == "nopeek: " + message + "\n");
}

TEST_CASE("the value of an option is a value, whatever it looks like") {
  TemporaryFolder home;
  Surroundings in_home;
  in_home.where = home.path();
  const auto context = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"train", "--steps", "1", "--mask", "on", "--d-model", "8"});
    return trained(more, in_home)["config"]["context"];
  };
  CHECK(context({}) == 24);
  CHECK(context({"--save", "./bench", "--config", "small"}) == 64);
  CHECK(context({"--log", "./bench.csv", "--config=small", "--context", "5"}) == 5);
  CHECK(context({"--context", "5", "--config", "small"}) == 5);
  CHECK(context({"--save", "./--config=x"}) == 24);

  REQUIRE(run_program(quick({"--save", (home / "run").string()})).status == 0);
  const std::string model = (home / "run/masked").string();
  for (const char* text :
       {"--config=x", "--config", "bench", "--", "--help", "-h", "--x=", "[a,b]", "{}", "%%", "-1"}) {
    const auto outcome = run_program({"generate", "--prompt", text, "--model", model, "--max-new-tokens", "0"});
    CAPTURE(text);
    CHECK(outcome.status == 0);
    CHECK(contains(outcome.out, "<unk>"));
  }
  CHECK(run_program({"inspect", "--model", model, "--text=--config=x"}).status == 0);
}

TEST_CASE("a size gives the defaults, which --help shows") {
  CHECK(contains(run_program({"train", "--help"}).out, "--context N=24"));
  for (const auto& line : {std::vector<std::string>{"train", "--config", "small", "--help"},
                           {"train", "--help", "--config=small", "--context", "7"}}) {
    const std::string help = run_program(line).out;
    CHECK(contains(help, "--batch N=16"));
    CHECK(contains(help, "--lr NUMBER=0.001"));
    CHECK(contains(help, "--layers N=4"));
  }
  for (const char* command : {"", "train", "generate", "inspect", "leaktest", "bench"}) {
    const std::string help =
        run_program(*command ? std::vector<std::string>{command, "--help"} : std::vector<std::string>{"--help"}).out;
    for (const char* jargon : {"INT", "UINT", "FLOAT", "TEXT:", " in ["}) CHECK_FALSE(contains(help, jargon));
    CHECK_FALSE(contains(help, "  \n"));  // each option is explained
  }
}

TEST_CASE("whole numbers are decimal, and numbers are finite") {
  CHECK(trained(quick({"--steps", "010"}))["step"] == 10);
  CHECK(trained(quick({"--context", "010"}))["config"]["context"] == 10);
  CHECK(trained(quick({"--seed", "0000000000000000000000012"}))["config"]["seed"] == 12);
  CHECK(trained(quick({"--seed", "08"}))["config"]["seed"] == 8);
  CHECK(trained(quick({"--seed", "999999999999999999"}))["config"]["seed"] == 999'999'999'999'999'999);
  CHECK(trained({"train", "--corpus", "toy", "--steps", "1", "--batch=03"})["config"]["batch"] == 3);
  CHECK(trained(quick({"--lr", "1e-3"}))["config"]["lr"] == 1e-3);

  const std::vector<std::string> no_numbers = {"",    " ",   " 5",  "5 ",  "+5", "0x10", "1e1", "5.0",
                                               "inf", "nan", "abc", "1_0", "٥",  "--",   "5k",  "0b1"};
  const std::vector<std::string> whole = {"--d-model", "--layers", "--heads", "--context",
                                          "--batch",   "--steps",  "--seed",  "--threads"};
  for (const auto& text : no_numbers) {
    for (const auto& option : text == "5k" ? whole : std::vector<std::string>{"--steps", "--layers", "--seed"}) {
      const auto outcome = run_program(quick({option, text}));
      CAPTURE(option);
      CAPTURE(text);
      CHECK(outcome.status == 2);
      CHECK(one_line(outcome.error));
      CHECK(contains(outcome.error, option + " needs a whole number"));
    }
  }
  for (const char* text : {"", " 1", "0x1p3", "nan", "inf", "-inf", "1e999", "-1e999", "1e-999", "1,5", "1f", "abc"}) {
    for (const char* option : {"--lr", "--dropout"}) {
      const auto outcome = run_program(quick({option, text}));
      CAPTURE(text);
      CHECK(outcome.status == 2);
      CHECK(one_line(outcome.error));
      CHECK(contains(outcome.error, option + std::string(" needs a number")));
    }
  }
  for (const auto& [option, text] : {std::pair{"--lr", "0"},
                                     {"--lr", "-1"},
                                     {"--dropout", "1"},
                                     {"--dropout", "-0.1"},
                                     {"--batch", "0"},
                                     {"--batch", "-1"},
                                     {"--context", "0"},
                                     {"--layers", "-1"},
                                     {"--heads", "0"},
                                     {"--d-model", "0"},
                                     {"--threads", "-1"},
                                     {"--seed", "-1"},
                                     {"--seed", "1000000000000000000"},
                                     {"--threads", "257"},
                                     {"--layers", "99999999999"},
                                     {"--layers", "99999999999999999999999"}}) {
    const auto outcome = run_program(quick({option, text}));
    CAPTURE(option);
    CAPTURE(text);
    CHECK(outcome.status == 2);
    CHECK(one_line(outcome.error));
  }
}

TEST_CASE("a refusal names the option, what it needs and what it got, in plain words") {
  refuses({"train", "--steps", "abc"}, "--steps needs a whole number from 1 to 50000000, not \"abc\".");
  refuses({"train", "--steps", "0"}, "--steps needs a whole number from 1 to 50000000, not \"0\".");
  refuses({"train", "--steps"}, "--steps needs a whole number from 1 to 50000000, and nothing follows it.");
  refuses({"train", "--steps", "5", "--steps", "6"}, "--steps is given more than once.");
  refuses({"train", "--steps", "--lr", "1"}, "--steps needs a whole number from 1 to 50000000, not \"--lr\".");
  refuses({"train", "--lr", "fast"}, "--lr needs a number, not \"fast\".");
  refuses({"train", "--layers", "99999999999"},
          "--layers \"99999999999\" is out of range. Choose a number nearer to 0.");
  refuses({"train", "--tokenizer", "chars"}, "--tokenizer needs auto, word, char or bpe, not \"chars\".");
  refuses({"train", "--config", "huge"}, "--config needs tiny, small, medium or large, not \"huge\".");
  refuses({"train", "--save="}, "--save needs the name of a folder, not an empty one.");
  refuses({"train", "--json=no"}, "--json is a switch and takes no value.");
  refuses({"generate", "--prompt", "a"}, "generate needs --model: the name of a folder.");
}

TEST_CASE("a command or an option that there is not is answered with the nearest") {
  const std::string commands = "The commands are train, generate, inspect, leaktest and bench.";
  refuses({"trian"}, "There is no command \"trian\". Did you mean train? " + commands);
  refuses({"trian", "--steps", "5"}, "There is no command \"trian\". Did you mean train? " + commands);
  refuses({"leak-test"}, "There is no command \"leak-test\". Did you mean leaktest? " + commands);
  refuses({"open"}, "There is no command \"open\". " + commands);
  refuses({"train", "--stpes", "5"},
          "train has no option \"--stpes\". Did you mean --steps? \"nopeek train --help\" lists them.");
  refuses({"train", "-steps=5"},
          "train has no option \"-steps\". Did you mean --steps? \"nopeek train --help\" lists them.");
  refuses(
      {"generate", "--max-tokens", "5"},
      "generate has no option \"--max-tokens\". Did you mean --max-new-tokens? \"nopeek generate --help\" lists them.");
  refuses({"bench", "--frobnicate"}, "bench has no option \"--frobnicate\". \"nopeek bench --help\" lists them.");
  refuses({"--steps", "5", "train"}, "--steps is an option of train, and comes after it: nopeek train --steps.");
  refuses({"generate", "--model", "m", "--prompt", "the", "agent"},
          "\"agent\" belongs to no option of generate. Put a text of several words in quotation marks.");
}

TEST_CASE("what a message repeats is shown in one line: control characters as signs") {
  TemporaryFolder home;
  const std::string odd = "a\nb\x1b[31mc\x07", folder = (home / odd).string();
  std::filesystem::create_directory(folder);
  REQUIRE(run_program(quick({"--save", (home / "run").string()})).status == 0);
  const std::string model = (home / "run/masked").string();
  const std::vector<std::vector<std::string>> lines = {
      quick({"--corpus", folder + "/x"}),
      quick({"--corpus", folder}),
      quick({"--log", folder}),
      quick({"--log", folder, "--save", folder}),
      quick({"--save", folder + "/../" + odd + "/x", "--log", folder + "/x"}),
      quick({"--config", odd}),
      quick({"--tokenizer", odd}),
      quick({"--mask", odd}),
      quick({"--steps", odd}),
      quick({"--lr", odd}),
      quick({"--resume", folder}),
      quick({"--" + odd, "1"}),
      quick({odd, "1"}),
      {odd},
      {"generate", "--model", folder, "--prompt", "a"},
      {"generate", "--model", model, "--max-new-tokens", "0", "--prompt", "I " + odd},
      {"inspect", "--model", model, "--text", odd},
  };
  for (const auto& line : lines) {
    const auto outcome = run_program(line);
    CAPTURE(outcome.error);
    CHECK(one_line(outcome.error));
    CHECK(std::none_of(outcome.error.begin(), outcome.error.end() - 1,
                       [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
  }
}

TEST_CASE("options that would be ignored are refused") {
  refuses({"train", "--log", "/nowhere/at/all/run.csv", "--steps", "1"},
          "The folder \"/nowhere/at/all\" of --log is not there. Make it, or name another one.");
#ifdef NOPEEK_APP
  refuses({"--shots", "x"}, "--shots writes the pictures of a tour. Name one as well, by --tour FILE.");
  refuses({"--size", "1600x 900"},
          "--size needs a width and height in pixels, at least 320x240, such as 1600x900, not \"1600x␣900\".");
  refuses({"--model", "/nowhere"}, "--model \"/nowhere\" is not a folder. Name that of a model, or of a saved run.");
#endif
}

TEST_CASE("generate shows the control characters of a vocabulary as signs") {
  TemporaryFolder home;
  std::string text;
  for (int i = 0; i < 200; ++i) text += "\x1b]0;x\x07 \x1b[2J\xC2\x9B!\n";
  write_plain(home / "text.txt", text);
  REQUIRE(run_program(quick({"--corpus", (home / "text.txt").string(), "--tokenizer", "char", "--save",
                             (home / "run").string()}))
              .status == 0);
  const std::string model = (home / "run/masked").string();
  const auto outcome =
      run_program({"generate", "--model", model, "--prompt", "\x1b[2J\x07\xC2\x9B", "--max-new-tokens", "200"});
  CHECK(outcome.out.starts_with("<U+001B>[2J<U+0007><U+009B>"));
  for (const char* control : {"\x1b", "\x07", "\xC2\x9B"}) CHECK_FALSE(contains(outcome.out, control));
}

/// What bash would offer for the line, the last word of which is under way.
std::vector<std::string> completions(const std::string& line, const std::string& where = "/") {
  TemporaryFolder folder;
  const std::string script = (folder / "script").string(), out = (folder / "out").string();
  write_plain(script, "eval \"$('" NOPEEK_PROGRAM "' --completion bash)\"\ncd '" + where + "'\nCOMP_WORDS=(" + line +
                          ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_nopeek\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n");
  CHECK(std::system(("bash '" + script + "' >'" + out + "' 2>&1").c_str()) == 0);
  std::vector<std::string> words;
  std::istringstream text(read_whole(out));
  for (std::string word; std::getline(text, word);) {
    if (!word.empty()) words.push_back(word);
  }
  std::sort(words.begin(), words.end());
  return words;
}

TEST_CASE("bash completes commands, options, and what they take") {
  if (std::system("bash -c true >/dev/null 2>&1") != 0) return;
  using Words = std::vector<std::string>;
  CHECK(completions("nopeek tr") == Words{"train"});
  CHECK(completions("nopeek train --st") == Words{"--steps"});
  CHECK(completions("nopeek train --tokenizer ''") == Words{"auto", "bpe", "char", "word"});
  CHECK(completions("nopeek train --tokenizer = c") == Words{"char"});
  CHECK(completions("nopeek train --mask =") == Words{"both", "off", "on"});
  CHECK(completions("nopeek bench --config g") == Words{"gpt2"});
  CHECK(completions("nopeek train --save bench --js") == Words{"--json"});
  CHECK(completions("nopeek --seed train le") == Words{"leaktest"});
  CHECK(completions("nopeek leaktest --seed") == Words{});
  TemporaryFolder home;
  write_plain(home / "tolstoy.txt", "x");
  std::filesystem::create_directory(home / "to come");
  CHECK(completions("nopeek train --corpus to", home.path().string()) == Words{"to come", "tolstoy.txt", "toy"});
  CHECK(completions("nopeek generate --model to", home.path().string()) == Words{"to come"});
#ifdef NOPEEK_APP
  CHECK(completions("nopeek --scene M") == Words{"Mask\\ Lab", "Microscope"});
#endif

  // Each option that --help knows.
  for (const char* command : {"train", "generate", "inspect", "leaktest", "bench"}) {
    const auto offered = completions("nopeek " + std::string(command) + " --");
    std::istringstream help(run_program({command, "--help"}).out);
    for (std::string line; std::getline(help, line);) {
      const size_t at = line.find("--");
      if (at == std::string::npos || at > 5 || line[0] != ' ') continue;
      const std::string option = line.substr(at, line.find_first_of(" =", at) - at);
      CAPTURE(option);
      CHECK(std::count(offered.begin(), offered.end(), option) == 1);
    }
  }
}

}  // namespace
}  // namespace nopeek::test::command_line_test
