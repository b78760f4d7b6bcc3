#include "app/commands/json_stream.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/error.h"

namespace nopeek {

namespace {

template <class T>
std::string_view digits(T value, char (&room)[32]) {
  const auto end = std::to_chars(room, room + sizeof room, value).ptr;
  return {room, static_cast<size_t>(end - room)};
}

}  // namespace

void JsonStream::separate() {
  constexpr size_t kPiece = 1 << 16;
  if (buffer_.size() > kPiece) flush();
  if (comma_) buffer_ += ',';
}

void JsonStream::open(char bracket) {
  separate();
  buffer_ += bracket;
  comma_ = false;
}

void JsonStream::close(char bracket) {
  buffer_ += bracket;
  comma_ = true;
}

void JsonStream::key(std::string_view name) {
  text(name);
  buffer_ += ':';
  comma_ = false;
}

void JsonStream::literal(std::string_view json) {
  separate();
  buffer_ += json;
  comma_ = true;
}

void JsonStream::number(float value) {
  char room[32];
  literal(std::isfinite(value) ? digits(value, room) : "null");
}

void JsonStream::number(double value) {
  char room[32];
  literal(std::isfinite(value) ? digits(value, room) : "null");
}

void JsonStream::number(int64_t value) {
  char room[32];
  literal(digits(value, room));
}

std::string JsonStream::quoted(std::string_view value) {
  using nlohmann::json;
  return json(value).dump(-1, ' ', false, json::error_handler_t::replace);
}

void JsonStream::flush() {
  std::fwrite(buffer_.data(), 1, buffer_.size(), file_);
  buffer_.clear();
}

void JsonStream::finish() {
  buffer_ += '\n';
  flush();
  if (std::fflush(file_) != 0 || std::ferror(file_) != 0) {
    throw Error("The output could not be written in full. Check the space on the disk.");
  }
}

}  // namespace nopeek
