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
  bool panel_open = true;                   // the explanation, where there is room for it beside the content
  double rate = 60;                         // steps/s; 0: as fast as the machine can
  int window_width = 0, window_height = 0;  // px; 0: never stored, which is a first start
  std::string corpus = "pull-requests";     // name of a built-in corpus or path of a file
  RunConfig run;                            // the model that was trained last; seed and vocabulary are not stored

  bool has_window_size() const { return window_width != 0 && window_height != 0; }

  static std::filesystem::path default_file();  // $XDG_CONFIG_HOME/nopeek/settings.json, or as usual on the platform
  /// Reads regular files of at most 1 MB; all else counts as missing.
  static Settings load(const std::filesystem::path& file);
  /// As write_file() writes: a link keeps leading where it led, and of two windows that close at once one wins. Throws
  /// Error.
  void save(const std::filesystem::path& file) const;
  bool operator==(const Settings&) const = default;
};

}  // namespace nopeek
