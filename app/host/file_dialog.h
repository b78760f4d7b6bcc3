#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/ui/theme.h"

namespace nopeek {

/// 'Open a text' in the window itself: a path field above a list of folders and files. Hidden files stay hidden. Enter
/// opens, Backspace goes to the parent folder, Escape closes.
class FileDialog {
 public:
  void open();
  /// Draws it while it is open. The file that was picked, once.
  std::optional<std::filesystem::path> draw();

 private:
  struct Entry {
    std::string name;
    bool folder = false;
    uintmax_t size = 0;
  };
  void enter(const std::filesystem::path& folder);
  std::optional<std::filesystem::path> follow(const std::filesystem::path& path);
  std::optional<std::filesystem::path> draw_list(const ui::Rect& area);

  bool open_ = false;
  std::filesystem::path folder_;
  std::string typed_;
  std::string error_;
  std::vector<Entry> entries_;
  float scroll_ = 0;
};

}  // namespace nopeek
