#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/host/folder_reader.h"
#include "app/ui/theme.h"

namespace nopeek {

/// Opening and saving in the window itself: a path field above a list of folders and files. Hidden files stay hidden.
/// Enter opens, Backspace goes to the parent folder, Escape closes. A model folder counts as one thing. Large folders
/// appear bit by bit.
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
  void enter(const std::filesystem::path& folder);
  void take_listing();
  std::filesystem::path typed_path() const;
  bool replaces();  // there is a model where one would save to
  std::optional<std::filesystem::path> follow(const std::filesystem::path& path);
  std::optional<std::filesystem::path> draw_list(const ui::Rect& area);
  void draw_row(const FolderEntry& entry, const ui::Rect& row);
  std::string hint() const;

  bool open_ = false, saving_ = false, appearing_ = false;
  std::string title_;
  std::string name_;                // of the folder to save to, kept while one walks through folders
  std::filesystem::path folder_;    // whose entries are listed
  std::filesystem::path entering_;  // that is being read, before the first of it has come; empty: none
  std::string typed_;
  std::filesystem::path looked_at_;  // by replaces()
  bool is_model_ = false;            // what is there
  std::string error_;
  FolderReader reader_;
  std::vector<FolderEntry> entries_;
  bool cut_off_ = false;
  float scroll_ = 0;
};

}  // namespace nopeek
