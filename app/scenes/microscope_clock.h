#pragma once
#include <algorithm>
#include <cmath>
#include <optional>

namespace nopeek {

/// The five steps of a head.
enum class Stage { kScores, kScaled, kMasked, kWeights, kOutput };
inline constexpr int kStages = 5;

/// The play over the stages. All that is seen of it is place(), a pure function of one time: playing lets the time run,
/// scrubbing and stepping set it.
///
/// A place is a number of stages from the first one: 2 is at + mask, and between two whole numbers one stage fades into
/// the next.
class StageClock {
 public:
  static constexpr double kHold = 1.2, kHoldAtMask = 2.4;  // s that the play gives a stage
  static constexpr double kFade = 0.25;                    // s, the first ones of that: from the stage before
  static constexpr int kLast = kStages - 1;

  /// When the play comes to a stage; that of kStages is its end.
  static constexpr double begin_of(int stage) {
    return kHold * stage + (stage > static_cast<int>(Stage::kMasked) ? kHoldAtMask - kHold : 0);
  }
  static constexpr double end() { return begin_of(kStages); }

  static float place_at(double time, double fade = kFade) {
    int stage = 0;
    while (stage < kLast && time >= begin_of(stage + 1)) ++stage;
    if (stage == 0 || fade <= 0) return static_cast<float>(stage);
    return static_cast<float>(stage - 1 + std::min(1.0, (time - begin_of(stage)) / fade));
  }
  /// The first time at which the play is at `place`.
  static double time_at(float place) {
    const float p = std::clamp(place, 0.0f, static_cast<float>(kLast));
    const int stage = static_cast<int>(std::ceil(p));
    return stage == 0 ? 0 : begin_of(stage) + kFade * static_cast<double>(p - static_cast<float>(stage - 1));
  }

  double time() const { return time_; }
  float place() const { return place_at(time_, fade_); }
  Stage stage() const { return static_cast<Stage>(std::lround(place())); }
  bool playing() const { return playing_; }
  bool moving() const { return playing_ || goal_; }

  void scrub(float place) {
    stop();
    time_ = time_at(fade_ > 0 ? place : std::round(place));
  }
  /// There within kFade, however far it is.
  void go_to(Stage stage) {
    playing_ = false;
    goal_ = static_cast<float>(stage);
    speed_ = std::max(1.0f, std::abs(*goal_ - place())) / static_cast<float>(kFade);
  }
  void step(int by) {
    const int from = goal_ ? static_cast<int>(*goal_) : static_cast<int>(stage());
    go_to(static_cast<Stage>(std::clamp(from + by, 0, kLast)));
  }
  /// On from here; from the start where it has come to the end.
  void play(bool on) {
    if (on && !playing_ && stage() == Stage::kOutput) time_ = 0;
    goal_.reset();
    playing_ = on;
  }
  void stop() {
    goal_.reset();
    playing_ = false;
  }

  /// Once a frame. Without `motion` nothing fades; the play holds each stage as long.
  void advance(double seconds, bool motion) {
    fade_ = motion ? kFade : 0;
    if (playing_) {
      time_ = std::min(time_ + seconds, end());
      playing_ = time_ < end();
    } else if (goal_) {
      const float way = *goal_ - place(), reach = static_cast<float>(seconds) * speed_;
      const bool there = !motion || std::abs(way) <= reach;
      time_ = time_at(there ? *goal_ : place() + std::copysign(reach, way));
      if (there) goal_.reset();
    }
  }

 private:
  double time_ = time_at(static_cast<float>(Stage::kMasked));
  double fade_ = kFade;
  bool playing_ = false;
  std::optional<float> goal_;  // place that it is on the way to
  float speed_ = 0;            // places a second
};

}  // namespace nopeek
