#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace nopeek {

/// What one frame took, in milliseconds.
struct FrameTimes {
  double
      whole;  // from the first look at the input until the picture is on the screen, the wait for the display included
  double ui;  // building it, from ImGui's NewFrame to its Render
  /// All of our own making: building it, what was sent to the graphics card, pictures to export, fonts, a tour's next
  /// step. Without the graphics driver, without the wait for the display, and without the time for which other threads
  /// had the cores.
  double own;
};

/// How long the newest frames took, and how fast input was answered, in milliseconds.
class FrameStats {
 public:
  /// A frame whose own part takes longer is a hitch: two frames of a display are lost on us.
  static constexpr double kHitch = 33;

  void add(const FrameTimes& times);
  /// A frame was built that answers an input, so many milliseconds of our work after it came.
  void answered(double ms);
  /// The first frame is on the screen, so many milliseconds after the program began.
  void first_frame(double since_start) { first_frame_ms_ = since_start; }
  int64_t frames() const { return frames_; }

  /// Adds `frame`, `ui` and `input` to the figures of a tour: see docs/tours.md.
  void write(nlohmann::json& figures) const;

 private:
  /// The newest of many values.
  class Ring {
   public:
    void add(double value);
    double percentile(double p) const;
    int64_t count() const { return count_; }  // of all that were added
    double max() const { return max_; }       // of these, too

   private:
    static constexpr int64_t kKept = 600;
    std::vector<double> values_;
    int64_t count_ = 0;
    double max_ = 0;
  };
  Ring whole_, ui_, own_, input_;
  int64_t frames_ = 0, hitches_ = 0;
  double first_frame_ms_ = 0;
};

/// The value below which the fraction `p` of `values` lies (nearest rank); 0 if there are none.
double percentile(std::vector<double> values, double p);

}  // namespace nopeek
