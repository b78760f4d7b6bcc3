#include "app/host/window.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/gl/heatmap.h"
#include "app/host/app.h"
#include "app/host/failing.h"
#include "app/host/frame_stats.h"
#include "app/host/gl_camera.h"
#include "app/host/glfw_window.h"
#include "app/host/messages.h"
#include "app/host/pacer.h"
#include "app/host/png.h"
#include "app/host/work_clock.h"
#include "app/tour/player.h"
#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"
#include "app/ui/theme.h"
#include "core/base/error.h"
#include "core/base/scheduling.h"
#include "core/io/shown.h"
#include "core/io/state_folder.h"

namespace nopeek {

namespace {

using Clock = std::chrono::steady_clock;
const Clock::time_point kProgramBegin = Clock::now();  // before main()

double seconds_now() { return std::chrono::duration<double>(Clock::now() - kProgramBegin).count(); }

constexpr size_t kMostTourBytes = 1 << 20;
constexpr double kShotPoll = 0.02;  // s between looks at a picture that is being written

std::vector<tour::Step> read_tour(const WindowOptions& options) {
  if (options.tour.empty()) return {};
  // Not by read_file(): a tour may come through a pipe, as from a shell's <(...).
  std::string text(kMostTourBytes + 1, '\0');
  std::ifstream file(options.tour);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.empty()) throw Error("the tour " + shown(options.tour) + " cannot be read, or is empty");
  if (text.size() > kMostTourBytes) throw Error("the tour " + shown(options.tour) + " is larger than 1 MB");
  auto steps = tour::parse(text, options.tour.string());
  if (options.shots.empty()) return steps;
  return tour::with_pictures(std::move(steps), options.shots, options.tour.stem().string());
}

/// What the command line asks for, which holds for this run and is not stored.
Settings overridden(Settings settings, const WindowOptions& options) {
  if (options.dark) settings.dark = *options.dark;
  if (options.scale) settings.text_size = *options.scale;
  if (options.width > 0 && options.height > 0) {
    settings.window_width = options.width;
    settings.window_height = options.height;
  }
  return settings;
}

/// The interface in a real window, from the first frame to the last.
class Host : public tour::Stage {
 public:
  explicit Host(const WindowOptions& options);
  int run();

 private:
  void loop();
  int end_after(const std::string& failure);
  App::Options app_options(const std::vector<tour::Step>& steps);
  void play(std::vector<tour::Step> steps);
  bool admit(bool ends_tour);
  bool playing() const { return player_ && player_->status() == tour::Player::Status::kPlaying; }
  bool running() const;
  void collect_reasons();
  bool look_for_input();
  double next_wait();
  void frame();
  void draw_frame();
  void build_frame();
  void flush_heatmaps();
  void take_pictures();
  void take_shot();
  void report_shot();
  void store_settings();

  // tour::Stage
  InputQueue& input() override { return window_.input(); }
  nlohmann::json figures() override;
  void caption(const std::string& text) override { app_.set_caption(text); }
  void point_at(const std::string& widget) override { app_.set_pointed(widget); }
  void resize(int width, int height) override { window_.resize(width, height); }
  void shoot(const std::filesystem::path& file) override { shot_file_ = file; }
  std::optional<std::string> shot_result() override { return std::exchange(shot_result_, std::nullopt); }

