#include "core/io/corpus_file.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/io/file.h"

namespace nopeek {

namespace {

constexpr uint64_t kMostTextBytes = 256u << 20;

std::string read_text(const std::filesystem::path& path, Progress* progress) {
  FileReader file(path);
  if (file.size() > kMostTextBytes) throw Error(file.shown() + " is larger than 256 MB. Cut a part out of it.");
  std::string text(file.size(), '\0');
  constexpr size_t kChunk = 1 << 22;
  for (size_t done = 0; done < text.size(); done += kChunk) {
    report_progress(progress, 0.1f * static_cast<float>(done) / static_cast<float>(text.size()));
    file.read(done, text.data() + done, std::min(kChunk, text.size() - done));
  }
  return text;
}

}  // namespace

Corpus load_corpus(const std::filesystem::path& path, std::optional<TokenizerKind> kind, Progress* progress) {
  Corpus corpus = make_corpus(path.stem().string(), read_text(path, progress), kind, progress);
  corpus.source = path.string();
  return corpus;
}

}  // namespace nopeek
