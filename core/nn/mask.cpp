#include "core/nn/mask.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/base/error.h"

namespace nopeek {

Mask Mask::penalised_future(int T, float penalty) {
  Mask mask(T);
  for (int query = 0; query < T; ++query) {
    for (int key = query + 1; key < T; ++key) mask.set(query, key, penalty);
  }
  return mask;
}

Mask Mask::off_by_one(int T) {
  Mask mask = causal(T);
  for (int query = 0; query + 1 < T; ++query) mask.set(query, query + 1, 0.0f);
  return mask;
}

Mask Mask::window(int T, int width) {
  Mask mask = causal(T);
  for (int query = 0; query < T; ++query) {
    for (int key = 0; key <= query - std::max(1, width); ++key) mask.set(query, key, kForbidden);
  }
  return mask;
}

Mask Mask::prefix(int T, int n) {
  Mask mask = causal(T);
  for (int query = 0; query < T; ++query) {
    for (int key = query + 1; key < std::min(n, T); ++key) mask.set(query, key, 0.0f);
  }
  return mask;
}

Mask Mask::random(int T, Rng rng, double share) {
  Mask mask = full(T);
  for (int query = 0; query < T; ++query) {
    for (int key = 0; key < T; ++key) {
      const bool seen = rng.uniform() < share;
      if (!seen && key != query) mask.set(query, key, kForbidden);
    }
  }
  return mask;
}

Mask Mask::left_padded(int pad) const {
  Mask mask = *this;
  for (int query = 0; query < size_; ++query) {
    for (int key = 0; key < (query < pad ? size_ : pad); ++key) mask.set(query, key, kForbidden);
    if (query < pad) mask.set(query, query, 0.0f);
  }
  return mask;
}

bool Mask::has_visible_key(int query) const {
  for (int key = 0; key < size_; ++key) {
    if (visible(query, key)) return true;
  }
  return false;
}

bool Mask::is_causal() const {
  for (int query = 0; query < size_; ++query) {
    for (int key = query + 1; key < size_; ++key) {
      if (visible(query, key)) return false;
    }
  }
  return true;
}

void Mask::validate() const {
  for (int query = 0; query < size_; ++query) {
    for (int key = 0; key < size_; ++key) {
      const float value = (*this)(query, key);
      if (std::isnan(value) || value > 0) {
        throw Error("The mask at query " + std::to_string(query) + ", key " + std::to_string(key) +
                    " must be 0, a penalty below 0, or minus infinity.");
      }
    }
    if (!has_visible_key(query)) {
      throw Error(
          "Row " + std::to_string(query) +
          " of the mask forbids every key, so this query has nothing to look at. Leave it one key, such as itself.");
    }
  }
}

void Mask::validate(int context) const {
  if (size_ != context) {
    throw Error("The mask must be as large as the context: " + std::to_string(context) + ", not " +
                std::to_string(size_) + ".");
  }
  validate();
}

namespace {

int visible_keys(const Mask& mask, int query) {
  int count = 0;
  for (int key = 0; key < mask.size(); ++key) count += mask.visible(query, key) ? 1 : 0;
  return count;
}

}  // namespace

std::string describe(const Mask& mask) {
  const int T = mask.size();
  if (mask == Mask::causal(T)) return "causal";
  if (mask == Mask::full(T)) return "full";
  if (mask == Mask::off_by_one(T)) return "off by one";
  if (const float penalty = T > 1 ? mask(0, 1) : 0.0f; mask == Mask::penalised_future(T, penalty)) {
    char number[32];
    std::snprintf(number, sizeof number, "%g", static_cast<double>(-penalty));
    return std::string("penalty \u2212") + number;
  }
  // The newest query sees the whole window, the first one the whole prefix.
  if (const int width = visible_keys(mask, T - 1); mask == Mask::window(T, width)) {
    return "window of " + std::to_string(width);
  }
  if (const int n = visible_keys(mask, 0); mask == Mask::prefix(T, n)) return "prefix of " + std::to_string(n);
  return "custom";
}

}  // namespace nopeek
