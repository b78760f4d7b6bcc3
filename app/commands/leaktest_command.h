#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace nopeek {

/// `nopeek leaktest`.
struct LeakTestCommand {
  std::filesystem::path model;
  std::optional<std::string> text;  // none: tokens spread over the vocabulary, over the context if that is affordable
  std::string mask;                 // on, off; empty: the model's own
  bool json = false;
};

/// Says whether an output depends on a later token, and where: a line and two grids, or with `json` all numbers
/// (docs/command-line.md). Returns 0 if none does, else 1. Throws Error and Cancelled.
int run_leaktest(const LeakTestCommand& command);

}  // namespace nopeek
