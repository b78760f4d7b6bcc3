// Tokenizers as other people's folders have them. What is expected was computed by the `tokenizers` library, 0.23.2.
#include <doctest/doctest.h>

#include "core/base/error.h"
#include "core/io/json.h"
#include "core/io/tokenizer_file.h"
#include "tests/core/support.h"

namespace nopeek::test {
namespace {

using nlohmann::json;
using Ids = std::vector<TokenId>;

/// A folder of tokenizer files.
class TokenizerFolder {
 public:
  TokenizerFolder& with(const char* name, std::string_view content) {
    write_plain(folder_ / name, content);
    return *this;
  }
  TokenizerFolder& with_json(const char* name, const json& content) { return with(name, content.dump()); }
  Tokenizer load(std::optional<int> rows = {}, std::optional<TokenId> eos = {}) const {
    return load_tokenizer(folder_.path(), eos, rows);
  }
  std::string error() const {
    return error_of([&] { load(); });
  }

 private:
  TemporaryFolder folder_;
};

json byte_level_file() {
  return json_of(R"({
    "added_tokens": [], "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4, "c": 5, "bc": 6, "abc": 7, "<": 8,
              "m": 9, ">": 10}, "merges": ["a b", "Ġ ab", "b c"]}})");
}
json with_added(const json& tokens) {
  json file = byte_level_file();
  file["added_tokens"] = tokens;
  return file;
}
Tokenizer loaded_file(const json& file, std::optional<int> rows = {}) {
  return TokenizerFolder().with_json("tokenizer.json", file).load(rows);
}
std::string refusal_of(const json& file) { return TokenizerFolder().with_json("tokenizer.json", file).error(); }

/// GPT-2's two files: 6 tokens.
struct TwoFiles : TokenizerFolder {
  TwoFiles() {
    with("vocab.json", R"({"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4, "<|endoftext|>": 5})");
    with("merges.txt", "#version: 0.2\na b\nĠ ab\n");
  }
};

TEST_CASE("rows of a padded vocabulary are tokens without a text") {
  const Tokenizer tokenizer = loaded_file(with_added({{{"id", 11}, {"content", "<m>"}}}), 16);
  CHECK(tokenizer.vocab_size() == 16);
  CHECK(tokenizer.encode("ab<m>") == Ids{2, 11});
  CHECK(tokenizer.label(12) == "<row 12>");
  CHECK(tokenizer.decode(Ids{0, 12, 1, 15}) == "ab");
  CHECK_FALSE(tokenizer.find(""));
  const json again = json_of(tokenizer_json(tokenizer));
  CHECK(again["model"]["vocab"].size() == 12);
  const Tokenizer words(Tokenizer::Parts{TokenizerKind::kWord, {"x", "", "y"}, {}, {}, {}, {}});
  CHECK(words.decode(Ids{0, 1, 1, 2, 1}) == "x y");
  CHECK(words.encode("x y") == Ids{0, 2});
}

TEST_CASE("a token that the model has no row for is refused where a text has it, and nowhere else") {
  const Tokenizer tokenizer = loaded_file(with_added({{{"id", 11}, {"content", "<m>"}}}), 11);
  CHECK(tokenizer.vocab_size() == 11);
  CHECK(tokenizer.encode("ab < m") == Ids{2, 3, 8, 3, 9});
  CHECK_NOTHROW(tokenizer.require_rows("ab < m"));
  const std::string error = error_of([&] { tokenizer.require_rows("ab<m>"); });
  CHECK(contains(error, "\"<m>\""));
  CHECK(contains(error, "11 tokens"));
  CHECK(tokenizer.encode("ab<m>") == Ids{2});  // what goes on without asking never meets an id without weights
  const auto pieces = tokenizer.pieces("ab<m>");
  CHECK((pieces.size() == 2 && pieces[1].lacking && !pieces[1].id));
  const Tokenizer again = loaded_file(json_of(tokenizer_json(tokenizer)), 11);
  CHECK(again.parts() == tokenizer.parts());
  const Tokenizer merged = loaded_file(byte_level_file(), 7);  // not of added tokens alone
  CHECK(contains(error_of([&] { merged.require_rows("a m"); }), "\"m\""));
}

