#include "app/commands/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>

#include "app/commands/bench_command.h"
#include "app/commands/generate_command.h"
#include "app/commands/inspect_command.h"
#include "app/commands/leaktest_command.h"
#include "app/commands/train_command.h"
#include "core/base/error.h"
#include "core/base/instruction_level.h"
#ifdef NOPEEK_APP
#include "app/host/window.h"
#endif

namespace nopeek {

namespace {

/// Unsigned numbers are read leniently by the library: "-1" would become the largest of them.
std::string is_seed(const std::string& text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return digits && text.size() <= 18 ? ""
                                     : "must be a whole number from 0 on, of at most 18 digits, not '" + text + "'.";
}

/// An empty path stands for none inside the program; on the command line it is a variable that was not set.
std::string is_path(const std::string& text) { return text.empty() ? "must not be empty. Name a file or folder." : ""; }

void describe_train(CLI::App& app, TrainCommand& train, std::string& size) {
  app.description("Train with the causal mask, without it, or both as twins, and print what came out.");
  app.add_option("--corpus", train.corpus, "pull-requests, toy, tales, or a UTF-8 text file")
      ->check(is_path)
      ->capture_default_str();
  app.add_option("--tokenizer", train.tokenizer, "How the text is cut: auto, word, char, or bpe: byte pairs, as GPT-2")
      ->check(CLI::IsMember({"auto", "word", "char", "bpe"}))
      ->capture_default_str();
  app.add_option("--config", size, "Model size to start from: tiny, small, medium or large")->capture_default_str();
  app.add_option("--d-model", train.config.model.channels, "Width: channels of the residual stream")
      ->capture_default_str();
  app.add_option("--layers", train.config.model.layers)->capture_default_str();
  app.add_option("--heads", train.config.model.heads)->capture_default_str();
  app.add_option("--context", train.config.model.context, "Tokens a window")->capture_default_str();
  app.add_option("--batch", train.config.train.batch, "Windows a step")->capture_default_str();
  app.add_option("--steps", train.steps)->check(CLI::Range(int64_t{1}, int64_t{50'000'000}))->capture_default_str();
  app.add_option("--lr", train.config.train.learning_rate, "Learning rate")->capture_default_str();
  app.add_option("--dropout", train.config.model.dropout)->capture_default_str();
  app.add_option("--seed", train.config.seed)->check(is_seed)->capture_default_str();
  app.add_option("--threads", train.threads, "0: one a core; the results are the same for any number")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  app.add_option("--mask", train.mask, "Which models: on, off or both")
      ->check(CLI::IsMember({"on", "off", "both"}))
      ->capture_default_str();
  app.add_option("--log", train.log, "Write run.csv, outside of --save: step,lane,reported,honest,future_attention")
      ->check(is_path);
  app.add_option("--save", train.save, "Save the run to this folder: DIR/masked and DIR/unmasked are models")
      ->check(is_path);
  app.add_option("--resume", train.resume, "Go on with a saved run, to --steps in all")->check(is_path);
}

void describe_generate(CLI::App& app, GenerateCommand& generate) {
  app.description("Continue a text, one token at a time.");
  app.add_option("--model", generate.model, "Folder with config.json, model.safetensors and tokenizer.json")
      ->check(is_path)
      ->required();
  app.add_option("--prompt", generate.prompt, "Text to continue; empty: the beginning of a document")->required();
  app.add_option("--max-new-tokens", generate.max_new_tokens)->check(CLI::Range(0, 1'000'000))->capture_default_str();
  app.add_option("--temperature", generate.temperature, "Below 1 sharper, above 1 flatter, 0 greedy; 1 if not given");
  app.add_option("--top-k", generate.top_k, "Keep the k likeliest tokens; 0: all")->capture_default_str();
  app.add_option("--top-p", generate.top_p, "Keep the fewest tokens that together reach p; 1: all")
      ->capture_default_str();
  app.add_flag("--greedy", generate.greedy, "Always the likeliest token");
  app.add_option("--seed", generate.seed, "The same seed writes the same text")->check(is_seed)->capture_default_str();
  app.add_flag("--no-kv-cache", generate.no_kv_cache, "Compute every position anew at every step");
  app.add_flag("--dropout-on", generate.dropout_on, "Leave dropout on, by mistake as it were");
  app.add_flag("--json", generate.json, "Every step with its whole distribution (docs/command-line.md)");
}

void describe_inspect(CLI::App& app, InspectCommand& inspect) {
  app.description("One pass over a text: what each position predicts, and with --json all that the model computes.");
  app.add_option("--model", inspect.model, "Folder with config.json, model.safetensors and tokenizer.json")
      ->check(is_path)
      ->required();
  app.add_option("--text", inspect.text, "At least one token, at most the model's context")->required();
  app.add_option("--mask", inspect.mask, "on or off, instead of the model's own")->check(CLI::IsMember({"on", "off"}));
  app.add_flag("--grad", inspect.grad, "With --json: also the gradient of the reported loss");
  app.add_flag("--json", inspect.json, "Logits, attention and losses (docs/command-line.md)");
}

void describe_leaktest(CLI::App& app, LeakTestCommand& test) {
  app.description("Change each token and look which outputs move: status 0 if none before it does, 1 if one does.");
  app.add_option("--model", test.model, "Folder with config.json, model.safetensors and tokenizer.json")
      ->check(is_path)
      ->required();
  app.add_option("--text", test.text, "2 tokens to the model's context; if not given, the whole context if affordable");
  app.add_option("--mask", test.mask, "on or off, instead of the model's own")->check(CLI::IsMember({"on", "off"}));
  app.add_flag("--json", test.json, "Both grids with all digits (docs/command-line.md)");
}

void describe_bench(CLI::App& app, BenchCommand& bench) {
  app.description("Measure how fast this machine trains and decodes, beside what it could do at best.");
  app.add_option("--config", bench.config, "Only this size: tiny, small, medium, large, or gpt2, which only decodes")
      ->check(CLI::IsMember({"tiny", "small", "medium", "large", "gpt2"}));
  app.add_option("--only", bench.only, "step: of training; twins: with honest loss and snapshots; or decode")
      ->check(CLI::IsMember({"step", "twins", "decode"}));
  app.add_option("--threads", bench.threads, "Only so many; if not given, 1 and one a core")->check(CLI::Range(1, 256));
  app.add_option("--samples", bench.samples, "Time exactly so many, instead of for some seconds")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--d-model", bench.channels, "With --config: another width");
  app.add_option("--layers", bench.layers, "With --config: other layers");
  app.add_option("--heads", bench.heads, "With --config: other heads");
  app.add_option("--context", bench.context, "With --config: another context");
  app.add_option("--batch", bench.batch, "With --config: another batch");
  app.add_flag("--json", bench.json, "One document with all figures (docs/command-line.md)");
}

/// The arguments as the library takes them: last one first. It would read the one behind "--prompt=" as the prompt.
std::vector<std::string> arguments(int argc, char** argv) {
  std::vector<std::string> result;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool empty = argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    result.push_back(empty ? argument.substr(0, argument.size() - 1) : argument);
    if (empty) result.emplace_back();
  }
  std::reverse(result.begin(), result.end());
  return result;
}

/// The presets give the defaults that single options then change, whatever their order on the command line; so the size
/// must be known before the options are described. Those of `bench` are no presets.
std::string size_among(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "bench") return "tiny";
    if (argument == "--config" && i + 1 < argc) return argv[i + 1];
    if (argument.starts_with("--config=")) return argument.substr(9);
  }
  return "tiny";
}

