#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/host/input_queue.h"
#include "app/tour/parser.h"
#include "app/ui/registry.h"

namespace nopeek::tour {

/// What a tour needs of whoever hosts the interface: the window, or a test without one.
class Stage {
 public:
  virtual ~Stage() = default;
  virtual InputQueue& input() = 0;
  /// All figures that a tour may ask for (App::state() and the frame times).
  virtual nlohmann::json figures() = 0;
  virtual void caption(const std::string& text) = 0;
  virtual void point_at(const std::string& widget) = 0;
  virtual void resize(int width, int height) = 0;
  /// Writes the next frame as PNG; shot_result() is empty until it is written, then "" or what went wrong.
  virtual void shoot(const std::filesystem::path& file) = 0;
  virtual std::optional<std::string> shot_result() = 0;
};

/// Plays a tour: mouse and keyboard events pushed into the very queue that people's events come through, on widgets
/// that it finds in the registry. A state machine that is ticked once a frame; it never sleeps.
///
///   each frame:  player.tick(seconds);  queue.apply(io);  ImGui::NewFrame(); app.frame(); ImGui::Render();
class Player {
 public:
  struct Options {
    bool watched = false;  // the pointer glides and text appears letter by letter, for people who look on
    int patience = 200;    // frames that a widget may take to appear
  };
  /// `file` is named in failures. The stage must outlive the player.
  Player(std::string file, std::vector<Step> steps, Stage& stage, Options options);
  ~Player();

  enum class Status { kPlaying, kEnded, kQuit, kFailed };  // ran out of steps; reached `quit`; see failure()
  Status status() const { return status_; }
  const std::string& failure() const { return failure_; }  // "file:line: what was found instead"

  /// Acts until the next frame is needed. `now` in seconds, from any start.
  void tick(double now);
  /// True while nothing but time or training can bring the tour further: then frames need not follow at once.
  bool waiting() const { return waiting_; }
  /// A person took over.
  void stop();

 private:
  // Does its part and returns true, or returns false to be called again in the next frame. What it adds by then() comes
  // right after it.
  using Action = std::function<bool()>;
  struct Begin;

  void then(Action action) { actions_.push_back(std::move(action)); }
  void then_frames(int count);
  void then_move(ImVec2 to);
  void then_press(int button);
  void then_chord(const Chord& chord);
  void then_type(const std::string& text);
  void then_write_shot(const std::filesystem::path& file);
  void then_wait_until(std::function<bool()> reached, std::function<std::string()> what);
  void on_widget(const std::string& name, std::function<void(const ui::registry::Item&)> act, bool any_state = false);
  void click(const ui::registry::Item& item, Place place = {});
  void set(const ui::registry::Item& item, const std::string& name, const std::string& value);
  void set_slider(const ui::registry::Item& item, const std::string& value);
  void replace_text(const ui::registry::Item& item, const std::string& text);
  nlohmann::json value_of(const Expression& expression);
  void write_state(const std::filesystem::path& file);
  void act();
  bool act_once();

  std::string file_;
  std::vector<Step> steps_;
  Stage& stage_;
  Options options_;
  size_t next_ = 0;  // step that begins when actions_ is empty
  std::deque<Action> actions_;
  double now_ = 0, limit_ = 60;  // seconds
  double pressed_at_ = -1;       // ImGui's time of the last press
  bool waiting_ = false;
  Status status_ = Status::kPlaying;
  std::string failure_;
};

}  // namespace nopeek::tour
