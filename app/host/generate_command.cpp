#include "app/host/generate_command.h"

#include <cstdio>
#include <memory>
#include <vector>

#include "app/host/interrupt.h"
#include "app/host/json_stream.h"
#include "app/host/prompt.h"
#include "core/base/error.h"
#include "core/decode/generation.h"
#include "core/io/model_folder.h"

namespace nopeek {

namespace {

SamplingConfig sampling_of(const GenerateCommand& command) {
  if (command.greedy && command.temperature.value_or(0) != 0) {
    throw Error("--greedy takes the likeliest token, whatever the temperature. Leave out --greedy or --temperature.");
  }
  const SamplingConfig config{command.greedy ? 0 : command.temperature.value_or(1), command.top_k, command.top_p};
  config.validate();
  return config;
}

/// The text that people read: without the end of a document that stands in for an empty prompt, or ended the text.
std::string readable(const Tokenizer& tokenizer, std::span<const TokenId> ids, bool empty_prompt) {
  if (empty_prompt) ids = ids.subspan(1);
  if (!ids.empty() && ids.back() == tokenizer.eos()) ids = ids.first(ids.size() - 1);
  return tokenizer.decode(ids);
}

/// Where the tokens go as they come.
class Output {
 public:
  virtual ~Output() = default;
  /// A token was drawn from `distribution`, behind `before`.
  virtual void step(std::span<const TokenId> before, const WrittenToken& token, const Distribution& distribution) = 0;
  /// `text` is what is readable so far; called behind the prompt and behind each token.
  virtual void show(const std::string& text) = 0;
  virtual void finish(const std::string& text, const char* stopped) = 0;
};

class PlainOutput : public Output {
 public:
  void step(std::span<const TokenId>, const WrittenToken&, const Distribution&) override {}
  void show(const std::string& text) override {
    // A token may end within a code point; its end then reads as U+FFFD until the next token completes it.
    constexpr std::string_view kUnfinished = "\uFFFD";
    std::string_view whole = text;
    while (whole.ends_with(kUnfinished)) whole.remove_suffix(kUnfinished.size());
    print(whole);
  }
  void finish(const std::string& text, const char*) override {
    print(text);
    if (std::putchar('\n') == EOF || std::fflush(stdout) != 0) throw Error("The text could not be written in full.");
  }

 private:
  void print(std::string_view text) {
    if (text.size() <= printed_) return;
    std::fwrite(text.data() + printed_, 1, text.size() - printed_, stdout);
    std::fflush(stdout);
    printed_ = text.size();
  }
  size_t printed_ = 0;
};

class JsonOutput : public Output {
 public:
  JsonOutput(const Model& model, std::vector<TokenId> prompt)
      : context_(static_cast<size_t>(model.config().context)), prompt_(std::move(prompt)) {
    const Tokenizer& tokenizer = *model.tokenizer;
    for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) quoted_.push_back(JsonStream::quoted(tokenizer.token(id)));
  }
  void step(std::span<const TokenId> before, const WrittenToken& token, const Distribution& distribution) override {
    begin();
    const size_t window_start = before.size() - std::min(before.size(), context_);
    json_.open('{');
    json_.key("position"), json_.number(static_cast<int64_t>(before.size()));
    json_.key("window_start"), json_.number(static_cast<int64_t>(window_start));
    json_.key("context"), json_.list(before.subspan(window_start));
    json_.key("candidates"), json_.open('[');
    for (const Candidate& candidate : distribution.candidates()) write(candidate);
    json_.close(']');
    json_.key("u"), json_.number(token.u);
    json_.key("chosen"), json_.number(int64_t{token.id});
    json_.key("entropy"), json_.number(distribution.model_entropy());
    json_.close('}');
  }
  void show(const std::string&) override {}
  void finish(const std::string& text, const char* stopped) override {
    begin();
    json_.close(']');
    json_.key("text"), json_.text(text);
    json_.key("stopped"), json_.text(stopped);
    json_.close('}');
    json_.finish();
  }

 private:
  /// Only when there is something to tell: what fails before the first step leaves standard output empty.
  void begin() {
    if (begun_) return;
    begun_ = true;
    json_.open('{');
    json_.key("prompt_ids"), json_.list(prompt_);
    json_.key("steps"), json_.open('[');
  }
  void write(const Candidate& candidate) {
    json_.open('{');
    json_.key("id"), json_.number(int64_t{candidate.id});
    json_.key("token"), json_.literal(quoted_[static_cast<size_t>(candidate.id)]);
    json_.key("logit"), json_.number(double{candidate.logit});  // exactly: p follows from it
    json_.key("p_model"), json_.number(candidate.p_model);
    json_.key("p"), json_.number(candidate.p);
    json_.key("kept"), json_.boolean(candidate.kept);
    json_.close('}');
  }

  size_t context_;
  std::vector<TokenId> prompt_;
  std::vector<std::string> quoted_;  // by id
  JsonStream json_{stdout};
  bool begun_ = false;
};

/// The inference loop. Returns why it ended.
const char* write_tokens(const GenerateCommand& command, const Model& model, Generation& generation, Output& out) {
  const bool empty_prompt = model.tokenizer->encode(command.prompt).empty();
  const auto show = [&] { out.show(readable(*model.tokenizer, generation.text(), empty_prompt)); };
  const SamplingConfig sampling = sampling_of(command);
  const Dropout dropout{command.dropout_on ? model.config().dropout : 0, Rng::mix(command.seed)};
  Decoder<float> decoder(*model.parameters, *model.mask, !command.no_kv_cache);
  Distribution distribution;
  for (int i = 0; i < command.max_new_tokens; ++i) {
    const std::vector<TokenId> before = generation.text();
    try {
      // Another pattern at each step, as training has at each of its own; the seed makes them repeatable.
      generate_token<float>(decoder, sampling, generation, distribution, dropout.at(static_cast<uint64_t>(i)),
                            &interruptible());
    } catch (const Cancelled&) {
      return "interrupted";
    }
    if (i == 0) out.show(readable(*model.tokenizer, before, empty_prompt));
    const WrittenToken& token = generation.node(generation.current()).token;
    out.step(before, token, distribution);
    show();
    if (token.id == model.tokenizer->eos()) return "eos";
  }
  return "max_new_tokens";
}

}  // namespace

int run_generate(const GenerateCommand& command) {
  sampling_of(command);  // before a large model is read for nothing
  require_utf8(command.prompt, "--prompt");
  const Model model = load_model(command.model, &interruptible());
  note_lacking(*model.tokenizer, command.prompt);
  if (command.dropout_on && model.config().dropout == 0) {
    std::fputs("nopeek: This model was trained without dropout: --dropout-on changes nothing.\n", stderr);
  }
  Generation generation(prompt_tokens(*model.tokenizer, command.prompt), command.seed);
  std::unique_ptr<Output> out = std::make_unique<PlainOutput>();
  if (command.json) out = std::make_unique<JsonOutput>(model, generation.prompt());
  const char* stopped = write_tokens(command, model, generation, *out);
  const bool empty_prompt = model.tokenizer->encode(command.prompt).empty();
  out->finish(readable(*model.tokenizer, generation.text(), empty_prompt), stopped);
  return 0;
}

}  // namespace nopeek
