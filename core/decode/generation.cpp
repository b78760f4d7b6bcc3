#include "core/decode/generation.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/base/error.h"
#include "core/base/rng.h"

namespace nopeek {

double WrittenToken::surprise() const { return 0.0 - std::log(p_temperature); }  // not -0

Generation::Generation(std::vector<TokenId> prompt, uint64_t seed)
    : prompt_(std::move(prompt)), seed_(seed), nodes_(1), text_(prompt_) {}

std::vector<int> Generation::path(int node) const {
  std::vector<int> path;
  path.reserve(static_cast<size_t>(depth(node)));
  for (; node > 0; node = this->node(node).parent) path.push_back(node);
  std::reverse(path.begin(), path.end());
  return path;
}

std::vector<TokenId> Generation::text(int node) const {
  std::vector<TokenId> text = prompt_;
  for (const int written : path(node)) text.push_back(this->node(written).token.id);
  return text;
}

double Generation::u_behind(int node) const {
  const Node& n = this->node(node);
  if (n.chosen_u) return *n.chosen_u;
  const auto place = (static_cast<uint64_t>(n.redraws) << 32) + static_cast<uint64_t>(depth(node));
  return Rng(seed_, Rng::mix(place)).uniform();
}

void Generation::redraw() {
  Node& n = nodes_[static_cast<size_t>(current_)];
  n.chosen_u.reset();
  ++n.redraws;
}

void Generation::set_u(double u) {
  constexpr double kMost = 1 - 0x1p-53;
  nodes_[static_cast<size_t>(current_)].chosen_u = u > 0 ? std::min(u, kMost) : 0.0;  // NaN: 0
}

void Generation::append(const WrittenToken& token) {
  const auto& children = node(current_).children;
  const auto same = [&](int child) { return node(child).token.id == token.id; };
  const auto found = std::find_if(children.begin(), children.end(), same);
  int child = found != children.end() ? *found : static_cast<int>(nodes_.size());
  if (found == children.end()) {
    nodes_[static_cast<size_t>(current_)].children.push_back(child);
    nodes_.push_back({.parent = current_, .depth = depth(current_) + 1});
  }
  nodes_[static_cast<size_t>(child)].token = token;
  descend(child);
}

// All nodes above the current one have the way to it as their last child, as go_to() left them; so a step changes one.
void Generation::descend(int child) {
  nodes_[static_cast<size_t>(current_)].last_child = child;
  current_ = child;
  text_.push_back(node(child).token.id);
}

bool Generation::back() {
  if (current_ == 0) return false;
  current_ = node(current_).parent;
  text_.pop_back();
  return true;
}

bool Generation::forward() {
  if (node(current_).last_child < 0) return false;
  descend(node(current_).last_child);
  return true;
}

void Generation::go_to(int target) {
  assert(target >= 0 && target < std::ssize(nodes_));
  current_ = target;
  text_ = text(target);
  for (int child = target; child > 0; child = node(child).parent) {
    nodes_[static_cast<size_t>(node(child).parent)].last_child = child;
  }
}

WrittenToken written_token(const Distribution& distribution, size_t candidate, double u, bool forced, int64_t step) {
  const Candidate& c = distribution.candidates()[candidate];
  return {c.id, u, forced, c.p_model, c.p_temperature, distribution.best().id, step};
}

template <class S>
void generate_token(Decoder<S>& decoder, const SamplingConfig& sampling, Generation& generation,
                    Distribution& distribution, const Dropout& dropout, Progress* progress) {
  distribution.set_logits(decoder.next_logits(generation.tokens(), dropout, progress));
  distribution.filter(sampling);
  const double u = generation.u();
  generation.append(written_token(distribution, distribution.draw(u), u, false, 0));
}

std::vector<TokenId> prompt_tokens(const Tokenizer& tokenizer, std::string_view prompt, Progress* progress) {
  std::vector<TokenId> ids = tokenizer.encode(prompt, progress);
  if (!ids.empty()) return ids;
  if (!tokenizer.eos()) throw Error("The prompt has no token that this model knows. Write at least one word.");
  return {*tokenizer.eos()};
}

template <class S>
std::vector<TokenId> greedy_continuation(Decoder<S>& decoder, std::span<const TokenId> prompt, int max_new_tokens,
                                         std::optional<TokenId> eos, Progress* progress) {
  std::vector<TokenId> text(prompt.begin(), prompt.end());
  const size_t most = prompt.size() + static_cast<size_t>(max_new_tokens);
  while (text.size() < most) {
    const auto logits = decoder.next_logits(text, {}, progress);
    const auto best = static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    if (best == eos) break;
    text.push_back(best);
  }
  return {text.begin() + std::ssize(prompt), text.end()};
}

template <class S>
std::vector<TokenId> replay(Decoder<S>& decoder, const SamplingConfig& sampling, std::span<const TokenId> prompt,
                            std::span<const double> us, std::optional<TokenId> eos, Progress* progress) {
  Generation generation({prompt.begin(), prompt.end()});
  Distribution distribution;
  for (const double u : us) {
    generation.set_u(u);
    generate_token(decoder, sampling, generation, distribution, {}, progress);
    if (generation.tokens().back() == eos) break;
  }
  const auto written = generation.tokens().subspan(prompt.size());
  return {written.begin(), written.end()};
}

template std::vector<TokenId> greedy_continuation<float>(Decoder<float>&, std::span<const TokenId>, int,
                                                         std::optional<TokenId>, Progress*);
template std::vector<TokenId> greedy_continuation<double>(Decoder<double>&, std::span<const TokenId>, int,
                                                          std::optional<TokenId>, Progress*);
template void generate_token<float>(Decoder<float>&, const SamplingConfig&, Generation&, Distribution&, const Dropout&,
                                    Progress*);
template std::vector<TokenId> replay<float>(Decoder<float>&, const SamplingConfig&, std::span<const TokenId>,
                                            std::span<const double>, std::optional<TokenId>, Progress*);

}  // namespace nopeek
