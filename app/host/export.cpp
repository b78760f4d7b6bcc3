#include "app/host/export.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "app/host/gif.h"
#include "app/host/png.h"
#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"
#include "app/ui/text.h"
#include "core/base/scheduling.h"
#include "core/io/file.h"
#include "core/io/shown.h"

namespace nopeek {

namespace fs = std::filesystem;

namespace {

fs::path export_folder() {
  std::error_code ignored;
  if (const char* home = std::getenv("HOME"); home && fs::is_directory(home, ignored)) {
    const fs::path documents = fs::path(home) / "Documents";
    return fs::is_directory(documents, ignored) ? documents : fs::path(home);
  }
  return fs::current_path(ignored);
}

/// "attention matrix" -> "nopeek-attention-matrix-"
std::string file_prefix(std::string name) {
  const auto unfit = [](unsigned char c) { return c <= ' ' || c == '/' || c == '\\' || c == ':'; };
  std::replace_if(name.begin(), name.end(), unfit, '-');
  return "nopeek-" + name + "-";
}

/// Where it is, nothing that is drawn is hovered.
class PointerAway {
 public:
  PointerAway() : before_(std::exchange(ImGui::GetIO().MousePos, {-FLT_MAX, -FLT_MAX})) {}
  ~PointerAway() { ImGui::GetIO().MousePos = before_; }
  PointerAway(const PointerAway&) = delete;

 private:
  ImVec2 before_;
};

/// Drawn by the same functions, with the same fonts and at the same scale as the window.
Picture drawn(const Pictures& wish, int frame, Camera& camera) {
  const ui::registry::Pause not_on_the_screen;
  const PointerAway pointer_away;
  const ImVec2 size = ui::theme().at(wish.size.x, wish.size.y);
  ui::OffScreenList list(size);
  {
    const ui::Canvas canvas(list.get());
    list.get()->AddRectFilled({0, 0}, size, ui::colors().panel);
    wish.draw(frame);
  }
  return camera.off_screen(list.draw_data());
}

std::vector<GifFrame> frames_of(const Pictures& wish, Camera& camera) {
  std::vector<GifFrame> frames;
  for (size_t i = 0; i < wish.delays.size(); ++i) {
    Picture picture = wish.draw ? drawn(wish, static_cast<int>(i), camera) : camera.window();
    frames.push_back({std::move(picture), wish.delays[i]});
  }
  return frames;
}

}  // namespace

fs::path free_export_path(std::string_view prefix, std::string_view ending, const std::set<fs::path>& avoid) {
  const fs::path folder = export_folder();
  std::error_code ignored;
  for (int n = 1;; ++n) {
    const fs::path candidate = folder / (std::string(prefix) + std::to_string(n) + std::string(ending));
    if (!avoid.contains(candidate) && !fs::exists(candidate, ignored)) return candidate;
  }
}

void Exporter::run(std::function<std::string()> job) {
  try {
    start(std::move(job));
  } catch (const std::exception& error) {  // there is no thread to be had
    say(words_of(error));
  }
}

void Exporter::start(std::function<std::string()> job) {
  std::erase_if(running_, [](auto& one) { return one.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
  running_.reserve(running_.size() + 1);  // a future that finds no room would wait for its job
  running_.push_back(std::async(std::launch::async, [this, job = std::move(job)] {
    give_way();
    try {
      say(job());
    } catch (const std::exception& error) {
      say(words_of(error));
    }
  }));
}

void Exporter::say(std::string message) {
  messages_.add(std::move(message));
  if (wake_) wake_();
}

void Exporter::wait() {
  for (auto& one : running_) one.wait();
}

void Exporter::write(const std::string& name, std::string_view ending, std::function<void(const fs::path&)> to) {
  const fs::path file = free_export_path(file_prefix(name), ending, given_out_);
  given_out_.insert(file);
  run([file, to = std::move(to)] {
    to(file);
    return "Written to " + nopeek::shown(file);
  });
}

void Exporter::table(const std::string& name, std::function<std::string()> csv) {
  write(name, ".csv", [csv = std::move(csv)](const fs::path& file) { write_file(file, csv()); });
}

void Exporter::window() { pictures({.name = "picture"}); }

void Exporter::pictures(Pictures wish) {
  if (!camera_) return say("There is no window to take pictures with. Start NoPeek on a display.");
  wishes_.push_back(std::move(wish));
}

void Exporter::take_pictures() {
  for (const Pictures& wish : std::exchange(wishes_, {})) {
    try {
      write(wish.name, wish.delays.size() == 1 ? ".png" : ".gif",
            [frames = frames_of(wish, *camera_)](const fs::path& file) {
              frames.size() == 1 ? write_png(file, frames[0].picture) : write_gif(file, frames);
            });
    } catch (const std::exception& error) {
      say(words_of(error));
    }
  }
}

void Exporter::forget_pictures() {
  if (std::exchange(wishes_, {}).empty()) return;
  say("The picture was not taken because its frame failed. Try again.");
}

}  // namespace nopeek