#ifdef NOPEEK_APP
std::vector<std::string> scene_names() {
  return {
#define NOPEEK_SCENE(function, title, icon) title,
#include "app/scenes/scenes.def"
#undef NOPEEK_SCENE
  };
}

struct WindowArguments {
  WindowOptions options;
  std::string size, theme;
};

void describe_window(CLI::App& app, WindowArguments& window) {
  app.add_option("--scene", window.options.scene, "Scene to open with")
      ->check(CLI::IsMember(scene_names()))
      ->capture_default_str();
  app.add_option("--tour", window.options.tour, "Play a tour file (see docs/tours.md)")->check(is_path);
  app.add_option("--shots", window.options.shots,
                 "With --tour: write a picture of every caption into this folder, then end")
      ->check(is_path);
  app.add_option("--size", window.size, "Window size in pixels, such as 1600x900");
  app.add_option("--scale", window.options.scale, "Text size: 0.8, 1, 1.25 or 1.5")
      ->check(CLI::IsMember(std::vector<double>{0.8, 1.0, 1.25, 1.5}));
  app.add_option("--theme", window.theme, "dark or light")->check(CLI::IsMember({"dark", "light"}));
  app.add_option("--model", window.options.model, "Open the folder of a model, or of a saved run")
      ->check(CLI::ExistingDirectory);
  app.add_option("--seed", window.options.seed, "Seed of the first run")->check(is_seed)->capture_default_str();
}

