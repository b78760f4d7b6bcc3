// A text that somebody drops: cut by words, characters and byte pairs, and one step of training on it.
#include "core/live/lab.h"
#include "core/text/corpus.h"
#include "tests/fuzz/tokenizer_laws.h"

namespace nopeek::fuzz {

namespace {

void require_sound(const Corpus& corpus) {
  require(corpus.vocab_size() <= Tokenizer::kMaxVocabulary, "a vocabulary made here ends at 2048 tokens");
  for (const auto* ids : {&corpus.train, &corpus.validation}) {
    for (const uint16_t id : *ids) require(id < corpus.vocab_size(), "an id is one of the vocabulary's");
  }
  require_labels(corpus.tokenizer);
}

RunConfig smallest_run() {
  RunConfig config;
  config.model.context = 4;
  config.model.channels = 4;
  config.model.layers = 1;
  config.model.heads = 1;
  config.train.batch = 1;
  return config;
}

void train(const std::shared_ptr<const Corpus>& corpus) {
  ThreadPool one(1);
  Lab lab(smallest_run(), corpus, Lab::twins(4));
  lab.step(one);
  const Snapshot snapshot = lab.snapshot(one);
  for (const LaneSnapshot& lane : snapshot.lanes) {
    require(lane.stopped.empty(), "the first step of a small model does not diverge");
    require_ids(corpus->tokenizer, lane.written);
  }
}

}  // namespace

void run_input(std::string_view input) {
  for (const std::optional<TokenizerKind> kind : {std::optional<TokenizerKind>(),
                                                  {TokenizerKind::kWord},
                                                  {TokenizerKind::kCharacter},
                                                  {TokenizerKind::kBytePair}}) {
    accepted([&] {
      const auto corpus = std::make_shared<const Corpus>(make_corpus("dropped", std::string(input), kind));
      require_sound(*corpus);
      if (kind == TokenizerKind::kBytePair) require_tokenizer_laws(corpus->tokenizer, input);
      train(corpus);
    });
  }
}

}  // namespace nopeek::fuzz
