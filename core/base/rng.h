#pragma once
#include <cmath>
#include <cstdint>
#include <numbers>

namespace nopeek {

/// SplitMix64 (Steele, Lea, Flood 2014): 64 bits of state, equal on every platform. The standard library's
/// distributions are not, so the few we need are here. Copy it to fork a stream; its whole state is one number that can
/// be saved.
class Rng {
 public:
  explicit Rng(uint64_t seed, uint64_t stream = 0) : state_(mix(seed) ^ mix(~stream)) {}

  uint64_t next() { return mix(state_ += kGolden); }

  /// Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

  /// Uniform in [0, n), n > 0. Values from the incomplete last stretch of length n are drawn again, so none is
  /// favoured.
  uint64_t below(uint64_t n) {
    uint64_t bits = next();
    while (bits < (0 - n) % n) bits = next();
    return bits % n;
  }

  /// Standard normal (Box-Muller; the second value of the pair is not kept, so that the state stays one number).
  double normal() {
    const double u = 1.0 - uniform();  // in (0, 1]: the logarithm is finite
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * uniform());
  }

  uint64_t state() const { return state_; }
  /// Goes on where another one was.
  void set_state(uint64_t state) { state_ = state; }

  /// The finaliser alone: a hash of 64 bits. Used where a number must depend on a position and not on the order of
  /// draws, as with dropout, whose pattern must be equal for any number of threads.
  static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  static constexpr uint64_t kGolden = 0x9E3779B97F4A7C15u;

 private:
  uint64_t state_;
};

}  // namespace nopeek
