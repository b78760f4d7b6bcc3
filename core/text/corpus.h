#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/text/tokenizer.h"

namespace nopeek {

/// A text as token ids, split into a training and a validation part. Blank lines separate documents: each becomes
/// `<eos>`, as does the end of the text. Immutable once made, and shared by all lanes.
struct Corpus {
  std::string name;    // what people call it: the file's name without folder and ending
  std::string source;  // the path that it came from, to open it again; empty for text from memory
  Tokenizer tokenizer;
  std::vector<uint16_t> train;  // 16 bits: a 100 MB text costs 200 MB, and no vocabulary has more than 65536 tokens
  std::vector<uint16_t> validation;  // the last tenth

  int vocab_size() const { return tokenizer.vocab_size(); }
  /// The first tokens of the text: the sentence whose attention is shown, at most `length` tokens.
  std::vector<TokenId> probe(int length) const;
  /// Throws Error if a part is shorter than one window of `context` tokens and its target.
  void require_context(int context) const;
};

/// Makes a corpus of text. Line ends are those of Unix, Windows or old Macs. Without a kind it is cut into words if
/// - blanks separate them: at most 12 characters to a blank, on average (so not Chinese, Thai, digits or DNA),
/// - there are at least 250 of them, each comes at least eight times on average, and at most 1024 are different;
/// else into characters. Throws Error (empty, not UTF-8: names the byte) and Cancelled.
Corpus make_corpus(std::string name, std::string text, std::optional<TokenizerKind> kind = {},
                   Progress* progress = nullptr);

}  // namespace nopeek
