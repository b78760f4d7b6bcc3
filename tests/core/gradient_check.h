#pragma once
// Gradients against numerical differentiation, in double.
#include <functional>
#include <ostream>
#include <span>
#include <string>

#include "core/base/types.h"

namespace nopeek::test {

/// Where the analytic and the numerical gradient differ most.
struct GradientReport {
  double error = 0;    // relative; see check_gradient
  double largest = 0;  // of the analytic gradient, by magnitude
  std::string where;   // index and both values
  static constexpr double kTolerance = 1e-6;
  /// A gradient of nothing but zeros agrees with anything that does not depend on x, so it is no proof.
  bool agrees() const { return error <= kTolerance && largest > 0; }
};
std::ostream& operator<<(std::ostream& out, const GradientReport& report);

/// Changes each x[i] in turn and compares the change of loss() with `analytic`. `x` is what loss() reads, in place.
///
/// Central differences of fourth order, (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h: the plain form, of second
/// order, loses 1e-6 between truncation and rounding. The error is relative to the larger of both values, or to a
/// thousandth of the largest gradient here where the values themselves are smaller: what is 0 by symmetry (the key's
/// bias) is only rounding in both.
GradientReport check_gradient(std::span<double> x, std::span<const double> analytic,
                              const std::function<double()>& loss, double h = 1e-4);

inline std::span<double> entries(Matrix<double>& m) { return {m.data(), static_cast<size_t>(m.size())}; }
inline std::span<double> entries(RowVector<double>& m) { return {m.data(), static_cast<size_t>(m.size())}; }

}  // namespace nopeek::test

/// Says which entry is wrong, and by how much.
#define CHECK_GRADIENT(...)                                       \
  do {                                                            \
    const ::nopeek::test::GradientReport report_ = (__VA_ARGS__); \
    CHECK_MESSAGE(report_.agrees(), report_);                     \
  } while (false)
