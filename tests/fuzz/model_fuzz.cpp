// A model's folder: config.json, tokenizer.json, model.safetensors. What opens runs, is saved and opens again.
#include "core/decode/decoder.h"
#include "core/io/model_folder.h"
#include "tests/fuzz/fuzz.h"

namespace nopeek::fuzz {

namespace {

void require_same(const Model& a, const Model& b) {
  require(a.config() == b.config() && *a.mask == *b.mask, "shape and mask come back");
  require(a.step == b.step, "the step comes back");
  require(a.tokenizer->parts().tokens == b.tokenizer->parts().tokens, "the tokens come back");
  require(same_bits(a.parameters->flat(), b.parameters->flat()), "the weights come back bit for bit");
}

}  // namespace

void run_input(std::string_view input) {
  const auto parts = parts_of(input, 3);
  const auto path = folder() / "model";
  std::filesystem::create_directories(path);
  write_plain(path / "config.json", parts[0]);
  write_plain(path / "tokenizer.json", parts[1]);
  write_plain(path / "model.safetensors", parts[2]);
  accepted([&] {
    const Model model = load_model(path);
    require(is_printable(model.name), "a model's name is printable");
    require(model.tokenizer->vocab_size() == model.config().vocab, "each token has weights and a text");
    require(model.parameters->flat().allFinite(), "weights are finite");
    must("what opens runs, is saved and opens again", [&] {
      Decoder<float> decoder(*model.parameters, *model.mask);
      const TokenId text[] = {0};
      require(std::ssize(decoder.next_logits(text)) == model.config().vocab, "each token has a logit");
      save_model(folder() / "again", model);
      require_same(model, load_model(folder() / "again"));
    });
  });
}

}  // namespace nopeek::fuzz
