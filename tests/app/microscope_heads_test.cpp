// The Microscope's title row, and its pages Heads, Twins and Q K V: each number on the screen is core's.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "app/commands/assets.h"
#include "app/scenes/microscope_parts.h"
#include "app/ui/registry.h"
#include "app_host.h"
#include "core/decode/attention_trace.h"
#include "core/io/corpus_file.h"
#include "core/live/lab.h"
#include "core/live/run_folder.h"

namespace registry = nopeek::ui::registry;

namespace nopeek::test::microscope_heads_test {
namespace {

constexpr const char* kOpen = "scene Microscope\nwait until microscope.ready == true\n";
constexpr int kContext = 8;

nlohmann::json figures(AppHost& h) { return h.figures()["microscope"]; }

/// Twins that have learned a little, so that their heads differ.
RunState trained_run() {
  RunConfig config;
  config.model.context = kContext;
  config.model.channels = 16;
  config.model.layers = 2;
  config.model.heads = 2;
  config.train.batch = 4;
  Lab lab(config, std::make_shared<const Corpus>(load_corpus(find_asset("corpora/toy.txt"))), Lab::twins(kContext));
  ThreadPool one(1);
  for (int i = 0; i < 30; ++i) lab.step(one);
  return lab.state();
}

/// The App on a run that the test knows, and what core says of it.
struct Known {
  Known() {
    save_run(folder / "run", run);
    h.input().drop(folder / "run");
    PLAY(h, std::string("wait until run == 2\n") + kOpen);
    text = run.corpus->tokenizer.encode(figures(h)["text"].get<std::string>());
    for (size_t i = 0; i < 2; ++i) {
      parameters.emplace_back(run.config.model);
      parameters[i].flat() = run.lanes[i].trainer.weights;
      traces.push_back(trace_attention(parameters[i], masks[i], text));
    }
  }
  HeadStages<float> stages(size_t lane, int layer, int head) const {
    return head_stages<float>(traces[lane].qkv[static_cast<size_t>(layer)], 2, head, masks[lane]);
  }
  TemporaryFolder folder;
  RunState run = trained_run();
  AppHost h;
  std::vector<TokenId> text;
  std::array<Mask, 2> masks{Mask::causal(kContext), Mask::full(kContext)};
  std::vector<Parameters<float>> parameters;
  std::vector<AttentionTrace> traces;
};

}  // namespace

TEST_CASE("Heads: the numbers of all heads are core's, and they are sorted by them") {
  Known k;
  for (size_t lane = 0; lane < 2; ++lane) {
    PLAY(k.h, std::string("scene \"Mask Lab\"\nclick ") + (lane == 0 ? "Masked" : "Unmasked") + "\n" + kOpen +
                  "click Heads\nset \"Sort by\" \"layer and head\"\nwait until microscope.heads == 4");
    k.h.frames(3);
    const auto f = figures(k.h);
    const AttentionTrace& truth = k.traces[lane];
    for (size_t i = 0; i < 4; ++i) {
      CHECK(f["future_attention"][i].get<float>() == truth.heads[i].future_attention);
      CHECK(f["entropy"][i].get<float>() == truth.heads[i].entropy);
      CHECK(f["previous_token"][i].get<float>() == truth.heads[i].previous_token);
    }
    const auto best = [&](float HeadSummary::*number, bool largest) {
      size_t found = 0;
      for (size_t i = 1; i < 4; ++i) {
        const float a = truth.heads[i].*number, b = truth.heads[found].*number;
        if (largest ? a > b : a < b) found = i;
      }
      return "L" + std::to_string(found / 2 + 1) + " H" + std::to_string(found % 2 + 1);
    };
    CHECK(f["first"] == "L1 H1");
    PLAY(k.h, "set \"Sort by\" entropy\nwait until microscope.first == \"" + best(&HeadSummary::entropy, false) + "\"");
    PLAY(k.h, "set \"Sort by\" \"previous token\"\nwait until microscope.first == \"" +
                  best(&HeadSummary::previous_token, true) + "\"");
    PLAY(k.h, "set \"Sort by\" \"future attention\"\nwait until microscope.first == \"" +
                  best(&HeadSummary::future_attention, true) + "\"");
    PLAY(k.h, "click \"L2 H1\"\nexpect layer == 2\nexpect head == 1");
  }
}

TEST_CASE("Twins: both sides and their difference are core's at every step, from whichever twin is held") {
  Known k;
  const int T = static_cast<int>(k.text.size());
  const int row = std::min(3, T - 1), column = std::min(5, T - 1);
  PLAY(k.h, "click Twins\nclick \"layer 2\"\nclick \"head 1\"\nwait until microscope.ready == true");
  const HeadStages<float> a = k.stages(0, 1, 0), b = k.stages(1, 1, 0);
  for (const char* held : {"Masked", "Unmasked"}) {
    PLAY(k.h, std::string("scene \"Mask Lab\"\nclick ") + held + "\n" + kOpen);
    const auto values = [&](const std::string& stage) {
      PLAY(k.h, "click \"" + stage + "\"\nwait until microscope.stage == \"" + stage + "\"\n");
      k.h.frames(3);
      return figures(k.h)["values"];
    };
    auto v = values("scores");
    CHECK(v[0].get<float>() == a.scores(row, column));
    CHECK(v[1].get<float>() == b.scores(row, column));
    CHECK(v[2].get<float>() == a.scores(row, column) - b.scores(row, column));
    v = values("masked");
    if (column > row) {
      CHECK(std::isinf(v[0].is_null() ? -INFINITY : v[0].get<float>()));
      CHECK(v[1].get<float>() == b.masked(row, column));
    }
    v = values("weights");
    CHECK(v[1].get<float>() == b.weights(row, column));
    CHECK(v[2].get<float>() == a.weights(row, column) - b.weights(row, column));
    float most = 0;
    for (int q = 0; q < T; ++q) {
      for (int c = 0; c < T; ++c) most = std::max(most, std::abs(a.weights(q, c) - b.weights(q, c)));
    }
    CHECK(figures(k.h)["difference_max"].get<float>() == most);
    PLAY(k.h, "click \"Point at the largest difference\"");
    k.h.frames(3);
    CHECK(std::abs(figures(k.h)["values"][2].get<float>()) == most);
    PLAY(k.h, "click \"Left matrix\" " + std::to_string((column + 0.5) / T) + "," + std::to_string((row + 0.5) / T));
  }
}

TEST_CASE("Q K V: the chosen number is core's, in all three matrices") {
  Known k;
  PLAY(k.h, "click \"Q K V\"\nclick \"layer 1\"\nclick \"head 2\"\nwait until microscope.ready == true");
  const HeadStages<float> s = k.stages(0, 0, 1);
  const int T = static_cast<int>(k.text.size());
  for (const auto& [name, matrix] : {std::pair{"Query", &s.query}, {"Key", &s.key}, {"Value", &s.value}}) {
    for (const auto& [row, dimension] : {std::pair{0, 0}, {T - 1, 7}, {T / 2, 3}}) {
      PLAY(k.h, std::string("click ") + name + " " + std::to_string((dimension + 0.5) / 8) + "," +
                    std::to_string((row + 0.5) / T));
      k.h.frames(2);
      const auto f = figures(k.h);
      CHECK(f["dimension"] == dimension);
      CHECK(f["value"].get<float>() == (*matrix)(row, dimension));
      const std::string column = std::to_string(8 + dimension);  // of the second head
      CHECK(f["where"].get<std::string>().find("= column " + column + " of W") != std::string::npos);
      const registry::Item* shown = registry::find("Microscope/Pointed value");
      REQUIRE(shown != nullptr);
      std::string number = shown->value;
      if (number.starts_with("\u2212")) number = "-" + number.substr(3);
      CHECK(std::abs(std::stod(number) - static_cast<double>((*matrix)(row, dimension))) < 2e-4);
    }
  }
}

TEST_CASE("the mask has a say in what all layers but the first read") {
  CHECK(words_of_masks_below(0, true).find("changes nothing here") != std::string::npos);
  CHECK(words_of_masks_below(1, true).find("through 1 masked attention:") != std::string::npos);
  CHECK(words_of_masks_below(2, false).find("through 2 unmasked attentions:") != std::string::npos);
}

TEST_CASE("Heads and Twins of a text of one token say nothing about other tokens") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "key E\ntype Text \"the\"\nkey Enter\nwait until microscope.tokens == 1");
  PLAY(h, "wait until microscope.ready == true\nclick Twins\nwait until microscope.difference_max >= 0");
  PLAY(h, "click Heads\nwait until microscope.heads == 8");
  h.frames(2);
  for (const registry::Item& item : registry::items()) CHECK(item.label.find("before:") == std::string::npos);
}

