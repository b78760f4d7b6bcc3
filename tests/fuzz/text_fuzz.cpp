// Text of unknown origin, made fit for one line of a message.
#include "core/io/shown.h"
#include "core/text/byte_alphabet.h"
#include "core/text/utf8.h"
#include "tests/fuzz/fuzz.h"

namespace nopeek::fuzz {

void run_input(std::string_view input) {
  const auto bad = utf8::first_invalid_byte(input);
  require(bad.has_value() != is_utf8(input), "first_invalid_byte() agrees with the JSON library");
  require(!bad || is_utf8(input.substr(0, *bad)), "what stands before the first invalid byte is valid");

  const std::string repaired = utf8::repaired(input);
  require(is_utf8(repaired), "repaired() is UTF-8");
  require(bad || repaired == input, "repaired() leaves sound text alone");

  const std::string line = one_line(input);
  require(is_printable(utf8::visible(input)), "visible() is printable");
  require(is_printable(line), "one_line() is printable");
  require(is_printable(utf8::quoted(input)), "quoted() is printable");
  require(is_printable(shown(std::string(input))), "shown() is printable");
  require(one_line(line) == line, "one_line() leaves its own lines alone");
  require(!is_sound_name(input) || line == input, "a sound name is shown as it is");
  require(unspell_bytes(spell_bytes(input)) == std::string(input), "GPT-2's spelling of bytes comes back");
}

}  // namespace nopeek::fuzz
