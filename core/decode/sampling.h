#pragma once
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "core/text/tokenizer.h"

namespace nopeek {

/// How the next token is chosen: logits / temperature -> top-k -> softmax -> top-p -> renormalise -> draw.
struct SamplingConfig {
  double temperature = 1;  // 0: greedy
  int top_k = 0;           // keeps the k likeliest; 0: off
  // Keeps the smallest set that reaches p (nucleus; Holtzman et al. 2019); 1: off. A set that equals p but for the
  // rounding of a double has reached it: of N equal tokens, m/N keeps m.
  double top_p = 1;

  /// Throws Error with one line that names the setting that cannot work.
  void validate() const;
  bool operator==(const SamplingConfig&) const = default;
};

/// One token on its way through the pipeline; every stage is kept, for the screen.
struct Candidate {
  TokenId id = 0;
  float logit = 0;
  double p_model = 0;        // softmax(logits): the model's own, temperature 1, nothing cut
  double exp = 0;            // e^((logit - greatest logit) / temperature)
  double p_temperature = 0;  // softmax(logits / temperature), nothing cut
  double p_top_k = 0;        // the same over the k likeliest alone, 0 for the others: what top-p adds up
  double cumulative = 0;     // sum of p_top_k down to this one
  double p = 0;              // with which it is drawn; 0 if it was cut
  bool kept = false;
};

/// Throws Error if there is no distribution over these logits (V): no token is possible, or a logit is NaN or +inf.
void require_distribution(std::span<const float> logits);

/// Among how many equally likely tokens one would choose at this entropy, in nats.
inline double perplexity(double entropy) { return std::exp(entropy); }

/// The distribution of the next token through all stages. set_logits() ranks once; filter() then costs one pass, so
/// that a slider acts at once. Keeps its memory.
///
/// Ties are broken by the lower id. All is computed in double, relative to the greatest logit, so that temperatures of
/// 0.01 and 100 are exact alike. A logit of -inf is never kept.
class Distribution {
 public:
  /// Throws Error as require_distribution() does; all is then as it was.
  void set_logits(std::span<const float> logits);  // (V)
  /// After set_logits(). Throws Error if `config` cannot work.
  void filter(const SamplingConfig& config);

  const std::vector<Candidate>& candidates() const { return candidates_; }  // in falling order of the logit
  const Candidate& best() const { return candidates_.front(); }             // what greedy takes
  /// The place in candidates() of a token.
  size_t rank(TokenId id) const { return ranks_[static_cast<size_t>(id)]; }
  const Candidate& of(TokenId id) const { return candidates_[rank(id)]; }
  const SamplingConfig& config() const { return config_; }

  size_t in_top_k() const { return in_top_k_; }            // candidates that top-k left
  size_t kept() const { return kept_; }                    // ... and top-p after it: the first so many
  double exp_sum() const { return exp_sum_; }              // of all candidates' exp
  double top_k_exp_sum() const { return top_k_exp_sum_; }  // of those that top-k left
  double kept_mass() const { return kept_mass_; }          // p_top_k of those kept: what p is renormalised by

  // In nats; see perplexity().
  double model_entropy() const { return model_entropy_; }              // of p_model
  double temperature_entropy() const { return temperature_entropy_; }  // of p_temperature: before the cuts
  double entropy() const { return entropy_; }                          // of p: after them

  /// The place of the token on whose stretch of [0, 1) u falls, the kept ones side by side in order.
  size_t draw(double u) const;

 private:
  std::vector<Candidate> candidates_;
  std::vector<size_t> ranks_;  // by id
  SamplingConfig config_;
  size_t in_top_k_ = 0, kept_ = 0, possible_ = 0;
  double exp_sum_ = 0, top_k_exp_sum_ = 0, kept_mass_ = 0;
  double model_entropy_ = 0, temperature_entropy_ = 0, entropy_ = 0;
};

}  // namespace nopeek
