#include "app/commands/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>

#include "app/commands/assets.h"
#include "app/commands/bench_command.h"
#include "app/commands/completion.h"
#include "app/commands/generate_command.h"
#include "app/commands/inspect_command.h"
#include "app/commands/interrupt.h"
#include "app/commands/leaktest_command.h"
#include "app/commands/note.h"
#include "app/commands/options.h"
#include "app/commands/train_command.h"
#include "core/base/error.h"
#include "core/base/instruction_level.h"
#include "core/io/shown.h"
#ifdef NOPEEK_APP
#include "app/host/window.h"
#endif

namespace nopeek {

namespace {

const std::vector<std::string> kSizes = {"tiny", "small", "medium", "large"};
constexpr Options::Whole kSeeds = {0, 999'999'999'999'999'999};  // of at most 18 digits, as in the window

/// "1000", or "10m"
bool set_checkpoints(TrainCommand& train, const std::string& text) {
  constexpr int64_t kMost = 50'000'000;
  const bool minutes = text.ends_with('m');
  const auto value = parse_whole(minutes ? text.substr(0, text.size() - 1) : text);
  if (!value || *value < 1 || *value > kMost) return false;
  (minutes ? train.checkpoint_minutes : train.checkpoint_steps) = *value;
  return true;
}

void describe_train(Options& options, TrainCommand& train) {
  // The first one: a size sets what the options below then change, in whatever order they were given.
  const auto choose_size = [&options, &train](const std::string& name) {
    if (std::find(kSizes.begin(), kSizes.end(), name) == kSizes.end()) return false;
    train.config = preset(name);
    options.show_defaults();
    return true;
  };
  options
      .custom("--config", "SIZE", "tiny, small, medium or large",
              "Model size to start from: tiny, small, medium or large", choose_size,
              [&train] { return preset_name(train.config); })
      .words = kSizes;
  const auto set_corpus = [&train](const std::string& name) { return train.corpus = name, !name.empty(); };
  auto& corpus =
      options.custom("--corpus", "CORPUS", "pull-requests, toy, tales or the name of a text file",
                     "pull-requests, toy, tales, or a UTF-8 text file", set_corpus, [&train] { return train.corpus; });
  corpus.words = {std::begin(kBuiltInCorpora), std::end(kBuiltInCorpora)};
  corpus.is_file = true;
  options.choice("--tokenizer", train.tokenizer, {"auto", "word", "char", "bpe"},
                 "How the text is cut: auto, word, char, or bpe (byte pairs, as in GPT-2)");
  options.whole("--d-model", train.config.model.channels, {}, "Width: channels of the residual stream");
  options.whole("--layers", train.config.model.layers, {}, "Transformer blocks");
  options.whole("--heads", train.config.model.heads, {}, "Attention heads per layer; they divide the width");
  options.whole("--context", train.config.model.context, {}, "Tokens per window");
  options.whole("--batch", train.config.train.batch, {}, "Windows per step");
  options.whole("--steps", train.steps, {1, 50'000'000}, "Training steps");
  options.real("--lr", train.config.train.learning_rate, "Learning rate");
  options.real("--dropout", train.config.model.dropout, "Share of activations dropped in training, 0 to below 1");
  options.whole("--seed", train.config.seed, kSeeds, "Initial weights and batches: the same seed gives the same run");
  options.whole("--threads", train.threads, {0, 256}, "0: one per core; the results are the same for any number");
  options.choice("--mask", train.mask, {"on", "off", "both"}, "Which models: with the mask, without it, or both");
  options.file("--log", train.log, "Write run.csv, outside of --save: step,lane,reported,honest,future_attention");
  options.folder("--save", train.save, "Save the run to this folder: DIR/masked and DIR/unmasked are models");
  options.custom("--checkpoint-every", "N", "a number of steps, such as 1000, or of minutes, such as 10m",
                 "Also save on the way, every N steps, or minutes as in 10m; needs --save",
                 [&train](const std::string& text) { return set_checkpoints(train, text); });
  options.folder("--resume", train.resume, "Go on with a saved run, to --steps in all");
  options.flag("--json", train.json, "Settings and results as one document (docs/command-line.md)");
}

void describe_model(Options& options, std::filesystem::path& model) {
  options.folder("--model", model, "Folder with config.json, model.safetensors and tokenizer.json").require();
}

void describe_generate(Options& options, GenerateCommand& generate) {
  describe_model(options, generate.model);
  options.text("--prompt", generate.prompt, "Text to continue; empty: the beginning of a document").require();
  options.whole("--max-new-tokens", generate.max_new_tokens, {0, 1'000'000}, "Stop after this many new tokens");
  options.real("--temperature", generate.temperature, "Below 1 sharper, above 1 flatter, 0 greedy; 1 if not given");
  options.whole("--top-k", generate.top_k, {}, "Keep the k likeliest tokens; 0: all");
  options.real("--top-p", generate.top_p, "Keep the fewest tokens that together reach p; 1: all");
  options.flag("--greedy", generate.greedy, "Always the likeliest token");
  options.whole("--seed", generate.seed, kSeeds, "The same seed writes the same text");
  options.flag("--no-kv-cache", generate.no_kv_cache, "Recompute every position at every step");
  options.flag("--dropout-on", generate.dropout_on, "Leave dropout on, as if by mistake");
  options.flag("--json", generate.json, "Every step with its whole distribution (docs/command-line.md)");
}

void describe_mask(Options& options, std::string& mask) {
  options.choice("--mask", mask, {"on", "off"}, "on or off, instead of the model's own");
}

void describe_inspect(Options& options, InspectCommand& inspect) {
  describe_model(options, inspect.model);
  options.text("--text", inspect.text, "At least one token, at most the model's context").require();
  describe_mask(options, inspect.mask);
  options.flag("--grad", inspect.grad, "With --json: also the gradient of the reported loss");
  options.flag("--json", inspect.json, "Logits, attention and losses (docs/command-line.md)");
}

void describe_leaktest(Options& options, LeakTestCommand& test) {
  describe_model(options, test.model);
  options.text("--text", test.text, "2 tokens up to the model's context; if not given, as much as 20 s allow");
  describe_mask(options, test.mask);
  options.flag("--json", test.json, "Both grids with all digits (docs/command-line.md)");
}

void describe_bench(Options& options, BenchCommand& bench) {
  options.choice("--config", bench.config, {"tiny", "small", "medium", "large", "gpt2"},
                 "Only this size: tiny, small, medium, large, or gpt2, which only decodes");
  options.choice("--only", bench.only, {"step", "twins", "decode"},
                 "step: of training; twins: with honest loss and snapshots; or decode");
  options.whole("--threads", bench.threads, {1, 256}, "This many; if not given, 1 and one per core");
  options.whole("--samples", bench.samples, {1, 1'000'000}, "Time exactly this many, instead of for some seconds");
  options.whole("--d-model", bench.channels, {}, "With --config: another width");
  options.whole("--layers", bench.layers, {}, "With --config: another number of layers");
  options.whole("--heads", bench.heads, {}, "With --config: another number of heads");
  options.whole("--context", bench.context, {}, "With --config: another context");
  options.whole("--batch", bench.batch, {}, "With --config: another batch");
  options.flag("--json", bench.json, "One document with all figures (docs/command-line.md)");
}

#ifdef NOPEEK_APP
std::vector<std::string> scene_names() {
  return {
#define NOPEEK_SCENE(function, title, icon) title,
#include "app/scenes/scenes.def"
#undef NOPEEK_SCENE
  };
}

/// "1600x900"
bool set_size(WindowOptions& window, const std::string& text) {
  constexpr int64_t kMost = 99'999;
  const size_t by = text.find('x');
  if (by == std::string::npos) return false;
  const auto width = parse_whole(text.substr(0, by)), height = parse_whole(text.substr(by + 1));
  if (!width || !height || *width < 320 || *height < 240 || *width > kMost || *height > kMost) return false;
  window.width = static_cast<int>(*width);
  window.height = static_cast<int>(*height);
  return true;
}

void describe_window(Options& options, WindowOptions& window, std::string& theme) {
  options.choice("--scene", window.scene, scene_names(), "Scene to open with");
  options.file("--tour", window.tour, "Play a tour file (see docs/tours.md)");
  options.folder("--shots", window.shots, "With --tour: write a picture of every caption into this folder, then end");
  options.custom("--size", "WxH", "a width and height in pixels, at least 320x240, such as 1600x900",
                 "Window size in pixels, such as 1600x900",
                 [&window](const std::string& text) { return set_size(window, text); });
  options.real("--scale", window.scale, "Text size: 0.8, 1, 1.25 or 1.5", {0.8, 1, 1.25, 1.5});
  options.choice("--theme", theme, {"dark", "light"}, "dark or light");
  options.folder("--model", window.model, "Open the folder of a model, or of a saved run");
  options.whole("--seed", window.seed, kSeeds, "Seed of the first run");
}

int open_window(WindowOptions& window, const std::string& theme) {
  if (!window.shots.empty() && window.tour.empty()) {
    throw Error("--shots writes the pictures of a tour. Name one as well, by --tour FILE.");
  }
  std::error_code ignored;
  if (!window.model.empty() && !std::filesystem::is_directory(window.model, ignored)) {
    throw Error("--model " + shown(window.model) + " is not a folder. Name that of a model, or of a saved run.");
  }
  if (!theme.empty()) window.dark = theme == "dark";
  return run_window(window);
}
#endif

/// Everything that the command line may say, as it is parsed.
struct CommandLine {
  CLI::App app{"NoPeek: see why a transformer decoder needs its causal mask.\nWithout a command it opens the window.",
               "nopeek"};
  std::deque<Options> commands{Options(app)};  // the first one: without a command
  std::string completion;
  TrainCommand train;
  GenerateCommand generate;
  InspectCommand inspect;
  LeakTestCommand leaktest;
  BenchCommand bench;
#ifdef NOPEEK_APP
  WindowOptions window;
  std::string theme;
#endif

  CommandLine() {
    app.set_version_flag("--version", std::string("nopeek " NOPEEK_VERSION ", core: ") + instruction_level(),
                         "Version, and the instructions that the core was compiled for");
    app.require_subcommand(0, 1);
    const auto command = [&](const char* name, const char* description) -> Options& {
      return commands.emplace_back(*app.add_subcommand(name, description));
    };
    describe_train(command("train", "Train with the causal mask, without it, or both as twins, and print the results."),
                   train);
    describe_generate(command("generate", "Continue a text, one token at a time."), generate);
    describe_inspect(command("inspect",
                             "One pass over a text: what each position predicts, and with --json all that "
                             "the model computes."),
                     inspect);
    describe_leaktest(command("leaktest",
                              "Change each token and see which outputs move: status 0 if none before it "
                              "does, 1 if one does."),
                      leaktest);
    describe_bench(
        command("bench", "Measure how fast this machine trains and decodes, beside what it could do at best."), bench);
#ifdef NOPEEK_APP
    describe_window(commands.front(), window, theme);
#endif
    commands.front().choice("--completion", completion, {"bash"}, "Print the completion script for this shell");
  }
};

int run(int argc, char** argv) {
  CommandLine line;
  if (!parse_command_line(line.commands, argc, argv)) return 0;
  if (line.app.got_subcommand("train")) {
    line.train.given = line.commands[1].given();
    return run_train(line.train);
  }
  if (line.app.got_subcommand("generate")) return run_generate(line.generate);
  if (line.app.got_subcommand("inspect")) return run_inspect(line.inspect);
  if (line.app.got_subcommand("leaktest")) return run_leaktest(line.leaktest);
  if (line.app.got_subcommand("bench")) return run_bench(line.bench);
  if (!line.completion.empty()) {
    std::fputs(bash_completion(line.commands).c_str(), stdout);
    return 0;
  }
#ifdef NOPEEK_APP
  return open_window(line.window, line.theme);
#else
  throw Error("This build has no window. Use a command, such as: nopeek train");
#endif
}

/// Whoever reads the output must learn that it is not whole, as on a full disk.
void require_written() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  throw Error("The output could not be written in full. Check the space on the disk.");
}

}  // namespace

int run_command_line(int argc, char** argv) {
  try {
    const int status = run(argc, argv);
    require_written();
    return status;
  } catch (const Error& error) {
    note(error.what());
  } catch (const Cancelled&) {
    return 128 + interrupted_by();  // before there was anything to show
  } catch (const std::bad_alloc&) {
    note("Not enough memory. Choose a smaller model, batch or text.");
  } catch (const std::exception& error) {  // nobody thought of it; a line is better than an abort
    note(std::string("Something went wrong that should not have: ") + error.what() + ".");
  }
  return 2;
}

}  // namespace nopeek