TEST_CASE("Twins compares weights first, and then whatever step is chosen") {
  AppHost h;
  PLAY(h,
       std::string(kOpen) + "expect microscope.stage == masked\nclick Twins\nwait until microscope.stage == weights");
  PLAY(h, "click masked\nwait until microscope.stage == masked\nclick Heads\nclick Twins\nwait 0.5s");
  CHECK(figures(h)["stage"] == "masked");
}

TEST_CASE("the text: taken, refused where it is too long, undone; empty is the corpus' own") {
  AppHost h;
  PLAY(h, kOpen);
  const std::string own = figures(h)["text"];
  const auto type = [](const std::string& words) { return "key E\ntype Text \"" + words + "\"\nkey Enter\n"; };
  PLAY(h, type("the zorp opened a pull request") + "wait until microscope.tokens == 6\nexpect microscope.unknown == 1");
  PLAY(h, type("the agent") + "wait until microscope.tokens == 2");
  std::string longest;
  for (int i = 0; i < 30; ++i) longest += "the agent ";
  PLAY(h, type(longest) + "expect microscope.editing == true\nexpect \"The text/Use\".enabled == false");
  PLAY(h, "key Escape\nexpect microscope.editing == false\nexpect microscope.tokens == 2");
  PLAY(h, type("") + "wait until microscope.typed == \"\"");
  CHECK(figures(h)["text"] == own);
  PLAY(h, type(own) + "wait 0.1s\nexpect microscope.typed == \"\"\nexpect microscope.undos == 3");
  PLAY(h, "key Ctrl+Z\nwait until microscope.tokens == 2\nkey Ctrl+Z\nwait until microscope.tokens == 6\nkey Ctrl+Y");
  PLAY(h, "wait until microscope.tokens == 2\nkey Ctrl+Shift+Z\nwait until microscope.typed == \"\"");
  CHECK(figures(h)["redos"] == 0);
}

