// `nopeek generate` and `nopeek inspect`, as people and scripts start them. That the numbers are right is for the
// core's tests and for tests/peers; here it is what comes out, and where.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "core/decode/inspect.h"
#include "core/io/model_folder.h"
#include "tests/commands/program.h"

namespace nopeek::test::decode_commands_test {
namespace {

using nlohmann::json;

using Outcome = ProgramOutcome;

Outcome run(const std::vector<std::string>& arguments) { return run_program(arguments); }

/// A model of the small corpus with random weights, in a folder.
class SavedModel {
 public:
  explicit SavedModel(bool masked = true, double dropout = 0) {
    ModelConfig config{.vocab = small_corpus()->vocab_size(), .context = 6, .channels = 16, .layers = 2, .heads = 2};
    config.dropout = dropout;
    auto parameters = std::make_shared<Parameters<float>>(config);
    Rng rng(3);
    randomise(*parameters, rng, 0.3);
    model = {"saved", std::make_shared<const Tokenizer>(small_corpus()->tokenizer), parameters,
             std::make_shared<const Mask>(masked ? Mask::causal(6) : Mask::full(6)), 0};
    save_model(path(), model);
  }
  std::string path() const { return (folder_ / "model").string(); }
  Outcome generate(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"generate", "--model", path()});
    return run(arguments);
  }
  Outcome inspect(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"inspect", "--model", path()});
    return run(arguments);
  }
  Model model;

 private:
  TemporaryFolder folder_;
};

json parsed(const Outcome& outcome) {
  CHECK(outcome.status == 0);
  CHECK(outcome.out.ends_with("}\n"));
  return json_of(outcome.out);
}

TEST_CASE("generate --json tells of each step what was fed, what came out, and what was drawn") {
  const SavedModel saved;
  const json document = parsed(saved.generate({"--prompt", "the agent read", "--max-new-tokens", "9", "--json"}));
  const int V = saved.model.config().vocab;
  json text = document["prompt_ids"];
  CHECK(text.size() == 3);
  for (const json& step : document["steps"]) {
    const size_t start = text.size() - std::min<size_t>(text.size(), 6);
    CHECK(step["position"] == text.size());
    CHECK(step["window_start"] == start);
    CHECK(step["context"] == json(std::vector<json>(text.begin() + static_cast<std::ptrdiff_t>(start), text.end())));
    REQUIRE(step["candidates"].size() == static_cast<size_t>(V));
    double sum = 0, sum_model = 0;
    for (const json& candidate : step["candidates"]) {
      CHECK(candidate.size() == 6);
      CHECK(candidate["token"] == saved.model.tokenizer->token(candidate["id"]));
      CHECK(candidate["kept"] == true);
      sum += candidate["p"].get<double>(), sum_model += candidate["p_model"].get<double>();
    }
    CHECK(sum == doctest::Approx(1));
    CHECK(sum_model == doctest::Approx(1));
    CHECK(step["entropy"].is_number());
    CHECK((step["u"] >= 0 && step["u"] < 1));
    text.push_back(step["chosen"]);
  }
  std::vector<TokenId> ids = text;
  CHECK((document["stopped"] == "eos") == (ids.back() == 0));
  if (ids.back() == 0) ids.pop_back();
  CHECK(document["text"] == saved.model.tokenizer->decode(ids));
}

TEST_CASE("the text is the same with and without --json and cache; another seed, settings and greedy change it") {
  const SavedModel saved;
  const auto text = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--prompt", "the agent", "--max-new-tokens", "40"});
    const Outcome outcome = saved.generate(more);
    CHECK(outcome.status == 0);
    CHECK(outcome.error.empty());
    return outcome.out;
  };
  const std::string once = text({});
  CHECK(once.starts_with("the agent "));
  CHECK(text({}) == once);
  CHECK(text({"--seed", "1", "--no-kv-cache"}) == once);
  CHECK(json_of(text({"--json"}))["text"].get<std::string>() + "\n" == once);
  CHECK(text({"--seed", "2"}) != once);
  const std::string greedy = text({"--greedy"});
  CHECK(greedy != once);
  CHECK(text({"--greedy", "--seed", "7"}) == greedy);
  CHECK(text({"--temperature", "0"}) == greedy);
  CHECK(text({"--top-k", "1"}) == greedy);
  CHECK(text({"--top-p", "0.000001"}) == greedy);
  CHECK(text({"--greedy", "--temperature", "0"}) == greedy);
}