int open_window(WindowArguments& window) {
  if (!window.size.empty()) {
    int used = 0;
    const int read =
        std::sscanf(window.size.c_str(), "%5dx%5d%n", &window.options.width, &window.options.height, &used);
    if (read != 2 || used != static_cast<int>(window.size.size()) || window.options.width < 320 ||
        window.options.height < 240) {
      throw Error("--size must be WIDTHxHEIGHT in pixels, at least 320x240, such as 1600x900.");
    }
  }
  if (!window.theme.empty()) window.options.dark = window.theme == "dark";
  return run_window(window.options);
}
#endif

int run(int argc, char** argv) {
  CLI::App app("NoPeek: see why a transformer decoder needs its causal mask.\nWithout a command it opens the window.",
               "nopeek");
  app.set_version_flag("--version", std::string("nopeek " NOPEEK_VERSION ", core: ") + instruction_level(),
                       "Version, and the instructions that the core was compiled for");
  app.require_subcommand(0, 1);
  std::string size = size_among(argc, argv);
  TrainCommand train;
  train.config = preset(size);
  CLI::App* train_app = app.add_subcommand("train");
  describe_train(*train_app, train, size);
  GenerateCommand generate;
  describe_generate(*app.add_subcommand("generate"), generate);
  InspectCommand inspect;
  describe_inspect(*app.add_subcommand("inspect"), inspect);
  LeakTestCommand leaktest;
  describe_leaktest(*app.add_subcommand("leaktest"), leaktest);
  BenchCommand bench;
  describe_bench(*app.add_subcommand("bench"), bench);
#ifdef NOPEEK_APP
  WindowArguments window;
  describe_window(app, window);
#endif
  try {
    app.parse(arguments(argc, argv));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    const std::string what = error.what();
    throw Error(what + (what.ends_with('.') ? "" : ".") + " Run with --help for what there is.");
  }
  for (const CLI::Option* option : train_app->get_options()) {
    if (option->count() > 0) train.given.insert(option->get_name());
  }
  if (app.got_subcommand("train")) return run_train(train);
  if (app.got_subcommand("generate")) return run_generate(generate);
  if (app.got_subcommand("inspect")) return run_inspect(inspect);
  if (app.got_subcommand("leaktest")) return run_leaktest(leaktest);
  if (app.got_subcommand("bench")) return run_bench(bench);
#ifdef NOPEEK_APP
  return open_window(window);
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
    std::fprintf(stderr, "nopeek: %s\n", error.what());
  } catch (const Cancelled&) {
    return 130;  // Ctrl+C before there was anything to show; 128 + SIGINT, as shells have it
  } catch (const std::bad_alloc&) {
    std::fputs("nopeek: Not enough memory. Choose a smaller model, batch or text.\n", stderr);
  } catch (const std::exception& error) {  // nobody thought of it; a line is better than an abort
    std::fprintf(stderr, "nopeek: Something went wrong that should not have: %s.\n", error.what());
  }
  return 2;
}

}  // namespace nopeek
