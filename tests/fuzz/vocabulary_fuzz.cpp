// GPT-2's vocab.json and merges.txt; added_tokens.json, special_tokens_map.json and tokenizer_config.json where they
// are not empty; and a text for them.
#include "tests/fuzz/tokenizer_laws.h"

namespace nopeek::fuzz {

void run_input(std::string_view input) {
  const auto parts = parts_of(input, 6);
  const char* names[] = {"vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json",
                         "tokenizer_config.json"};
  for (size_t i = 0; i < std::size(names); ++i) {
    std::filesystem::remove(folder() / names[i]);
    if (i < 2 || !parts[i].empty()) write_plain(folder() / names[i], parts[i]);
  }
  accepted([&] { require_tokenizer_laws(load_tokenizer(folder().path()), parts.back()); });
}

}  // namespace nopeek::fuzz
