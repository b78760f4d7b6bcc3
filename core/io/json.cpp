#include "core/io/json.h"

#include <vector>

#include "core/base/error.h"
#include "core/text/utf8.h"

namespace nopeek {

using nlohmann::json;

namespace {

/// Builds the value from the parser's events, each in constant time but for the search of a key. (The library's parser
/// with a callback takes a time that grows with the square of an array of objects.) Owns nothing but `root`.
class Builder : public nlohmann::json_sax<json> {
 public:
  explicit Builder(const std::string& what) : what_(what) {}
  json root;

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override {
    take(kStringBytes + value.size());
    return put(std::move(value));
  }
  bool binary(binary_t&) override { return false; }  // not of text

  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_object() override { return open_.pop_back(), true; }
  bool end_array() override { return open_.pop_back(), true; }
  bool key(string_t& name) override {
    take(kKeyBytes + name.size());
    const auto [place, is_new] = open_.back()->get_ref<json::object_t&>().try_emplace(name);
    if (!is_new) throw Error(what_ + " has the key " + utf8::quoted(name) + " twice.");
    value_ = &place->second;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const json::exception& error) override {
    if (dynamic_cast<const json::out_of_range*>(&error) != nullptr) {  // 1e400
      throw Error(what_ + " has a number that is too large for any use. It may be damaged.");
    }
    throw Error(what_ + " is not valid JSON at byte " + std::to_string(position) + ". It may be damaged.");
  }

 private:
  static constexpr size_t kMaxDepth = 64;
  // What an allocation takes, roughly; an element twice, as arrays grow by doubling.
  static constexpr size_t kElementBytes = 2 * sizeof(json), kStringBytes = 48, kKeyBytes = 112, kContainerBytes = 64;

  void take(size_t bytes) {
    bytes_ += bytes;
    if (bytes_ > kMostJsonMemory) {
      throw Error(what_ + " holds more than NoPeek reads of such a file (" + std::to_string(kMostJsonMemory >> 20) +
                  " MB in memory). It may be damaged, or not be meant for NoPeek.");
    }
  }

  /// The new value stands in what is open. Only the last element of an array that is open can be open itself, so no
  /// growing array moves what `open_` points to.
  json* add(json&& value) {
    take(kElementBytes);
    if (open_.empty()) return &(root = std::move(value));
    if (open_.back()->is_object()) return &(*value_ = std::move(value));
    auto& array = open_.back()->get_ref<json::array_t&>();
    return &array.emplace_back(std::move(value));
  }
  bool put(json&& value) { return add(std::move(value)), true; }
  bool open(json&& empty) {
    if (open_.size() == kMaxDepth) {
      throw Error(what_ + " is nested more than " + std::to_string(kMaxDepth) + " deep.");
    }
    take(kContainerBytes);
    open_.push_back(add(std::move(empty)));
    return true;
  }

  const std::string& what_;
  std::vector<json*> open_;  // arrays and objects that have not ended, from the outermost on
  json* value_ = nullptr;    // of the key that was read last
  size_t bytes_ = 0;
};

}  // namespace

json parse_json(std::string_view text, const std::string& what) {
  Builder builder(what);
  try {
    json::sax_parse(text, &builder);
  } catch (const json::exception&) {
    throw Error(what + " is not valid JSON. It may be damaged.");
  }
  return std::move(builder.root);
}

}  // namespace nopeek
