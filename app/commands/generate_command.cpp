#include "app/commands/generate_command.h"

#include <cstdio>
#include <memory>
#include <vector>

#include "app/commands/interrupt.h"
#include "app/commands/json_stream.h"
#include "app/commands/note.h"
#include "app/commands/prompt.h"
#include "core/base/error.h"
#include "core/decode/generation.h"
#include "core/io/model_folder.h"
#include "core/text/utf8.h"

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

/// The tokens that people read: without the end of a document that stands in for an empty prompt, or ended the text.
std::span<const TokenId> readable(const Tokenizer& tokenizer, std::span<const TokenId> text, bool empty_prompt) {
  if (empty_prompt) text = text.subspan(1);
  return !text.empty() && text.back() == tokenizer.eos() ? text.first(text.size() - 1) : text;
}

/// `bytes` as text. A vocabulary may hold anything, such as what would move a terminal's cursor or set its title:
/// control characters are shown as signs, but for line ends and tabs. --json has them as they are.
std::string shown_text(std::string_view bytes) {
  std::string text;
  const std::string whole = utf8::repaired(bytes);
  for (std::string_view rest = whole; !rest.empty();) {
    const std::string_view character = rest.substr(0, static_cast<size_t>(utf8::length(rest[0])));
    const char32_t c = utf8::decode(character);
    const bool control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0);
    text += control ? utf8::visible(character) : std::string(character);
    rest.remove_prefix(character.size());
  }
  return text;
}

/// Where the tokens go as they come. `text` is all of it so far, prompt included.
class Output {
 public:
  virtual ~Output() = default;
  /// `token` is the last of `text`, and was drawn from `distribution`.
  virtual void step(std::span<const TokenId> text, const WrittenToken& token, const Distribution& distribution) = 0;
  virtual void finish(std::span<const TokenId> text, const char* stopped) = 0;
};

/// Tokenizer::decode(), as far as it is certain: each token is decoded once, when it comes.
class PlainOutput : public Output {
 public:
  PlainOutput(const Tokenizer& tokenizer, bool empty_prompt) : tokenizer_(tokenizer), empty_prompt_(empty_prompt) {}
  void step(std::span<const TokenId> text, const WrittenToken&, const Distribution&) override {
    print(readable(tokenizer_, text, empty_prompt_));
    std::fflush(stdout);
  }
  void finish(std::span<const TokenId> text, const char*) override {
    print(readable(tokenizer_, text, empty_prompt_));
    write(bytes_);
    std::putchar('\n');
  }

 private:
  void print(std::span<const TokenId> text) {
    for (; printed_ < text.size(); ++printed_) {
      const std::string& token = tokenizer_.token(text[printed_]);
      if (tokenizer_.kind() == TokenizerKind::kWord && begun_ && !token.empty()) bytes_ += ' ';
      begun_ |= !token.empty();
      bytes_ += token;
      const size_t whole = bytes_.size() - unfinished(bytes_);
      write(std::string_view(bytes_).substr(0, whole));
      bytes_.erase(0, whole);
    }
  }
  /// Bytes at the end that may yet become a code point: a token of byte pair may end within one. To cut before the
  /// first byte of one changes nothing of what is repaired: no broken sequence reaches over it.
  static size_t unfinished(std::string_view bytes) {
    for (size_t n = 1; n <= std::min<size_t>(3, bytes.size()); ++n) {
      const char byte = bytes[bytes.size() - n];
      const bool continues = (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
      if (!continues) return static_cast<size_t>(utf8::length(byte)) > n ? n : 0;
    }
    return 0;
  }
  static void write(std::string_view bytes) {
    const std::string text = shown_text(bytes);
    std::fwrite(text.data(), 1, text.size(), stdout);
  }

  const Tokenizer& tokenizer_;
  bool empty_prompt_;
  size_t printed_ = 0;  // tokens that are in bytes_ or on standard output
  bool begun_ = false;  // with anything at all
  std::string bytes_;   // of printed tokens, not yet on standard output
};

class JsonOutput : public Output {
 public:
  JsonOutput(const Model& model, std::vector<TokenId> prompt, bool empty_prompt)
      : tokenizer_(*model.tokenizer),
        empty_prompt_(empty_prompt),
        context_(static_cast<size_t>(model.config().context)),
        prompt_(std::move(prompt)) {
    for (TokenId id = 0; id < tokenizer_.vocab_size(); ++id)
      quoted_.push_back(JsonStream::quoted(tokenizer_.token(id)));
  }
  void step(std::span<const TokenId> text, const WrittenToken& token, const Distribution& distribution) override {
    begin();
    const auto before = text.first(text.size() - 1);
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
  void finish(std::span<const TokenId> text, const char* stopped) override {
    begin();
    json_.close(']');
    json_.key("text"), json_.text(tokenizer_.decode(readable(tokenizer_, text, empty_prompt_)));
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

  const Tokenizer& tokenizer_;
  bool empty_prompt_;
  size_t context_;
  std::vector<TokenId> prompt_;
  std::vector<std::string> quoted_;  // by id
  JsonStream json_{stdout};
  bool begun_ = false;
};

constexpr const char* kInterrupted = "interrupted";

/// The inference loop. Returns why it ended.
const char* write_tokens(const GenerateCommand& command, const Model& model, Generation& generation, Output& out) {
  const SamplingConfig sampling = sampling_of(command);
  const Dropout dropout{command.dropout_on ? model.config().dropout : 0, Rng::mix(command.seed)};
  ThreadPool threads(hardware_threads());
  Decoder<float> decoder(*model.parameters, *model.mask, !command.no_kv_cache, &threads);
  Distribution distribution;
  for (int i = 0; i < command.max_new_tokens; ++i) {
    try {
      // Another pattern at each step, as training has at each of its own; the seed makes them repeatable.
      generate_token<float>(decoder, sampling, generation, distribution, dropout.at(static_cast<uint64_t>(i)),
                            &interruptible());
    } catch (const Cancelled&) {
      return kInterrupted;
    }
    const WrittenToken& token = generation.node(generation.current()).token;
    out.step(generation.tokens(), token, distribution);
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
    note("This model was trained without dropout: --dropout-on changes nothing.");
  }
  Generation generation(prompt_tokens(*model.tokenizer, command.prompt, &interruptible()), command.seed);
  const bool empty_prompt = model.tokenizer->encode(command.prompt, &interruptible()).empty();
  std::unique_ptr<Output> out;
  if (command.json) {
    out = std::make_unique<JsonOutput>(model, generation.prompt(), empty_prompt);
  } else {
    out = std::make_unique<PlainOutput>(*model.tokenizer, empty_prompt);
  }
  const char* stopped = write_tokens(command, model, generation, *out);
  out->finish(generation.tokens(), stopped);
  return stopped == kInterrupted ? 128 + interrupted_by() : 0;
}

}  // namespace nopeek
