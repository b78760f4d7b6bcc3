#include "core/text/corpus.h"

#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "core/text/utf8.h"

namespace nopeek {

namespace {

constexpr std::ptrdiff_t kValidationShare = 10;  // one token in ten
constexpr uint64_t kLeastWords = 250;            // what a context of 24 takes, and its target, in the validation part
constexpr uint64_t kLeastRepeats = 8;            // of a word, on average
constexpr uint64_t kMostWords = 1024;            // different ones

/// "a\n\nb" -> "a<eos>b<eos>": blank lines end a document, and so does the end of the text. A word tokenizer does not
/// care for the white space around; a character tokenizer should not learn it.
std::string mark_documents(std::string_view text) {
  std::string marked;
  marked.reserve(text.size() + 16);
  const auto end_document = [&] {
    while (!marked.empty() && (marked.back() == '\n' || marked.back() == '\r' || marked.back() == ' '))
      marked.pop_back();
    if (!marked.empty() && !marked.ends_with("<eos>")) marked += "<eos>";
  };
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
      end_document();
    } else {
      marked += line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
      marked += '\n';
    }
  }
  end_document();
  return marked;
}

/// Whether blanks stand between words: in Chinese, Thai or DNA they do not, and what lies between two punctuation marks
/// is no word there. European words have 4 to 8 characters on average.
bool blanks_separate_words(std::string_view text) {
  constexpr size_t kMostCharacters = 12;  // to a blank, on average
  constexpr std::string_view kEos = "<eos>";
  size_t blanks = 0, characters = 0;
  for (size_t i = 0; i < text.size();) {
    const bool eos = text.substr(i).starts_with(kEos);
    ++(eos || utf8::is_space(utf8::decode(text.substr(i))) ? blanks : characters);
    i += eos ? kEos.size() : static_cast<size_t>(utf8::length(text[i]));
  }
  return characters <= kMostCharacters * blanks;
}

/// Words where blanks separate them, the same ones come again and again, and the vocabulary stays small enough to be
/// read; else characters. They are so if there are too few words for the smallest size's context.
TokenizerKind choose_kind(std::string_view text) {
  // A sample is enough, and keeps a 100 MB text from being split twice; cut at a code point.
  size_t end = std::min<size_t>(text.size(), 1 << 20);
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  const std::string_view sample = text.substr(0, end);
  const auto words = Tokenizer::count_words(sample);
  const bool enough = words.total >= kLeastWords && words.distinct * kLeastRepeats <= words.total;
  return enough && words.distinct <= kMostWords && blanks_separate_words(sample) ? TokenizerKind::kWord
                                                                                 : TokenizerKind::kCharacter;
}

/// UTF-16 without a mark is valid UTF-8 if its letters are Latin, Greek or Cyrillic: one byte of each pair is then the
/// number of the alphabet, 0, 3 or 4. In a text, control characters are rarer, wherever they stand.
bool is_half_controls(std::string_view text) {
  const auto is_control = [](char c) { return c >= 0 && c < ' ' && c != '\t' && c != '\n' && c != '\r'; };
  std::array<size_t, 2> controls{};
  for (size_t i = 0; i < text.size(); ++i) controls[i % 2] += is_control(text[i]);
  return std::max(controls[0], controls[1]) * 4 > text.size();
}

/// Throws Error unless it is UTF-8.
void require_utf8(const std::string& shown, std::string_view text) {
  const bool marked = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
  if (marked || is_half_controls(text)) {
    throw Error("The text " + shown + " looks like UTF-16, which some editors call Unicode. Save it as UTF-8 and " +
                "open it again.");
  }
  if (const auto bad = utf8::first_invalid_byte(text)) {
    throw Error("The text " + shown + " is not UTF-8: byte " + std::to_string(*bad) + " does not belong there. " +
                "Save it as UTF-8 and open it again.");
  }
}

std::string in_quotes(std::string_view name) { return "\"" + utf8::one_line(name) + "\""; }

}  // namespace

std::vector<TokenId> Corpus::probe(int length) const {
  std::vector<TokenId> ids(train.begin(), train.begin() + std::min<std::ptrdiff_t>(length, std::ssize(train)));
  // One document, where it is long enough to look at.
  const auto end = tokenizer.eos() ? std::find(ids.begin(), ids.end(), *tokenizer.eos()) : ids.end();
  if (end - ids.begin() >= 4) ids.erase(end, ids.end());
  return ids;
}

void Corpus::require_context(int context) const {
  const auto need = static_cast<size_t>(context) + 1;  // a window and the target of its last token
  if (train.size() >= need && validation.size() >= need) return;
  const size_t total = train.size() + validation.size();
  const bool words = tokenizer.kind() == TokenizerKind::kWord;
  throw Error("The text " + in_quotes(name) + " has " + std::to_string(total) + (words ? " words" : " tokens") +
              ", too few for a context of " + std::to_string(context) + ": it needs at least " +
              std::to_string(kValidationShare * static_cast<std::ptrdiff_t>(need)) +
              (words ? ". Use a longer text or a shorter context, or cut the text into characters (--tokenizer char)."
                     : ". Use a longer text or a shorter context."));
}

Corpus make_corpus(std::string name, std::string text, std::optional<TokenizerKind> kind, Progress* progress) {
  require_utf8(in_quotes(name), text);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);                                        // byte order mark
  if (text.find('\n') == std::string::npos) std::replace(text.begin(), text.end(), '\r', '\n');  // of old Macs
  const std::string marked = mark_documents(text);
  std::string().swap(text);
  if (marked.empty()) throw Error("The text " + in_quotes(name) + " is empty. Choose a file with some text in it.");

  Corpus corpus;
  corpus.name = std::move(name);
  corpus.tokenizer = Tokenizer::train(marked, kind.value_or(choose_kind(marked)), progress);
  const std::vector<TokenId> ids = corpus.tokenizer.encode(marked, progress);
  const std::ptrdiff_t cut = std::ssize(ids) - std::ssize(ids) / kValidationShare;
  corpus.train.assign(ids.begin(), ids.begin() + cut);
  corpus.validation.assign(ids.begin() + cut, ids.end());
  return corpus;
}

}  // namespace nopeek