  const WindowOptions options_;
  const Settings stored_;
  const std::filesystem::path settings_file_;
  std::vector<tour::Step> steps_;
  std::atomic<bool> news_{false};  // set on any thread, before it wakes the window
  GlfwWindow window_;
  gl::HeatmapRenderer heatmaps_;
  WorkClock work_{seconds_now, waited_for_core};
  double looked_ = 0;  // for input the last time, by work_
  GlCamera camera_{window_, heatmaps_, work_};
  App app_;
  std::optional<tour::Player> player_;
  bool watched_ = false;  // the tour, by a person
  Pacer pacer_;
  FrameStats stats_;
  Failing failing_;
  bool font_texture_stale_ = false;
  bool blank_matrices_told_ = false;
  double ui_ms_ = 0;  // of the frame being drawn
  std::filesystem::path shot_file_;
  std::optional<std::string> shot_result_;
  std::future<std::string> writing_shot_;
};

Host::Host(const WindowOptions& options)
    : options_(options),
      stored_(Settings::load(Settings::default_file())),
      settings_file_(options.tour.empty() ? Settings::default_file() : std::filesystem::path()),
      steps_(read_tour(options)),
      window_(overridden(stored_, options).window_width, overridden(stored_, options).window_height),
      app_(app_options(steps_), &heatmaps_) {
  if (!options.tour.empty()) play(std::move(steps_));
}

App::Options Host::app_options(const std::vector<tour::Step>& steps) {
  App::Options app;
  app.settings = overridden(stored_, options_);
  if (!app.settings.has_window_size() && !options_.scale)
    app.settings.text_size = ui::first_text_size(window_.framebuffer_size(), window_.display_scale());
  app.settings_file = settings_file_;
  if (options_.tour.empty()) app.state_folder = state_folder();
  app.scene = options_.scene;
  app.seed = options_.seed;
  app.model = options_.model;
  app.animations = !tour::ends_app(steps);  // pictures and expectations are of what is, not of what is on its way
  app.camera = &camera_;
  app.wake = [this] {
    if (!news_.exchange(true)) GlfwWindow::wake();
  };
  return app;
}

void Host::play(std::vector<tour::Step> steps) {
  ui::registry::set_enabled(true);
  watched_ = !tour::ends_app(steps);
  player_.emplace(options_.tour.string(), std::move(steps), *this, tour::Player::Options{.watched = watched_});
  window_.filter = [this](bool ends_tour) { return admit(ends_tour); };
}

// A tour and a person must not hold the mouse at the same time.
bool Host::admit(bool ends_tour) {
  if (!playing()) return true;
  if (ends_tour && watched_) player_->stop();
  return false;
}

bool Host::running() const {
  using Status = tour::Player::Status;
  if (window_.should_close() || app_.hopeless() || failing_.hopeless()) return false;
  return !player_ || player_->status() == Status::kPlaying || player_->status() == Status::kEnded;
}

nlohmann::json Host::figures() {
  nlohmann::json figures = app_.state();
  stats_.write(figures);
  return figures;
}

/// However it ends, settings are stored and the run is not lost.
int Host::run() {
  std::string failure;
  try {
    loop();
  } catch (const std::exception& error) {
    failure = words_of(error);
  }
  if (app_.hopeless() || failing_.hopeless()) failure = "frame after frame failed. " + app_.told();
  if (writing_shot_.valid()) writing_shot_.wait();
  store_settings();
  if (!failure.empty()) return end_after(failure);
  if (!player_ || player_->failure().empty()) return 0;
  std::fprintf(stderr, "%s\n", player_->failure().c_str());
  return 1;
}

void Host::loop() {
  while (running()) {
    collect_reasons();
    if (look_for_input()) pacer_.input();
    report_shot();
    if (pacer_.until_due(seconds_now(), app_.animating()) <= 0) frame();
  }
}

int Host::end_after(const std::string& failure) {
  std::fprintf(stderr, "nopeek: the window cannot go on: %s\n", failure.c_str());
  std::fprintf(stderr, "nopeek: %s\n", app_.rescue().c_str());
  return 2;
}

void Host::collect_reasons() {
  if (news_.exchange(false)) pacer_.news();
  if (!window_.input().empty()) pacer_.input();
  if (!playing()) return;
  if (player_->waiting()) {
    pacer_.news();  // a tour that waits leaves the machine to the training that it waits for
  } else {
    pacer_.input();
  }
}

/// Nobody tells when exactly an event came while we were at work. It is held to have come as early as it can, right
/// after we had looked the time before; a tour's events are, too, which come with the frame that handles them.
bool Host::look_for_input() {
  window_.input().set_now(looked_);
  const bool came = work_.asleep([this] { return window_.wait(next_wait()); });
  looked_ = work_.now();
  return came;
}

double Host::next_wait() {
  const double due = pacer_.until_due(seconds_now(), app_.animating());
  return writing_shot_.valid() ? std::min(due, kShotPoll) : due;
}

/// What fails in a frame is told, and the next one is tried.
void Host::frame() {
  const double begin = seconds_now();
  try {
    draw_frame();
    failing_.worked();
  } catch (const std::exception& error) {
    ui::abandon_frame();
    failing_.failed(seconds_now());
    app_.tell(error);
    pacer_.drawn(begin, seconds_now() - begin);
    pacer_.news();
  }
}

void Host::draw_frame() {
  window_.rethrow();
  const double begin = seconds_now(), work_begin = work_.now(), interrupted = work_.interrupted();
  if (playing()) player_->tick(begin);
  if (!running()) return;
  window_.set_fullscreen(app_.fullscreen());
  const ImVec2 size = window_.framebuffer_size();
  pacer_.take_news();
  if (size.x < 1 || size.y < 1) return pacer_.drawn(begin, 0);  // minimised
  font_texture_stale_ |= app_.prepare_frame(size);
  if (font_texture_stale_) window_.rebuild_font_texture();
  font_texture_stale_ = false;
  const std::optional<double> input_since = window_.begin_frame();
  for (const auto& file : window_.input().take_dropped()) app_.drop_file(file);
  build_frame();
  if (input_since) stats_.answered((work_.now() - *input_since) * 1e3);
  heatmaps_.send();
  work_.driver([this] {
    flush_heatmaps();
    window_.draw(ImGui::ColorConvertU32ToFloat4(ui::colors().bg));
  });
  take_pictures();
  pacer_.drawn(begin, seconds_now() - begin);
  const double own = work_.now() - work_begin - (work_.interrupted() - interrupted);
  work_.driver([this] { window_.present(); });
  const double end = seconds_now();
  stats_.add({.whole = (end - begin) * 1e3, .ui = ui_ms_, .own = own * 1e3});
  if (stats_.frames() == 1) stats_.first_frame(end * 1e3);
}

void Host::build_frame() {
  const double begin = seconds_now();
  ImGui::GetIO().MouseDrawCursor = watched_ && playing();  // people must see where the tour points
  ImGui::NewFrame();
  app_.frame();
  ImGui::Render();
  ui_ms_ = (seconds_now() - begin) * 1e3;
}

/// A matrix that the driver refuses stays blank. That is told once: it is tried again with each step of the training.
void Host::flush_heatmaps() {
  try {
    heatmaps_.flush();
  } catch (const std::exception& error) {
    if (!std::exchange(blank_matrices_told_, true))
      app_.tell(error, "A matrix stays blank; it may fit a smaller window or text.");
  }
}

/// A window of 16384 x 16384 px is 800 MB: where they are not there, the tour fails, and not the program.
void Host::take_shot() {
  const std::filesystem::path file = std::exchange(shot_file_, {});
  try {
    writing_shot_ = write_png_async(file, camera_.window());
  } catch (const std::exception& e) {
    shot_result_ = "Cannot write " + shown(file) + ": " + e.what();
  }
}

void Host::take_pictures() {
  if (!shot_file_.empty()) take_shot();
  app_.take_pictures();
}

void Host::report_shot() {
  if (writing_shot_.valid() && writing_shot_.wait_for(std::chrono::seconds(0)) == std::future_status::ready)
    shot_result_ = writing_shot_.get();
}

void Host::store_settings() {
  if (settings_file_.empty()) return;
  Settings s = app_.settings();
  const Settings began = overridden(stored_, options_);
  // What the command line asked for, and nobody changed since, was for this run alone.
  if (s.dark == began.dark) s.dark = stored_.dark;
  if (s.text_size == began.text_size) s.text_size = stored_.text_size;
  const ImVec2 size = window_.windowed_size();
  s.window_width = static_cast<int>(size.x);
  s.window_height = static_cast<int>(size.y);
  if (options_.width > 0 && s.window_width == began.window_width && s.window_height == began.window_height) {
    s.window_width = stored_.window_width;
    s.window_height = stored_.window_height;
  }
  try {
    s.save(settings_file_);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "nopeek: the settings were not stored: %s\n", e.what());
  }
}

}  // namespace

int run_window(const WindowOptions& options) {
  try {
    return Host(options).run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "nopeek: %s\n", words_of(e).c_str());
    return 2;
  }
}

}  // namespace nopeek
