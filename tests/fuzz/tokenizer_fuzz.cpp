// tokenizer.json, and a text for it.
#include "tests/fuzz/tokenizer_laws.h"

namespace nopeek::fuzz {

void run_input(std::string_view input) {
  const auto parts = parts_of(input, 2);
  write_plain(folder() / "tokenizer.json", parts[0]);
  accepted([&] { require_tokenizer_laws(load_tokenizer(folder().path()), parts[1]); });
}

}  // namespace nopeek::fuzz
