#include "core/nn/mask.h"

#include <algorithm>
#include <cstdio>
#include <span>

#include "core/base/error.h"

namespace nopeek {

namespace {

/// The keys [begin, end) of a query. All masks that have a name leave every query one such run of keys open.
struct Keys {
  int begin, end;
};

auto causal_keys() {
  return [](int query) { return Keys{0, query + 1}; };
}
auto off_by_one_keys(int T) {
  return [T](int query) { return Keys{0, std::min(query + 2, T)}; };
}
auto window_keys(int width) {
  return [width](int query) { return Keys{std::max(0, query + 1 - std::max(1, width)), query + 1}; };
}
auto prefix_keys(int T, int n) {
  return [T, n](int query) { return Keys{0, std::max(query + 1, std::min(n, T))}; };
}

std::span<const float> row_of(const Mask& mask, int query) {
  return {mask.row(query), static_cast<size_t>(mask.size())};
}

// Loops over a row count and have no way out of them: so compilers take a vector of values at a time. A mask of 1024
// tokens has a million, and is looked at while somebody paints it.
bool are_equal(std::span<const float> a, std::span<const float> b) {
  int different = 0;
  for (size_t i = 0; i < a.size(); ++i) different += a[i] != b[i] ? 1 : 0;
  return different == 0;
}

bool all_are(std::span<const float> values, float wanted) {
  int different = 0;
  for (const float value : values) different += value != wanted ? 1 : 0;
  return different == 0;
}

/// Whether `mask` is 0 at the keys that `open` names for each query, and `elsewhere` at all others.
template <class OpenKeys>
bool opens(const Mask& mask, OpenKeys open, float elsewhere = Mask::kForbidden) {
  for (int query = 0; query < mask.size(); ++query) {
    const auto row = row_of(mask, query);
    const auto [begin, end] = open(query);
    const auto past = static_cast<size_t>(begin), future = static_cast<size_t>(end);
    if (!all_are(row.first(past), elsewhere) || !all_are(row.subspan(past, future - past), 0.0f) ||
        !all_are(row.subspan(future), elsewhere))
      return false;
  }
  return true;
}

}  // namespace

template <class OpenKeys>
Mask Mask::opening(int T, OpenKeys open, float elsewhere) {
  Mask mask(T, elsewhere);
  for (int query = 0; query < T; ++query) {
    const auto [begin, end] = open(query);
    std::fill_n(&mask.values_[static_cast<size_t>(query) * T + begin], end - begin, 0.0f);
  }
  return mask;
}

Mask Mask::penalised_future(int T, float penalty) { return opening(T, causal_keys(), penalty); }
Mask Mask::off_by_one(int T) { return opening(T, off_by_one_keys(T), kForbidden); }
Mask Mask::window(int T, int width) { return opening(T, window_keys(width), kForbidden); }
Mask Mask::prefix(int T, int n) { return opening(T, prefix_keys(T, n), kForbidden); }

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

bool Mask::operator==(const Mask& other) const {
  if (size_ != other.size_) return false;
  for (int query = 0; query < size_; ++query) {
    if (!are_equal(row_of(*this, query), row_of(other, query))) return false;
  }
  return true;
}

bool Mask::has_visible_key(int query) const { return !all_are(row_of(*this, query), kForbidden); }

bool Mask::is_causal() const {
  for (int query = 0; query < size_; ++query) {
    if (!all_are(row_of(*this, query).subspan(static_cast<size_t>(query) + 1), kForbidden)) return false;
  }
  return true;
}

namespace {

/// NaN is none.
bool is_penalty(float value) { return value <= 0; }

bool all_are_penalties(std::span<const float> values) {
  int others = 0;
  for (const float value : values) others += is_penalty(value) ? 0 : 1;
  return others == 0;
}

}  // namespace

void Mask::validate() const {
  for (int query = 0; query < size_; ++query) {
    if (const auto values = row_of(*this, query); !all_are_penalties(values)) {
      const auto bad = std::find_if_not(values.begin(), values.end(), is_penalty);
      throw Error("The mask at query " + std::to_string(query) + ", key " + std::to_string(bad - values.begin()) +
                  " must be 0, a penalty below 0, or minus infinity.");
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
  const auto row = row_of(mask, query);
  return static_cast<int>(std::count_if(row.begin(), row.end(), [](float v) { return v != Mask::kForbidden; }));
}

}  // namespace

std::string describe(const Mask& mask) {
  const int T = mask.size();
  if (opens(mask, causal_keys())) return "causal";
  if (opens(mask, prefix_keys(T, T))) return "full";
  if (opens(mask, off_by_one_keys(T))) return "off by one";
  if (const float penalty = T > 1 ? mask(0, 1) : 0.0f; opens(mask, causal_keys(), penalty)) {
    char number[32];
    std::snprintf(number, sizeof number, "%g", static_cast<double>(-penalty));
    return std::string("penalty \u2212") + number;
  }
  // The newest query sees the whole window, the first one the whole prefix.
  if (const int width = visible_keys(mask, T - 1); opens(mask, window_keys(width))) {
    return "window of " + std::to_string(width);
  }
  if (const int n = visible_keys(mask, 0); opens(mask, prefix_keys(T, n))) return "prefix of " + std::to_string(n);
  return "custom";
}

}  // namespace nopeek
