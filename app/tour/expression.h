#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace nopeek::tour {

/// `figure op literal`, as in `unmasked.reported < 0.2`, `scene == "Mask Lab"` or `"Speed".value == 60`.
struct Expression {
  std::string widget;  // empty: the figure is one of the state's
  std::string figure;  // dotted path into the state, or value, kind, enabled or visible of the widget
  std::string op;      // < <= > >= == != contains
  std::string literal;

  std::string text() const;
};

/// The figure at a dotted path ("masked.reported", "earlier.0.steps"). Throws Error that names the part that is missing
/// and what there is instead.
const nlohmann::json& find_figure(const nlohmann::json& figures, const std::string& path);

/// Numbers compare as numbers, also where a widget shows a unit behind them ("60 steps/s"); on, off, true and false as
/// truth; all else as text. A figure that is not measured yet (null) makes every expression false.
/// Throws Error where the two have no order.
bool holds(const Expression& expression, const nlohmann::json& value);

/// The whole of `text` as a finite number.
bool parse_number(const std::string& text, double& number);

}  // namespace nopeek::tour
