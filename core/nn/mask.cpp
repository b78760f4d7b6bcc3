#include "core/nn/mask.h"

#include <cmath>

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

Mask Mask::left_padded(int pad) const {
  Mask mask = *this;
  for (int query = 0; query < size_; ++query) {
    for (int key = 0; key < (query < pad ? size_ : pad); ++key) mask.set(query, key, kForbidden);
    if (query < pad) mask.set(query, query, 0.0f);
  }
  return mask;
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
    bool any = false;
    for (int key = 0; key < size_; ++key) {
      const float value = (*this)(query, key);
      if (std::isnan(value) || value > 0) {
        throw Error("The mask at query " + std::to_string(query) + ", key " + std::to_string(key) +
                    " must be 0, a penalty below 0, or minus infinity.");
      }
      any |= visible(query, key);
    }
    if (!any) {
      throw Error(
          "Row " + std::to_string(query) +
          " of the mask forbids every key, so this query has nothing to look at. Leave it one key, such as itself.");
    }
  }
}

}  // namespace nopeek