/// What would move a terminal's cursor, as <U+001B>; line ends and tabs stay.
std::string with_signs(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool second = byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0;  // U+0080 to U+009F
    const int code = second ? static_cast<unsigned char>(text[++i]) : byte;
    const bool control = second || byte == 0x7F || (byte < 0x20 && byte != '\n' && byte != '\t');
    char sign[16];
    std::snprintf(sign, sizeof sign, "<U+%04X>", static_cast<unsigned>(code));
    result += control ? sign : std::string(1, text[i]);
  }
  return result;
}

TEST_CASE("plain text, printed token by token, is the text decoded whole: words, characters, bytes of characters") {
  const std::string corpus = "na\u00EFve \u20AC 10 \U0001F642 \u65E5\u672C, and so on. " + std::string(200, 'a');
  for (const TokenizerKind kind : {TokenizerKind::kWord, TokenizerKind::kCharacter, TokenizerKind::kBytePair}) {
    const auto tokenizer = std::make_shared<const Tokenizer>(Tokenizer::train(corpus, kind));
    ModelConfig config{.vocab = tokenizer->vocab_size(), .context = 6, .channels = 8, .layers = 1, .heads = 2};
    auto parameters = std::make_shared<Parameters<float>>(config);
    Rng rng(5);
    randomise(*parameters, rng, 0.1);  // nearly even: all byte tokens come, in any order
    TemporaryFolder folder;
    const std::string path = (folder / "model").string();
    save_model(path, {"any", tokenizer, parameters, std::make_shared<const Mask>(Mask::causal(6)), 0});
    for (const char* prompt : {"", "na\u00EFve", "and <eos>", "<eos>", "<eos><eos>"}) {
      for (int seed = 1; seed <= 4; ++seed) {
        const auto written = [&](const char* format) {
          return run({"generate", "--model", path, "--prompt", prompt, "--max-new-tokens", seed == 4 ? "0" : "60",
                      "--temperature", "3", "--seed", std::to_string(seed), format});
        };
        CAPTURE(prompt);
        CHECK(written("--no-kv-cache").out ==
              with_signs(json_of(written("--json").out)["text"].get<std::string>()) + "\n");
      }
    }
  }
}

TEST_CASE("an empty prompt begins a document, in both ways to write it; no new tokens give the prompt back") {
  const SavedModel saved;
  for (const std::vector<std::string>& prompt : {std::vector<std::string>{"--prompt", ""}, {"--prompt="}}) {
    auto arguments = prompt;
    arguments.insert(arguments.end(), {"--max-new-tokens", "2", "--json"});
    const json document = parsed(saved.generate(arguments));
    CHECK(document["prompt_ids"] == json::array({0}));
    CHECK_FALSE(contains(document["text"].get<std::string>(), "<eos>"));
    CHECK(document["steps"][0]["context"] == json::array({0}));
  }
  CHECK(saved.generate({"--prompt", "the agent", "--max-new-tokens", "0"}).out == "the agent\n");
  const json none = parsed(saved.generate({"--prompt", "the agent", "--max-new-tokens", "0", "--json"}));
  CHECK(none["steps"].empty());
  CHECK(none["text"] == "the agent");
}

TEST_CASE("notes go to standard error: words that the vocabulary lacks, dropout that is not there") {
  const SavedModel saved;
  Outcome outcome = saved.generate({"--prompt", "the Zebra read", "--max-new-tokens", "1"});
  CHECK(outcome.status == 0);
  CHECK(one_line(outcome.error));
  CHECK(contains(outcome.error, "\"Zebra\""));
  CHECK(contains(outcome.error, "<unk>"));
  CHECK(outcome.out.starts_with("the <unk> read"));
  outcome = saved.inspect({"--text", "the Zebra", "--json"});
  CHECK(contains(outcome.error, "\"Zebra\""));
  CHECK(json_of(outcome.out)["tokens"][1] == "<unk>");
  outcome = saved.generate({"--prompt", "the", "--dropout-on"});
  CHECK(outcome.status == 0);
  CHECK(contains(outcome.error, "without dropout"));
}

TEST_CASE("--dropout-on changes greedy text from seed to seed, and is repeatable") {
  const SavedModel saved(true, 0.4);
  const auto greedy = [&](const std::string& seed, const char* more) {
    return saved.generate({"--prompt", "the", "--max-new-tokens", "20", "--greedy", "--seed", seed, more}).out;
  };
  CHECK(greedy("1", "--dropout-on") == greedy("1", "--dropout-on"));
  CHECK(greedy("1", "--dropout-on") != greedy("2", "--dropout-on"));
  CHECK(greedy("1", "--no-kv-cache") == greedy("2", "--no-kv-cache"));
}

