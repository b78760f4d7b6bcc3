#include "app/tour/expression.h"

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "core/base/error.h"
#include "core/io/shown.h"

namespace nopeek::tour {

namespace {

using nlohmann::json;

std::optional<bool> truth(const std::string& word) {
  if (word == "on" || word == "true") return true;
  if (word == "off" || word == "false") return false;
  return {};
}

// "0.7", or the number that "60 steps/s" begins with.
std::optional<double> leading_number(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || !std::isfinite(number) || (*end != '\0' && *end != ' ')) return {};
  return number;
}

std::optional<double> as_number(const json& value) {
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return leading_number(value.get_ref<const std::string&>());
  return {};
}

std::string as_text(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

template <class T>
bool compare(const T& a, const std::string& op, const T& b) {
  if (op == "==") return a == b;
  if (op == "!=") return a != b;
  if (op == "<") return a < b;
  if (op == "<=") return a <= b;
  if (op == ">") return a > b;
  return a >= b;
}

std::string names_in(const json& object) {
  std::string names;
  for (const auto& [name, value] : object.items()) names += (names.empty() ? "" : ", ") + name;
  return names;
}

}  // namespace

std::string Expression::text() const {
  return (widget.empty() ? figure : '"' + widget + "\"." + figure) + ' ' + op + ' ' + literal;
}

const json& find_figure(const json& figures, const std::string& path) {
  const json* at = &figures;
  std::istringstream parts(path);
  for (std::string part; std::getline(parts, part, '.');) {
    double index = -1;
    if (at->is_object() && at->contains(part)) {
      at = &at->at(part);
    } else if (at->is_array() && parse_number(part, index) && index >= 0 && index < static_cast<double>(at->size())) {
      at = &at->at(static_cast<size_t>(index));
    } else {
      throw Error(one_line("there is no figure '" + path + "': '" + part + "' is not among " +
                           (at->is_object() ? names_in(*at) : "the parts of " + at->dump())));
    }
  }
  return *at;
}

bool holds(const Expression& e, const json& value) {
  if (value.is_null()) return false;
  if (e.op == "contains") return as_text(value).find(e.literal) != std::string::npos;
  double wanted = 0;
  if (const auto found = as_number(value); found && parse_number(e.literal, wanted)) {
    return compare(*found, e.op, wanted);
  }
  if (e.op != "==" && e.op != "!=") {
    throw Error(one_line("'" + e.text() + "' cannot be told: " + as_text(value) + " is not a number"));
  }
  const auto wanted_truth = truth(e.literal);
  const auto found_truth = value.is_boolean() ? std::optional<bool>(value.get<bool>()) : truth(as_text(value));
  if (wanted_truth && found_truth) return compare(*found_truth, e.op, *wanted_truth);
  return compare(as_text(value), e.op, e.literal);
}

bool parse_number(const std::string& text, double& number) {
  char* end = nullptr;
  number = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0' && std::isfinite(number);
}

}  // namespace nopeek::tour
