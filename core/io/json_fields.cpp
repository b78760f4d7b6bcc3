#include "core/io/json_fields.h"

#include <charconv>
#include <cmath>

#include "core/base/error.h"

namespace nopeek {

using nlohmann::json;

namespace {

/// 12, and also 12.0 and 1.2e1: JSON has one kind of numbers, and some programs write all of them so.
std::optional<int64_t> whole_number(const json& value) {
  constexpr double kExact = 0x1p53;  // up to here a double holds every whole number
  if (value.is_number_float()) {
    const double x = value.get<double>();
    return std::abs(x) <= kExact && x == std::trunc(x) ? std::optional(static_cast<int64_t>(x)) : std::nullopt;
  }
  // An unsigned number above int64_t's range must not wrap around into the range asked for.
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() || value.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX));
  return fits ? std::optional(value.get<int64_t>()) : std::nullopt;
}

}  // namespace

Fields::Fields(json object, std::string what) : object_(std::move(object)), what_(std::move(what)) {
  if (!object_.is_object()) throw Error(what_ + " must be a JSON object.");
}

void Fields::fail(const std::string& key, const std::string& need) const {
  throw Error(what_ + ": \"" + key + "\" must be " + need + ".");
}

const json* Fields::find(const std::string& key) const {
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

const json& Fields::at(const std::string& key) const {
  const json* found = find(key);
  if (found == nullptr) throw Error(what_ + " does not say \"" + key + "\".");
  return *found;
}

int64_t Fields::integer(const std::string& key, int64_t least, int64_t most, std::optional<int64_t> otherwise) const {
  if (otherwise && find(key) == nullptr) return *otherwise;
  const std::optional<int64_t> value = whole_number(at(key));
  if (!value || *value < least || *value > most) {
    fail(key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return *value;
}

double Fields::number(const std::string& key, double least, double most, std::optional<double> otherwise) const {
  if (otherwise && find(key) == nullptr) return *otherwise;
  const json& value = at(key);
  const double x = value.is_number() ? value.get<double>() : std::nan("");
  if (!std::isfinite(x) || x < least || x > most) {
    fail(key, "a number from " + json(least).dump() + " to " + json(most).dump());
  }
  return x;
}

bool Fields::flag(const std::string& key, std::optional<bool> otherwise) const {
  if (otherwise && find(key) == nullptr) return *otherwise;
  const json& value = at(key);
  if (!value.is_boolean()) fail(key, "true or false");
  return value.get<bool>();
}

std::string Fields::text(const std::string& key, std::optional<std::string> otherwise) const {
  if (otherwise && find(key) == nullptr) return *otherwise;
  const json& value = at(key);
  if (!value.is_string() || value.get_ref<const std::string&>().size() > kMostText) {
    fail(key, "a text of at most " + std::to_string(kMostText) + " bytes");
  }
  return value.get<std::string>();
}

uint64_t Fields::bits(const std::string& key) const {
  const std::string digits = text(key);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    fail(key, "a whole number of 64 bits, as a string of digits");
  }
  return value;
}

Fields Fields::object(const std::string& key) const { return {at(key), what_ + ", \"" + key + "\""}; }

}  // namespace nopeek
