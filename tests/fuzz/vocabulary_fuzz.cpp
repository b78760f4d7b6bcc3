// GPT-2's vocab.json and merges.txt, added_tokens.json where it is not empty, and a text for them.
#include "tests/fuzz/tokenizer_laws.h"

namespace nopeek::fuzz {

void run_input(std::string_view input) {
  const auto parts = parts_of(input, 4);
  write_plain(folder() / "vocab.json", parts[0]);
  write_plain(folder() / "merges.txt", parts[1]);
  std::filesystem::remove(folder() / "added_tokens.json");
  if (!parts[2].empty()) write_plain(folder() / "added_tokens.json", parts[2]);
  accepted([&] { require_tokenizer_laws(load_tokenizer(folder().path()), parts[3]); });
}

}  // namespace nopeek::fuzz
