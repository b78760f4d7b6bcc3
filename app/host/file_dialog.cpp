#include "app/host/file_dialog.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/host/opener.h"
#include "app/ui/imgui_compat.h"
#include "app/ui/motion.h"
#include "app/ui/registry.h"
#include "app/ui/widgets.h"
#include "core/io/folder.h"

namespace nopeek {

namespace fs = std::filesystem;
using namespace ui;

namespace {

constexpr float kRow = 34;
constexpr std::chrono::milliseconds kPatience{20};  // less than a hitch

Number size_text(uintmax_t bytes) {
  if (bytes >= 1000000) return fmt("%.1f MB", static_cast<double>(bytes) / 1e6);
  if (bytes >= 1000) return fmt("%.0f kB", static_cast<double>(bytes) / 1e3);
  return fmt("%d B", static_cast<int>(bytes));
}

}  // namespace

void FileDialog::open() {
  open_ = true;
  saving_ = false;
  title_ = "Open a text or a model";
  std::error_code ignored;
  if (folder_.empty()) {
    const char* home = std::getenv("HOME");
    folder_ = home && fs::is_directory(home, ignored) ? fs::path(home) : fs::current_path(ignored);
  }
  enter(folder_);
}

void FileDialog::save(std::string title, const fs::path& suggested) {
  open_ = saving_ = true;
  appearing_ = true;
  title_ = std::move(title);
  name_ = suggested.filename().string();
  std::error_code ignored;
  enter(folder_.empty() || !fs::is_directory(folder_, ignored) ? suggested.parent_path() : folder_);
}

void FileDialog::enter(const fs::path& folder) {
  looked_at_.clear();
  entering_ = folder;
  reader_.start(folder, saving_ ? FolderReader::Wanted::kFolders : FolderReader::Wanted::kAll);
  reader_.wait(kPatience);
  take_listing();
}

void FileDialog::take_listing() {
  auto listing = reader_.poll();
  if (reader_.reading()) keep_moving();
  if (!listing) return;
  if (!listing->error.empty()) {
    error_ = "This folder cannot be read: " + listing->error;
    entering_.clear();
    return;
  }
  entries_ = std::move(listing->entries);
  cut_off_ = listing->cut_off;
  if (entering_.empty()) return;
  folder_ = std::exchange(entering_, {});
  typed_ = saving_ ? (folder_ / name_).string() : folder_.string();
  error_.clear();
  scroll_ = 0;
}

/// "~/run" is at home, and a bare name is in the folder that is shown.
fs::path FileDialog::typed_path() const { return folder_ / with_home(typed_); }

/// Looked up once for each text: a folder on a network may be slow to answer.
bool FileDialog::replaces() {
  if (!saving_) return false;
  if (fs::path path = typed_path(); path != looked_at_) {
    is_model_ = is_model_folder(path);
    looked_at_ = std::move(path);
  }
  return is_model_;
}

std::optional<fs::path> FileDialog::follow(const fs::path& path) {
  std::error_code ignored;
  const bool folder = fs::is_directory(path, ignored), model = folder && is_model_folder(path);
  if (folder && !model) {
    enter(fs::weakly_canonical(path, ignored));
  } else if (saving_ ? !fs::exists(path, ignored) || model : model || fs::is_regular_file(path, ignored)) {
    open_ = false;
    return path;
  } else {
    error_ = saving_ ? "A file has this name. Choose another one." : "There is no file or folder of that name.";
  }
  return std::nullopt;
}

std::optional<FileDialog::Picked> FileDialog::draw() {
  Rect area;
  if (!begin_dialog(title_, {640, 520}, open_, area)) {
    if (!open_) reader_.cancel();
    return std::nullopt;
  }
  take_listing();
  std::optional<fs::path> picked;
  const Rect up{area.min, {area.min.x + px(36), area.min.y + px(36)}};
  const bool back = focus::letters_are_free() && ImGui::IsKeyPressed(ImGui::GetKeyIndex(ImGuiKey_Backspace));
  if ((icon_button("Parent folder", up, Icon::kUp, "Parent folder (Backspace)") || back) && folder_.has_parent_path())
    enter(folder_.parent_path());
  if (std::exchange(appearing_, false)) focus_next_field();
  if (text_field("Path", {{up.max.x + px(8), area.min.y}, {area.max.x, up.max.y}}, typed_))
    picked = follow(typed_path());
  const float list_top = up.max.y + px(12), buttons_top = area.max.y - px(36);
  if (auto chosen = draw_list({{area.min.x, list_top}, {area.max.x, buttons_top - px(36)}})) picked = chosen;
  text_elided({area.min.x, buttons_top - px(16)}, error_.empty() ? hint() : error_, area.w(),
              error_.empty() ? Font::kSmall : Font::kSmallBold, error_.empty() ? colors().secondary : colors().text);
  const float w = px(104);
  if (button("Cancel", {{area.max.x - 2 * w - px(12), buttons_top}, {area.max.x - w - px(12), area.max.y}}))
    open_ = false;
  if (button(replaces() ? "Replace"
             : saving_  ? "Save"
                        : "Open",
             {{area.max.x - w, buttons_top}, area.max}, true, Look::kPrimary))
    picked = follow(typed_path());
  end_dialog();
  if (!picked) return std::nullopt;
  return Picked{*picked, saving_};
}

std::string FileDialog::hint() const {
  if (reader_.reading()) return "Reading the folder. Entries so far: " + std::to_string(entries_.size());
  if (cut_off_)
    return "Only " + std::to_string(entries_.size()) +
           " entries of this folder are listed. Type the path of any other.";
  return saving_ ? "The name of a new folder, or of a saved model to replace."
                 : "UTF-8 text, or the folder of a model or a saved run. Hidden files are left out.";
}

void FileDialog::draw_row(const FolderEntry& e, const Rect& row) {
  const Icon sign = e.model ? Icon::kMatrix : e.folder ? Icon::kFolder : Icon::kFile;
  icon(sign, {row.min.x + px(18), row.cy()}, colors().secondary);
  text_elided({row.min.x + px(40), row.cy()}, e.name, row.w() - px(150), Font::kLabel, colors().text);
  const ImVec2 end{row.max.x - px(12), row.cy()};
  if (e.model) text(end, "model", Font::kSmall, colors().secondary, Align::kRight);
  if (!e.folder) text(end, size_text(e.size), Font::kMonoSmall, colors().secondary, Align::kRight);
}

std::optional<fs::path> FileDialog::draw_list(const Rect& area) {
  std::optional<fs::path> picked;
  fill(area, colors().bg, 8);
  if (area.contains(ImGui::GetIO().MousePos)) scroll_ -= ImGui::GetIO().MouseWheel * px(3 * kRow);
  const float height = px(kRow) * static_cast<float>(entries_.size()) + px(8);
  scroll_ = std::clamp(scroll_, 0.0f, std::max(0.0f, height - area.h()));
  if (entries_.empty() && !reader_.reading())
    text(area.centre(), saving_ ? "No folders in this folder." : "Nothing to open in this folder.", Font::kLabel,
         colors().secondary, Align::kCentre);
  ImGui::PushClipRect(area.min, area.max, true);
  const registry::Scope scope("Files");
  std::optional<fs::path> followed;
  // One more on each side, for the arrow keys.
  const auto first = static_cast<size_t>(std::max(0.0f, std::floor((scroll_ - px(4)) / px(kRow)) - 1));
  for (size_t i = first; i < entries_.size(); ++i) {
    const FolderEntry& e = entries_[i];
    const float y = area.min.y + px(4) + px(kRow) * static_cast<float>(i) - scroll_;
    if (y > area.max.y + px(kRow)) break;
    const Rect row{{area.min.x + px(4), y}, {area.max.x - px(4), y + px(kRow)}};
    const Interaction it = interact(e.name, row);
    registry::add(e.name, "option", e.model ? "model" : e.folder ? "folder" : "file", row.min, row.max);
    fill(row, faded(colors().raised, it.hover), 6);
    if (it.focused) {
      outline(row, colors().text, 2, 6);
      if (row.min.y < area.min.y) scroll_ -= area.min.y - row.min.y + px(4);
      if (row.max.y > area.max.y) scroll_ += row.max.y - area.max.y + px(4);
    }
    draw_row(e, row);
    if (it.pressed) followed = folder_ / e.name;
  }
  ImGui::PopClipRect();
  // Not in the loop: it replaces the entries. To click on a model does not replace it yet.
  if (followed && saving_ && is_model_folder(*followed)) {
    typed_ = followed->string();
    name_ = followed->filename().string();
  } else if (followed) {
    picked = follow(*followed);
  }
  return picked;
}

}  // namespace nopeek
