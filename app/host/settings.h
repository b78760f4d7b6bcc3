#pragma once
#include <filesystem>
#include <string>

#include "core/train/run_config.h"

namespace nopeek {

/// What is kept between runs. JSON in the platform's usual folder; a missing or broken file gives the defaults, and
/// unknown keys are kept out. --theme, --scale and --size override it for one run and are not stored.
struct Settings {
  bool dark = true;
  double text_size = 1.0;  // one of 0.8, 1.0, 1.25, 1.5
  bool reduce_motion = false;
  bool panel_open = true;  // the explanation, where there is room for it beside the content
  double rate = 60;        // steps/s; 0: as fast as the machine can
  int window_width = 1600, window_height = 900;
  std::string corpus = "pull-requests";  // name of a built-in corpus or path of a file
  RunConfig run;                         // the model that was trained last; seed and vocabulary are not stored

  static std::filesystem::path default_file();  // $XDG_CONFIG_HOME/nopeek/settings.json, or as usual on the platform
  static Settings load(const std::filesystem::path& file);
  /// Writes to a temporary name and renames. Throws Error.
  void save(const std::filesystem::path& file) const;
  bool operator==(const Settings&) const = default;
};

}  // namespace nopeek
