#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "core/text/tokenizer.h"

namespace nopeek {

/// Reads the tokenizer of a model folder: tokenizer.json of the `tokenizers` library, or, where there is none, GPT-2's
/// vocab.json and merges.txt, with added_tokens.json; and beside both, the special tokens that special_tokens_map.json
/// and tokenizer_config.json name. Read are byte-level BPE, words (WordLevel after Whitespace) and characters
/// (WordLevel or BPE without merges, a code point at a time). All else would give other tokens than it was trained
/// with, and is refused, as is what would put a token or a space before a text. Decoders, padding and truncation are
/// not asked: the ids are those of the whole text.
///
/// `eos` is eos_token_id of config.json. It counts where the vocabulary has it, else the token that the files name,
/// else the special token named <eos>, <|endoftext|>, </s> or the like; GPT2Config puts 50256 there for a model of a
/// hundred tokens, too. `rows` are the tokens that the model has weights for: vocab_size() is then as many.
///
/// Trusts nothing that the files say. Throws Error with one line that names the file, what is wrong and what to do.
Tokenizer load_tokenizer(const std::filesystem::path& folder, std::optional<TokenId> eos = {},
                         std::optional<int> rows = {});

/// The content of a tokenizer.json that load_tokenizer() and the `tokenizers` library read.
std::string tokenizer_json(const Tokenizer& tokenizer);

/// The content of the tokenizer_config.json beside it, for a model of `context` positions. Without it, transformers
/// takes any tokenizer.json of a GPT-2 for byte-level BPE, and transformers.js opens none.
std::string tokenizer_config_json(const Tokenizer& tokenizer, int context);

}  // namespace nopeek