TEST_CASE("inspect --json is one document of all that the pass computed, to the last bit") {
  const SavedModel saved;
  const std::string text = "the agent read the book";
  const json document = parsed(saved.inspect({"--text", text, "--json", "--grad"}));
  const auto ids = saved.model.tokenizer->encode(text);
  const auto seen = inspect<float>(*saved.model.parameters, *saved.model.mask, ids, true);
  CHECK(document["ids"] == json(ids));
  CHECK(document["tokens"] == json({"the", "agent", "read", "the", "book"}));
  CHECK(document["mask"] == "on");
  CHECK(document["reported_loss"] == *seen.reported_loss);
  CHECK(document["honest_loss"] == *seen.honest_loss);
  const int V = saved.model.config().vocab;
  for (int t = 0; t < 5; ++t) {
    for (int v = 0; v < V; ++v) CHECK(document["logits"][t][v].get<float>() == seen.logits(t, v));
  }
  std::vector<float> attention;
  for (const json& layer : document["attention"]) {
    for (const json& head : layer) {
      for (const json& row : head) attention.insert(attention.end(), row.begin(), row.end());
    }
  }
  CHECK(attention == seen.attention);
  REQUIRE(document["grad"].size() == seen.gradient->table().size());
  for (const TensorSpec& spec : seen.gradient->table()) {
    const json& tensor = document["grad"][spec.name];
    REQUIRE(tensor.size() == static_cast<size_t>(spec.is_matrix() ? spec.rows : spec.cols));
    const json& last = spec.is_matrix() ? tensor.back().back() : tensor.back();
    CHECK(last.get<float>() == seen.gradient->tensor(spec)(spec.rows - 1, spec.cols - 1));
  }
  CHECK_FALSE(parsed(saved.inspect({"--text", text, "--json"})).contains("grad"));
}

TEST_CASE("inspect: a mask of one's choice, one token, and a table without --json") {
  const SavedModel saved(false);
  const auto document = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--json", "--text", "the agent read"});
    return parsed(saved.inspect(more));
  };
  const json own = document({}), off = document({"--mask", "off"}), on = document({"--mask", "on"});
  CHECK(own["mask"] == "off");
  CHECK(own == off);
  CHECK(on["mask"] == "on");
  CHECK(on["attention"][0][0][0] == json({1, 0, 0}));
  CHECK(on["reported_loss"].get<double>() == doctest::Approx(on["honest_loss"].get<double>()).epsilon(1e-5));
  CHECK(off["reported_loss"] != off["honest_loss"]);
  const json one = parsed(saved.inspect({"--text", "the", "--json", "--grad"}));
  for (const char* name : {"reported_loss", "honest_loss", "grad"}) CHECK(one[name].is_null());
  const Outcome table = saved.inspect({"--text", "the agent read"});
  CHECK(table.status == 0);
  CHECK(contains(table.out, "agent"));
  CHECK(contains(table.out, "reported loss"));
}

TEST_CASE("logits that are no numbers: the table is not printed by half") {
  ModelConfig config{.vocab = small_corpus()->vocab_size(), .context = 6, .channels = 4, .layers = 1, .heads = 1};
  auto parameters = std::make_shared<Parameters<float>>(config);
  parameters->flat().setZero();
  parameters->wpe()(2, 0) = 1;  // from the third position on, the last layer norm has something to scale
  parameters->ln_f_weight().setConstant(3e38f);
  parameters->wte().setConstant(0);
  parameters->wte().row(1).setLinSpaced(3e30f, 2e30f);
  TemporaryFolder folder;
  save_model(folder / "model", {"damaged", std::make_shared<const Tokenizer>(small_corpus()->tokenizer), parameters,
                                std::make_shared<const Mask>(Mask::causal(6)), 0});
  const std::string model = (folder / "model").string();
  CHECK(run({"inspect", "--model", model, "--text", "the the"}).status == 0);  // the first two are sound
  const Outcome outcome = run({"inspect", "--model", model, "--text", "the the the the"});
  CAPTURE(outcome.error);
  CHECK(outcome.status == 2);
  CHECK(outcome.out.empty());
  CHECK(one_line(outcome.error));
  CHECK(contains(outcome.error, "not finite"));
}

