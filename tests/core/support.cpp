#include "tests/core/support.h"

#include <fstream>
#include <sstream>

#include "core/io/corpus_file.h"
#include "core/io/json.h"

namespace nopeek::test {

std::filesystem::path source_folder() { return NOPEEK_SOURCE; }

nlohmann::json json_of(std::string_view text) { return parse_json(text, "what a test reads"); }

uint64_t fnv1a(const void* data, size_t bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  const auto* byte = static_cast<const unsigned char*>(data);
  for (size_t i = 0; i < bytes; ++i) hash = (hash ^ byte[i]) * 0x100000001b3u;
  return hash;
}

std::vector<TokenId> random_tokens(int count, int vocab, Rng& rng) {
  std::vector<TokenId> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back(static_cast<TokenId>(rng.below(static_cast<uint64_t>(vocab))));
  return tokens;
}

std::shared_ptr<const Corpus> small_corpus() {
  static const std::shared_ptr<const Corpus> corpus = [] {
    const char* who[] = {"agent", "teacher", "student"};
    const char* what[] = {"book", "test", "letter", "bug"};
    Rng rng(5);
    std::string text;
    for (int i = 0; i < 400; ++i) {
      text += std::string("the ") + who[rng.below(3)] + (rng.below(2) != 0 ? " read" : " found") + " the " +
              what[rng.below(4)] + " .\n\n";
    }
    return std::make_shared<const Corpus>(make_corpus("small", text, TokenizerKind::kWord));
  }();
  return corpus;
}

std::shared_ptr<const Corpus> shipped_corpus(const std::string& name) {
  return std::make_shared<const Corpus>(load_corpus(source_folder() / "assets/corpora" / (name + ".txt")));
}

RunConfig small_run() {
  RunConfig config;
  config.model.context = 8;
  config.model.channels = 16;
  config.model.layers = 2;
  config.model.heads = 2;
  config.train.batch = 4;
  config.train.warmup_steps = 5;
  config.train.learning_rate = 1e-2;
  return config;
}

TemporaryFolder::TemporaryFolder() {
  std::random_device chance;
  path_ =
      std::filesystem::temp_directory_path() / ("nopeek-test-" + std::to_string(chance()) + std::to_string(chance()));
  std::filesystem::create_directories(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_whole(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

void write_plain(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

}  // namespace nopeek::test