TEST_CASE("a token that ends a text or stands for others must have a row") {
  json file = with_added({{{"id", 11}, {"content", "</s>"}}});
  file["model"]["unk_token"] = "</s>";
  CHECK(loaded_file(file).eos() == 11);
  CHECK(loaded_file(file).unknown() == 11);
  CHECK_FALSE(loaded_file(file, 11).eos());
  CHECK_FALSE(loaded_file(file, 11).unknown());
}

TEST_CASE("added tokens may leave a gap, the vocabulary may not") {
  const Tokenizer tokenizer = loaded_file(with_added({{{"id", 14}, {"content", "<m>"}}}), 20);
  CHECK(tokenizer.encode("a<m>b") == Ids{0, 14, 1});
  CHECK(tokenizer.label(12) == "<row 12>");
  CHECK(loaded_file(json_of(tokenizer_json(tokenizer)), 20).parts() == tokenizer.parts());
  json gap = byte_level_file();
  gap["model"]["vocab"].erase("c");
  gap["model"]["merges"] = {"a b", "Ġ ab"};
  CHECK(contains(refusal_of(gap), "without a gap"));
  gap["added_tokens"] = {{{"id", 12}, {"content", "<m>"}}};
  CHECK(contains(refusal_of(gap), "No token has the id 5"));
  CHECK(contains(refusal_of(with_added({{{"id", 65536}, {"content", "<m>"}}})), "65537 tokens"));
}

TEST_CASE("added_tokens.json beside vocab.json and merges.txt") {
  TwoFiles folder;
  folder.with("added_tokens.json", R"({"<pad>": 6, "<sep>": 8})");
  const Tokenizer tokenizer = folder.load(10);
  CHECK(tokenizer.encode("ab<pad>a<sep><|endoftext|>") == Ids{2, 6, 0, 8, 5});
  CHECK(tokenizer.vocab_size() == 10);
  folder.with("added_tokens.json", R"({"<pad>": 5})");
  CHECK(
      contains(folder.error(), "added_tokens.json\": The tokens \"<|endoftext|>\" and \"<pad>\" have the same id, 5"));
  folder.with("added_tokens.json", "[]");
  CHECK(contains(folder.error(), "added_tokens.json\": It does not map tokens to ids."));
}

TEST_CASE("what was read comes back from what is saved, whatever the order of the files was") {
  TwoFiles folder;
  folder.with("added_tokens.json", R"({"<a>": 8, "<b>": 7})");
  const Tokenizer tokenizer = folder.load();
  CHECK(tokenizer.vocab_size() == 9);
  CHECK(loaded_file(json_of(tokenizer_json(tokenizer))).parts() == tokenizer.parts());
}

TEST_CASE("special tokens that special_tokens_map.json and tokenizer_config.json name") {
  TwoFiles folder;
  folder.with("vocab.json", R"({"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4, "<|endoftext|>": 5, "<end>": 6, "<?>": 7})");
  folder.with("special_tokens_map.json", R"({"eos_token": "<end>", "unk_token": {"content": "<?>", "lstrip": false},
                                            "pad_token": {"content": "<pad>", "lstrip": true}})");
  CHECK(folder.load().encode("a<end> <pad>xb") == Ids{0, 6, 8, 7, 1});  // <pad> comes behind all others
  CHECK(folder.load().eos() == 6);
  CHECK(folder.load({}, 5).eos() == 5);
  CHECK(folder.load().unknown() == 7);
  folder.with("tokenizer_config.json", R"({"added_tokens_decoder": {"9": {"content": "<pad>", "special": true}},
                                           "additional_special_tokens": ["<x>"], "pad_token": "<pad>"})");
  CHECK(folder.load().encode("a <pad><x>") == Ids{0, 3, 9, 10});
  folder.with_json("tokenizer.json", byte_level_file());
  folder.with("tokenizer_config.json", R"({"additional_special_tokens": ["<x>"]})");
  CHECK(folder.load().encode("a <x>") == Ids{0, 3, 11});  // tokenizer.json has 11
}

