#include "tests/core/gradient_check.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace nopeek::test {

std::ostream& operator<<(std::ostream& out, const GradientReport& report) {
  return out << "relative error " << report.error << " at " << report.where << ", largest gradient " << report.largest;
}

GradientReport check_gradient(std::span<double> x, std::span<const double> analytic,
                              const std::function<double()>& loss, double h) {
  GradientReport report;
  if (x.size() != analytic.size()) return {1, 0, "different sizes"};
  for (const double value : analytic) report.largest = std::max(report.largest, std::abs(value));
  for (size_t i = 0; i < x.size(); ++i) {
    const double here = x[i];
    const auto loss_at = [&](double value) { return x[i] = value, loss(); };
    const double near = loss_at(here + h) - loss_at(here - h), far = loss_at(here + 2 * h) - loss_at(here - 2 * h);
    x[i] = here;
    const double numerical = (8 * near - far) / (12 * h);
    const double scale = std::max({std::abs(numerical), std::abs(analytic[i]), report.largest * 1e-3, 1e-300});
    const double error = std::abs(numerical - analytic[i]) / scale;
    if (!(error <= report.error)) {  // also NaN
      std::ostringstream where;
      where.precision(12);
      where << "entry " << i << ": analytic " << analytic[i] << ", numerical " << numerical;
      report.where = where.str();
      report.error = std::isnan(error) ? HUGE_VAL : error;
    }
  }
  return report;
}

}  // namespace nopeek::test
