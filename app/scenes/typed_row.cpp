#include "app/scenes/typed_row.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

namespace nopeek {

namespace {

constexpr double kTypedRowInfinity = std::numeric_limits<double>::infinity();
constexpr double kMostScore = 9999;
constexpr size_t kTypedRowMostUndos = 200;

void replace(std::string& in, std::string_view what, std::string_view by) {
  for (size_t at = in.find(what); at != std::string::npos; at = in.find(what, at + by.size()))
    in.replace(at, what.size(), by);
}

/// As people write numbers: with any minus sign, and with the sign for infinity.
std::optional<double> parse(std::string_view text) {
  std::string plain(text);
  replace(plain, "\xE2\x88\x92", "-");
  replace(plain, "\xE2\x88\x9E", "inf");
  const size_t first = plain.find_first_not_of(" \t"), last = plain.find_last_not_of(" \t");
  if (first == std::string::npos) return std::nullopt;
  plain = plain.substr(first, last - first + 1);
  if (plain.find_first_of("xXpP(") != std::string::npos) return std::nullopt;  // hexadecimal, nan(...)
  char* rest = nullptr;
  const double value = std::strtod(plain.c_str(), &rest);
  if (*rest != '\0' || std::isnan(value)) return std::nullopt;
  return value;
}

}  // namespace

SoftmaxSteps ScoreRow::steps() const {
  std::vector<double> masked = scores;
  for (size_t i = 0; i < masked.size(); ++i) {
    if (forbidden[i]) masked[i] = -kTypedRowInfinity;
  }
  return softmax_steps(masked);
}

ScoreRow lesson_row() {
  return {"I", 0, {"I", "love", "causal", "attention"}, {-1.0, 0.9, -1.8, -2.0}, {false, false, false, false}};
}

void TypedRow::keep() {
  undo_.push_back(state_);
  if (undo_.size() > kTypedRowMostUndos) undo_.erase(undo_.begin());
  redo_.clear();
}

void TypedRow::open(ScoreRow row) {
  if (state_ && state_->now == row) return;
  keep();
  state_ = Open{row, row};
}

void TypedRow::reset() {
  if (!changed()) return;
  keep();
  state_->now = state_->opened;
}

void TypedRow::close() {
  if (!state_) return;
  keep();
  state_.reset();
}

std::string TypedRow::type(size_t key, std::string_view text) {
  const std::optional<double> value = parse(text);
  if (!value) return "That is no number. Type one such as 0.53, or \xE2\x88\x92\xE2\x88\x9E.";
  if (*value == -kTypedRowInfinity) return forbid(key, true);
  if (std::abs(*value) > kMostScore)
    return "Only scores between \xE2\x88\x92"
           "9999 and 9999 can be typed.";
  if (!state_) return {};
  const ScoreRow& row = state_->now;
  if (row.scores[key] == *value && !row.forbidden[key]) return {};
  keep();
  state_->now.scores[key] = *value;
  state_->now.forbidden[key] = false;
  return {};
}

std::string TypedRow::forbid(size_t key, bool on) {
  if (!state_ || state_->now.forbidden[key] == on) return {};
  const std::vector<bool>& forbidden = state_->now.forbidden;
  if (on && std::count(forbidden.begin(), forbidden.end(), false) == 1)
    return "A row needs a key that it may see, and this is its last.";
  keep();
  state_->now.forbidden[key] = on;
  return {};
}

/// The newest state of one of undo_ and redo_ is taken up, and the present one goes to the other.
void TypedRow::swap(std::vector<State>& from, std::vector<State>& to) {
  if (from.empty()) return;
  to.push_back(std::exchange(state_, std::move(from.back())));
  from.pop_back();
}

}  // namespace nopeek
