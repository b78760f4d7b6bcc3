#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace nopeek {

/// `nopeek generate`.
struct GenerateCommand {
  std::filesystem::path model;
  std::string prompt;
  int max_new_tokens = 32;
  std::optional<double> temperature;  // 1
  int top_k = 0;                      // 0: off
  double top_p = 1;                   // 1: off
  bool greedy = false;
  uint64_t seed = 1;
  bool no_kv_cache = false, dropout_on = false;
  bool json = false;
};

/// Continues the prompt until the model's end token or `max_new_tokens`, and prints the text as it comes, or with
/// `json` one document of all steps (docs/command-line.md). Ctrl+C ends it after the token under way, with what there
/// is. Returns 0, or 128 + the signal that ended it. Throws Error, and Cancelled while the model is read.
int run_generate(const GenerateCommand& command);

}  // namespace nopeek
