// What must not end the window: see App::frame().
#include "app/gl/heatmap.h"
#include "app/host/app_impl.h"
#include "app/host/export.h"
#include "app/ui/imgui_compat.h"

namespace nopeek {

namespace {

constexpr int kGoHome = 3;  // frames that fail in a row, until another scene is tried

}  // namespace

/// Runs a part of a frame. What it throws becomes a message; ImGui's windows are then as they were before. True if it
/// came to its end. Throws if ImGui cannot be brought back so far: then the host abandons the frame.
bool App::Impl::guarded(const std::function<void()>& part) {
  try {
    part();
    return true;
  } catch (const std::exception& error) {
    fail(error);
    ui::recover_frame();
    return false;
  }
}

/// A scene that was interrupted may be half of this frame and half of the one before: it begins anew.
void App::Impl::fail(const std::exception& error) noexcept {
  const std::optional<size_t> interrupted = std::exchange(scene_at_work, std::nullopt);
  tell(error, !interrupted ? "" : playing() ? "The scene begins anew; training goes on." : "The scene begins anew.");
  try {
    exporter.forget_pictures();
  } catch (const std::exception&) {  // no room for the words
  }
  if (interrupted) scenes[*interrupted] = nullptr;
  if (heatmaps) heatmaps->forget_revisions();
  if (failing.frames() + 1 == kGoHome) scene = 0;
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
    return saving_twins(free_export_path("nopeek-rescued-", ""))() + " Drop that folder on the window to go on.";
  } catch (const std::exception& error) {
    recovery.keep();
    return "The twins could not be saved: " + words_of(error);
  }
}

}  // namespace nopeek