TEST_CASE("settings that put something before a text are refused by name, wherever they stand") {
  for (const char* option : {"add_prefix_space", "add_bos_token", "add_eos_token"}) {
    TwoFiles folder;
    folder.with_json("tokenizer_config.json", json{{option, true}});
    CHECK(contains(folder.error(), std::string("tokenizer_config.json\" has ") + option + " on, which"));
    folder.with_json("tokenizer_config.json", json{{option, false}});
    CHECK(folder.error().empty());
    folder.with_json("tokenizer_config.json", json{{option, 1}});
    CHECK(contains(folder.error(), "neither true nor false"));
  }
  const json end = {{"SpecialToken", {{"id", "<m>"}, {"type_id", 0}}}}, text = {{"Sequence", {{"id", "A"}}}};
  const auto error = [&](const json& processor) {
    json file = byte_level_file();
    file["post_processor"] = processor;
    return refusal_of(file);
  };
  const json adding = {{"type", "TemplateProcessing"}, {"single", {end, text}}};
  const json plain = {{"type", "TemplateProcessing"}, {"single", json::array({text})}, {"pair", {text, end}}};
  CHECK(contains(error(adding), "has a post_processor that adds special tokens to each text, which"));
  CHECK(contains(error({{"type", "BertProcessing"}}), "post_processor"));
  CHECK(contains(error({{"type", "Sequence"}, {"processors", {plain, adding}}}), "post_processor"));
  CHECK(error({{"type", "Sequence"}, {"processors", json::array({plain})}}).empty());
  CHECK(error(plain).empty());
  CHECK(error({{"type", "ByteLevel"}, {"trim_offsets", true}}).empty());
}

TEST_CASE("no refusal of a byte-level tokenizer asks for a byte-level tokenizer") {
  json file = byte_level_file();
  file["normalizer"] = {{"type", "NFC"}};
  CHECK(refusal_of(file).ends_with(
      "the normalizer \"NFC\", which NoPeek cannot do. Choose a model whose tokenizer does without it."));
}

TEST_CASE("GPT-2's pieces by other roads: a sequence of one, its regex apart") {
  json file = byte_level_file();
  const json plain = file["pre_tokenizer"];
  const Ids ids = loaded_file(file).encode("ab ab");
  file["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", json::array({plain})}};
  CHECK(loaded_file(file).encode("ab ab") == ids);
  constexpr const char* kRegex = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
  json split = {{"type", "Split"}, {"pattern", {{"Regex", kRegex}}}, {"behavior", "Isolated"}, {"invert", false}};
  json bytes = plain;
  bytes["use_regex"] = false;
  const auto sequence = [&] {
    file["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {split, bytes}}};
    return file;
  };
  CHECK(loaded_file(sequence()).encode("ab ab") == ids);
  bytes["add_prefix_space"] = true;
  CHECK(contains(refusal_of(sequence()), "add_prefix_space"));
  bytes = plain;
  CHECK(contains(refusal_of(sequence()), "\"Sequence\""));
  bytes["use_regex"] = false, split["pattern"]["Regex"] = R"(\p{N}{1,3}|\s+)";
  CHECK(contains(refusal_of(sequence()), "\"Sequence\""));
}

TEST_CASE("added tokens take white space with them, or stand only as words of their own, as in the library") {
  struct Case {
    const char *flags, *text;
    Ids ids;
  };
  const Case cases[] = {
      {"l", "a  <m>  b", {0, 11, 3, 3, 1}},
      {"l", "a<m> <m>b<m>", {0, 11, 11, 1, 11}},
      {"l", "ab \t<m>\n ab", {2, 11, 4}},
      {"r", "a  <m>  b", {0, 3, 3, 11, 1}},
      {"r", "a<m>b <m> c", {0, 11, 1, 3, 11, 5}},
      {"r", "ab \t<m>\n ab", {2, 3, 11, 2}},
      {"lr", "<m> <m>", {11, 11}},
      {"lr", "ab \t<m>\n ab", {2, 11, 2}},
      {"s", "a  <m>  b", {0, 3, 3, 11, 3, 3, 1}},
      {"s", "a<m>b <m> c", {0, 8, 9, 10, 1, 3, 11, 3, 5}},
      {"s", "<m>", {11}},
      {"s", "aé<m>", {0, 8, 9, 10}},
      {"ls", "a<m>b <m> c", {0, 8, 9, 10, 1, 11, 3, 5}},
      {"ls", "  <m>", {11}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.flags);
    CAPTURE(c.text);
    const auto has = [&](char flag) { return std::string_view(c.flags).find(flag) != std::string_view::npos; };
    json token = {{"id", 11}, {"content", "<m>"}, {"lstrip", has('l')}, {"rstrip", has('r')}};
    token["single_word"] = has('s');
    const Tokenizer tokenizer = loaded_file(with_added(json::array({token})));
    CHECK(tokenizer.encode(c.text) == c.ids);
    CHECK(loaded_file(json_of(tokenizer_json(tokenizer))).encode(c.text) == c.ids);
  }
}

