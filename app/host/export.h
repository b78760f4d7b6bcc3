#pragma once
#include <filesystem>
#include <functional>
#include <future>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/host/camera.h"
#include "app/host/messages.h"
#include "app/scenes/scene.h"

namespace nopeek {

/// A file name that is not taken yet: prefix + number + ending, in ~/Documents, else in $HOME, else in the working
/// folder, whichever exists. `avoid` are names that have been given out and perhaps not been written yet.
std::filesystem::path free_export_path(std::string_view prefix, std::string_view ending,
                                       const std::set<std::filesystem::path>& avoid = {});

/// Writes files while the window goes on, and says in a message what came of it. UI thread.
///
///   exporter.pictures({.name = "head", .size = {400, 300}, .delays = {500, 500}, .draw = draw_stage});
///   ImGui::Render(), and the window is drawn
///   exporter.take_pictures();          // draws both frames; nopeek-head-1.gif is then written on another thread
class Exporter {
 public:
  /// `camera` may be null: then pictures are refused. `wake` is called on any thread when there is a new message. All
  /// must live as long as the exporter does.
  Exporter(Messages& messages, const std::function<void()>& wake, Camera* camera)
      : messages_(messages), wake_(wake), camera_(camera) {}
  ~Exporter() { wait(); }
  Exporter(const Exporter&) = delete;

  /// `csv` is called on another thread.
  void table(const std::string& name, std::function<std::string()> csv);
  void pictures(Pictures wish);
  /// The frame being built, as a PNG.
  void window();

  /// Takes the pictures that have been asked for since the last call. After the window's frame is drawn.
  void take_pictures();
  /// Before a frame is built: pictures of an earlier one that was never drawn are not taken any more, for what they
  /// would be drawn from is gone.
  void forget_pictures();

  /// Runs `job` on another thread. What it returns becomes a message, and so does what it throws.
  void run(std::function<std::string()> job);
  /// Until all is written.
  void wait();

 private:
  void start(std::function<std::string()> job);
  void say(std::string message);  // any thread
  void write(const std::string& name, std::string_view ending, std::function<void(const std::filesystem::path&)> to);

  Messages& messages_;
  const std::function<void()>& wake_;
  Camera* camera_;
  std::vector<Pictures> wishes_;
  std::set<std::filesystem::path> given_out_;
  std::vector<std::future<void>> running_;
};

}  // namespace nopeek
