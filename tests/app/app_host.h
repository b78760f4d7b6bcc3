#pragma once
#include <memory>

#include "app/host/app.h"
#include "null_host.h"

namespace nopeek::test {

#ifdef NOPEEK_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
/// A wait for a lab with curves to show. Where the address sanitizer slows training down fifty times, for less of them.
inline constexpr const char* kWaitUntilTrained =
    kSanitized ? "wait until step > 20\n" : "wait until unmasked.reported < 0.3\n";

/// The whole interface on a null host.
class AppHost : public NullHost {
 public:
  struct Options {
    Settings settings = {};
    std::filesystem::path settings_file = {};
    bool paused = true;
    ImVec2 size{1600, 900};
    Camera* camera = nullptr;
    std::filesystem::path state_folder = {};
  };
  AppHost() : AppHost(Options{}) {}
  explicit AppHost(Options options);
  ~AppHost() override;

  App& app() { return *app_; }
  nlohmann::json figures() override { return app_->state(); }

 protected:
  void draw() override { app_->frame(); }
  void present() override { app_->take_pictures(); }
  bool prepare() override { return app_->prepare_frame(ImGui::GetIO().DisplaySize); }
  void drop(const std::filesystem::path& file) override { app_->drop_file(file); }

 private:
  std::unique_ptr<App> app_;
};

}  // namespace nopeek::test
