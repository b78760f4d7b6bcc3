#include <algorithm>
#include <cmath>

#include "app/host/app_impl.h"
#include "app/host/export.h"
#include "core/base/error.h"
#include "core/io/model_folder.h"
#include "core/io/shown.h"
#include "core/live/run_folder.h"
#include "core/live/run_log.h"

namespace nopeek {

using namespace ui;

/// Runs `action`; what it throws becomes a message, and everything stays as it was.
template <class Action>
bool App::Impl::attempt(Action&& action) {
  try {
    action();
    return true;
  } catch (const std::exception& error) {
    messages.add(words_of(error));
    return false;
  }
}

void App::Impl::hold(int lane) { wish = {.lane = lane, .opened = false}; }

void App::Impl::hold_opened() {
  wish.opened = opened.has_value();
  if (wish.opened && scene_title() == std::string_view("Mask Lab")) scene = scene_named("Generate");
}

/// A twin's mask is the present one, also while a step of the past is shown: that is what the switch changes.
bool App::Impl::held_is_masked() const {
  return held.opened ? held_voice().masked : newest->lanes[static_cast<size_t>(selection.lane)].masked;
}

/// A model that was saved with a mask of its own comes back to that.
void App::Impl::toggle_mask() {
  const bool on = !held_is_masked();
  if (!held.opened) return set_mask(selection.lane, on);
  const int T = opened->model.config().context;
  use_mask(opened_mask->is_causal() == on ? *opened_mask : on ? Mask::causal(T) : Mask::full(T));
}

void App::Impl::set_mask(int lane, bool on) {
  const int T = newest->config.model.context;
  train_with(lane, on ? Mask::causal(T) : Mask::full(T));
}

void App::Impl::use_mask(Mask mask) {
  if (!held.opened) return train_with(selection.lane, std::move(mask));
  attempt([&] {
    mask.validate(opened->model.config().context);
    opened->model.mask = std::make_shared<const Mask>(std::move(mask));
    opened->masked = opened->model.masked();
    opened->mask_name = describe(*opened->model.mask);
  });
}

void App::Impl::train_with(int lane, Mask mask) {
  past = nullptr;  // the mask of the present is changed: show it
  attempt([&] { lab->post(SetMask{lane, std::move(mask)}); });
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
    awaited.reset();
    past = nullptr;
    wish.opened = false;
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

void App::Impl::open(const std::string& corpus_or_path) {
  opening_since = clock_now();
  opener.start(corpus_or_path);
}

void App::Impl::take(const std::string& from, std::shared_ptr<const Corpus> corpus) {
  if (restart(newest->config, std::move(corpus))) settings.corpus = from;
}

void App::Impl::take(const std::string&, Model model) {
  const bool masked = model.masked();
  const std::string mask_name = describe(*model.mask);
  messages.add("Opened " + model.name + ". The twins wait; choose one in the size menu to return to them.");
  opened_mask = model.mask;
  opened = Voice{std::move(model), masked, mask_name};
  lab->post(SetPaused{true});
  hold_opened();
}

void App::Impl::take(const std::string& from, std::shared_ptr<const RunState> run) {
  const int64_t step = run->step;
  if (!attempt([&] { lab->post(Resume{std::move(run)}); })) return;
  awaited = Awaited{newest->run, step, from};
  past = nullptr;
  wish.opened = false;
  lab->post(SetPaused{true});
}

/// The run that was opened is there. (The lab might have refused it: then that is told, and it is not awaited any
/// more.)
void App::Impl::greet_awaited_run() {
  if (!awaited || newest->run == awaited->run_before || newest->step < awaited->step) return;
  const Awaited arrived = *std::exchange(awaited, std::nullopt);
  if (recovery.found() && recovery.found()->folder.string() == arrived.from) recovery.take_over();
  messages.add("The saved run is open at step " + std::to_string(arrived.step) + ". Play goes on from there.");
}

/// What other threads have finished.
void App::Impl::poll_background() {
  if (std::string failure = lab->take_failure(); !failure.empty()) {
    awaited.reset();
    messages.add(std::move(failure));
  }
  greet_awaited_run();
  if (std::string failure = recovery.tick(clock_now(), *newest, *lab); !failure.empty())
    messages.add(std::move(failure));
  auto result = opener.poll();
  if (!result) return;
  if (!result->error.empty()) return messages.add(result->error);
  std::visit([&](auto&& thing) { take(result->from, std::move(thing)); }, std::move(result->opened));
}

void App::Impl::export_run() {
  exporter.table("run", [snapshot = newest] { return run_log(*snapshot); });
}

void App::Impl::export_table(std::string name, std::function<std::string()> csv) {
  exporter.table(name, std::move(csv));
}

void App::Impl::export_pictures(Pictures pictures) { exporter.pictures(std::move(pictures)); }
void App::Impl::export_window() { exporter.window(); }

void App::Impl::open_save_dialog() {
  to_save = held.opened ? std::optional(held_voice().model) : std::nullopt;
  const std::string name = to_save ? to_save->name + "-" : "nopeek-twins-";
  file_dialog.save(to_save ? "Save the model" : "Save the twins", free_export_path(name, "", {newest_save}));
}

void App::Impl::save(const std::filesystem::path& folder, const std::optional<Model>& model) {
  newest_save = folder;
  if (model) {
    return exporter.run([folder, model = *model] {
      save_model(folder, model);
      return "The model was saved to " + nopeek::shown(folder) + ".";
    });
  }
  exporter.run(saving_twins(folder));
}

/// Saves the twins as they are at the end of the step that is under way now: the rest of it, for any thread. Returns
/// what to say of it.
std::function<std::string()> App::Impl::saving_twins(const std::filesystem::path& folder) {
  auto promise = std::make_shared<std::promise<std::string>>();
  lab->post(VisitRun{[this, promise, folder](const RunView& run) {
    try {
      const SavedRunPlace place = save_run_somewhere(folder, run);
      recovery.saved();
      promise->set_value(place.refused.empty() ? "The twins were saved at step " + std::to_string(run.step) + " to " +
                                                     nopeek::shown(folder) + "."
                                               : place.warning());
    } catch (...) {
      promise->set_exception(std::current_exception());
    }
  }});
  return [said = promise->get_future().share()] { return said.get(); };
}

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