TEST_CASE("a token without a text writes nothing, not even a blank between words") {
  const SavedModel saved;
  const std::string path = saved.path() + "/tokenizer.json";
  json file = json_of(read_whole(path));
  json& vocabulary = file["model"]["vocab"];
  const int kept = saved.model.config().vocab / 2;  // the model's other rows have no text then
  for (auto word = vocabulary.begin(); word != vocabulary.end();) {
    word = word->get<int>() < kept ? std::next(word) : vocabulary.erase(word);
  }
  write_plain(path, file.dump());
  bool any = false;
  for (const char* seed : {"1", "2", "3"}) {
    const std::vector<std::string> arguments = {"--prompt", "the", "--max-new-tokens", "20", "--seed", seed};
    auto with_json = arguments;
    with_json.emplace_back("--json");
    const json document = parsed(saved.generate(with_json));
    for (const json& step : document["steps"]) any |= step["chosen"].get<int>() >= kept;
    CHECK(saved.generate(arguments).out == document["text"].get<std::string>() + "\n");
  }
  CHECK(any);
}

#ifdef __linux__
TEST_CASE("a full disk is an error, whatever was to be written") {
  const SavedModel saved;
  const auto full = [&](const std::string& arguments) {
    TemporaryFolder folder;
    const std::string error = (folder / "error").string();
    const int status = std::system(("'" NOPEEK_PROGRAM "' " + arguments + " >/dev/full 2>" + error).c_str());
    CAPTURE(arguments);
    CHECK(WEXITSTATUS(status) == 2);
    CHECK(one_line(read_whole(error)));
    CHECK(contains(read_whole(error), "in full"));
  };
  const std::string model = " --model '" + saved.path() + "'";
  full("inspect --text the" + model);
  full("inspect --json --text the" + model);
  full("generate --prompt the" + model);
  full("generate --json --prompt the" + model);
  full("train --corpus toy --steps 1 --d-model 16 --heads 2 --batch 2 --context 8");
  full("--help");
}
#endif

TEST_CASE("bad usage and bad input: status 2, one line on standard error, nothing on standard output") {
  const SavedModel saved;
  const auto refused = [](const Outcome& outcome, std::string_view part) {
    CAPTURE(outcome.error);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(one_line(outcome.error));
    CHECK(contains(outcome.error, part));
  };
  refused(run({"generate", "--prompt", "the"}), "generate needs --model: the name of a folder.");
  refused(run({"generate", "--model", saved.path()}), "generate needs --prompt: a text.");
  refused(run({"generate", "--model", "/nowhere", "--prompt", "the"}), "/nowhere");
  refused(run({"generate", "--model", "", "--prompt", "the"}), "empty");
  refused(run({"inspect", "--model=", "--text", "the"}), "empty");
  refused(run({"inspect", "--model", std::string(6000, 'x'), "--text", "the"}), "xxx");
  const auto generate = [&](const char* option, const char* value) {
    return saved.generate({"--prompt", "the", option, value});
  };
  refused(generate("--temperature", "-1"), "Temperature");
  refused(generate("--temperature", "nan"), "--temperature needs a number, not \"nan\".");
  refused(generate("--temperature", "hot"), "hot");
  refused(generate("--top-k", "-1"), "Top-k");
  refused(generate("--top-k", "99999999999"), "99999999999");
  refused(generate("--top-p", "0"), "Top-p");
  refused(generate("--top-p", "1.5"), "Top-p");
  refused(generate("--max-new-tokens", "-1"), "-1");
  refused(generate("--seed", "-1"), "seed");
  refused(generate("--frobnicate", "1"), "frobnicate");
  refused(saved.generate({"--prompt", "the", "--greedy", "--temperature", "0.5"}), "--greedy");
  refused(saved.generate({"--prompt", "a\xff"}), "UTF-8 at byte 1");
  refused(saved.inspect({"--text", "a\xff", "--json"}), "UTF-8");
  refused(saved.inspect({"--text", "", "--json"}), "no token");
  refused(saved.inspect({"--text", "the the the the the the the", "--json"}), "at most 6");
  refused(saved.inspect({"--text", "the", "--mask", "maybe"}), "maybe");
  refused(run({"inspect", "--model", saved.path()}), "--text");
  refused(saved.inspect({"--text", "the agent", "--grad"}), "--json");
}

}  // namespace
}  // namespace nopeek::test::decode_commands_test
