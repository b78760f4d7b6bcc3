// Text becomes tokens, and tokens become batches.
#include "core/text/corpus.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "core/io/corpus_file.h"
#include "core/text/batcher.h"
#include "tests/core/support.h"

namespace nopeek::test::corpus_test {
namespace {

/// Both parts as text, without the border between them.
std::string whole(const Corpus& corpus) {
  std::vector<TokenId> ids(corpus.train.begin(), corpus.train.end());
  ids.insert(ids.end(), corpus.validation.begin(), corpus.validation.end());
  return corpus.tokenizer.decode(ids);
}
std::string of_words(std::string text) { return whole(make_corpus("t", std::move(text), TokenizerKind::kWord)); }
std::string of_characters(std::string text) {
  return whole(make_corpus("t", std::move(text), TokenizerKind::kCharacter));
}

TEST_CASE("blank lines separate documents: each becomes one <eos>, and so does the end") {
  CHECK(of_words("a b\n\nc d\n") == "a b <eos> c d <eos>");
  CHECK(of_words("a\n\n\n \t\n\nb") == "a <eos> b <eos>");
  CHECK(of_words("\n\na\nb\n\n") == "a b <eos>");
  CHECK(of_words("a <eos>\n\nb <eos>") == "a <eos> b <eos>");
  CHECK(of_characters("a b\nc\n\nd") == "a b\nc<eos>d<eos>");
  CHECK(of_characters("a  \n\nb") == "a<eos>b<eos>");
}

TEST_CASE("Windows line ends and a byte order mark leave no trace") {
  CHECK(of_words("\xEF\xBB\xBF"
                 "a b\r\n\r\nc\r\n") == "a b <eos> c <eos>");
  CHECK(of_characters("\xEF\xBB\xBF"
                      "a\r\nb\r\n\r\nc") == "a\nb<eos>c<eos>");
}

TEST_CASE("line ends of old Macs end lines and documents; beside others, a return is a character") {
  CHECK(of_words("a b\r\rc\r") == "a b <eos> c <eos>");
  CHECK(of_characters("a\rb\r\rc") == "a\nb<eos>c<eos>");
  CHECK(of_characters("a\rb\nc") == "a\rb\nc<eos>");
}

TEST_CASE("a text with nothing in it is refused, and told to be empty") {
  for (const char* text : {"", "\n\n  \n", "\xEF\xBB\xBF", "\r\n\r\n"}) {
    const std::string message = error_of([&] { make_corpus("note", text); });
    CHECK(contains(message, "note"));
    CHECK(contains(message, "empty"));
  }
}

TEST_CASE("a text that is not UTF-8 is refused, and the byte is named") {
  const std::string message = error_of([] { make_corpus("latin", "caf\xE9 au lait"); });
  CHECK(contains(message, "latin"));
  CHECK(contains(message, "UTF-8"));
  CHECK(contains(message, "byte 3 "));
}

TEST_CASE("UTF-16 is called by its name, with a mark and without; one zero in a text is none") {
  const auto wide = [](std::string_view text, bool little) {
    std::string bytes;
    for (const char c : text) bytes += little ? std::string{c, '\0'} : std::string{'\0', c};
    return bytes;
  };
  for (const bool little : {true, false}) {
    const std::string text = wide("the agent read the book .", little);
    for (const std::string& bytes : {text, (little ? "\xFF\xFE" : "\xFE\xFF") + text}) {
      const std::string message = error_of([&] { make_corpus("wide", bytes); });
      CHECK(contains(message, "\"wide\" looks like UTF-16"));
      CHECK(contains(message, "Save it as UTF-8"));
    }
  }
  const std::string cyrillic("\x3C\x04\x30\x04 \0\x3C\x04\x38\x04\x40\x04 \0", 14);  // "ма мир "
  CHECK(contains(error_of([&] { make_corpus("wide", cyrillic); }), "UTF-16"));
  const std::string chinese("\xFF\xFE\x2D\x4E\x87\x65");  // only the mark tells
  CHECK(contains(error_of([&] { make_corpus("wide", chinese); }), "UTF-16"));
  CHECK(of_characters(std::string(200, 'a') + std::string("\0b", 2)).size() == 202 + 5);
  std::string between;  // zeros at odd and even places: somebody's separators
  for (int i = 0; i < 50; ++i) between += std::string("cat\0mat", 7) + std::string("\0\n\n", 3).substr(i % 2);
  CHECK(error_of([&] { make_corpus("zeros", between); }).empty());
  std::string after;  // and at odd places alone
  for (int i = 0; i < 50; ++i) after += std::string("the cat\0sat .\n\n", 16);
  CHECK(error_of([&] { make_corpus("zeros", after); }).empty());
}

TEST_CASE("a name is shown in one line, whatever it is") {
  const std::string name = "a\nb\033[31m c\xFF";
  const Corpus corpus = make_corpus(name, "a b c", TokenizerKind::kWord);
  for (const std::string& message :
       {error_of([&] { make_corpus(name, ""); }), error_of([&] { make_corpus(name, "caf\xE9"); }),
        error_of([&] { make_corpus(name, std::string(9, '\0')); }), error_of([&] { corpus.require_context(24); }),
        error_of([&] { load_corpus("/no such place/" + name); })}) {
    CAPTURE(message);
    CHECK(contains(message, "a\u21B5b<U+001B>[31m c<FF>\""));
    CHECK_FALSE(contains(message, "\n"));
  }
}

TEST_CASE("the last tenth is for validation, and nothing is lost between the parts") {
  std::string text;
  for (int i = 0; i < 99; ++i) text += "w" + std::to_string(i) + " ";
  const Corpus corpus = make_corpus("t", text, TokenizerKind::kWord);  // 99 words and <eos>
  CHECK(corpus.train.size() == 90);
  CHECK(corpus.validation.size() == 10);
  CHECK(whole(corpus) == text + "<eos>");
}

TEST_CASE("a text too short for the context is refused with its tokens, the context and what it takes") {
  const Corpus corpus = make_corpus("short", "a b c d e f g h i", TokenizerKind::kWord);  // 10 tokens
  const std::string message = error_of([&] { corpus.require_context(24); });
  CHECK(contains(message, "short"));
  CHECK(contains(message, " 10 words"));
  CHECK(contains(message, "--tokenizer char"));
  CHECK(contains(message, "context of 24"));
  CHECK(contains(message, " 250"));
  // What it takes is enough, and one context more is not.
  std::string enough;
  for (int i = 0; i < 249; ++i) enough += "a ";
  const Corpus fits = make_corpus("fits", enough, TokenizerKind::kWord);
  CHECK_NOTHROW(fits.require_context(24));
  CHECK_THROWS_AS(fits.require_context(25), Error);
}

TEST_CASE("words are chosen where they repeat, characters where they do not") {
  std::string repeats, varied;
  for (int i = 0; i < 400; ++i) {
    repeats += "the agent opened the book . ";
    varied += "word" + std::to_string(i) + " ";
  }
  CHECK(make_corpus("t", repeats).tokenizer.kind() == TokenizerKind::kWord);
  CHECK(make_corpus("t", varied).tokenizer.kind() == TokenizerKind::kCharacter);
  CHECK(make_corpus("t", varied, TokenizerKind::kWord).tokenizer.kind() == TokenizerKind::kWord);
}

std::string repeated(std::string_view part, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += part;
  return text;
}

TEST_CASE("words need blanks between them, and enough of them: else any length of text would be too short") {
  const auto kind = [](std::string text) { return make_corpus("t", std::move(text)).tokenizer.kind(); };
  std::string digits, base64, dna;
  Rng rng(3);
  for (int i = 0; i < 20'000; ++i) {
    digits += "0123456789"[rng.below(10)];
    base64 += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[rng.below(64)];
    dna += "ACGT"[rng.below(4)];
    if (i % 60 == 59) dna += '\n';
  }
  for (const std::string& text :
       {digits, base64, dna, digits.substr(0, 1000), base64.substr(0, 500), repeated("a", 3000), repeated("ACGT", 1000),
        repeated("เด็กน้อยอ่านหนังสือในสวน", 100), repeated("今日は良い天気ですね", 100),
        repeated("今天天气很好我们去公园", 100),
        // Between punctuation lie clauses.
        repeated("今天天气很好，我们去公园。", 200), repeated("今天天气很好，我们去公园。\n", 200),
        repeated("エージェントが本を開いた。\n\n", 200)}) {
    CAPTURE(text.substr(0, 60));
    CHECK(kind(text) == TokenizerKind::kCharacter);
    CHECK_NOTHROW(make_corpus("t", text).require_context(24));
  }
  for (const char* line : {"the agent opened the book . ", "hello world\n\n", "Das Eichhörnchen öffnete das Buch.\n",
                           "今天 天气 很 好 ， 我们 去 公园 。\n", "Эта книга открыта. ", "वह किताब पढ़ती है ।\n"}) {
    CAPTURE(line);
    CHECK(kind(repeated(line, 200)) == TokenizerKind::kWord);
  }
  // As many words as the smallest size takes, and one less.
  CHECK(kind(repeated("a b c ", 83)) == TokenizerKind::kWord);  // 249 and <eos>
  CHECK_NOTHROW(make_corpus("t", repeated("a b c ", 83)).require_context(24));
  CHECK(kind(repeated("a b c ", 82) + "a b") == TokenizerKind::kCharacter);
  CHECK(kind("I love causal attention") == TokenizerKind::kCharacter);
}

TEST_CASE("the probe is the first document, as far as it is asked for") {
  const auto corpus = small_corpus();
  const auto probe = corpus->probe(12);
  CHECK(probe.size() == 6);  // "the agent read the book ."
  CHECK(std::equal(probe.begin(), probe.end(), corpus->train.begin()));
  CHECK(corpus->probe(3).size() == 3);
  // A document of fewer than four tokens is too short to look at, so the next ones join it.
  CHECK(make_corpus("t", "a b\n\nc d\n\ne f", TokenizerKind::kWord).probe(5).size() == 5);
  CHECK(make_corpus("t", "a", TokenizerKind::kWord).probe(12).size() >= 1);
}

TEST_CASE("files: what cannot be read says which and why, what can carries its name and path") {
  TemporaryFolder folder;
  const auto message_for = [&](const char* name) { return error_of([&] { load_corpus(folder / name); }); };
  CHECK(contains(message_for("missing.txt"), "missing.txt"));
  CHECK(contains(message_for("missing.txt"), "There is no file"));
  std::filesystem::create_directory(folder / "dir");
  CHECK(contains(message_for("dir"), "folder"));
  write_plain(folder / "empty.txt", "");
  CHECK(contains(message_for("empty.txt"), "empty"));
  write_plain(folder / "binary.txt", std::string("ok\n\x89PNG", 7));
  CHECK(contains(message_for("binary.txt"), "byte 3 "));

  write_plain(folder / "mine.text.txt", "a b\n\nc\n");
  const Corpus corpus = load_corpus(folder / "mine.text.txt", TokenizerKind::kWord);
  CHECK(corpus.name == "mine.text");
  CHECK(corpus.source == (folder / "mine.text.txt").string());
  CHECK(whole(corpus) == "a b <eos> c <eos>");

  Progress progress;
  progress.cancelled = true;
  CHECK_THROWS_AS(load_corpus(folder / "mine.text.txt", {}, &progress), Cancelled);
}

TEST_CASE("a pipe is refused at once: nobody may ever write into it") {
  const auto pipe = std::filesystem::temp_directory_path() / ("nopeek-pipe-" + std::to_string(::getpid()));
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const std::string message = error_of([&] { load_corpus(pipe); });
  std::filesystem::remove(pipe);
  CHECK(contains(message, "regular file"));
}

TEST_CASE("the shipped corpora are what the lessons need") {
  const auto pulls = shipped_corpus("pull-requests");
  CHECK(pulls->tokenizer.kind() == TokenizerKind::kWord);
  CHECK(pulls->vocab_size() < 64);
  const auto words = Tokenizer::count_words(read_whole(pulls->source));
  CHECK(words.total >= 20'000);
  CHECK_NOTHROW(pulls->require_context(24));
  const auto sees = [&](const std::vector<uint16_t>& part) { return std::set<uint16_t>(part.begin(), part.end()); };
  for (const uint16_t id : sees(pulls->validation)) CHECK(sees(pulls->train).contains(id));
  CHECK_FALSE(sees(pulls->train).contains(Tokenizer::kUnknown));

  const auto tales = shipped_corpus("tales");
  CHECK(tales->tokenizer.kind() == TokenizerKind::kCharacter);
  CHECK(std::filesystem::file_size(tales->source) >= 50'000);
  CHECK_NOTHROW(tales->require_context(64));

  const auto toy = shipped_corpus("toy");
  CHECK(toy->tokenizer.decode(toy->probe(4)) == "I love causal attention");
  CHECK(toy->train[4] == Tokenizer::kEos);
  CHECK_NOTHROW(toy->require_context(4));
}

/// Tokens 0, 1, 2, ...: a window's content tells its place.
Corpus counting(int n) {
  Corpus corpus;
  for (int i = 0; i < n; ++i) corpus.train.push_back(static_cast<uint16_t>(i));
  return corpus;
}

TEST_CASE("targets are the inputs one token later, and windows come from every place of the training part") {
  constexpr int kTokens = 12, B = 5, T = 4;
  const Corpus corpus = counting(kTokens);
  Batcher batcher(corpus, B, T, 1);
  std::set<TokenId> starts;
  for (int i = 0; i < 100; ++i) {
    const Batch& batch = batcher.next();
    REQUIRE(batch.B == B);
    REQUIRE(batch.T == T);
    REQUIRE(batch.inputs.size() == B * T);
    for (int b = 0; b < B; ++b) {
      const TokenId start = batch.inputs[static_cast<size_t>(b * T)];
      starts.insert(start);
      for (int t = 0; t < T; ++t) {
        REQUIRE(batch.inputs[static_cast<size_t>(b * T + t)] == start + t);
        REQUIRE(batch.targets[static_cast<size_t>(b * T + t)] == start + t + 1);
      }
    }
  }
  CHECK(starts.size() == kTokens - T);  // 0 ... 7: the window from 8 on lacks its last target
  CHECK(*starts.rbegin() == kTokens - T - 1);
}

TEST_CASE("the shortest text that fits gives its one window") {
  const Corpus corpus = counting(5);
  Batcher batcher(corpus, 2, 4, 1);
  CHECK(batcher.next().inputs == std::vector<TokenId>{0, 1, 2, 3, 0, 1, 2, 3});
}

TEST_CASE("the same seed draws the same batches, another seed others") {
  const Corpus corpus = counting(500);
  Batcher a(corpus, 4, 8, 7), b(corpus, 4, 8, 7), c(corpus, 4, 8, 8);
  bool differs = false;
  for (int i = 0; i < 20; ++i) {
    const Batch& batch = a.next();
    CHECK(batch.inputs == b.next().inputs);
    differs |= batch.inputs != c.next().inputs;
  }
  CHECK(differs);
}

TEST_CASE("consecutive windows stand side by side, in order, each with its targets, at most as many as asked for") {
  const Corpus corpus = counting(13);
  const Batch batch = consecutive_windows(corpus.train, 4, 100);
  CHECK(batch.B == 3);  // 12 inputs, and the thirteenth token is the last target
  for (int i = 0; i < 12; ++i) {
    CHECK(batch.inputs[static_cast<size_t>(i)] == i);
    CHECK(batch.targets[static_cast<size_t>(i)] == i + 1);
  }
  CHECK(consecutive_windows(corpus.train, 4, 2).B == 2);
  const Corpus twelve = counting(12);
  CHECK(consecutive_windows(twelve.train, 4, 100).B == 2);
}

}  // namespace
}  // namespace nopeek::test::corpus_test
