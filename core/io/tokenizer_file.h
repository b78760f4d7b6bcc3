#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "core/text/tokenizer.h"

namespace nopeek {

/// Reads the tokenizer of a model folder: tokenizer.json of the `tokenizers` library, or, where there is none, GPT-2's
/// vocab.json and merges.txt. Read are byte-level BPE, words (WordLevel after Whitespace) and characters (WordLevel or
/// BPE without merges, a code point at a time); all else would give other tokens than it was trained with, and is
/// refused. Post-processors and decoders are not asked: the ids are those of encode(add_special_tokens=False).
///
/// `eos` is eos_token_id of config.json. It counts where the vocabulary has it, else the special token named <eos>,
/// <|endoftext|>, </s> or the like; GPT2Config puts 50256 there for a model of a hundred tokens, too.
///
/// Trusts nothing that the files say. Throws Error with one line that names the file, what is wrong and what to do.
Tokenizer load_tokenizer(const std::filesystem::path& folder, std::optional<TokenId> eos = {});

/// The content of a tokenizer.json that load_tokenizer() and the `tokenizers` library read.
std::string tokenizer_json(const Tokenizer& tokenizer);

}  // namespace nopeek
