// What must not end the window: see App::frame().
#include <future>

#include "app/gl/heatmap.h"
#include "app/host/app_impl.h"
#include "app/host/export.h"
#include "app/ui/imgui_compat.h"
#include "core/io/shown.h"
#include "core/live/run_folder.h"

namespace nopeek {

namespace {

constexpr int kGoHome = 3;  // frames that fail in a row, until another scene is tried

}  // namespace

/// Runs a part of a frame. What it throws becomes a message; ImGui's windows are then as they were before. True if it
/// came to its end.
bool App::Impl::guarded(const std::function<void()>& part) {
  try {
    part();
    return true;
  } catch (const std::exception& error) {
    ui::recover_frame();
    fail(error);
    return false;
  }
}

/// A scene that was interrupted may be half of this frame and half of the one before: it begins anew.
void App::Impl::fail(const std::exception& error) noexcept {
  const bool interrupted = std::exchange(scene_at_work, false);
  tell(error, interrupted ? "The scene begins anew; training goes on." : "");
  try {
    exporter.forget_pictures();
  } catch (const std::exception&) {  // no room for the words
  }
  if (interrupted) scenes[scene] = nullptr;
  if (heatmaps) heatmaps->forget_revisions();
  if (failed_frames + 1 == kGoHome) scene = 0;
}

void App::Impl::tell(const std::exception& error, std::string_view consequence) noexcept {
  try {
    std::string words = words_of(error);
    if (!consequence.empty()) (words += ' ') += consequence;
    messages.add_once(std::move(words));
  } catch (const std::exception&) {  // no room for the words
  }
}

std::string App::Impl::rescue() {
  try {
    if (lab->snapshot()->step == 0) return "The twins were not trained yet: nothing is lost.";
    auto promise = std::make_shared<std::promise<std::shared_ptr<const RunState>>>();
    auto taken = promise->get_future();
    lab->post(TakeState{[promise](std::shared_ptr<const RunState> state) { promise->set_value(std::move(state)); }});
    promise = nullptr;  // if the lab gives up, so do we
    const auto run = taken.get();
    const std::filesystem::path folder = free_export_path("nopeek-rescued-", "");
    save_run(folder, *run);
    return "The twins were saved at step " + std::to_string(run->step) + " to " + nopeek::shown(folder) +
           ". Drop that folder on the window to go on.";
  } catch (const std::exception& error) {
    return "The twins could not be saved: " + words_of(error);
  }
}

}  // namespace nopeek