TEST_CASE("a text of exactly the context is read; a model with less room reads its beginning and says so") {
  AppHost h;
  PLAY(h, kOpen);
  std::string words = "the";
  for (int i = 1; i < 24; ++i) words += i % 2 ? " agent" : " the";
  PLAY(h, "key E\ntype Text \"" + words + "\"\nkey Enter\nwait until microscope.tokens == 24");
  PLAY(h, "wait until microscope.ready == true\nexpect microscope.left_out == 0");
  TemporaryFolder folder;
  save_run(folder / "run", trained_run());
  h.input().drop(folder / "run");
  PLAY(h, "wait until run == 2\nwait until microscope.ready == true\nexpect microscope.tokens == 8");
  CHECK(figures(h)["left_out"] == 16);
}

TEST_CASE("keys walk through all heads, over the ends of layers") {
  AppHost h;
  PLAY(h, std::string(kOpen) + "click \"layer 1\"\nclick \"head 4\"\nkey ]\nexpect layer == 2\nexpect head == 1");
  PLAY(h, "key [\nexpect layer == 1\nexpect head == 4\nclick \"layer 2\"\nkey ]\nexpect layer == 1\nexpect head == 1");
  PLAY(h, "key [\nexpect layer == 2\nexpect head == 4");
}

}  // namespace nopeek::test::microscope_heads_test
