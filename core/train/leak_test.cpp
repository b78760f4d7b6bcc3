#include "core/train/leak_test.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/base/error.h"
#include "core/nn/model.h"

namespace nopeek {

using Eigen::Index;

namespace {

void require_testable(const ModelConfig& config, std::span<const TokenId> text) {
  require_fit(config, text);
  if (text.size() < 2) {
    throw Error("The leak test needs a text of at least 2 tokens, so that one of them comes later. Write another word" +
                std::string(config.context < 2 ? "; but this model reads only one." : "."));
  }
  if (config.vocab < 2) {
    throw Error("This model knows a single token, which can be replaced by no other. Choose another model.");
  }
}

/// Bits decide: two values may differ by less than any number can tell, as 0 and -0 do. A logit that is the same NaN
/// before and after says nothing of the token; the others then do, and require_numbers() sees to it that there are
/// some.
float largest_change(In<float> before, In<float> after) {
  const auto bytes = static_cast<size_t>(before.size()) * sizeof(float);
  if (std::memcmp(before.data(), after.data(), bytes) == 0) return 0;
  float largest = std::numeric_limits<float>::denorm_min();
  for (Index i = 0; i < before.size(); ++i) {
    const float change = std::abs(after.data()[i] - before.data()[i]);
    if (std::isnan(change)) return std::numeric_limits<float>::infinity();
    largest = std::max(largest, change);
  }
  return largest;
}

/// The cells right of the diagonal that are not exactly 0. NaN is not.
std::vector<LeakTest::Cell> future_cells(const Matrix<float>& grid) {
  std::vector<LeakTest::Cell> cells;
  for (int output = 0; output < grid.rows(); ++output) {
    for (int token = output + 1; token < grid.cols(); ++token) {
      if (grid(output, token) != 0) cells.push_back({output, token});
    }
  }
  return cells;
}

/// Counts passes, and asks before each whether to go on.
struct Passes {
  Progress* progress;
  int all, done = 0;
  void next() { report_progress(progress, static_cast<float>(done++) / static_cast<float>(all)); }
};

/// Logits of a pass over `text`: activations.views().logits.
void run(const Parameters<float>& parameters, const Mask& mask, std::span<const TokenId> text,
         Activations<float>& activations) {
  forward<float>(parameters, text, 1, static_cast<int>(text.size()), {&mask, 1}, Dropout{}, activations);
  head_forward<float>(parameters, activations);
}

/// Outputs that are no numbers at all stand still whatever one changes. That is no pass.
void require_numbers(In<float> logits) {
  for (Index output = 0; output < logits.rows(); ++output) {
    const auto row = logits.row(output);
    const auto finite = [](float logit) { return std::isfinite(logit); };
    if (std::none_of(row.data(), row.data() + row.size(), finite)) {
      throw Error("Output " + std::to_string(output) +
                  " of this model is no number, so nothing can be seen to move it. Choose another model.");
    }
  }
}

Matrix<float> movements(const Parameters<float>& parameters, const Mask& mask, std::span<const TokenId> text,
                        Activations<float>& activations, Passes& passes) {
  const int T = static_cast<int>(text.size()), V = parameters.config().vocab;
  passes.next();
  run(parameters, mask, text, activations);
  const Matrix<float> before = activations.views().logits;  // (T, V)
  require_numbers(before);
  Matrix<float> moved(T, T);
  std::vector<TokenId> changed(text.begin(), text.end());
  for (int token = 0; token < T; ++token) {
    passes.next();
    const TokenId original = text[static_cast<size_t>(token)];
    changed[static_cast<size_t>(token)] = (original + V / 2) % V;
    run(parameters, mask, changed, activations);
    changed[static_cast<size_t>(token)] = original;
    const auto& after = activations.views().logits;
    for (int output = 0; output < T; ++output) {
      moved(output, token) = largest_change(before.row(output), after.row(output));
    }
  }
  return moved;
}

Matrix<float> gradients(const Parameters<float>& parameters, const Mask& mask, std::span<const TokenId> text,
                        Activations<float>& activations, Passes& passes) {
  const int T = static_cast<int>(text.size());
  passes.next();
  run(parameters, mask, text, activations);
  loss_forward<float>(text, activations);  // for its log-probabilities, which are of no target in particular
  BackwardScratch<float> scratch(parameters.config(), 1, T);
  Parameters<float> ignored(parameters.config());  // gradients of the weights, all outputs' on top of each other
  std::vector<TokenId> targets(text.size(), kIgnore);
  Matrix<float> gradient(T, T);
  for (int output = 0; output < T; ++output) {
    passes.next();
    targets[static_cast<size_t>(output)] = text[static_cast<size_t>((output + 1) % T)];
    backward<float>(parameters, text, targets, 1.0f, Dropout{}, activations, scratch, ignored);
    targets[static_cast<size_t>(output)] = kIgnore;
    // At the bottom of the residual stream lies the embedding. In double, because squares of small floats come to 0.
    gradient.row(output) = scratch.dx.cast<double>().rowwise().norm().cast<float>().transpose();
  }
  return gradient;
}

/// Visible future cells of the mask in the rows and columns that a text of T tokens does not reach.
int open_beyond(const Mask& mask, int T) {
  int open = 0;
  for (int query = 0; query < mask.size(); ++query) {
    for (int key = std::max(query + 1, T); key < mask.size(); ++key) open += mask.visible(query, key) ? 1 : 0;
  }
  return open;
}

/// "PASS", "FAIL", and of what, if that is not the whole context.
std::string with_extent(const char* word, const LeakTest& test) {
  if (test.whole()) return word;
  return std::string(word) + " on the first " + std::to_string(test.tested()) + " of " +
         std::to_string(test.positions) + " positions";
}

std::string place(const std::vector<LeakTest::Cell>& cells) {
  const std::string more = cells.size() == 1   ? ""
                           : cells.size() == 2 ? ", and at 1 more place"
                                               : ", and at " + std::to_string(cells.size() - 1) + " more places";
  return "output " + std::to_string(cells[0].output) + ", token " + std::to_string(cells[0].token) + more;
}

}  // namespace

LeakTest leak_test(const Parameters<float>& parameters, const Mask& mask, std::span<const TokenId> text,
                   Progress* progress) {
  require_testable(parameters.config(), text);
  const int T = static_cast<int>(text.size());
  assert(mask.size() >= T);
  Activations<float> activations(parameters.config(), 1, T);
  Passes passes{progress, 2 * T + 2};
  LeakTest test;
  test.moved = movements(parameters, mask, text, activations, passes);
  test.gradient = gradients(parameters, mask, text, activations, passes);
  test.at = future_cells(test.moved);
  test.gradient_at = future_cells(test.gradient);
  test.positions = mask.size();
  test.open_beyond = open_beyond(mask, T);
  return test;
}

double leak_test_work(const Parameters<float>& parameters, int T) {
  // A pass takes two operations a weight and token, and attention two for each pair of tokens and channel, twice. There
  // are T + 1 of them, and T ways back of twice as much.
  const double tokens = T, pairs = tokens * tokens;
  const ModelConfig& config = parameters.config();
  const double pass =
      2 * static_cast<double>(parameters.size()) * tokens + 4.0 * config.layers * config.channels * pairs;
  return 3 * tokens * pass;
}

std::string verdict(const LeakTest& test) {
  const std::string beyond = beyond_words(test).empty() ? "" : " " + beyond_words(test);
  if (test.leaks()) {
    return with_extent("FAIL", test) + ": leaks from the future at " + place(test.at) +
           (test.agree() ? "." : "; but the gradient sees no path.") + beyond;
  }
  if (test.agree()) return with_extent("PASS", test) + ": no output depends on a later token." + beyond;
  return with_extent("PASS", test) +
         ": no output moves with a later token; but the gradient sees a path too faint to move one at " +
         place(test.gradient_at) + "." + beyond;
}

std::string brief_verdict(const LeakTest& test) {
  if (!test.leaks()) return with_extent("PASS", test);
  return "leaks at " + std::to_string(test.at.size()) + (test.at.size() == 1 ? " place" : " places");
}

std::string beyond_words(const LeakTest& test) {
  if (test.open_beyond == 0) return "";
  return "The mask opens " + std::to_string(test.open_beyond) + " future cell" + (test.open_beyond == 1 ? "" : "s") +
         " beyond this text.";
}

}  // namespace nopeek
