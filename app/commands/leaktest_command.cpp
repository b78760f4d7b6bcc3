#include "app/commands/leaktest_command.h"

#include <algorithm>
#include <cstdio>

#include "app/commands/interrupt.h"
#include "app/commands/json_stream.h"
#include "app/commands/mask_option.h"
#include "app/commands/prompt.h"
#include "core/io/model_folder.h"
#include "core/train/leak_test.h"

namespace nopeek {

namespace {

constexpr double kMostWork = 8e11;   // operations that a text is made up for: some 20 seconds
constexpr int kWidestGrid = 64;      // tokens: a grid that one can read
constexpr float kSmallMove = 1e-3f;  // in logits, and in nats

/// The context, or as much of it as can be tested in kMostWork; at least 2.
int affordable_length(const Model& model) {
  int T = model.config().context;
  while (T > 2 && leak_test_work(*model.parameters, T) > kMostWork) --T;
  return T;
}

/// Tokens at even distances in the vocabulary, as different as can be.
std::vector<TokenId> spread_tokens(const Model& model) {
  const int64_t T = affordable_length(model), V = model.config().vocab;
  std::vector<TokenId> text;
  for (int64_t t = 0; t < T; ++t) text.push_back(static_cast<TokenId>(V * t / T));
  return text;
}

std::vector<TokenId> text_of(const LeakTestCommand& command, const Model& model) {
  return command.text ? model.tokenizer->encode(*command.text, &interruptible()) : spread_tokens(model);
}

void write_json(const Model& model, const char* mask, std::span<const TokenId> ids, const LeakTest& test) {
  JsonStream json(stdout);
  json.open('{');
  write_what_was_read(json, model, ids, mask);
  json.key("tested"), json.number(static_cast<int64_t>(test.tested()));
  json.key("context"), json.number(static_cast<int64_t>(test.positions));
  json.key("open_beyond"), json.number(static_cast<int64_t>(test.open_beyond));
  json.key("leaks"), json.boolean(test.leaks());
  json.key("verdict"), json.text(verdict(test));
  json.key("agree"), json.boolean(test.agree());
  json.key("at"), json.open('[');
  for (const auto& [output, token] : test.at) json.list(std::vector<int32_t>{output, token});
  json.close(']');
  json.key("moved"), json.matrix(test.moved);
  json.key("gradient"), json.matrix(test.gradient);
  json.close('}');
  json.finish();
}

/// A character a cell: '.' exactly 0, 'o' small, '#' more, as what is not finite.
std::string row_of(const Matrix<float>& grid, Eigen::Index output) {
  std::string row;
  for (const float value : grid.row(output)) row += value == 0 ? '.' : value < kSmallMove ? 'o' : '#';
  return row;
}

void print_grids(const LeakTest& test) {
  const int T = test.tested();
  if (T > kWidestGrid) {
    std::printf("\n%d tokens: grids too wide to print\n", T);
    return;
  }
  std::printf("\n%8s %-*s   %s\n", "output", std::max(T, 12), "logits moved", "gradient");
  for (int output = 0; output < T; ++output) {
    std::printf("%8d %-12s   %s\n", output, row_of(test.moved, output).c_str(), row_of(test.gradient, output).c_str());
  }
  std::printf("columns: tokens, as changed; . exactly 0, o below %g, # more; right of the diagonal lies the future\n",
              static_cast<double>(kSmallMove));
}

void print(const MaskOption& mask, const LeakTest& test) {
  std::printf("%s\n", verdict(test).c_str());
  print_grids(test);
  std::printf("tested: %d of %d positions\n", test.tested(), test.positions);
  std::printf("mask %s: %s   (--json gives the numbers)\n", mask.name, describe(mask.mask).c_str());
}

}  // namespace

int run_leaktest(const LeakTestCommand& command) {
  if (command.text) require_utf8(*command.text, "--text");
  const Model model = load_model(command.model, &interruptible());
  if (command.text) model.tokenizer->require_rows(*command.text);  // before passes that may take long
  const MaskOption mask = mask_option(command.mask, model);
  const std::vector<TokenId> ids = text_of(command, model);
  const LeakTest test = leak_test(*model.parameters, mask.mask, ids, &interruptible());
  if (command.text) note_lacking(*model.tokenizer, *command.text);
  command.json ? write_json(model, mask.name, ids, test) : print(mask, test);
  return test.leaks() ? 1 : 0;
}

}  // namespace nopeek
