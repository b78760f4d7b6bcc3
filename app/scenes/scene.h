#pragma once
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "app/ui/theme.h"
#include "core/decode/model.h"
#include "core/live/live_lab.h"

namespace nopeek {

namespace gl {
class HeatmapRenderer;
}

/// What every scene shows: the held model (lane) and one of its heads.
struct Selection {
  int lane = 0, layer = 0, head = 0;
};

/// A model that a scene can ask: a lane of the lab with the weights of the step shown, or a folder that was opened.
struct Voice {
  Model model;
  bool masked = true;     // its mask hides every future key: blue, else orange
  std::string mask_name;  // describe(*model.mask)
};

/// What to call a voice: "masked" or "unmasked", "first masked" and "second masked" where both are alike, or the name
/// of an opened model.
std::string voice_name(std::span<const Voice> voices, size_t voice, bool opened);

/// What a scene draws for a file: a PNG, or a GIF that repeats if there are several frames.
struct Pictures {
  std::string name;            // "attention matrix" becomes nopeek-attention-matrix-1.png
  ImVec2 size{};               // logical px; the scale is the window's
  std::vector<int> delays{0};  // ms that each frame stays; as many as there are frames
  /// Draws frame `index` with what draws the window, text(), fill() and heatmaps, from 0, 0 on; the background is there
  /// already. Called after the frame of the window in which it was asked for, for all frames in a row. The snapshots
  /// and voices of that frame still live then, and so does a copy of its SceneInput, but not the SceneInput itself. No
  /// widgets: nothing here takes input.
  std::function<void(int index)> draw = {};
};

/// What a scene may ask of the app. Nothing here throws: what cannot be done is said in a message.
class Actions {
 public:
  virtual void hold(int lane) = 0;
  virtual void set_mask(int lane, bool on) = 0;
  /// Of the held model: a twin trains with it from the next step on, an opened model runs under it.
  virtual void use_mask(Mask mask) = 0;
  virtual void set_paused(bool paused) = 0;
  virtual void go_to_step(int64_t step) = 0;  // shows the nearest checkpoint; training pauses
  virtual void go_to_now() = 0;               // back to the newest step; training stays as it is
  virtual void export_run() = 0;              // as CSV
  virtual void export_window() = 0;           // as PNG
  /// Into nopeek-NAME-1.csv, or the next number that is free.
  /// `csv` is called on another thread, and owns what it reads.
  virtual void export_table(std::string name, std::function<std::string()> csv) = 0;
  virtual void export_pictures(Pictures pictures) = 0;

 protected:
  ~Actions() = default;
};

/// What a scene gets each frame.
struct SceneInput {
  const Snapshot& newest;
  const Snapshot& shown;    // a checkpoint while the user has gone back, else the newest
  const Snapshot& numbers;  // as shown, but renewed at most ten times a second, so that numbers can be read
  bool in_the_past = false;
  bool smooth = false;  // training runs: what changes with it moves softly
  Selection& selection;
  Actions& actions;
  std::span<const Voice> voices;      // the twins, or the one model that was opened; never empty
  size_t held_voice = 0;              // which of them is held
  bool opened = false;                // they are a folder's, not the lab's
  const std::function<void()>& wake;  // asks for a frame, on any thread: a scene's own work has an answer
  gl::HeatmapRenderer* heatmaps;      // null: no display, matrices are left blank
  ui::Rect content{};                 // logical px
};

// The panel at the right
// ------------------------------------------------------------------------------------------------
enum class Tone { kPlain, kStrong, kPast, kFuture };
struct Words {
  std::string text;  // no space at its ends means that it is set against its neighbour
  Tone tone = Tone::kPlain;
};
using Paragraph = std::vector<Words>;

struct Suggestion {
  std::string label;
  bool done = false;
  std::function<void()> act;
};

/// 'What you are seeing' and 'Try this'. The code below them belongs to the held lane's mask in all scenes.
struct Explanation {
  std::vector<Paragraph> words;
  std::vector<Suggestion> suggestions;
};

/// A title and up to six lines.
struct Code {
  std::string title;
  std::vector<std::string> lines;
};

/// A line of the list of keys.
struct Shortcut {
  const char* keys;
  const char* what;
};

/// One page of the app. Scenes draw what the snapshot says and never compute what the model would.
class Scene {
 public:
  virtual ~Scene() = default;
  virtual void draw(const SceneInput& input) = 0;
  virtual Explanation explain(const SceneInput& input) = 0;
  /// The six lines of code at the panel's foot; empty: attention, with the held lane's mask.
  virtual Code code() const { return {}; }
  /// Adds its figures to what `state` writes and tours can ask for.
  virtual void report(nlohmann::json&) const {}
  /// Keys that the scene takes before the shell does (see shell_keys.cpp). True if it was one of them.
  virtual bool key(const SceneInput&) { return false; }
  /// Those keys, for the list of all.
  virtual std::span<const Shortcut> shortcuts() const { return {}; }
  /// Escape was pressed and nobody else wanted it. True if the scene did something with it.
  virtual bool escape() { return false; }
};

#define NOPEEK_SCENE(function, title, icon) std::unique_ptr<Scene> function();
#include "app/scenes/scenes.def"
#undef NOPEEK_SCENE

}  // namespace nopeek
