#include "core/nn/mask.h"

#include <doctest/doctest.h>

#include <cmath>
#include <iterator>

#include "tests/core/support.h"

namespace nopeek::test::mask_test {
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

TEST_CASE("windows, prefixes and random masks draw what their names say, whatever their size") {
  CHECK(drawn(Mask::window(4, 2)) == "1000\n1100\n0110\n0011\n");
  CHECK(drawn(Mask::window(4, 1)) == "1000\n0100\n0010\n0001\n");
  CHECK(drawn(Mask::prefix(4, 3)) == "1110\n1110\n1110\n1111\n");
  for (int width = 1; width <= 6; ++width) {
    const Mask window = Mask::window(6, width);
    CHECK(window.is_causal());
    for (int query = 0; query < 6; ++query) {
      for (int key = 0; key < 6; ++key) CHECK(window.visible(query, key) == (key <= query && query - key < width));
    }
  }
  for (int n = 0; n <= 6; ++n) {
    const Mask prefix = Mask::prefix(6, n);
    CHECK(prefix.is_causal() == (n <= 1));
    for (int query = 0; query < 6; ++query) {
      for (int key = 0; key < 6; ++key) CHECK(prefix.visible(query, key) == (key <= query || key < n));
    }
  }
  // Out of range: the nearest that is in it.
  for (const int most : {6, 7, 1000000}) CHECK(Mask::window(6, most) == Mask::causal(6));
  for (const int least : {0, -3}) CHECK(Mask::window(6, least) == Mask::window(6, 1));
  CHECK(Mask::prefix(6, -1) == Mask::causal(6));
  for (const int most : {6, 1000000}) CHECK(Mask::prefix(6, most) == Mask::full(6));
}

TEST_CASE(
    "a random mask shows the share that was asked for on both sides, keeps every query itself, and is repeatable") {
  constexpr int T = 200;
  for (const double share : {0.0, 0.1, 0.5, 1.0}) {
    const Mask mask = Mask::random(T, Rng(7), share);
    int past = 0, future = 0;
    for (int query = 0; query < T; ++query) {
      CHECK(mask(query, query) == 0.0f);
      for (int key = 0; key < T; ++key) {
        if (key != query) (key < query ? past : future) += mask.visible(query, key) ? 1 : 0;
      }
    }
    constexpr int kCells = T * (T - 1) / 2;
    CHECK(past == doctest::Approx(share * kCells).epsilon(0.05));
    CHECK(future == doctest::Approx(share * kCells).epsilon(0.05));
    CHECK(mask == Mask::random(T, Rng(7), share));
    CHECK((mask == Mask::random(T, Rng(8), share)) == (share == 0 || share == 1));
  }
  CHECK(Mask::random(5, Rng(1), 1) == Mask::full(5));
  CHECK(Mask::random(5, Rng(1), 0) == Mask::window(5, 1));
}

TEST_CASE("every mask that can be made by name leaves every row a key") {
  for (const int T : {1, 2, 3, 8}) {
    for (int n = -1; n <= T + 1; ++n) {
      for (const Mask& mask : {Mask::window(T, n), Mask::prefix(T, n), Mask::random(T, Rng(3), 0.2)}) {
        CHECK_NOTHROW(mask.validate(T));
        for (int query = 0; query < T; ++query) CHECK(mask.has_visible_key(query));
      }
    }
  }
}

TEST_CASE("a mask is called by what its values are") {
  CHECK(describe(Mask::causal(8)) == "causal");
  CHECK(describe(Mask::full(8)) == "full");
  CHECK(describe(Mask::off_by_one(8)) == "off by one");
  CHECK(describe(Mask::penalised_future(8, -5)) == "penalty \u22125");
  CHECK(describe(Mask::penalised_future(8, -0.5)) == "penalty \u22120.5");
  CHECK(describe(Mask::penalised_future(8, -1e9f)) == "penalty \u22121e+09");
  for (int n = 1; n < 8; ++n) CHECK(describe(Mask::window(8, n)) == "window of " + std::to_string(n));
  for (int n = 2; n < 8; ++n) CHECK(describe(Mask::prefix(8, n)) == "prefix of " + std::to_string(n));
  CHECK(describe(Mask::random(8, Rng(2), 0.5)) == "custom");
  CHECK(describe(Mask::causal(8).left_padded(2)) == "custom");
  for (const auto& [query, key] : {std::pair{0, 7}, std::pair{7, 0}, std::pair{3, 4}, std::pair{4, 3}}) {
    for (const Mask& mask : {Mask::causal(8), Mask::full(8), Mask::off_by_one(8), Mask::penalised_future(8, -5),
                             Mask::window(8, 4), Mask::prefix(8, 3)}) {
      Mask painted = mask;
      painted.set(query, key, -2);
      CHECK(describe(painted) == "custom");
    }
  }
  // Small ones have several names.
  CHECK(describe(Mask::full(1)) == "causal");
  CHECK(describe(Mask::off_by_one(2)) == "full");
  Mask single = Mask::causal(1);
  single.set(0, 0, -3);
  CHECK(describe(single) == "custom");
}

/// describe() as its words are meant: the first of all named masks, built whole, that is equal in every cell.
std::string name_by_building(const Mask& mask) {
  const int T = mask.size();
  const auto is = [&](auto&& value) {
    for (int query = 0; query < T; ++query) {
      for (int key = 0; key < T; ++key) {
        if (mask(query, key) != value(query, key)) return false;
      }
    }
    return true;
  };
  const auto penalised = [](float penalty) { return [=](int q, int k) { return k <= q ? 0.0f : penalty; }; };
  const auto open = [](auto&& sees) { return [=](int q, int k) { return sees(q, k) ? 0.0f : Mask::kForbidden; }; };
  if (is(penalised(Mask::kForbidden))) return "causal";
  if (is(penalised(0))) return "full";
  if (is(open([](int q, int k) { return k <= q + 1; }))) return "off by one";
  if (is(penalised(mask(0, T - 1)))) return "penalty";
  for (int width = 1; width < T; ++width) {
    if (is(open([=](int q, int k) { return k <= q && q - k < width; }))) return "window of " + std::to_string(width);
  }
  for (int n = 2; n < T; ++n) {
    if (is(open([=](int q, int k) { return k <= q || k < n; }))) return "prefix of " + std::to_string(n);
  }
  return "custom";
}

/// All masks that have a name, of one size.
std::vector<Mask> named_masks(int T) {
  std::vector<Mask> masks{Mask::causal(T),
                          Mask::full(T),
                          Mask::off_by_one(T),
                          Mask::penalised_future(T, -0.25f),
                          Mask::penalised_future(T, -1e9f),
                          Mask::penalised_future(T, std::nanf(""))};
  for (int n = 0; n <= T + 1; ++n) {
    masks.push_back(Mask::window(T, n));
    masks.push_back(Mask::prefix(T, n));
  }
  return masks;
}

TEST_CASE("a mask's name, and whether it is causal or equal to another, are those of its cells") {
  const float values[] = {0.0f, -0.0f, -0.25f, -1e9f, Mask::kForbidden, std::nanf("")};
  Rng rng(11);
  const auto holds = [](const Mask& mask) {
    const std::string name = describe(mask), expected = name_by_building(mask);
    bool causal = true, equal_cells = true;
    for (int query = 0; query < mask.size(); ++query) {
      for (int key = 0; key < mask.size(); ++key) {
        causal &= key <= query || !mask.visible(query, key);
        equal_cells &= !std::isnan(mask(query, key));  // NaN is not even equal to itself
      }
    }
    return name.substr(0, name.find(" \u2212")) == expected && mask.is_causal() == causal &&
           (mask == Mask(mask)) == equal_cells;
  };
  for (const int T : {1, 2, 3, 4, 7, 19}) {
    for (const Mask& named : named_masks(T)) {
      CHECK(holds(named));
      for (int repeat = 0; repeat < 40; ++repeat) {  // painted in one cell, and then in more and more of them
        Mask painted = named;
        for (int cell = 0; cell <= repeat / 10; ++cell) {
          const int query = static_cast<int>(rng.uniform() * T), key = static_cast<int>(rng.uniform() * T);
          painted.set(query, key, values[static_cast<size_t>(rng.uniform() * std::size(values))]);
          REQUIRE(holds(painted));
          REQUIRE((painted == named) == [&] {
            for (int q = 0; q < T; ++q) {
              for (int k = 0; k < T; ++k) {
                if (painted(q, k) != named(q, k)) return false;
              }
            }
            return true;
          }());
        }
      }
    }
    for (int repeat = 0; repeat < 20; ++repeat) CHECK(holds(Mask::random(T, rng, rng.uniform())));
  }
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
  for (int query = 0; query < 4; ++query) CHECK(blind.has_visible_key(query) == (query != 2));
  CHECK(error_of([] { Mask::causal(4).validate(4); }).empty());
  const std::string size = error_of([] { Mask::causal(4).validate(5); });
  CHECK(contains(size, "as large as the context"));
  CHECK(contains(size, "5"));
  CHECK(contains(error_of([&] { blind.validate(4); }), "Row 2 "));

  for (const float bad : {std::nanf(""), 0.5f, INFINITY}) {
    Mask mask = Mask::causal(4);
    mask.set(3, 1, bad);
    const std::string message = error_of([&] { mask.validate(); });
    CHECK(contains(message, "query 3"));
    CHECK(contains(message, "key 1"));
  }
}

}  // namespace
}  // namespace nopeek::test::mask_test
