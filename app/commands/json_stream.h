#pragma once
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace nopeek {

/// Writes one JSON document piece by piece, as it is computed: the logits of a published vocabulary make hundreds of
/// megabytes, which nothing here holds at once. Numbers have as many digits as it takes to read the same bits back;
/// those that are not finite become null. Text that is not UTF-8 is mended with U+FFFD.
///
///   JsonStream json(stdout);
///   json.open('{'), json.key("ids"), json.list(ids), json.close('}');
///   json.finish();
class JsonStream {
 public:
  explicit JsonStream(std::FILE* file) : file_(file) {}

  void open(char bracket);   // { or [
  void close(char bracket);  // } or ]
  void key(std::string_view name);
  void number(float value);
  void number(double value);
  void number(int64_t value);
  void boolean(bool value) { literal(value ? "true" : "false"); }
  void null() { literal("null"); }
  void text(std::string_view value) { literal(quoted(value)); }
  /// JSON that is made already, such as by quoted().
  void literal(std::string_view json);
  template <class Range>
  void list(const Range& numbers) {
    open('[');
    for (const auto& value : numbers) each(value);
    close(']');
  }
  /// Rows behind one another in memory.
  template <class M>
  void matrix(const M& rows) {
    const auto cols = static_cast<size_t>(rows.cols());
    open('[');
    for (size_t row = 0; row < static_cast<size_t>(rows.rows()); ++row) list(std::span(rows.data() + row * cols, cols));
    close(']');
  }

  /// Throws Error if something could not be written. Ends the document with a new line.
  void finish();

  static std::string quoted(std::string_view value);

 private:
  void each(float value) { number(value); }
  void each(double value) { number(value); }
  void each(int32_t value) { number(static_cast<int64_t>(value)); }
  void separate();
  void flush();

  std::FILE* file_;
  std::string buffer_;
  bool comma_ = false;  // before the next value or key
};

}  // namespace nopeek
