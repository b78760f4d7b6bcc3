#pragma once
#include <imgui.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "app/host/settings.h"
#include "core/live/live_lab.h"

namespace nopeek {

namespace gl {
class HeatmapRenderer;
}
class Camera;

/// The whole user interface, without a window: it draws into the current ImGui context and asks its host for what only
/// a window can do. So tests run all of it without a display (heatmaps == nullptr: matrices are then left blank).
///
///   App app(options, &heatmaps);
///   each frame:  if (app.prepare_frame(size)) upload_font_texture();
///                ImGui::NewFrame(); app.frame(); ImGui::Render();
///                draw_window(); app.take_pictures(); present();
class App {
 public:
  struct Options {
    Settings settings;
    std::filesystem::path settings_file;  // empty: nothing is stored
    std::filesystem::path state_folder;   // where the run is kept while it trains, see Recovery; empty: nowhere
    std::string scene = "Mask Lab";
    uint64_t seed = 1;
    std::filesystem::path model;      // a model folder or a saved run to open at once; empty: none
    bool paused = false;              // do not train at launch (tests)
    bool animations = true;           // false: every duration is 0 (tests, and tours' pictures)
    std::function<void()> wake = {};  // called on any thread when there is something new to draw
    Camera* camera = nullptr;         // null: pictures cannot be exported
  };
  App(Options options, gl::HeatmapRenderer* heatmaps);
  ~App();

  /// Settles scale and fonts for a window of `size` px, before NewFrame. True if the font atlas was built anew, and its
  /// texture has to be uploaded.
  bool prepare_frame(ImVec2 size);
  /// Builds one frame, between ImGui::NewFrame() and ImGui::Render(). Throws nothing: what fails within it, memory that
  /// is lacking included, is told by a message, the scene that was at work begins anew, and the run goes on. (Nothing
  /// but that ImGui had no memory even to end what was begun: then see ui::abandon_frame().)
  void frame();
  /// Something moves by itself: draw another frame soon, also without input.
  bool animating() const;

  void drop_file(const std::filesystem::path& path);
  /// The figures that tours address ("step", "masked.reported", ...): see docs/tours.md. Without widgets and frame
  /// times.
  nlohmann::json state() const;
  /// Tours: a caption at the bottom of the window (empty: none), and a ring around a widget (empty: none).
  void set_caption(std::string text);
  void set_pointed(std::string widget);

  /// What else failed in a frame, in the host: told by a message, once while it is on the screen.
  void tell(const std::exception& error, std::string_view consequence = {});
  /// The newest message that is on the screen; empty if there is none.
  std::string told() const;
  /// One frame after the other has failed: the host is to end, after rescue().
  bool hopeless() const;
  /// Saves the twins to a folder of its own that has room, and returns a line that says where, or why not.
  std::string rescue();

  // What the host does after a frame.
  bool fullscreen() const;           // wished for (F11)
  void take_pictures();              // that were asked for, once the window's frame is drawn
  const Settings& settings() const;  // the host stores the window size here when it ends
  Settings& settings();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nopeek
