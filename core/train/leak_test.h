#pragma once
#include <span>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/nn/mask.h"
#include "core/nn/parameters.h"
#include "core/text/tokenizer.h"

namespace nopeek {

/// Which output depends on which token of a text, found in two ways that know nothing of the mask. Row = output, column
/// = token, as query and key in attention; so what is right of the diagonal is the future. Positions count from 0.
///
///   const LeakTest test = leak_test(weights, mask, text);
///   if (test.leaks()) std::puts(verdict(test).c_str());
struct LeakTest {
  struct Cell {
    int output, token;
    bool operator==(const Cell&) const = default;
  };
  /// (T, T): the largest |change| among the logits of `output` when `token` is replaced by another one. 0 exactly where
  /// not one bit of them moved; infinity where one became, or ceased to be, a number.
  Matrix<float> moved;
  /// (T, T): the norm of the gradient of the loss at `output` with respect to what is embedded at `token`. The loss is
  /// cross-entropy against the next token of the text; behind the last one comes the first one, for want of a better.
  /// 0 exactly where no path leads from one to the other.
  Matrix<float> gradient;
  std::vector<Cell> at;           // outputs that a later token moves, row by row
  std::vector<Cell> gradient_at;  // those to which the gradient finds a path from a later token
  int positions = 0;              // of the mask: the model's context. What lies beyond the text is not tested.
  int open_beyond = 0;            // visible future cells of the mask there: they may leak, too

  int tested() const { return static_cast<int>(moved.rows()); }
  bool whole() const { return tested() == positions; }

  /// What the outputs do decides. A penalty so high that its weights come out as exactly 0 is no leak, whatever it is
  /// called: the model cannot learn from it either. Between those and penalties that leak openly are some, around -20,
  /// whose weights are too small to change a rounded sum: there the gradient still sees the path.
  bool leaks() const { return !at.empty(); }
  bool agree() const { return at.empty() == gradient_at.empty(); }
};

/// Runs the text once as it is, and once for each token with that one replaced by the token half the vocabulary away;
/// then T times back. `mask` is at least as large as the text.
///
/// Throws Error if the text has less than 2 tokens, more than the context, or one that the model does not know, if
/// there is no other token to replace one by, or if an output is no number to begin with; and Cancelled between the
/// passes.
LeakTest leak_test(const Parameters<float>& parameters, const Mask& mask, std::span<const TokenId> text,
                   Progress* progress = nullptr);

/// How many operations it takes, roughly, on a text of T tokens. A core does some 1e10 in a second.
double leak_test_work(const Parameters<float>& parameters, int T);

/// "PASS: no output depends on a later token.", or where the first leak is, in a line. It says so where less than the
/// whole context was tested: "PASS on the first 16 of 24 positions: ...".
std::string verdict(const LeakTest& test);
/// "PASS", "PASS on the first 16 of 24 positions", "leaks at 3 places".
std::string brief_verdict(const LeakTest& test);
/// "The mask opens 4 future cells beyond this text."; empty if it opens none.
std::string beyond_words(const LeakTest& test);

}  // namespace nopeek
