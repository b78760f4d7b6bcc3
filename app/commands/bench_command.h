#pragma once
#include <optional>
#include <string>

namespace nopeek {

/// `nopeek bench`.
struct BenchCommand {
  std::string config;  // tiny, small, medium, large, gpt2; empty: all
  std::string only;    // step, twins, decode; empty: all that a size is measured with
  std::optional<int> channels, context, batch, layers, heads;  // instead of those of `config`
  std::optional<int> threads;                                  // none: one, and one per core
  std::optional<int> samples;                                  // none: as many as some seconds hold
  bool json = false;
};

/// Measures how fast this machine trains and decodes, and how close that comes to what it could: a table that grows as
/// it is measured, or with `json` one document (docs/command-line.md). Returns 0. Throws Error and Cancelled.
int run_bench(const BenchCommand& command);

}  // namespace nopeek
