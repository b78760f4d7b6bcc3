// Text, token by token: greedy continuation, the tree of what was written, the same draws for another model.
#include "core/decode/generation.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/core/support.h"

namespace nopeek::test::generation_test {
namespace {

const ModelConfig kConfig{.vocab = 6, .context = 5, .channels = 8, .layers = 1, .heads = 2};
constexpr TokenId kEos = 0;

/// The likeliest next token, worked out from the logits of one training pass.
TokenId next_by_hand(SmallModel<double>& model, std::vector<TokenId> window, const Mask& mask) {
  const int T = static_cast<int>(window.size());
  Activations<double> activations(kConfig, 1, T);
  forward<double>(model.parameters, window, 1, T, {&mask, 1}, Dropout{}, activations);
  head_forward<double>(model.parameters, activations);
  TokenId best = 0;
  const auto logits = activations.views().logits.row(T - 1);
  for (TokenId id = 1; id < kConfig.vocab; ++id) {
    if (logits[id] > logits[best]) best = id;
  }
  return best;
}

TEST_CASE("greedy continuation takes the likeliest token again and again, over the last `context` tokens") {
  int longest = 0, ended = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SmallModel<double> model(kConfig, 1, kConfig.context, seed, 0.8);
    for (const Mask& mask : {Mask::causal(kConfig.context), Mask::full(kConfig.context)}) {
      const std::vector<TokenId> prompt = {2, 4};
      std::vector<TokenId> expected, tokens = prompt;
      while (expected.size() < 12) {
        const auto from = tokens.size() > 5 ? tokens.end() - 5 : tokens.begin();
        const TokenId next = next_by_hand(model, {from, tokens.end()}, mask);
        if (next == kEos) break;
        expected.push_back(next), tokens.push_back(next);
      }
      Decoder<double> decoder(model.parameters, mask);
      CHECK(greedy_continuation<double>(decoder, prompt, 12, kEos) == expected);
      const auto endless = greedy_continuation<double>(decoder, prompt, 12, std::nullopt);
      CHECK(endless.size() == 12);
      CHECK(std::equal(expected.begin(), expected.end(), endless.begin()));
      longest = std::max(longest, static_cast<int>(expected.size()));
      ended += expected.size() < 12;
    }
  }
  CHECK(longest == 12);  // both ends were met: the limit, beyond the context, and <eos>
  CHECK(ended > 0);
}

TEST_CASE("among equal logits the lower id is taken; the end token ends and is not returned") {
  SmallModel<float> model(kConfig, 1, kConfig.context, 3);
  const Mask mask = Mask::causal(kConfig.context);
  model.parameters.ln_f_weight().setZero();
  model.parameters.ln_f_bias().setOnes();  // the last hidden state is all ones, whatever came before
  const auto written = [&](std::initializer_list<float> logit_per_channel) {
    int id = 0;
    for (const float value : logit_per_channel) model.parameters.wte().row(id++).setConstant(value);
    Decoder<float> decoder(model.parameters, mask);
    return greedy_continuation<float>(decoder, std::vector<TokenId>{1}, 3, kEos);
  };
  CHECK(written({0, 1, 5, 2, 5, 5}) == std::vector<TokenId>{2, 2, 2});
  CHECK(written({5, 1, 5, 2, 5, 5}).empty());
}

TEST_CASE("a prompt longer than the context loses its beginning; no new tokens are none") {
  SmallModel<float> model(kConfig, 1, kConfig.context, 4, 0.8);
  const Mask mask = Mask::causal(kConfig.context);
  Decoder<float> decoder(model.parameters, mask);
  const auto from = [&](std::vector<TokenId> prompt, int count) {
    return greedy_continuation<float>(decoder, prompt, count, kEos);
  };
  CHECK(from({1, 1, 5, 4, 3, 2, 1}, 4) == from({5, 4, 3, 2, 1}, 4));
  CHECK(from({1}, 0).empty());
}

TEST_CASE("an empty prompt begins behind the end of a document") {
  const auto tokenizer = Tokenizer::train("to be or not to be", TokenizerKind::kWord);
  CHECK(prompt_tokens(tokenizer, "") == std::vector<TokenId>{kEos});
  CHECK(prompt_tokens(tokenizer, " \n") == std::vector<TokenId>{kEos});
  CHECK(prompt_tokens(tokenizer, "not to") == tokenizer.encode("not to"));
  CHECK(prompt_tokens(tokenizer, "qed").size() == 1);  // <unk>
}

// ------------------------------------------------------------------------------------------------------- the tree

WrittenToken token(TokenId id, bool forced = false) {
  WrittenToken written;
  written.id = id;
  written.forced = forced;
  return written;
}

TEST_CASE("stepping back and forth returns to the same node, the same text and the same u") {
  Generation g({7, 8}, 3);
  std::vector<double> us;
  for (TokenId id = 0; id < 6; ++id) us.push_back(g.u()), g.append(token(id));
  CHECK(g.text() == std::vector<TokenId>{7, 8, 0, 1, 2, 3, 4, 5});
  CHECK(g.depth(g.current()) == 6);
  const int end = g.current();
  for (int i = 5; i >= 0; --i) {
    CHECK(g.back());
    CHECK(g.u() == us[static_cast<size_t>(i)]);
  }
  CHECK(g.text() == g.prompt());
  CHECK_FALSE(g.back());
  CHECK(g.current() == 0);
  while (g.forward()) continue;
  CHECK(g.current() == end);
  CHECK(g.nodes().size() == 7);
  CHECK(g.path(end) == std::vector<int>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("forcing a token and returning keeps both forks, and forward() follows the one visited last") {
  Generation g({7}, 1);
  g.append(token(1)), g.append(token(2)), g.append(token(3));
  g.back(), g.back();
  g.append(token(5, true)), g.append(token(6));
  CHECK(g.text() == std::vector<TokenId>{7, 1, 5, 6});
  CHECK(g.node(g.node(g.current()).parent).token.forced);
  g.back(), g.back();
  CHECK(g.node(g.current()).children.size() == 2);
  CHECK(g.forward());
  CHECK(g.text() == std::vector<TokenId>{7, 1, 5});
  g.go_to(3);  // the first fork's end
  CHECK(g.text() == std::vector<TokenId>{7, 1, 2, 3});
  CHECK(g.text(5) == std::vector<TokenId>{7, 1, 5, 6});
  g.go_to(0);
  CHECK(g.forward());
  CHECK(g.text() == std::vector<TokenId>{7, 1});  // one step, not the whole way
  while (g.forward()) continue;
  CHECK(g.current() == 3);
  const size_t nodes = g.nodes().size();
  g.back();
  g.append(token(3));  // what is there already is gone to, not made again
  CHECK(g.current() == 3);
  CHECK(g.nodes().size() == nodes);
}

TEST_CASE("however one walked there: text, depth and where forward() goes are those of the tree") {
  Generation g({7, 8}, 3);
  Rng rng(19);
  std::vector<int> last_child(1, -1), parent(1, -1), depth(1, 0);  // kept by hand
  const auto visit = [&](int node) {
    for (int child = node; child > 0; child = parent[static_cast<size_t>(child)]) {
      last_child[static_cast<size_t>(parent[static_cast<size_t>(child)])] = child;
    }
  };
  for (int i = 0; i < 3000; ++i) {
    const auto way = static_cast<int>(rng.uniform() * 8);
    const int before = g.current();
    if (way < 3) {
      const size_t nodes = g.nodes().size();
      g.append(token(static_cast<TokenId>(rng.uniform() * 3)));
      if (g.nodes().size() > nodes) {
        last_child.push_back(-1), parent.push_back(before);
        depth.push_back(depth[static_cast<size_t>(before)] + 1);
      }
    } else if (way < 5) {
      CHECK(g.back() == (before != 0));
      CHECK(g.current() == std::max(0, parent[static_cast<size_t>(before)]));
    } else if (way < 7) {
      const int next = last_child[static_cast<size_t>(before)];
      CHECK(g.forward() == (next >= 0));
      CHECK(g.current() == (next >= 0 ? next : before));
    } else {
      g.go_to(static_cast<int>(rng.uniform() * static_cast<double>(g.nodes().size())));
    }
    visit(g.current());
    std::vector<TokenId> text;
    for (int node = g.current(); node > 0; node = parent[static_cast<size_t>(node)]) {
      text.insert(text.begin(), g.node(node).token.id);
    }
    text.insert(text.begin(), {7, 8});
    CHECK(g.text() == text);
    CHECK(g.text(g.current()) == text);
    CHECK(std::equal(text.begin(), text.end(), g.tokens().begin(), g.tokens().end()));
    CHECK(g.depth(g.current()) == depth[static_cast<size_t>(g.current())]);
    CHECK(g.node(g.current()).parent == parent[static_cast<size_t>(g.current())]);
  }
  for (size_t node = 0; node < g.nodes().size(); ++node) CHECK(g.nodes()[node].last_child == last_child[node]);
  CHECK(g.nodes().size() > 100);
}

TEST_CASE("what is written again behind the same node is kept as it was written last") {
  Generation g({7});
  g.append(token(1, true));
  g.append(token(2));
  g.go_to(0);
  WrittenToken again = token(1);
  again.u = 0.25, again.step = 40;
  g.append(again);
  CHECK_FALSE(g.node(1).token.forced);
  CHECK(g.node(1).token.step == 40);
  CHECK(g.node(1).children == std::vector<int>{2});
}

TEST_CASE("u depends on the seed, the depth and the redraws, and on nothing else") {
  Generation a({1, 2}, 5), b({3}, 5), other({1, 2}, 6);
  for (TokenId id = 0; id < 50; ++id) {
    CHECK(a.u() == b.u());
    CHECK(a.u() != other.u());
    CHECK((a.u() >= 0 && a.u() < 1));
    a.append(token(id)), b.append(token(id + 100)), other.append(token(id));
  }
  const double before = a.u(), earlier = a.u_behind(10);
  a.redraw();
  const double drawn = a.u();
  CHECK(drawn != before);
  a.redraw();
  CHECK((a.u() != drawn && a.u() != before));
  CHECK(a.u_behind(10) == earlier);  // only here
  b.redraw();
  CHECK(b.u() == drawn);  // a redraw is repeatable, too
  a.set_seed(6);
  CHECK(a.u_behind(10) == other.u_behind(10));

  Generation fork({1}, 5);
  fork.append(token(1)), fork.append(token(2));
  const double two_deep = fork.u();
  fork.back(), fork.append(token(3));
  CHECK(fork.u() == two_deep);  // both branches are two deep
}

TEST_CASE("a chosen u stays until it is drawn again, and is brought into [0, 1)") {
  Generation g({1}, 5);
  const double drawn = g.u();
  g.set_u(0.75);
  CHECK(g.u() == 0.75);
  g.append(token(1)), g.back();
  CHECK(g.u() == 0.75);
  for (const double most : {1.0, 7.0}) {
    g.set_u(most);
    CHECK((g.u() < 1 && g.u() > 0.999999));
  }
  for (const double least : {0.0, -3.0, std::nan("")}) {
    g.set_u(least);
    CHECK(g.u() == 0);
  }
  g.redraw();
  CHECK(g.u() != 0);
  CHECK(g.u() != drawn);
}

TEST_CASE("u is uniform over seeds, depths and redraws") {
  constexpr int kBins = 20, kEach = 4000;
  const auto chi_squared = [&](auto&& u_of) {
    std::vector<int> bins(kBins, 0);
    for (int i = 0; i < kBins * kEach; ++i) ++bins[static_cast<size_t>(u_of(i) * kBins)];
    double sum = 0;
    for (const int count : bins) sum += (count - kEach) * (count - kEach) / static_cast<double>(kEach);
    return sum;
  };
  constexpr double kThreshold = 70;  // 19 degrees of freedom: the chance of more is below 1e-6
  Generation g({1}, 1);
  CHECK(chi_squared([&](int i) { return g.set_seed(static_cast<uint64_t>(i)), g.u(); }) < kThreshold);
  CHECK(chi_squared([&](int) { return g.redraw(), g.u(); }) < kThreshold);
  std::vector<double> by_depth;
  for (uint64_t seed = 0; seed < 80; ++seed) {
    Generation deep({1}, seed);
    for (int i = 0; i < 1000; ++i) by_depth.push_back(deep.u()), deep.append(token(1));
  }
  CHECK(chi_squared([&](int i) { return by_depth[static_cast<size_t>(i)]; }) < kThreshold);
}

// ------------------------------------------------------------------------------------------------------- with a model

struct Writer {
  explicit Writer(uint64_t model_seed) : model(kConfig, 1, kConfig.context, model_seed, 0.5) {}
  Generation write(std::vector<TokenId> prompt, uint64_t seed, int count, const SamplingConfig& sampling,
                   const Dropout& dropout = {}) {
    Generation generation(std::move(prompt), seed);
    Decoder<float> decoder(model.parameters, mask);
    Distribution distribution;
    for (int i = 0; i < count; ++i) generate_token<float>(decoder, sampling, generation, distribution, dropout);
    return generation;
  }
  SmallModel<float> model;
  Mask mask = Mask::causal(kConfig.context);
};

TEST_CASE("the same seed writes the same text, another one another, and temperature 0 writes what greedy writes") {
  Writer writer(11);
  const auto text = [&](uint64_t seed, SamplingConfig sampling) {
    return writer.write({2, 3}, seed, 30, sampling).text();
  };
  CHECK(text(1, {}) == text(1, {}));
  CHECK(text(1, {}) != text(2, {}));
  CHECK(text(1, {0, 0, 1}) == text(2, {0, 0, 1}));
  CHECK(text(1, {0, 0, 1}) == text(9, {1, 1, 1}));
  CHECK(text(1, {0, 0, 1}) == text(9, {1e-9, 0, 1}));
  Decoder<float> decoder(writer.model.parameters, writer.mask);
  auto greedy = greedy_continuation<float>(decoder, std::vector<TokenId>{2, 3}, 30, std::nullopt);
  greedy.insert(greedy.begin(), {2, 3});
  CHECK(text(1, {0, 0, 1}) == greedy);
}

TEST_CASE("what is noted of a written token is what the distribution said of it") {
  Writer writer(12);
  const SamplingConfig sampling{1.5, 4, 0.9};
  const Generation g = writer.write({2}, 8, 10, sampling);
  Decoder<float> decoder(writer.model.parameters, writer.mask);
  Distribution d;
  for (const int index : g.path(g.current())) {
    const WrittenToken& written = g.node(index).token;
    d.set_logits(decoder.next_logits(g.text(g.node(index).parent)));
    d.filter(sampling);
    const Candidate& c = d.of(written.id);
    CHECK(c.kept);
    CHECK(d.candidates()[d.draw(written.u)].id == written.id);
    CHECK(written.u == g.u_behind(g.node(index).parent));
    CHECK(written.p_model == doctest::Approx(c.p_model).epsilon(1e-5));
    CHECK(written.surprise() == doctest::Approx(-std::log(c.p_temperature)).epsilon(1e-5));
    CHECK(written.greedy == d.best().id);
    CHECK_FALSE(written.forced);
  }
  const WrittenToken forced = written_token(d, 3, 0.5, true, 12);
  CHECK((forced.forced && forced.id == d.candidates()[3].id && forced.step == 12 && forced.u == 0.5));
}

TEST_CASE("a certain token is no surprise: 0, not minus 0") {
  WrittenToken certain;
  certain.p_temperature = 1;
  CHECK_FALSE(std::signbit(certain.surprise()));
}

TEST_CASE("stepping back, redrawing or forcing, and writing on keeps the first text one step away") {
  Writer writer(13);
  Generation g = writer.write({2}, 8, 10, {});
  const auto first = g.text();
  Decoder<float> decoder(writer.model.parameters, writer.mask);
  Distribution d;
  const auto step = [&] { generate_token<float>(decoder, {}, g, d); };
  for (int i = 0; i < 4; ++i) g.back();
  const int fork = g.current();
  for (int i = 0; i < 4; ++i) step();
  CHECK(g.text() == first);  // nothing was changed
  CHECK(g.nodes().size() == 11);

  g.go_to(fork);
  d.set_logits(decoder.next_logits(g.text()));
  const TokenId drawn = g.node(g.node(fork).children[0]).token.id;
  const size_t other = d.best().id == drawn ? 1 : 0;
  g.append(written_token(d, other, 0, true, 0));
  step(), step();
  CHECK(g.text() != first);
  CHECK(g.node(fork).children.size() == 2);
  g.go_to(g.node(fork).children[0]);
  while (g.forward()) continue;
  CHECK(g.text() == first);
}

TEST_CASE("another model that gets the same draws: replay is what it would have written itself") {
  Writer writer(14), twin(15);
  const SamplingConfig sampling{1.2, 0, 0.95};
  const auto written = writer.write({2, 4}, 5, 12, sampling), expected = twin.write({2, 4}, 5, 12, sampling);
  std::vector<double> us;
  for (const int node : written.path(written.current())) us.push_back(written.node(node).token.u);
  const auto replayed = [&](Writer& who, std::optional<TokenId> eos) {
    Decoder<float> decoder(who.model.parameters, who.mask);
    auto text = replay<float>(decoder, sampling, written.prompt(), us, eos);
    text.insert(text.begin(), {2, 4});
    return text;
  };
  CHECK(replayed(writer, std::nullopt) == written.text());
  CHECK(replayed(twin, std::nullopt) == expected.text());
  // It ends behind the first end token, which is returned.
  const TokenId eos = expected.text()[6];
  auto until = expected.text();
  until.erase(std::find(until.begin() + 2, until.end(), eos) + 1, until.end());
  CHECK(replayed(twin, eos) == until);
}

TEST_CASE("dropout left on changes greedy text; off it never does") {
  Writer writer(16);
  std::vector<std::vector<TokenId>> with;
  for (uint64_t key = 0; key < 8; ++key) {
    with.push_back(writer.write({2}, 1, 12, {0, 0, 1}, {0.4, key}).text());
    CHECK(writer.write({2}, 1, 12, {0, 0, 1}, {0, key}).text() == writer.write({2}, 1, 12, {0, 0, 1}).text());
  }
  std::sort(with.begin(), with.end());
  CHECK(std::unique(with.begin(), with.end()) - with.begin() > 4);
}

}  // namespace
}  // namespace nopeek::test::generation_test
