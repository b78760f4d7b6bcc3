#include "core/text/tokenizer.h"

#include <doctest/doctest.h>

#include "tests/core/support.h"

namespace nopeek::test::tokenizer_test {
namespace {

std::vector<std::string> pieces(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string> result;
  for (const TokenId id : tokenizer.encode(text)) result.push_back(tokenizer.token(id));
  return result;
}
std::vector<std::string> words(std::string_view text) {
  return pieces(Tokenizer::train(text, TokenizerKind::kWord), text);
}
std::vector<std::string> characters(std::string_view text) {
  return pieces(Tokenizer::train(text, TokenizerKind::kCharacter), text);
}
using Strings = std::vector<std::string>;

TEST_CASE("words: runs of letters and digits, runs of signs, and no white space") {
  CHECK(words("The cat sat.") == Strings{"The", "cat", "sat", "."});
  CHECK(words("a  b\n\tc") == Strings{"a", "b", "c"});
  CHECK(words("x_1 + y=42;") == Strings{"x_1", "+", "y", "=", "42", ";"});
  CHECK(words("wait...what?!") == Strings{"wait", "...", "what", "?!"});
  CHECK(words("don't") == Strings{"don", "'", "t"});
  CHECK(words("naïve café—東京。नमस्ते।") == Strings{"naïve", "café", "—", "東京", "。", "नमस्ते", "।"});
  CHECK(words("   ") == Strings{});
  CHECK(words("Word word") == Strings{"Word", "word"});
}

TEST_CASE("characters: one token a code point, white space included") {
  CHECK(characters("añ 東\n") == Strings{"a", "ñ", " ", "東", "\n"});
  CHECK(characters("🙂!") == Strings{"🙂", "!"});
}

TEST_CASE("the text <eos> is the token itself, for words and characters, wherever it stands") {
  CHECK(words("a <eos> b") == Strings{"a", "<eos>", "b"});
  CHECK(words("end.<eos>next") == Strings{"end", ".", "<eos>", "next"});
  CHECK(words("x<eos><eos>") == Strings{"x", "<eos>", "<eos>"});
  CHECK(characters("a<eos>b") == Strings{"a", "<eos>", "b"});
  CHECK(words("<eo s>") == Strings{"<", "eo", "s", ">"});
  const Tokenizer tokenizer = Tokenizer::train("a b", TokenizerKind::kWord);
  CHECK(tokenizer.encode("a<eos>") == std::vector<TokenId>{tokenizer.id("a"), Tokenizer::kEos});
}

TEST_CASE("the vocabulary: special tokens, then falling frequency, ties by first appearance") {
  const Tokenizer tokenizer = Tokenizer::train("d c c b b b a <eos> e", TokenizerKind::kWord);
  Strings tokens;
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) tokens.push_back(tokenizer.token(id));
  CHECK(tokens == Strings{"<eos>", "<unk>", "b", "c", "d", "a", "e"});
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) CHECK(tokenizer.id(tokenizer.token(id)) == id);
}

TEST_CASE("what the vocabulary lacks becomes <unk>, one for one") {
  const Tokenizer tokenizer = Tokenizer::train("a b", TokenizerKind::kWord);
  CHECK(tokenizer.encode("a zebra b, b") == std::vector<TokenId>{tokenizer.id("a"), Tokenizer::kUnknown,
                                                                 tokenizer.id("b"), Tokenizer::kUnknown,
                                                                 tokenizer.id("b")});
  CHECK(tokenizer.id("zebra") == Tokenizer::kUnknown);
}

TEST_CASE("the text <unk> is the token itself, but of byte pairs, which have none") {
  CHECK(words("a <unk>b") == Strings{"a", "<unk>", "b"});
  CHECK(characters("a<unk>") == Strings{"a", "<unk>"});
  const Tokenizer bytes = Tokenizer::train("a<unk>", TokenizerKind::kBytePair);
  CHECK(bytes.encode("<unk>").size() == 5);
}

TEST_CASE("beyond the largest vocabulary the rarest words become <unk>") {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "w" + std::to_string(i) + " ";
  text += "often often";
  const Tokenizer tokenizer = Tokenizer::train(text, TokenizerKind::kWord);
  CHECK(tokenizer.vocab_size() == Tokenizer::kMaxVocabulary);
  CHECK(tokenizer.token(2) == "often");
  CHECK(tokenizer.id("w0") == 3);
  CHECK(tokenizer.id("w2044") == Tokenizer::kMaxVocabulary - 1);
  CHECK(tokenizer.id("w2045") == Tokenizer::kUnknown);
}

TEST_CASE("decode brings back the tokens' text: words with single spaces, characters exactly") {
  const std::string spaced = "the agent wrote the test . <eos> done";
  const Tokenizer word = Tokenizer::train(spaced, TokenizerKind::kWord);
  CHECK(word.decode(word.encode(spaced)) == spaced);
  CHECK(word.decode(word.encode("the  agent\nwrote")) == "the agent wrote");
  const std::string text = "Ein Ei,\n zwei Äpfel 🙂\t<eos>!";
  const Tokenizer character = Tokenizer::train(text, TokenizerKind::kCharacter);
  CHECK(character.decode(character.encode(text)) == text);
  CHECK(word.decode({}).empty());
}

TEST_CASE("encode of a decoded sequence gives the same ids") {
  const Tokenizer tokenizer = small_corpus()->tokenizer;
  const auto& train = small_corpus()->train;
  const std::vector<TokenId> ids(train.begin(), train.end());
  CHECK(tokenizer.encode(tokenizer.decode(ids)) == ids);
}

TEST_CASE("labels make white space visible") {
  const Tokenizer tokenizer = Tokenizer::train("a \n\t", TokenizerKind::kCharacter);
  CHECK(tokenizer.label(tokenizer.id("a")) == "a");
  for (const char* space : {" ", "\n", "\t"}) {
    const std::string label = tokenizer.label(tokenizer.id(space));
    CHECK(label != space);
    CHECK_FALSE(label.empty());
  }
}

TEST_CASE("count_words counts as the word tokenizer splits") {
  const auto counts = Tokenizer::count_words("a b, a <eos> c a");
  CHECK(counts.total == 7);
  CHECK(counts.distinct == 5);
}

TEST_CASE("training and encoding end with Cancelled when that is asked for") {
  std::string text;
  for (int i = 0; i < 70'000; ++i) text += "a ";
  Progress progress;
  progress.cancelled = true;
  CHECK_THROWS_AS(Tokenizer::train(text, TokenizerKind::kWord, &progress), Cancelled);
  const Tokenizer tokenizer = Tokenizer::train(text, TokenizerKind::kWord);
  CHECK_THROWS_AS(tokenizer.encode(text, &progress), Cancelled);
}

}  // namespace
}  // namespace nopeek::test::tokenizer_test
