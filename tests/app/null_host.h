#pragma once
#include <imgui.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/tour/player.h"

namespace nopeek::test {

/// A host for tours and tests that shows nothing: an ImGui context, the input queue and a clock.
class NullHost : public tour::Stage {
 public:
  explicit NullHost(ImVec2 size = {1600, 900});
  ~NullHost() override;

  /// Builds `count` frames.
  void frames(int count = 1);
  /// Plays a tour to its end; true unless it failed: then failure() says why.
  bool play(const std::string& tour, int patience = 60);
  const std::string& failure() const { return failure_; }

  // tour::Stage
  InputQueue& input() override { return input_; }
  nlohmann::json figures() override { return {}; }
  void caption(const std::string& text) override { captions.push_back(text); }
  void point_at(const std::string& widget) override { pointed = widget; }
  void resize(int width, int height) override;
  void shoot(const std::filesystem::path& file) override { shots.push_back(file); }
  std::optional<std::string> shot_result() override { return shot_failure; }

  std::vector<std::string> captions;
  std::string pointed;
  std::vector<std::filesystem::path> shots;
  std::string shot_failure;

 protected:
  virtual void draw() = 0;                            // between NewFrame and Render
  virtual void present() {}                           // after Render
  virtual bool prepare() { return false; }            // true: the font atlas was built anew
  virtual void drop(const std::filesystem::path&) {}  // a file was dropped

 private:
  void frame();

  InputQueue input_;
  std::string failure_;
};

/// A folder that is empty at first and gone at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// The current folder is another one for as long as this lives.
class CurrentFolder {
 public:
  explicit CurrentFolder(const std::filesystem::path& folder) { std::filesystem::current_path(folder); }
  ~CurrentFolder() { std::filesystem::current_path(before_); }
  CurrentFolder(const CurrentFolder&) = delete;

 private:
  std::filesystem::path before_ = std::filesystem::current_path();
};

std::string read_file(const std::filesystem::path& file);
void make_file(const std::filesystem::path& file, const std::string& content);

/// A home folder of its own, where exports go.
class TemporaryHome : public TemporaryFolder {
 public:
  TemporaryHome() { setenv("HOME", (*this / "").c_str(), 1); }
  ~TemporaryHome() { setenv("HOME", before_.c_str(), 1); }

 private:
  std::string before_ = std::getenv("HOME") ? std::getenv("HOME") : "";
};

}  // namespace nopeek::test

/// The commands of a tour, which must succeed.
#define PLAY(host, tour) REQUIRE_MESSAGE((host).play(tour), (host).failure())
