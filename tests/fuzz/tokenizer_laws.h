#pragma once
// What holds of every tokenizer that opens, whatever its files say.
#include "core/io/tokenizer_file.h"
#include "core/text/utf8.h"
#include "tests/fuzz/fuzz.h"

namespace nopeek::fuzz {

inline bool same(const Tokenizer::Parts& a, const Tokenizer::Parts& b) {
  return a.kind == b.kind && a.tokens == b.tokens && a.merges == b.merges && a.eos == b.eos && a.unknown == b.unknown &&
         a.special == b.special;
}

inline void require_ids(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  for (const TokenId id : ids) require(id >= 0 && id < tokenizer.vocab_size(), "an id is one of the vocabulary's");
}

inline void require_labels(const Tokenizer& tokenizer) {
  for (const auto special : {tokenizer.eos(), tokenizer.unknown()}) {
    if (special) require_ids(tokenizer, {*special});
  }
  for (TokenId id = 0; id < std::min(tokenizer.vocab_size(), 1000); ++id) {
    require(is_printable(tokenizer.label(id)), "a label is printable");
    require(tokenizer.find(tokenizer.token(id)) == id, "a token is found by its text");
  }
}

/// encode() and pieces() tell the same. Pieces come by where they begin; they may overlap: bytes that the vocabulary
/// lacks lie within what is merged around them.
inline std::vector<TokenId> checked_encoding(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<TokenId> ids = tokenizer.encode(text), of_pieces;
  require_ids(tokenizer, ids);
  size_t begin = 0;
  for (const Tokenizer::Piece& piece : tokenizer.pieces(text)) {
    require(piece.begin >= begin && piece.end >= piece.begin && piece.end <= text.size(), "pieces come in order");
    begin = piece.begin;
    if (piece.id) of_pieces.push_back(*piece.id);
  }
  require(ids == of_pieces, "encode() and pieces() tell the same");
  require(is_utf8(tokenizer.decode(ids)), "decode() is UTF-8");
  return ids;
}

/// All laws, with `text` repaired and a fixed one; at the end the tokenizer is saved, opened again, and is the same.
inline void require_tokenizer_laws(const Tokenizer& tokenizer, std::string_view text) {
  require_labels(tokenizer);
  const std::string texts[] = {utf8::repaired(text),
                               "the agent's 12 caf\u00E9s\u00A0\u4E16\u754C <eos>  \n\t<|endoftext|>!?"};
  const auto again_at = folder() / "again";
  std::filesystem::create_directories(again_at);
  write_plain(again_at / "tokenizer.json", tokenizer_json(tokenizer));
  must("what opens is saved and opens again", [&] {
    const Tokenizer again = load_tokenizer(again_at, tokenizer.eos());
    require(same(tokenizer.parts(), again.parts()), "a tokenizer comes back as it was");
    for (const std::string& t : texts) require(checked_encoding(tokenizer, t) == again.encode(t), "ids come back");
  });
}

}  // namespace nopeek::fuzz
