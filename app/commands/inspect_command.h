#pragma once
#include <filesystem>
#include <string>

namespace nopeek {

/// `nopeek inspect`.
struct InspectCommand {
  std::filesystem::path model;
  std::string text;
  std::string mask;  // on, off; empty: the model's own
  bool grad = false;
  bool json = false;
};

/// One pass over the text: with `json` everything that it computes (docs/command-line.md), else a table of what each
/// position predicts. Returns 0. Throws Error and Cancelled.
int run_inspect(const InspectCommand& command);

}  // namespace nopeek
