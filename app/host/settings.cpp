#include "app/host/settings.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "app/ui/theme.h"
#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/state_folder.h"

namespace nopeek {

namespace {

using nlohmann::json;

// A value of the wrong type, or one that makes no sense, leaves the default. The file may be edited by hand.
template <class T>
void take(const json& from, const char* key, T& to) {
  const auto found = from.find(key);
  if (found == from.end()) return;
  if constexpr (std::is_same_v<T, bool>) {
    if (found->is_boolean()) to = found->get<bool>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (found->is_string() && !found->get<std::string>().empty()) to = found->get<std::string>();
  } else {
    if (found->is_number() && std::isfinite(found->get<double>())) {
      to = static_cast<T>(std::clamp(found->get<double>(), -1e6, 1e6));
    }
  }
}

double nearest_text_size(double size) {
  return *std::min_element(ui::kTextSizes.begin(), ui::kTextSizes.end(),
                           [&](double a, double b) { return std::abs(a - size) < std::abs(b - size); });
}

constexpr uint64_t kMostBytes = 1 << 20;

/// Empty if it is not there, no regular file (which might never end), or far too large for settings.
std::string text_of(const std::filesystem::path& file) {
  try {
    return read_file(file, kMostBytes);
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

std::filesystem::path Settings::default_file() {
  if (const auto config = folder_in_environment("XDG_CONFIG_HOME"); !config.empty())
    return config / "nopeek/settings.json";
#if defined(_WIN32)
  if (const auto data = folder_in_environment("APPDATA"); !data.empty()) return data / "nopeek/settings.json";
#elif defined(__APPLE__)
  if (const auto home = folder_in_environment("HOME"); !home.empty())
    return home / "Library/Application Support/nopeek/settings.json";
#endif
  if (const auto home = folder_in_environment("HOME"); !home.empty()) return home / ".config/nopeek/settings.json";
  return {};
}

Settings Settings::load(const std::filesystem::path& file) {
  Settings s;
  const json stored = json::parse(text_of(file), nullptr, /*allow_exceptions=*/false);
  if (!stored.is_object()) return s;
  take(stored, "dark", s.dark);
  take(stored, "text_size", s.text_size);
  take(stored, "reduce_motion", s.reduce_motion);
  take(stored, "panel_open", s.panel_open);
  take(stored, "rate", s.rate);
  take(stored, "window_width", s.window_width);
  take(stored, "window_height", s.window_height);
  take(stored, "corpus", s.corpus);
  take(stored, "layers", s.run.model.layers);
  take(stored, "heads", s.run.model.heads);
  take(stored, "width", s.run.model.channels);
  take(stored, "context", s.run.model.context);
  take(stored, "dropout", s.run.model.dropout);
  take(stored, "batch", s.run.train.batch);
  take(stored, "learning_rate", s.run.train.learning_rate);
  s.text_size = nearest_text_size(s.text_size);
  s.rate = std::max(s.rate, 0.0);
  if (s.has_window_size()) {
    s.window_width = std::clamp(s.window_width, 1024, 16384);
    s.window_height = std::clamp(s.window_height, 576, 16384);
  }
  return s;
}

void Settings::save(const std::filesystem::path& file) const {
  const json stored = {
      {"dark", dark},
      {"text_size", text_size},
      {"reduce_motion", reduce_motion},
      {"panel_open", panel_open},
      {"rate", rate},
      {"window_width", window_width},
      {"window_height", window_height},
      {"corpus", corpus},
      {"layers", run.model.layers},
      {"heads", run.model.heads},
      {"width", run.model.channels},
      {"context", run.model.context},
      {"dropout", run.model.dropout},
      {"batch", run.train.batch},
      {"learning_rate", run.train.learning_rate},
  };
  write_file(file, stored.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

}  // namespace nopeek
