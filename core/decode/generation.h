#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/decode/decoder.h"
#include "core/decode/sampling.h"

namespace nopeek {

/// A token that was written, and why it was this one.
struct WrittenToken {
  TokenId id = 0;
  double u = 0;              // with which it was drawn
  bool forced = false;       // chosen by hand instead
  double p_model = 0;        // of it, as the model gave it
  double p_temperature = 0;  // with the temperature, before the cuts: e to minus its surprise
  TokenId greedy = 0;        // what greedy would have written
  int64_t step = 0;          // training step of the weights that wrote it

  double surprise() const;  // -ln p_temperature, nats
};

/// A prompt and the tree of everything written behind it. Plain data: what one does is done here, what a model says is
/// handed in. Node 0 is the end of the prompt; every other node is one token. Forks stay; one can go back to each. A
/// step costs the same however long the text is; go_to() and what returns a path or a text cost its length.
class Generation {
 public:
  struct Node {
    int parent = -1;
    int depth = 0;                   // tokens behind the prompt
    std::vector<int> children = {};  // in the order in which they were first written
    WrittenToken token = {};         // of the root: none
    int redraws = 0;                 // behind this node
    std::optional<double> chosen_u = {};
    int last_child = -1;  // visited last: where forward() goes
  };

  explicit Generation(std::vector<TokenId> prompt = {}, uint64_t seed = 1);

  const std::vector<TokenId>& prompt() const { return prompt_; }
  uint64_t seed() const { return seed_; }
  void set_seed(uint64_t seed) { seed_ = seed; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& node(int index) const { return nodes_[static_cast<size_t>(index)]; }
  int current() const { return current_; }
  int depth(int node) const { return this->node(node).depth; }  // tokens behind the prompt
  std::vector<int> path(int node) const;                        // from the first written token to `node`
  std::vector<TokenId> text() const { return text_; }           // prompt and path to the current node
  std::vector<TokenId> text(int node) const;
  /// text() without a copy; valid until the tree is changed or walked.
  std::span<const TokenId> tokens() const { return text_; }

  /// The number in [0, 1) that draws the token behind the current node: of (seed, depth, redraws), so that stepping
  /// back and forth, and the same seed, give the same text; or what set_u() says.
  double u() const { return u_behind(current_); }
  double u_behind(int node) const;
  void redraw();         // another u
  void set_u(double u);  // brought into [0, 1)

  /// Goes to the child of the current node that says `token.id`, which is made if it is not there.
  void append(const WrittenToken& token);
  bool back();     // false at the prompt
  bool forward();  // to the child visited last; false where there is none
  void go_to(int node);

 private:
  void descend(int child);  // of the current node

  std::vector<TokenId> prompt_;
  uint64_t seed_;
  std::vector<Node> nodes_;
  int current_ = 0;
  std::vector<TokenId> text_;  // up to the current node, kept so that a step does not cost the whole way
};

/// What is written when `u` falls on the distribution: everything known of the token at place `candidate`.
WrittenToken written_token(const Distribution& distribution, size_t candidate, double u, bool forced, int64_t step);

/// One turn of the inference loop: a pass over the text so far, the distribution, the draw, and the token appended. The
/// distribution is left as it was drawn from. Throws as next_logits() and set_logits() do; nothing is then appended.
template <class S>
void generate_token(Decoder<S>& decoder, const SamplingConfig& sampling, Generation& generation,
                    Distribution& distribution, const Dropout& dropout = {}, Progress* progress = nullptr);

/// The tokens of a prompt; of an empty one, the end of the document before, so that there is something to continue.
/// Throws Error if `tokenizer` has no such token, and Cancelled. `prompt` is valid UTF-8.
std::vector<TokenId> prompt_tokens(const Tokenizer& tokenizer, std::string_view prompt, Progress* progress = nullptr);

/// Greedy continuation of a prompt, not empty: again and again the likeliest next token (the lower id among equals),
/// until `eos`, which is not returned, or `max_new_tokens`. Throws as next_logits() does.
template <class S>
std::vector<TokenId> greedy_continuation(Decoder<S>& decoder, std::span<const TokenId> prompt, int max_new_tokens,
                                         std::optional<TokenId> eos, Progress* progress = nullptr);

/// What another model writes behind the same prompt when it gets the same numbers u, one a token; ends behind `eos`.
/// The prompt is not empty.
template <class S>
std::vector<TokenId> replay(Decoder<S>& decoder, const SamplingConfig& sampling, std::span<const TokenId> prompt,
                            std::span<const double> us, std::optional<TokenId> eos, Progress* progress = nullptr);

}  // namespace nopeek
