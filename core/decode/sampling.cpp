#include "core/decode/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"

namespace nopeek {

namespace {

/// A top-p of 0.8 stands for eight tenths, though the double 0.8 lies above: eight of ten equal tokens reach it.
constexpr double kRounding = 4 * std::numeric_limits<double>::epsilon();

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// -sum p ln p over the first `count` candidates, in nats.
double entropy_of(const std::vector<Candidate>& candidates, size_t count, double Candidate::*p) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const double probability = candidates[i].*p;
    if (probability > 0) sum -= probability * std::log(probability);
  }
  return sum;
}

}  // namespace

void require_distribution(std::span<const float> logits) {
  bool any = false;
  for (const float logit : logits) {
    if (!(logit < kInfinity)) throw Error("The model's logits are not finite numbers: its weights are damaged.");
    any |= logit > -kInfinity;
  }
  if (!any) throw Error("No token is possible: every logit is minus infinity.");
}

void SamplingConfig::validate() const {
  if (!(temperature >= 0 && std::isfinite(temperature))) throw Error("Temperature must be 0 (greedy) or above.");
  if (top_k < 0) throw Error("Top-k must be a number of tokens from 1 on; 0 turns it off.");
  if (!(top_p > 0 && top_p <= 1)) throw Error("Top-p must be above 0 and at most 1, which turns it off.");
}

void Distribution::set_logits(std::span<const float> logits) {
  require_distribution(logits);
  candidates_.resize(logits.size());
  ranks_.resize(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    candidates_[i] = {.id = static_cast<TokenId>(i), .logit = logits[i]};
  }
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  });
  for (size_t i = 0; i < candidates_.size(); ++i) ranks_[static_cast<size_t>(candidates_[i].id)] = i;
  const auto impossible = [](const Candidate& c) { return c.logit == -kInfinity; };
  possible_ =
      static_cast<size_t>(std::find_if(candidates_.begin(), candidates_.end(), impossible) - candidates_.begin());

  const double greatest = static_cast<double>(best().logit);
  double sum = 0;
  for (Candidate& c : candidates_) sum += c.p_model = std::exp(static_cast<double>(c.logit) - greatest);
  for (Candidate& c : candidates_) c.p_model /= sum;
  model_entropy_ = entropy_of(candidates_, possible_, &Candidate::p_model);
  filter(config_);
}

void Distribution::filter(const SamplingConfig& config) {
  config.validate();
  config_ = config;
  const double greatest = static_cast<double>(best().logit);
  in_top_k_ = config.top_k == 0 ? possible_ : std::min(possible_, static_cast<size_t>(config.top_k));

  // Greedy is the limit of temperature 0: all of the probability on the best.
  exp_sum_ = top_k_exp_sum_ = 0;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    Candidate& c = candidates_[i];
    const double below = static_cast<double>(c.logit) - greatest;
    c.exp = config.temperature == 0 ? (i == 0 ? 1.0 : 0.0) : std::exp(below / config.temperature);
    exp_sum_ += c.exp;
    if (i < in_top_k_) top_k_exp_sum_ += c.exp;
  }

  // The smallest set that reaches p: the candidate that crosses it is kept, and so is always at least one. Sums of exp
  // are compared, which are exact where tokens are equal; shares would be rounded before they are added.
  kept_ = config.temperature == 0 ? 1 : in_top_k_;
  const double enough = config.top_p * top_k_exp_sum_ * (1 - kRounding);
  double cumulative = 0, exps = 0;
  bool reached = config.top_p >= 1 || config.temperature == 0;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    Candidate& c = candidates_[i];
    c.p_temperature = c.exp / exp_sum_;
    c.p_top_k = i < in_top_k_ ? c.exp / top_k_exp_sum_ : 0.0;
    c.cumulative = cumulative += c.p_top_k;
    if (i < in_top_k_) exps += c.exp;
    if (!reached && exps >= enough) kept_ = i + 1, reached = true;
  }
  kept_ = std::min(kept_, in_top_k_);

  kept_mass_ = candidates_[kept_ - 1].cumulative;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    candidates_[i].kept = i < kept_;
    candidates_[i].p = i < kept_ ? candidates_[i].p_top_k / kept_mass_ : 0.0;
  }
  temperature_entropy_ = entropy_of(candidates_, possible_, &Candidate::p_temperature);
  entropy_ = entropy_of(candidates_, kept_, &Candidate::p);
}

size_t Distribution::draw(double u) const {
  const double target = u * kept_mass_;
  size_t last = 0;  // with a stretch of its own: far behind, probabilities may underflow to 0
  for (size_t i = 0; i < kept_; ++i) {
    if (target < candidates_[i].cumulative) return i;
    if (candidates_[i].p > 0) last = i;
  }
  return last;  // u = 1
}

}  // namespace nopeek