TEST_CASE("normalized added tokens are looked for in what the others leave") {
  const auto both = [](bool first, bool second) {
    return loaded_file(with_added({{{"id", 1}, {"content", "b"}, {"normalized", first}},
                                   {{"id", 7}, {"content", "abc"}, {"normalized", second}}}));
  };
  CHECK(both(false, true).encode("abc") == Ids{0, 1, 5});
  CHECK(both(true, false).encode("abcb") == Ids{7, 1});
  CHECK(both(false, false).encode("abc") == Ids{7});
}

TEST_CASE("a merge that is there twice counts at its later place, and ignore_merges takes whole pieces") {
  json file = byte_level_file();
  file["model"]["merges"] = {"a b", "b c", "a b"};
  CHECK(loaded_file(file).encode("abc") == Ids{0, 6});
  file["model"]["merges"] = {"a b", "b c"};
  CHECK(loaded_file(file).encode("abc") == Ids{2, 5});
  json whole = byte_level_file();
  CHECK(loaded_file(whole).encode("abc ab") == Ids{2, 5, 4});
  whole["model"]["ignore_merges"] = true;
  CHECK(loaded_file(whole).encode("abc ab") == Ids{7, 4});
  CHECK(loaded_file(json_of(tokenizer_json(loaded_file(whole)))).encode("abc ab") == Ids{7, 4});
}

TEST_CASE("a byte order mark before merges.txt is none of its merges") {
  TwoFiles folder;
  folder.with("merges.txt", "\xEF\xBB\xBF#version: 0.2\na b\n");
  CHECK(folder.load().encode("ab") == Ids{2});
  folder.with("merges.txt",
              "\xEF\xBB\xBF"
              "a b\n");
  CHECK(folder.load().encode("ab") == Ids{2});
}

TEST_CASE("tokenizer_config.json lets transformers read tokenizer.json as it is") {
  const auto config = [](TokenizerKind kind) {
    return json_of(tokenizer_config_json(Tokenizer::train("a b", kind), 24));
  };
  json expected = json_of(R"({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<eos>",
    "eos_token": "<eos>", "unk_token": "<unk>", "model_max_length": 24, "clean_up_tokenization_spaces": false})");
  CHECK(config(TokenizerKind::kWord) == expected);
  CHECK(config(TokenizerKind::kCharacter) == expected);
  expected.erase("unk_token");
  CHECK(config(TokenizerKind::kBytePair) == expected);
  const Tokenizer bare(Tokenizer::Parts{TokenizerKind::kWord, {"a", "b"}, {}, 0, 1, {}});  // ordinary tokens stay so
  CHECK_FALSE(json_of(tokenizer_config_json(bare, 24)).contains("eos_token"));
}

TEST_CASE("a folder that transformers saved again, with a token more than the model, opens") {
  const Tokenizer saved = Tokenizer::train("the cat sat", TokenizerKind::kWord);
  json file = json_of(tokenizer_json(saved));
  file["added_tokens"].push_back({{"id", saved.vocab_size()}, {"content", "<|endoftext|>"}, {"special", true}});
  TokenizerFolder folder;
  folder.with_json("tokenizer.json", file);
  folder.with("tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|endoftext|>",
                                           "bos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"})");
  const Tokenizer tokenizer = folder.load(saved.vocab_size(), Tokenizer::kEos);
  CHECK(tokenizer.vocab_size() == saved.vocab_size());
  CHECK(tokenizer.eos() == saved.eos());
  CHECK(tokenizer.unknown() == saved.unknown());
  CHECK(tokenizer.encode("the <unk> cat <eos> dog") == saved.encode("the <unk> cat <eos> dog"));
}

}  // namespace
}  // namespace nopeek::test
