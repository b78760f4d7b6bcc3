#include <algorithm>
#include <chrono>
#include <cmath>

#include "app/host/app_impl.h"
#include "app/host/export.h"
#include "core/base/error.h"
#include "core/io/file.h"
#include "core/live/run_log.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr double kTextSizes[] = {0.8, 1.0, 1.25, 1.5};

}  // namespace

/// Runs `action`; an Error becomes a message, and everything stays as it was.
template <class Action>
bool App::Impl::attempt(Action&& action) {
  try {
    action();
    return true;
  } catch (const Error& error) {
    messages.add(error.what());
    return false;
  }
}

void App::Impl::hold(int lane) { selection.lane = lane; }

void App::Impl::set_mask(int lane, bool on) {
  past = nullptr;  // the mask of the present is changed: show it
  const int T = newest->config.model.context;
  attempt([&] { lab->post(SetMask{lane, on ? Mask::causal(T) : Mask::full(T)}); });
}

void App::Impl::set_paused(bool paused) {
  past = nullptr;
  lab->post(SetPaused{paused});
}

void App::Impl::step_once() {
  past = nullptr;
  lab->post(StepOnce{});
}

void App::Impl::go_to_step(int64_t step) {
  if (!newest->checkpoints || newest->checkpoints->empty()) return;
  const auto& all = *newest->checkpoints;
  const auto nearest = std::min_element(all.begin(), all.end(), [step](const auto& a, const auto& b) {
    return std::abs(a->step - step) < std::abs(b->step - step);
  });
  past = *nearest;
  if (!newest->paused) lab->post(SetPaused{true});
}

void App::Impl::go_to_now() { past = nullptr; }

void App::Impl::set_rate(double steps_per_second) {
  settings.rate = std::isinf(steps_per_second) ? 0 : steps_per_second;
  lab->post(SetRate{steps_per_second});
}

bool App::Impl::restart(RunConfig config, std::shared_ptr<const Corpus> corpus) {
  config.model.vocab = corpus->vocab_size();
  return attempt([&] {
    lab->post(Restart{config, std::move(corpus)});
    past = nullptr;
    settings.run = config;
  });
}

void App::Impl::reset(uint64_t seed) {
  RunConfig config = newest->config;
  config.seed = seed;
  restart(config, newest->corpus);
}

void App::Impl::use_size(const std::string& name) {
  RunConfig config = preset(name);
  config.seed = newest->config.seed;
  restart(config, newest->corpus);
}

void App::Impl::open_corpus(const std::string& name_or_path) {
  loading_since = clock_now();
  loader.start(name_or_path);
}

/// What other threads have finished.
void App::Impl::poll_background() {
  std::erase_if(writing, [](auto& job) { return job.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
  const auto loaded = loader.poll();
  if (!loaded) return;
  if (!loaded->error.empty()) return messages.add(loaded->error);
  if (restart(newest->config, loaded->corpus)) settings.corpus = loaded->setting;
}

void App::Impl::export_run() {
  const auto file = free_export_path("nopeek-run-", ".csv");
  writing.push_back(std::async(std::launch::async, [this, file, snapshot = newest] {
    try {
      write_file(file, run_log(*snapshot));
      messages.add("The run was written to " + file.string());
    } catch (const std::exception& error) {
      messages.add(error.what());
    }
    if (options.wake) options.wake();
  }));
}

void App::Impl::export_picture() { png_request = free_export_path("nopeek-", ".png"); }

double App::Impl::next_text_size(int direction) const {
  const auto* const end = std::end(kTextSizes);
  const auto* at = std::find_if(std::begin(kTextSizes), end, [&](double s) { return s > settings.text_size - 0.01; });
  if (direction < 0) return at == std::begin(kTextSizes) ? settings.text_size : *(at - 1);
  if (at == end || at + 1 == end) return settings.text_size;
  const bool fits = wished_scale(theme().window, *(at + 1)) <= greatest_scale(theme().window) + 0.01f;
  return fits ? *(at + 1) : settings.text_size;
}

void App::Impl::set_text_size(double size) { settings.text_size = size; }
void App::Impl::set_dark(bool dark) { settings.dark = dark; }

}  // namespace nopeek
