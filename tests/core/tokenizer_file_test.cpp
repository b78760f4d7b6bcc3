#include "core/io/tokenizer_file.h"

#include <doctest/doctest.h>

#include <functional>

#ifdef __linux__
#include <sys/stat.h>
#endif

#include "core/base/error.h"
#include "core/base/rng.h"
#include "core/io/json.h"
#include "tests/core/support.h"

namespace nopeek::test::tokenizer_file_test {
namespace {

using nlohmann::json;
using Ids = std::vector<TokenId>;

/// What loading a folder with these files gives.
class Folder {
 public:
  Folder& with(const char* name, std::string_view content) {
    write_plain(folder_ / name, content);
    return *this;
  }
  Tokenizer load(std::optional<TokenId> eos = {}) const { return load_tokenizer(folder_.path(), eos); }
  std::string error() const {
    return error_of([&] { load(); });
  }

 private:
  TemporaryFolder folder_;
};

Tokenizer loaded(const json& file, std::optional<TokenId> eos = {}) {
  return Folder().with("tokenizer.json", file.dump()).load(eos);
}
Tokenizer reloaded(const Tokenizer& tokenizer) {
  return Folder().with("tokenizer.json", tokenizer_json(tokenizer)).load();
}

json byte_level() {
  return json_of(R"({
    "added_tokens": [{"id": 4, "content": "<|endoftext|>", "special": true}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true},
    "model": {"vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3, "<|endoftext|>": 4}, "merges": ["a b"]}})");
}
json word_level() {
  return json_of(R"({
    "added_tokens": [{"id": 0, "content": "<eos>"}],
    "pre_tokenizer": {"type": "Whitespace"},
    "model": {"type": "WordLevel", "vocab": {"<eos>": 0, "<unk>": 1, "cat": 2}, "unk_token": "<unk>"}})");
}

constexpr const char* kText =
    "The naïve  cat's 東京 test_1,\n\n\tit's 42; <eos> 🙂 <unk> x\u00A0y the the THE zebra";

TEST_CASE("what was saved is loaded with identical encodings, for words, characters and byte pairs") {
  const std::string learned =
      "the cat the dog it's a test, naïve 東京 the the \t\n\"quoted\" back\\slash \u0001 🙂";
  for (const auto kind : {TokenizerKind::kWord, TokenizerKind::kCharacter, TokenizerKind::kBytePair}) {
    CAPTURE(static_cast<int>(kind));
    const Tokenizer saved = Tokenizer::train(learned, kind), tokenizer = reloaded(saved);
    CHECK(tokenizer.parts().tokens == saved.parts().tokens);
    CHECK(tokenizer.parts().merges == saved.parts().merges);
    CHECK(tokenizer.parts().special == saved.parts().special);
    CHECK(tokenizer.kind() == kind);
    CHECK(tokenizer.eos() == saved.eos());
    CHECK(tokenizer.unknown() == saved.unknown());
    CHECK(tokenizer.encode(kText) == saved.encode(kText));
    CHECK(tokenizer_json(tokenizer) == tokenizer_json(saved));
  }
}

TEST_CASE("a tokenizer without unknown token stays one") {
  const Tokenizer saved(Tokenizer::Parts{TokenizerKind::kWord, {"a", "<unk>"}, {}, {}, {}, {}});
  const Tokenizer tokenizer = reloaded(saved);
  CHECK_FALSE(tokenizer.unknown());
  CHECK_FALSE(tokenizer.eos());
  CHECK(tokenizer.encode("a zebra a") == Ids{0, 0});
  const auto pieces = tokenizer.pieces("a zebra");
  CHECK((pieces.size() == 2 && pieces[1].lacking && !pieces[1].id));
}

TEST_CASE("the file that is written has the form of the tokenizers library") {
  const json word = json_of(tokenizer_json(Tokenizer::train("a", TokenizerKind::kWord)));
  CHECK(word == json_of(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [{"id": 0, "content": "<eos>", "single_word": false, "lstrip": false, "rstrip": false,
                      "normalized": false, "special": true},
                     {"id": 1, "content": "<unk>", "single_word": false, "lstrip": false, "rstrip": false,
                      "normalized": false, "special": true}],
    "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
    "model": {"type": "WordLevel", "vocab": {"<eos>": 0, "<unk>": 1, "a": 2}, "unk_token": "<unk>"}})"));
  const json character = json_of(tokenizer_json(Tokenizer::train("a", TokenizerKind::kCharacter)));
  CHECK(character["pre_tokenizer"] ==
        json_of(R"({"type": "Split", "pattern": {"Regex": "[\\s\\S]"}, "behavior": "Isolated", "invert": false})"));
  CHECK(character["decoder"] == json_of(R"({"type": "Fuse"})"));
  const json bytes = json_of(tokenizer_json(Tokenizer::train(" a a", TokenizerKind::kBytePair)));
  CHECK(bytes["model"]["vocab"]["Ġa"] == 257);
  CHECK(bytes["model"]["merges"] == json_of(R"(["Ġ a"])"));
  CHECK(bytes["model"]["unk_token"].is_null());
  CHECK(bytes["pre_tokenizer"] == bytes["decoder"]);
}

TEST_CASE("published GPT-2's older form is read, and merges as strings and as pairs are the same") {
  const Tokenizer old = loaded(byte_level());
  CHECK(old.kind() == TokenizerKind::kBytePair);
  CHECK(old.encode("ab a<|endoftext|>") == Ids{2, 3, 0, 4});
  CHECK(old.eos() == 4);
  json file = byte_level();
  file["model"]["merges"] = json_of(R"([["a", "b"]])");
  file["model"]["type"] = "BPE";
  CHECK(loaded(file).parts().merges == old.parts().merges);
}

TEST_CASE("added tokens beyond the vocabulary, special or not, are cut out of the text") {
  json file = byte_level();
  file["added_tokens"].push_back({{"id", 5}, {"content", "a  b"}, {"special", false}});
  const Tokenizer tokenizer = loaded(file);
  CHECK(tokenizer.vocab_size() == 6);
  CHECK(tokenizer.encode("aa  bb") == Ids{0, 5, 1});
  CHECK(tokenizer.decode(Ids{5}) == "a  b");
  CHECK(reloaded(tokenizer).encode("aa  bb") == Ids{0, 5, 1});
}

TEST_CASE("vocab.json and merges.txt are read where there is no tokenizer.json") {
  Folder folder;
  folder.with("vocab.json", R"({"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4, "<|endoftext|>": 5})");
  folder.with("merges.txt", "#version: 0.2\r\na b\r\nĠ ab\r\n");
  const Tokenizer tokenizer = folder.load();
  CHECK(tokenizer.encode("ab ab<|endoftext|>b") == Ids{2, 4, 5, 1});
  CHECK(tokenizer.eos() == 5);
  folder.with("tokenizer.json", word_level().dump());
  CHECK(folder.load().kind() == TokenizerKind::kWord);
}

TEST_CASE("the token that ends a text: as config.json says, if it exists, else by its name") {
  CHECK(loaded(byte_level(), 1).eos() == 1);
  CHECK(loaded(byte_level(), 50256).eos() == 4);
  CHECK(loaded(byte_level(), -1).eos() == 4);
  json file = byte_level();
  file["added_tokens"] = json::array();
  CHECK_FALSE(loaded(file).eos());  // an ordinary token of that spelling is none
  for (const char* name : {"</s>", "[EOS]", "<eos>"}) {
    json named = word_level();
    named["added_tokens"] = json::array({{{"id", 3}, {"content", "<pad>"}}, {{"id", 4}, {"content", name}}});
    named["model"]["vocab"] = {{"a", 0}, {"b", 1}, {"c", 2}};
    CHECK(loaded(named).eos() == 4);
  }
}

TEST_CASE("characters are read in both usual forms") {
  json file = word_level();
  file["pre_tokenizer"] = json_of(R"({"type": "Split", "pattern": {"Regex": "[\\s\\S]"}, "behavior": "Isolated"})");
  file["model"]["vocab"] = {{"<eos>", 0}, {"<unk>", 1}, {"a", 2}, {"\n", 3}};
  CHECK(loaded(file).encode("a\né<eos>") == Ids{2, 3, 1, 0});
  json bpe = file;
  bpe["pre_tokenizer"] = nullptr;
  bpe["model"]["type"] = "BPE";
  bpe["model"]["merges"] = json::array();
  CHECK(loaded(bpe).kind() == TokenizerKind::kCharacter);
  CHECK(loaded(bpe).encode("a\né<eos>") == Ids{2, 3, 1, 0});
  bpe["model"]["unk_token"] = nullptr;
  CHECK(loaded(bpe).encode("a\né<eos>") == Ids{2, 3, 0});
}

/// The error that a change of a good file brings.
std::string refusal(json file, const std::function<void(json&)>& change) {
  change(file);
  return Folder().with("tokenizer.json", file.dump()).error();
}
void check_refused(const std::string& error, const std::string& reason) {
  CAPTURE(error);
  CHECK(contains(error, reason));
  CHECK(contains(error, "/tokenizer.json\""));
  CHECK(error.find('\n') == std::string::npos);
  CHECK(error.size() < 500);
  CHECK(error.ends_with('.'));
}

TEST_CASE("what would give other tokens than the model was trained with is refused by its name") {
  using Change = std::function<void(json&)>;
  const auto set = [](const char* path, const char* value) -> Change {
    return [=](json& file) { file[json::json_pointer(path)] = json_of(value); };
  };
  const std::pair<Change, const char*> bytes[] = {
      {set("/normalizer", R"({"type": "Lowercase"})"), "the normalizer \"Lowercase\""},
      {set("/normalizer", R"({"type": "Sequence", "normalizers": [{"type": "NFC"}]})"), "the normalizer \"Sequence\""},
      {set("/pre_tokenizer/add_prefix_space", "true"), "add_prefix_space"},
      {set("/pre_tokenizer", R"({"type": "ByteLevel"})"), "add_prefix_space"},
      {set("/pre_tokenizer/use_regex", "false"), "without its regex"},
      {set("/pre_tokenizer", R"({"type": "Metaspace"})"), "\"Metaspace\""},
      {set("/pre_tokenizer", "null"), "after the pre-tokenizer \"none\""},
      {set("/pre_tokenizer", R"({"type": "Whitespace"})"), "a BPE model after the pre-tokenizer \"Whitespace\""},
      {set("/model/type", "\"Unigram\""), "a model of the type \"Unigram\""},
      {set("/model/type", "\"WordPiece\""), "\"WordPiece\""},
      {set("/model/type", "\"WordLevel\""), "a WordLevel model after the pre-tokenizer \"ByteLevel\""},
      {set("/model/dropout", "0.1"), "dropout"},
      {set("/model/continuing_subword_prefix", "\"##\""), "continuing_subword_prefix"},
      {set("/model/end_of_word_suffix", "\"</w>\""), "end_of_word_suffix"},
      {set("/model/byte_fallback", "true"), "byte_fallback"},
  };
  for (const auto& [change, reason] : bytes) check_refused(refusal(byte_level(), change), reason);
  check_refused(refusal(word_level(), set("/pre_tokenizer", R"({"type": "WhitespaceSplit"})")), "\"WhitespaceSplit\"");
  check_refused(refusal(word_level(), set("/pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "."}})")),
                "\"Split\"");
  check_refused(refusal(byte_level(), [](json& f) { f["model"]["unk_token"] = "a", f["model"]["fuse_unk"] = true; }),
                "fuse_unk");
  CHECK(refusal(byte_level(), set("/normalizer", R"({"type": "Sequence", "normalizers": []})")).empty());
  CHECK(refusal(byte_level(), set("/post_processor", R"({"type": "TemplateProcessing"})")).empty());
}

TEST_CASE("hostile and damaged tokenizer.json: an error with its reason and nothing else") {
  using Change = std::function<void(json&)>;
  const auto set = [](const char* path, const char* value) -> Change {
    return [=](json& file) { file[json::json_pointer(path)] = json_of(value); };
  };
  const std::pair<Change, const char*> cases[] = {
      {set("/model", "3"), "no model"},
      {set("/model/type", "3"), "has no type"},
      {set("/model/vocab", "[[\"a\", 1]]"), "no vocabulary"},
      {set("/model/vocab", "null"), "no vocabulary"},
      {set("/model/vocab/a", "-1"), "\"a\" is not a whole number"},
      {set("/model/vocab/a", "0.0"), "not a whole number"},
      {set("/model/vocab/a", "\"0\""), "not a whole number"},
      {set("/model/vocab/a", "null"), "not a whole number"},
      {set("/model/vocab/a", "9"), "without a gap"},
      {set("/model/vocab/a", "18446744073709551615"), "without a gap"},
      {set("/model/vocab/a", "1"), "have the same id, 1"},
      {set("/model/merges", "null"), "no list of merges"},
      {set("/model/merges", "{}"), "no list of merges"},
      {set("/model/merges", "[3]"), "Merge 1 is not a pair"},
      {set("/model/merges", "[[\"a\"]]"), "Merge 1 is not a pair"},
      {set("/model/merges", "[[\"a\", 3]]"), "Merge 1 is not a pair"},
      {set("/model/merges", "[\"a b\", \"ab\"]"), "Merge 2 is not two tokens"},
      {set("/model/merges", "[\"a b c\"]"), "Merge 1 is not two tokens"},
      {set("/model/merges", "[\"\"]"), "Merge 1 is not two tokens"},
      {set("/model/merges", "[\"a z\"]"), "not in the vocabulary"},
      {set("/model/merges", "[[\"a\", \"z\"]]"), "not in the vocabulary"},
      {set("/model/merges", "[\"b a\"]"), "Merge 1 makes a token that is not in the vocabulary"},
      {set("/added_tokens", "{}"), "not a list"},
      {set("/added_tokens", "[3]"), "no content"},
      {set("/added_tokens/0/content", "3"), "no content"},
      {set("/added_tokens/0/content", "\"\""), "is empty"},
      {set("/added_tokens/0/id", "3"), "two ids"},
      {set("/added_tokens/0/id", "-4"), "two ids"},
      {set("/added_tokens/0/lstrip", "\"no\""), "neither true nor false"},
      {set("/added_tokens", R"([{"id": 5, "content": "x"}, {"id": 5, "content": "x"}])"), "\"x\" is there twice"},
      {set("/added_tokens", R"([{"id": 5, "content": "x"}, {"id": 6, "content": "x"}])"), "\"x\" has two ids"},
      {set("/added_tokens", R"([{"id": 5, "content": "x"}, {"id": 5, "content": "y"}])"), "have the same id, 5"},
      {set("/added_tokens", R"([{"id": 5, "content": ""}])"), "is empty"},
      {set("/normalizer", "3"), "has no type"},
      {set("/pre_tokenizer", "\"ByteLevel\""), "has no type"},
  };
  for (const auto& [change, reason] : cases) check_refused(refusal(byte_level(), change), reason);
  const auto text_error = [](std::string_view text) { return Folder().with("tokenizer.json", text).error(); };
  check_refused(text_error(""), "not valid JSON");
  check_refused(text_error("{\"model\": {\"vocab\""), "not valid JSON");
  check_refused(text_error("{\"model\": \"\xFF\"}"), "not valid JSON");
  check_refused(text_error("[]"), "no model");
  check_refused(text_error("null"), "no model");
  check_refused(text_error(std::string(100'000, '[')), "nested");
  check_refused(text_error(R"({"model": {"vocab": {"a": 0, "a": 1}, "merges": []}})"), "twice");
  check_refused(text_error(std::string((16 << 20) + 1, ' ')), "larger than the 16 MB");
}

TEST_CASE("whatever byte is changed, cut or doubled: a tokenizer, or an Error of one line") {
  Rng rng(13);
  int refused = 0;
  for (int repeat = 0; repeat < 1500; ++repeat) {
    std::string text = (repeat % 3 == 0 ? word_level() : byte_level()).dump();
    const size_t at = rng.below(text.size()), size = 1 + rng.below(8);
    if (repeat % 4 == 0) text.erase(at, size);
    if (repeat % 4 == 1) text.insert(at, text.substr(rng.below(text.size()), size));
    if (repeat % 4 == 2) text[at] = static_cast<char>(rng.below(256));
    if (repeat % 4 == 3) text.replace(at, 1, std::string(1, "0123456789-,:\"[]{}"[rng.below(18)]));
    CAPTURE(text);
    try {
      const Tokenizer tokenizer = Folder().with("tokenizer.json", text).load();
      REQUIRE(reloaded(tokenizer).encode(kText) == tokenizer.encode(kText));
    } catch (const Error& error) {
      ++refused;
      REQUIRE(std::string(error.what()).find('\n') == std::string::npos);
    }
  }
  CHECK(refused > 700);
}

TEST_CASE("a vocabulary of more tokens than a corpus can hold is refused, and a long token does not fill the message") {
  json file = word_level();
  for (int i = 3; i < 65537; ++i) file["model"]["vocab"]["w" + std::to_string(i)] = i;
  check_refused(refusal(file, [](json&) {}), "65537 tokens");
  const std::string name(100'000, 'x');
  check_refused(refusal(byte_level(), [&](json& f) { f["model"]["vocab"][name] = -1; }), "xxx...\" is not");
  check_refused(refusal(byte_level(), [&](json& f) { f["pre_tokenizer"]["type"] = name + "\n"; }), "xxx...\"");
}

TEST_CASE("hostile vocab.json, merges.txt and folders") {
  const auto error = [](std::string_view vocab, std::string_view merges) {
    return Folder().with("vocab.json", vocab).with("merges.txt", merges).error();
  };
  constexpr const char* kVocab = R"({"a": 0, "b": 1, "ab": 2})";
  CHECK(error(kVocab, "a b").empty());
  CHECK(error(kVocab, "").empty());
  CHECK(contains(error(kVocab, "a b\nab"), "merges.txt\": Merge 2 is not two tokens"));
  CHECK(contains(error(kVocab, "a  b"), "Merge 1 is not two tokens"));
  CHECK(contains(error(kVocab, "a z"), "not in the vocabulary"));
  CHECK(contains(error(kVocab, "a \xFF"), "merges.txt\": Byte 2 is not UTF-8"));
  CHECK(contains(error(kVocab, std::string((16 << 20) + 1, ' ')), "merges.txt\" is larger than the 16 MB"));
  CHECK(contains(error("[]", "a b"), "vocab.json\": It has no vocabulary"));
  CHECK(contains(error("{}", ""), "empty"));
  CHECK(contains(error(R"({"a": 1})", ""), "vocab.json\": The token \"a\" has the id 1"));
  CHECK(contains(Folder().with("vocab.json", kVocab).error(), "There is no file"));
  CHECK(contains(Folder().error(), "neither tokenizer.json nor vocab.json"));
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "tokenizer.json");
  CHECK(contains(error_of([&] { load_tokenizer(folder.path()); }), "is a folder"));
  CHECK(contains(error_of([&] { load_tokenizer(folder / "absent"); }), "has no tokenizer"));
#ifdef __linux__
  std::filesystem::remove(folder / "tokenizer.json");
  REQUIRE(mkfifo((folder / "tokenizer.json").c_str(), 0600) == 0);  // would be waited for
  CHECK(contains(error_of([&] { load_tokenizer(folder.path()); }), "tokenizer.json\" is not a regular file"));
#endif
}

}  // namespace
}  // namespace nopeek::test::tokenizer_file_test
