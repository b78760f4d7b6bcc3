#pragma once

namespace nopeek {

/// Frames that fail one after the other. There is no hope only after some time: memory that is lacking now may be there
/// a moment later.
class Failing {
 public:
  void worked() { frames_ = 0; }
  /// `now` in seconds.
  void failed(double now) {
    if (frames_++ == 0) since_ = now;
    newest_ = now;
  }
  int frames() const { return frames_; }  // in a row
  bool hopeless() const { return frames_ >= kFrames && newest_ - since_ >= kSeconds; }

 private:
  static constexpr int kFrames = 6;
  static constexpr double kSeconds = 3;
  int frames_ = 0;
  double since_ = 0, newest_ = 0;
};

}  // namespace nopeek
