#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "core/io/json.h"

namespace nopeek {

/// The fields of a JSON object of unknown origin. Each is read with the type and the range that it must have; else
/// Error with one line that names the file and the field. A field that is null counts as one that is not there.
///
///   const Fields config(parse_json(text, shown), shown);
///   const int64_t layers = config.integer("n_layer", 1, 48, 12);   // 12 where it does not say
class Fields {
 public:
  /// `what` begins the messages ("\"model/config.json\""). Throws Error if `object` is not one.
  Fields(nlohmann::json object, std::string what);

  /// Null if the field is not there.
  const nlohmann::json* find(const std::string& key) const;
  const nlohmann::json& at(const std::string& key) const;

  // Without `otherwise`, the field must be there. A whole number may be written as 12.0 or 1.2e1.
  int64_t integer(const std::string& key, int64_t least, int64_t most, std::optional<int64_t> otherwise = {}) const;
  /// Finite, from `least` to `most`.
  double number(const std::string& key, double least, double most, std::optional<double> otherwise = {}) const;
  bool flag(const std::string& key, std::optional<bool> otherwise = {}) const;
  /// At most `kMostText` bytes.
  std::string text(const std::string& key, std::optional<std::string> otherwise = {}) const;
  /// 64 bits without a sign, as a string of digits: a JSON number would lose bits in most other programs.
  uint64_t bits(const std::string& key) const;
  /// A JSON object in the object.
  Fields object(const std::string& key) const;

  /// Error that says what is wrong with a field.
  [[noreturn]] void fail(const std::string& key, const std::string& need) const;
  const std::string& what() const { return what_; }

  static constexpr size_t kMostText = 4096;

 private:
  nlohmann::json object_;
  std::string what_;
};

}  // namespace nopeek
