#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/ui/theme.h"

namespace nopeek {

/// Opening and saving in the window itself: a path field above a list of folders and files. Hidden files stay hidden.
/// Enter opens, Backspace goes to the parent folder, Escape closes. A model folder counts as one thing.
class FileDialog {
 public:
  /// For a text or a model.
  void open();
  /// For the name of a folder to save to, which is not there yet or holds a model.
  void save(std::string title, const std::filesystem::path& suggested);

  struct Picked {
    std::filesystem::path path;
    bool saving = false;
  };
  /// Draws it while it is open. What was picked, once.
  std::optional<Picked> draw();

 private:
  struct Entry {
    std::string name;
    bool folder = false, model = false;
    uintmax_t size = 0;
  };
  void enter(const std::filesystem::path& folder);
  std::optional<std::filesystem::path> follow(const std::filesystem::path& path);
  std::optional<std::filesystem::path> draw_list(const ui::Rect& area);
  void draw_row(const Entry& entry, const ui::Rect& row);

  bool open_ = false, saving_ = false, appearing_ = false;
  std::string title_;
  std::string name_;  // of the folder to save to, kept while one walks through folders
  std::filesystem::path folder_;
  std::string typed_;
  std::string error_;
  std::vector<Entry> entries_;
  float scroll_ = 0;
};

}  // namespace nopeek
