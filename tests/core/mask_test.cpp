#include "core/nn/mask.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/core/support.h"

namespace nopeek::test {
namespace {

/// The matrix as text, a row a line: 1 visible, 0 forbidden, p a finite penalty.
std::string drawn(const Mask& mask) {
  std::string rows;
  for (int query = 0; query < mask.size(); ++query) {
    for (int key = 0; key < mask.size(); ++key) {
      rows += !mask.visible(query, key) ? '0' : mask(query, key) == 0.0f ? '1' : 'p';
    }
    rows += '\n';
  }
  return rows;
}

TEST_CASE("the mask factories draw what their names say") {
  CHECK(drawn(Mask::causal(4)) == "1000\n1100\n1110\n1111\n");
  CHECK(drawn(Mask::full(4)) == "1111\n1111\n1111\n1111\n");
  CHECK(drawn(Mask::off_by_one(4)) == "1100\n1110\n1111\n1111\n");
  CHECK(drawn(Mask::penalised_future(4, -3)) == "1ppp\n11pp\n111p\n1111\n");
  CHECK(Mask::penalised_future(4, -3)(1, 2) == -3.0f);
  CHECK(Mask::penalised_future(4, Mask::kForbidden) == Mask::causal(4));
  CHECK(Mask::penalised_future(4, 0) == Mask::full(4));
  CHECK(drawn(Mask::causal(1)) == "1\n");
}

TEST_CASE("left padding hides the pads from every real query and leaves each pad itself") {
  CHECK(drawn(Mask::causal(4).left_padded(2)) == "1000\n0100\n0010\n0011\n");
  CHECK(drawn(Mask::full(4).left_padded(1)) == "1000\n0111\n0111\n0111\n");
  CHECK(Mask::causal(4).left_padded(0) == Mask::causal(4));
  CHECK(drawn(Mask::causal(3).left_padded(3)) == "100\n010\n001\n");
  for (int pad = 0; pad <= 4; ++pad) CHECK_NOTHROW(Mask::causal(4).left_padded(pad).validate());
}

TEST_CASE("a mask is causal exactly if every future key is forbidden, not merely made unlikely") {
  CHECK(Mask::causal(5).is_causal());
  CHECK(Mask::causal(5).left_padded(2).is_causal());
  CHECK(Mask::causal(1).is_causal());
  CHECK(Mask::full(1).is_causal());
  CHECK_FALSE(Mask::full(2).is_causal());
  CHECK_FALSE(Mask::off_by_one(5).is_causal());
  CHECK_FALSE(Mask::penalised_future(5, -1e30f).is_causal());
  Mask hole = Mask::causal(5);
  hole.set(1, 4, -2);
  CHECK_FALSE(hole.is_causal());
  Mask sparse = Mask::causal(5);
  sparse.set(4, 0, Mask::kForbidden);
  CHECK(sparse.is_causal());
}

TEST_CASE("validate names the row that sees nothing, and the cell whose value is not a penalty") {
  for (const Mask& good : {Mask::causal(3), Mask::full(3), Mask::off_by_one(3), Mask::penalised_future(3, -10)}) {
    CHECK(error_of([&] { good.validate(); }).empty());
  }
  Mask blind = Mask::causal(4);
  for (int key = 0; key < 4; ++key) blind.set(2, key, Mask::kForbidden);
  CHECK(contains(error_of([&] { blind.validate(); }), "Row 2 "));

  for (const float bad : {std::nanf(""), 0.5f, INFINITY}) {
    Mask mask = Mask::causal(4);
    mask.set(3, 1, bad);
    const std::string message = error_of([&] { mask.validate(); });
    CHECK(contains(message, "query 3"));
    CHECK(contains(message, "key 1"));
  }
}

}  // namespace
}  // namespace nopeek::test
