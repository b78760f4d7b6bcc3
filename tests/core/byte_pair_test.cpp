#include "core/text/byte_pair.h"

#include <doctest/doctest.h>

#include <chrono>

#include "core/io/json.h"
#include "core/io/tokenizer_file.h"
#include "core/text/byte_alphabet.h"
#include "core/text/utf8.h"
#include "tests/core/support.h"

namespace nopeek::test::byte_pair_test {
namespace {

using Ids = std::vector<TokenId>;
using Strings = std::vector<std::string>;
constexpr auto kBytePair = TokenizerKind::kBytePair;

const nlohmann::json& golden() {
  static const auto file = parse_json(read_whole(test::source_folder() / "tests/golden/byte_pair.json"), "golden");
  return file;
}
const Tokenizer& golden_tokenizer() {
  static const Tokenizer tokenizer = load_tokenizer(test::source_folder() / "tests/golden/byte_pair");
  return tokenizer;
}

/// Tokens a, b, c, d and the space, and merges of them.
Tokenizer by_hand(std::vector<std::string> longer, std::vector<Merge> merges) {
  Tokenizer::Parts parts{kBytePair, {"a", "b", "c", "d", " "}, std::move(merges), {}, {}, {}};
  parts.tokens.insert(parts.tokens.end(), longer.begin(), longer.end());
  return Tokenizer(parts);
}

TEST_CASE("merges by rank, each from left to right, worked by hand") {
  //                                     5     6      7        8          (a b) (b c) (ab c) (ab ab)
  const Tokenizer tokenizer = by_hand({"ab", "bc", "abc", "abab"}, {{0, 1}, {1, 2}, {5, 2}, {5, 5}});
  CHECK(tokenizer.encode("abc") == Ids{7});          // ab first, then abc; bc never gets its turn
  CHECK(tokenizer.encode("bcb") == Ids{6, 1});       // bc b
  CHECK(tokenizer.encode("ababab") == Ids{8, 5});    // ab ab ab, then the left two
  CHECK(tokenizer.encode("ababc") == Ids{5, 7});     // abc outranks abab
  CHECK(tokenizer.encode("ab ab") == Ids{5, 4, 5});  // no merge reaches over the pieces "ab" and " ab"
  CHECK(tokenizer.encode("cabd") == Ids{2, 5, 3});
  const Tokenizer twins = by_hand({"aa", "aaa"}, {{0, 0}, {5, 0}});
  CHECK(twins.encode("aaaa") == Ids{5, 5});
  CHECK(twins.encode("aaa") == Ids{6});
  CHECK(twins.encode("aaaaa") == Ids{5, 6});
}

TEST_CASE("a merge that becomes possible late goes first all the same, if its rank is lower") {
  const Tokenizer tokenizer = by_hand({"ab", "abc", "cd"}, {{5, 2}, {0, 1}, {2, 3}});  // abc 0, ab 1, cd 2
  CHECK(tokenizer.encode("abcd") == Ids{6, 3});
}

TEST_CASE(
    "a merge whose left part has become another token no longer applies, though its right part stands there again") {
  const Tokenizer tokenizer = by_hand({"bc", "abc", "ab"}, {{1, 2}, {0, 5}, {0, 1}});
  CHECK(tokenizer.encode("abcb") == Ids{6, 1});
}

TEST_CASE("bytes that the vocabulary lacks are left out, or are unknown, and shown as lacking") {
  const Tokenizer without = by_hand({"ab"}, {{0, 1}});
  CHECK(without.encode("axb") == Ids{5});  // as in the library: a and b have become neighbours
  CHECK(without.encode("é").empty());
  const auto pieces = without.pieces("xab");
  REQUIRE(pieces.size() == 2);
  CHECK((pieces[0].lacking && !pieces[0].id && pieces[0].begin == 0 && pieces[0].end == 1));
  CHECK((!pieces[1].lacking && pieces[1].id == 5 && pieces[1].begin == 1 && pieces[1].end == 3));
  const Tokenizer with(Tokenizer::Parts{kBytePair, {"?", "a"}, {}, {}, 0, {}});
  CHECK(with.encode("aé") == Ids{1, 0, 0});
  CHECK(with.pieces("x")[0].lacking);
}

TEST_CASE("golden: pieces and ids are those of an independent implementation") {
  for (const auto& test : golden().at("cases")) {
    const std::string text = test.at("text");
    CAPTURE(text);
    Strings pieces;
    SpecialTokens special;
    special.add("<|endoftext|>", {0});
    const auto on_rest = [&](std::string_view rest) {
      for (std::string_view piece; !(piece = take_piece(rest, kBytePair)).empty();) pieces.emplace_back(piece);
    };
    special.cut(text, on_rest, [&](std::string_view piece, TokenId) { pieces.emplace_back(piece); });
    CHECK(pieces == test.at("pieces").get<Strings>());
    const Ids ids = golden_tokenizer().encode(text);
    CHECK(ids == test.at("ids").get<Ids>());
    CHECK(golden_tokenizer().decode(ids) == text);
  }
}

TEST_CASE("golden: training learns the merges of an independent implementation") {
  const Tokenizer tokenizer = Tokenizer::train(golden().at("training").get<std::string>(), kBytePair);
  CHECK(tokenizer.parts().merges == golden().at("merges").get<std::vector<Merge>>());
  CHECK(tokenizer.vocab_size() == golden().at("tokens").get<int>());
  for (TokenId id = 1; id < tokenizer.vocab_size(); ++id) {
    REQUIRE(tokenizer.token(id) == golden_tokenizer().token(id));
  }
}

/// Text of code points of one, two, three and four bytes, spaces and line ends among them.
std::string random_text(Rng& rng) {
  std::string text;
  for (uint64_t left = rng.below(40); left > 0; --left) {
    const uint64_t kind = rng.below(8);
    const auto tail = [&](uint64_t count) {
      while (count-- > 0) text += static_cast<char>(0x80 + rng.below(0x40));
    };
    if (kind < 4) text += static_cast<char>(rng.below(0x80));
    if (kind == 4) text += " \n'"[rng.below(3)];
    if (kind == 5) text += static_cast<char>(0xC2 + rng.below(0x1E)), tail(1);
    if (kind == 6) text += static_cast<char>(0xE1 + rng.below(0x0C)), tail(2);
    if (kind == 7) text += static_cast<char>(0xF1 + rng.below(3)), tail(3);
  }
  return text;
}

TEST_CASE("law: decode(encode(text)) is the text, and the tokens' ranges tile it") {
  Rng rng(7);
  for (int repeat = 0; repeat < 2000; ++repeat) {
    const std::string text = random_text(rng);
    REQUIRE_FALSE(utf8::first_invalid_byte(text));
    const Ids ids = golden_tokenizer().encode(text);
    REQUIRE(golden_tokenizer().decode(ids) == text);
    const auto pieces = golden_tokenizer().pieces(text);
    REQUIRE(pieces.size() == ids.size());
    size_t at = 0;
    for (size_t i = 0; i < ids.size(); at = pieces[i++].end) {
      REQUIRE((pieces[i].begin == at && pieces[i].id == ids[i] && !pieces[i].lacking));
      REQUIRE(text.substr(at, pieces[i].end - at) == golden_tokenizer().token(ids[i]));
    }
    REQUIRE(at == text.size());
  }
}

TEST_CASE("training: <eos>, the bytes, and then a token a merge; deterministic; within the largest vocabulary") {
  std::string text;
  Rng rng(3);
  for (int i = 0; i < 60'000; ++i) text += std::string(1, static_cast<char>('a' + rng.below(26))) + (i % 5 ? "" : " ");
  const Tokenizer tokenizer = Tokenizer::train(text + "<eos>", kBytePair);
  CHECK(tokenizer.vocab_size() == Tokenizer::kMaxVocabulary);
  CHECK(tokenizer.eos() == Tokenizer::kEos);
  CHECK_FALSE(tokenizer.unknown());
  for (int byte = 0; byte < 256; ++byte) REQUIRE(tokenizer.token(1 + byte) == std::string(1, static_cast<char>(byte)));
  CHECK(tokenizer.encode("ab<eos>").back() == Tokenizer::kEos);
  const Tokenizer again = Tokenizer::train(text + "<eos>", kBytePair);
  CHECK(again.parts().tokens == tokenizer.parts().tokens);
  CHECK(again.parts().merges == tokenizer.parts().merges);
}

TEST_CASE("training by hand: the most frequent pair, of equally frequent ones the lower, none that is there once") {
  const auto merges_of = [](std::string_view text) {
    Strings merged;
    const Tokenizer tokenizer = Tokenizer::train(text, kBytePair);
    for (TokenId id = 257; id < tokenizer.vocab_size(); ++id) merged.push_back(tokenizer.token(id));
    return merged;
  };
  CHECK(merges_of("abcd").empty());
  CHECK(merges_of("xy\nxy\nab\nab\nab") == Strings{"ab", "xy"});
  CHECK(merges_of("xy\nxy\nab\nab") == Strings{"ab", "xy"});
  CHECK(merges_of("aaaa") == Strings{"aa"});  // (a a) thrice, then (aa aa) once
  CHECK(merges_of("").empty());
  CHECK(merges_of("<eos><eos><eos>").empty());  // no text to merge
}

TEST_CASE("law: training makes no token twice, also where letters repeat in runs") {
  Rng rng(17);
  for (int repeat = 0; repeat < 400; ++repeat) {
    std::vector<std::string> texts;
    const uint64_t letters = 1 + rng.below(3);
    for (uint64_t count = 1 + rng.below(6); count > 0; --count) {
      std::string& text = texts.emplace_back();
      for (uint64_t size = rng.below(30); size > 0; --size) text += static_cast<char>('a' + rng.below(letters));
    }
    std::vector<CountedPiece> pieces;
    for (const std::string& text : texts) pieces.push_back({text, 1 + rng.below(4)});
    auto tokens = train_byte_pair(pieces, {}, 400, nullptr, 0, 1).tokens;
    std::sort(tokens.begin(), tokens.end());
    REQUIRE(std::adjacent_find(tokens.begin(), tokens.end()) == tokens.end());
  }
}

TEST_CASE("decode gives valid UTF-8 of any ids, one U+FFFD for each broken sequence") {
  const Tokenizer tokenizer = Tokenizer::train("", kBytePair);
  const auto of_bytes = [&](std::string_view bytes) {
    Ids ids;
    for (const char byte : bytes) ids.push_back(1 + static_cast<unsigned char>(byte));
    return tokenizer.decode(ids);
  };
  CHECK(of_bytes("\xF0\x9F\x99\x82") == "🙂");
  CHECK(of_bytes("a\xF0\x9F\x99") == "a\uFFFD");
  CHECK(of_bytes("\xE2\x82z") == "\uFFFDz");
  CHECK(of_bytes("\x80\x80") == "\uFFFD\uFFFD");
  CHECK(of_bytes("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");  // a surrogate: no prefix of it is well formed
  Rng rng(5);
  for (int repeat = 0; repeat < 500; ++repeat) {
    REQUIRE_FALSE(
        utf8::first_invalid_byte(golden_tokenizer().decode(random_tokens(20, golden_tokenizer().vocab_size(), rng))));
  }
}

TEST_CASE("labels are visible, valid UTF-8 and all different") {
  const Tokenizer& tokenizer = golden_tokenizer();
  const auto label = [&](std::string_view token) { return tokenizer.label(tokenizer.id(token)); };
  CHECK(label(" the") == "\u2423the");
  CHECK(label("\n") == "\u21B5");
  CHECK(label("\xE2") == "<E2>");
  CHECK(label(std::string_view("\0", 1)) == "<U+0000>");
  CHECK(label("\x7F") == "<U+007F>");
  CHECK(tokenizer.label(0) == "<|endoftext|>");
  Strings labels;
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    labels.push_back(tokenizer.label(id));
    REQUIRE_FALSE(utf8::first_invalid_byte(labels.back()));
    REQUIRE(labels.back().find_first_of(" \n\t") == std::string::npos);
    REQUIRE_FALSE(labels.back().empty());
  }
  std::sort(labels.begin(), labels.end());
  CHECK(std::adjacent_find(labels.begin(), labels.end()) == labels.end());
}

TEST_CASE("parts that do not make a tokenizer are refused, each with its reason") {
  const auto refusal = [](Tokenizer::Parts parts) { return error_of([&] { Tokenizer tokenizer(std::move(parts)); }); };
  const auto byte_pair = [&](std::vector<Merge> merges) {
    return refusal({kBytePair, {"a", "b", "ab"}, std::move(merges), {}, {}, {}});
  };
  const auto word = TokenizerKind::kWord;
  CHECK(contains(refusal({word, {}, {}, {}, {}, {}}), "empty"));
  CHECK(contains(refusal({word, Strings(65537), {}, {}, {}, {}}), "65537 tokens"));
  CHECK(contains(refusal({word, {"a", "b", "a"}, {}, {}, {}, {}}), "\"a\" twice: token 0 and token 2"));
  CHECK(contains(refusal({word, {"a"}, {}, 1, {}, {}}), "no token 1"));
  CHECK(contains(refusal({word, {"a"}, {}, {}, -1, {}}), "no token -1"));
  CHECK(contains(refusal({word, {"a"}, {}, {}, {}, {{.id = 7}}}), "no token 7"));
  CHECK(contains(refusal({word, {"a", ""}, {}, {}, {}, {{.id = 1}}}), "token 1 is empty"));
  CHECK(contains(refusal({word, {"a", "b"}, {}, {}, {}, {{.id = 1}, {.id = 1}}}), "twice"));
  CHECK(contains(refusal({word, {"a", "\xFF"}, {}, {}, {}, {}}), "token 1 is not UTF-8"));
  CHECK(contains(refusal({kBytePair, {"a", "\xFF"}, {}, {}, {}, {{.id = 1}}}), "token 1 is not UTF-8"));
  CHECK(contains(refusal({word, {"a", "b", "ab"}, {{0, 1}}, {}, {}, {}}), "merges"));
  CHECK(byte_pair({{0, 1}}).empty());
  CHECK(contains(byte_pair({{1, 0}}), "Merge 1 makes a token that is not in the vocabulary"));
  CHECK(contains(byte_pair({{0, 1}, {0, 3}}), "Merge 2 is of a token that does not exist"));
  CHECK(contains(byte_pair({{-1, 1}}), "Merge 1 is of a token that does not exist"));
}

TEST_CASE("of special tokens the longest counts, and the first in the text") {
  const Tokenizer tokenizer(Tokenizer::Parts{kBytePair, {"a", "<", "x", "<x", "<xx", "x<"}, {}, {}, {}, {{3}, {4}}});
  CHECK(tokenizer.encode("a<xx<x") == Ids{0, 4, 3});
  CHECK(tokenizer.encode("<<x") == Ids{1, 3});
  CHECK(tokenizer.encode("x<x") == Ids{2, 3});
  CHECK_FALSE(tokenizer.find("nothing"));
  CHECK(tokenizer.find("<xx") == 4);
}

/// 500 tokens a..a! of all sizes, which share their beginnings.
SpecialTokens tokens_of_many_sizes() {
  SpecialTokens special;
  for (size_t size = 1; size <= 500; ++size) REQUIRE(special.add(std::string(size, 'a') + "!", {1}));
  return special;
}

TEST_CASE("a search for special tokens looks at each byte no more often than the longest token has bytes") {
  const SpecialTokens special = tokens_of_many_sizes();
  const std::string text(20'000, 'a');
  const auto found = special.find(text, 0);
  CHECK(found.size == 0);
  CHECK(found.begin == text.size());
  CHECK(found.looked <= text.size() * 501);
  const auto at_once = special.find("bbb" + std::string(700, 'a') + "!", 0);
  CHECK(at_once.begin == 3 + 200);
  CHECK(at_once.size == 501);
  SpecialTokens one;
  one.add("<eos>", {0});
  CHECK(one.find(text, 0).looked <= text.size());  // a byte that no token begins with is passed at once
}

TEST_CASE("a search for special tokens ends with Cancelled, and so does the merging of one long piece") {
  Progress progress;
  progress.cancelled = true;
  const std::string text(100, 'a');
  CHECK_THROWS_AS(tokens_of_many_sizes().find(text, 0, &progress), Cancelled);
  const Tokenizer tokenizer = by_hand({"aa"}, {{0, 0}});
  CHECK_THROWS_AS(tokenizer.encode(text, &progress), Cancelled);
  CHECK_THROWS_AS(tokenizer.pieces(text, &progress), Cancelled);
}

TEST_CASE("a special token of more bytes than a search may look at in one place is refused") {
  const auto error = [](size_t size) {
    return error_of([&] { Tokenizer(Tokenizer::Parts{kBytePair, {"a", std::string(size, 'x')}, {}, {}, {}, {{1}}}); });
  };
  CHECK(error(1024).empty());
  CHECK(contains(error(1025), "The special token 1 has 1025 bytes; NoPeek takes 1024 at most."));
}

TEST_CASE("the byte alphabet is GPT-2's, there and back") {
  CHECK(spell_bytes(" the\n") == "\u0120the\u010A");
  CHECK(spell_bytes("é") == "Ã©");
  CHECK(spell_bytes(std::string_view("\0\x7F\x80\xA0\xAD\xFF", 6)) == "\u0100\u0121\u0122\u0142\u0143ÿ");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK(unspell_bytes(spell_bytes(all)) == all);
  for (const char* foreign : {" ", "\n", "東", "\u0144", "\u00AD", "a b"}) CHECK_FALSE(unspell_bytes(foreign));
}

TEST_CASE("a text that is one long piece takes no time that grows with its square") {
  std::string letters;
  Rng rng(11);
  for (int i = 0; i < 200'000; ++i) letters += static_cast<char>('a' + rng.below(3));
  const auto begin = std::chrono::steady_clock::now();
  const Tokenizer tokenizer = Tokenizer::train(letters, kBytePair);
  CHECK(tokenizer.decode(tokenizer.encode(letters)) == letters);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));  // a square would take many minutes
}

TEST_CASE("training ends with Cancelled when that is asked for, while it merges") {
  Progress progress;
  progress.cancelled = true;
  CHECK_THROWS_AS(Tokenizer::train("the the", kBytePair, &progress), Cancelled);
}

TEST_CASE("a corpus of byte pairs is the text again, in documents") {
  const Corpus corpus = make_corpus("t", "naïve 🙂 text\n\nthe   end", kBytePair);
  Ids ids(corpus.train.begin(), corpus.train.end());
  ids.insert(ids.end(), corpus.validation.begin(), corpus.validation.end());
  CHECK(corpus.tokenizer.decode(ids) == "naïve 🙂 text<eos>the   end<eos>");
  CHECK(corpus.probe(6).size() == 6);
}

}  // namespace
}  // namespace nopeek::test::byte_pair_test
