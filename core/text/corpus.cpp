#include "core/text/corpus.h"

#include <algorithm>
#include <fstream>

#include "core/base/error.h"
#include "core/text/utf8.h"

namespace nopeek {

namespace {

constexpr uintmax_t kMaxBytes = 256u << 20;
constexpr std::ptrdiff_t kValidationShare = 10;  // one token in ten

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

/// Words where the same ones come again and again, and the vocabulary stays small enough to be read; else characters.
TokenizerKind choose_kind(std::string_view text) {
  // A sample is enough, and keeps a 100 MB text from being split twice; cut at a code point.
  size_t end = std::min<size_t>(text.size(), 1 << 20);
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  const auto words = Tokenizer::count_words(text.substr(0, end));
  return words.distinct <= 1024 && words.distinct * 8 <= std::max<uint64_t>(words.total, 64)
             ? TokenizerKind::kWord
             : TokenizerKind::kCharacter;
}

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
  throw Error("The text \"" + name + "\" has " + std::to_string(total) + " tokens, too few for a context of " +
              std::to_string(context) + ": it needs at least " +
              std::to_string(kValidationShare * static_cast<std::ptrdiff_t>(need)) +
              ". Use a longer text or a shorter context.");
}

Corpus make_corpus(std::string name, std::string text, std::optional<TokenizerKind> kind, Progress* progress) {
  if (const auto bad = utf8::first_invalid_byte(text)) {
    throw Error("The text \"" + name + "\" is not UTF-8: byte " + std::to_string(*bad) + " does not belong there. " +
                "Save it as UTF-8 and open it again.");
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // byte order mark
  const std::string marked = mark_documents(text);
  std::string().swap(text);
  if (marked.empty()) throw Error("The text \"" + name + "\" is empty. Choose a file with some text in it.");

  Corpus corpus;
  corpus.name = std::move(name);
  corpus.tokenizer = Tokenizer::train(marked, kind.value_or(choose_kind(marked)), progress);
  const std::vector<TokenId> ids = corpus.tokenizer.encode(marked, progress);
  const std::ptrdiff_t cut = std::ssize(ids) - std::ssize(ids) / kValidationShare;
  corpus.train.assign(ids.begin(), ids.begin() + cut);
  corpus.validation.assign(ids.begin() + cut, ids.end());
  return corpus;
}

Corpus load_corpus(const std::filesystem::path& path, std::optional<TokenizerKind> kind, Progress* progress) {
  const std::string shown = "\"" + path.string() + "\"";
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw Error(shown + " is a folder. Choose a text file.");
  // A pipe or a device would be waited for, perhaps for ever.
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
    throw Error(shown + " is not a regular file. Choose a text file.");
  }
  const uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) throw Error("Cannot read " + shown + ". Check that the file exists and that you may read it.");
  if (size > kMaxBytes) throw Error(shown + " is larger than 256 MB. Cut a part out of it.");

  std::string text(size, '\0');
  constexpr size_t kChunk = 1 << 22;
  for (size_t done = 0; done < size; done += kChunk) {
    report_progress(progress, 0.1f * static_cast<float>(done) / static_cast<float>(size));
    file.read(text.data() + done, static_cast<std::streamsize>(std::min<size_t>(kChunk, size - done)));
  }
  if (!file) throw Error("Reading " + shown + " failed in the middle. Check the disk and try again.");
  Corpus corpus = make_corpus(path.stem().string(), std::move(text), kind, progress);
  corpus.source = path.string();
  return corpus;
}

}  // namespace nopeek
