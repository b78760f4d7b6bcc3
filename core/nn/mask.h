#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/base/rng.h"

namespace nopeek {

/// The additive attention mask: a (T, T) matrix that is added to the scores before the softmax. Row = query (who asks),
/// column = key (what it looks at). 0 leaves a score alone, -inf forbids the key exactly, a finite penalty only makes
/// it less likely (and so leaks). Whatever a model may see is a value of this type: training, drawing and editing use
/// the same matrix, and no code asks "is it causal?" on the way.
class Mask {
 public:
  static constexpr float kForbidden = -std::numeric_limits<float>::infinity();

  /// Key <= query visible: what a decoder needs.
  static Mask causal(int T) { return penalised_future(T, kForbidden); }
  /// Everything visible: the bug.
  static Mask full(int T) { return penalised_future(T, 0.0f); }
  /// Future keys get `penalty` added: -inf is causal, 0 is full, -1 or -10 is the classic mistake of a finite mask.
  static Mask penalised_future(int T, float penalty);
  /// Key <= query + 1 visible: the classic off-by-one. Each query sees exactly its own answer.
  static Mask off_by_one(int T);
  /// Causal, and of the past only the newest `width` keys, the query's own among them: sliding-window attention. At
  /// least 1, so that a query keeps itself.
  static Mask window(int T, int width);
  /// Causal, but the first n keys are visible to all: a prefix LM. From n = 2 on, the queries of the prefix peek.
  static Mask prefix(int T, int n);
  /// Each key visible with probability `share`, whichever side of the query it is on; a query's own key always.
  static Mask random(int T, Rng rng, double share);
  /// This mask for a sequence whose first `pad` positions are left padding: no real query sees a pad key. A pad query
  /// sees only itself (a row needs one visible key); its output is thrown away.
  Mask left_padded(int pad) const;

  int size() const { return size_; }
  float operator()(int query, int key) const { return values_[static_cast<size_t>(query) * size_ + key]; }
  const float* row(int query) const { return values_.data() + static_cast<size_t>(query) * size_; }  // (T)
  void set(int query, int key, float value) { values_[static_cast<size_t>(query) * size_ + key] = value; }
  bool visible(int query, int key) const { return (*this)(query, key) != kForbidden; }

  /// Every row needs one: the softmax of nothing is nothing.
  bool has_visible_key(int query) const;
  /// True if no query sees a later key: then, and only then, the model cannot peek.
  bool is_causal() const;
  /// Throws Error if a row has no visible key, or a value is NaN or positive.
  void validate() const;
  /// The same, and if it is not of a model that reads so many tokens.
  void validate(int context) const;
  bool operator==(const Mask& other) const;

 private:
  Mask(int T, float value) : size_(T), values_(static_cast<size_t>(T) * T, value) {}
  template <class OpenKeys>
  static Mask opening(int T, OpenKeys open, float elsewhere);
  int size_;
  std::vector<float> values_;  // (T, T)
};

/// What a mask is, told by its values: "causal", "full", "off by one", "penalty −" and the number, "window of 4",
/// "prefix of 3", or else "custom". Where two names fit, as for a mask of (1, 1), the earlier one.
std::string describe(const Mask& mask);

}  // namespace nopeek
