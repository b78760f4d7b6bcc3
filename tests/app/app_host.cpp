#include "app_host.h"

namespace nopeek::test {

AppHost::AppHost(Options options) : NullHost(options.size) {
  App::Options app;
  app.settings = options.settings;
  app.settings_file = options.settings_file;
  app.paused = options.paused;
  app.animations = false;
  app.camera = options.camera;
  app.state_folder = options.state_folder;
  app_ = std::make_unique<App>(std::move(app), nullptr);
  frames(3);
}

AppHost::~AppHost() { app_.reset(); }

}  // namespace nopeek::test
