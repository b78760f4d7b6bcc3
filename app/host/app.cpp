#include "app/host/app.h"

#include <algorithm>
#include <cmath>

#include "app/commands/assets.h"
#include "app/host/app_impl.h"
#include "app/ui/registry.h"
#include "core/base/error.h"
#include "core/io/corpus_file.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr double kNumbersEvery = 0.1;  // s: faster cannot be read
constexpr double kShowLoadingAfter = 0.3;

struct SceneEntry {
  const char* title;
  Icon icon;
  std::unique_ptr<Scene> (*make)();
};
constexpr SceneEntry kScenes[] = {
#define NOPEEK_SCENE(function, title, icon) {title, icon, function},
#include "app/scenes/scenes.def"
#undef NOPEEK_SCENE
};

RunConfig first_config(const Settings& settings, uint64_t seed) {
  RunConfig config = settings.run;
  config.seed = seed;
  return config;
}

/// A corpus that was stored and is not to be had any more must not keep the app from starting.
std::shared_ptr<const Corpus> first_corpus(const Settings& settings) {
  const std::string name = is_built_in_corpus(settings.corpus) ? settings.corpus : kBuiltInCorpora[0];
  return std::make_shared<const Corpus>(load_corpus(find_corpus(name)));
}

std::vector<std::string> labels_of(const Tokenizer& tokenizer) {
  std::vector<std::string> labels;
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) labels.push_back(tokenizer.label(id));
  return labels;
}

}  // namespace

App::Impl::Impl(Options given, gl::HeatmapRenderer* renderer)
    : options(std::move(given)),
      settings(options.settings),
      heatmaps(renderer),
      opener(options.wake),
      exporter(messages, options.wake, options.camera),
      recovery(options.state_folder) {
  for (const SceneEntry& entry : kScenes) scenes.push_back(entry.make());
  scene = scene_named(options.scene);
  if (options.scene != scene_title())
    messages.add("There is no scene \"" + options.scene + "\". This is " + scene_title() + ".");
  std::shared_ptr<const Corpus> corpus = first_corpus(settings);
  RunConfig config = first_config(settings, options.seed);
  try {
    lab = std::make_unique<LiveLab>(Restart{config, corpus}, options.wake, options.paused);
  } catch (const Error& error) {
    messages.add(error.what());
    Settings plain;
    lab = std::make_unique<LiveLab>(Restart{first_config(plain, options.seed), first_corpus(plain)}, options.wake,
                                    options.paused);
  }
  set_rate(settings.rate > 0 ? settings.rate : std::numeric_limits<double>::infinity());
  if (!is_built_in_corpus(settings.corpus)) open(settings.corpus);
  newest = shown = numbers = lab->snapshot();
  const int heads = newest->config.model.heads;
  selection.head = heads - 1;
  if (!options.model.empty()) open(options.model.string());
  if (recovery.found()) {
    messages.add("NoPeek did not close properly last time. Its run was kept at step " +
                 std::to_string(recovery.found()->step) +
                 ": choose \"Open the kept run\" among the models in the top bar.");
  }
  held = held_now();
  forget_fonts();
}

App::Impl::~Impl() {
  opener.cancel();
  exporter.wait();  // while the lab lives, which it may be waiting for
}

bool App::Impl::prepare_frame(ImVec2 size) {
  newest = lab->snapshot();
  use_theme(
      make_theme(size, settings.dark, settings.text_size, presenting, options.animations && !settings.reduce_motion));
  const auto& tokenizer = held_voice().model.tokenizer;
  const bool new_vocabulary = scanned_tokenizer != tokenizer;
  if (new_vocabulary) {  // once: to scan a vocabulary costs more than to draw a frame
    scanned_tokenizer = tokenizer;
    extra_characters = unusual_characters(labels_of(*tokenizer));
  }
  fonts_built |= build_fonts(theme().s, extra_characters);
  if (new_vocabulary && characters_left_out() > 0) {
    messages.add(
        std::to_string(characters_left_out()) +
        " of the rarer characters in this vocabulary are shown as \xEF\xBF\xBD: there is no room to draw them all.");
  }
  return std::exchange(fonts_built, false);
}

/// One snapshot a frame, and one held model: all that is drawn belongs to one step. What was asked for since the frame
/// before comes into force here, and nowhere else.
void App::Impl::take_snapshot() {
  newest = lab->snapshot();
  if (past && past->run != newest->run) past = nullptr;
  shown = past ? past : newest;
  const bool jumped = numbers->run != shown->run || past || newest->paused || newest->finished;
  if (jumped || clock_now() - numbers_since >= kNumbersEvery) {
    if (numbers != shown) numbers_since = clock_now();
    numbers = shown;
  }
  if (numbers != shown) keep_moving();
  held = held_now();
  selection.lane = std::clamp(wish.lane, 0, static_cast<int>(shown->lanes.size()) - 1);
  const ModelConfig& model = held_voice().model.config();
  selection.layer = std::clamp(selection.layer, 0, model.layers - 1);
  selection.head = std::clamp(selection.head, 0, model.heads - 1);
}

Held App::Impl::held_now() const {
  if (wish.opened && opened) return {.opened = true, .place = 0, .voices = {*opened}};
  Held twins{.opened = false,
             .place = static_cast<size_t>(std::clamp(wish.lane, 0, static_cast<int>(shown->lanes.size()) - 1)),
             .voices = {}};
  const std::shared_ptr<const Tokenizer> tokenizer(shown->corpus, &shown->corpus->tokenizer);
  for (size_t i = 0; i < shown->lanes.size(); ++i) {
    // A checkpoint of a large model has no weights: then the newest speak.
    const bool kept = shown->lanes[i].weights != nullptr;
    const LaneSnapshot& lane = kept ? shown->lanes[i] : newest->lanes[i];
    twins.voices.push_back({{lane.name, tokenizer, lane.weights, lane.mask, kept ? shown->step : newest->step},
                            lane.masked,
                            lane.mask_name});
  }
  return twins;
}

SceneInput App::Impl::scene_input() {
  return {.newest = *newest,
          .shown = *shown,
          .numbers = *numbers,
          .in_the_past = shown != newest,
          .smooth = playing() && shown == newest,
          .selection = selection,
          .actions = *this,
          .voices = held.voices,
          .held_voice = held.place,
          .opened = held.opened,
          .wake = options.wake,
          .heatmaps = heatmaps,
          .content = content_rect()};
}

void App::Impl::draw_message_layer() {
  messages.draw();
  if (opener.opening() && clock_now() - opening_since > kShowLoadingAfter) {
    const float w = std::min(px(420), theme().window.x - px(32)), h = px(64);
    const ImVec2 at{std::floor((theme().window.x - w) * 0.5f), px(72)};
    ImGui::SetNextWindowPos(at);
    ImGui::SetNextWindowSize({w, h});
    ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, px(10));
    ImGui::PushStyleColor(ImGuiCol_WindowBg, colors().raised);
    ImGui::PushStyleColor(ImGuiCol_Border, colors().sep);
    ImGui::Begin("##loading", nullptr,
                 ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoNav |
                     ImGuiWindowFlags_NoSavedSettings);
    const registry::Scope scope("Opening");
    const float button_w = px(80);
    text_elided({at.x + px(16), at.y + px(24)}, "Opening " + opener.name(), w - button_w - px(40), Font::kLabel,
                colors().text);
    progress_bar({{at.x + px(16), at.y + px(44)}, {at.x + w - button_w - px(28), at.y + px(48)}}, opener.fraction());
    if (button("Cancel", {{at.x + w - button_w - px(12), at.y + px(14)}, {at.x + w - px(12), at.y + px(50)}}))
      opener.cancel();
    ImGui::End();
    ImGui::PopStyleColor(2);
    ImGui::PopStyleVar();
  }
  if (opener.opening()) keep_moving();
}

void App::Impl::frame() {
  const bool drawn = guarded([this] { build_frame(); });
  const bool told = guarded([this] {
    draw_message_layer();
    draw_tour_marks();
    end_widgets();
  });
  if (drawn && told) {
    failing.worked();
  } else {
    failing.failed(ImGui::GetTime());
  }
  animating = in_motion() || failing.frames() > 0;
}

void App::Impl::build_frame() {
  begin_widgets(ImGui::GetIO().DeltaTime);
  ImGui::GetStyle().Colors[ImGuiCol_ModalWindowDimBg] =
      ImGui::ColorConvertU32ToFloat4(faded(colors().bg, 0.6f));  // read at the frame's end
  exporter.forget_pictures();
  poll_background();
  take_snapshot();
  read_shortcuts();
  draw_root();
  draw_dialogs();
}

/// All but what lies over it: rail, top bar, scene and panel.
void App::Impl::draw_root() {
  ImGui::SetNextWindowPos({0, 0});
  ImGui::SetNextWindowSize(theme().window);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {0, 0});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 0);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 0);
  // No background: the host clears to it, which costs a software renderer nothing.
  ImGui::Begin("##root", nullptr,
               ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoSavedSettings |
                   ImGuiWindowFlags_NoBackground | ImGuiWindowFlags_NoBringToFrontOnFocus |
                   ImGuiWindowFlags_NoScrollWithMouse | ImGuiWindowFlags_NoNav);
  ImGui::PopStyleVar(3);
  if (!presenting) draw_rail();
  draw_top_bar();
  const SceneInput input = scene_input();
  {
    const registry::Scope scope(kScenes[scene].title);
    scene_at_work = scene;
    scene_now().draw(input);
    scene_at_work.reset();
  }
  if (!presenting) draw_panel();
  ImGui::End();
}

/// The one that is shown. Another one may have been chosen in this very frame, and not be there since it failed.
Scene& App::Impl::scene_now() {
  if (!scenes[scene]) scenes[scene] = kScenes[scene].make();
  return *scenes[scene];
}

void App::Impl::draw_tour_marks() {
  const Canvas canvas_scope(ImGui::GetForegroundDrawList());
  if (const registry::Item* item = pointed.empty() ? nullptr : registry::find(pointed)) {
    outline(Rect{item->min, item->max}.grown(px(6)), colors().text, 3, 12);
  }
  if (caption.empty()) return;
  const registry::Scope scope("Caption");
  const float width = text_width(Font::kTitle, caption) + px(48), room = theme().window.x - px(64);
  const Font face = width <= room ? Font::kTitle : Font::kBodyBold;
  const float w = std::min(room, text_width(face, caption) + px(48)), h = px(56);
  const ImVec2 at{std::floor((theme().window.x - w) * 0.5f), theme().window.y - h - px(24)};
  fill({at, {at.x + w, at.y + h}}, colors().text, 10);
  text_elided({at.x + w * 0.5f, at.y + h * 0.5f}, caption, w - px(32), face, colors().bg, Align::kCentre);
}

const char* App::Impl::scene_title() const { return kScenes[scene].title; }

/// Its place in the rail; the first one if there is none of this name.
size_t App::Impl::scene_named(std::string_view title) {
  const auto* found =
      std::find_if(std::begin(kScenes), std::end(kScenes), [&](const SceneEntry& s) { return s.title == title; });
  return found == std::end(kScenes) ? 0 : static_cast<size_t>(found - std::begin(kScenes));
}

void App::Impl::draw_nav(float rail) {
  for (size_t i = 0; i < scenes.size(); ++i) {
    const Rect rect = theme().rect(8, 72 + 44 * static_cast<float>(i), rail - 16, 40);
    if (nav_item(kScenes[i].title, rect, kScenes[i].icon, i == scene, theme().wide())) scene = i;
  }
}

// The public face
// ---------------------------------------------------------------------------------------------------------
App::App(Options options, gl::HeatmapRenderer* heatmaps)
    : impl_(std::make_unique<Impl>(std::move(options), heatmaps)) {}
App::~App() = default;
bool App::prepare_frame(ImVec2 size) { return impl_->prepare_frame(size); }
void App::frame() { impl_->frame(); }
void App::tell(const std::exception& error, std::string_view consequence) { impl_->tell(error, consequence); }
std::string App::told() const { return impl_->messages.newest(); }
bool App::hopeless() const { return impl_->failing.hopeless(); }
std::string App::rescue() { return impl_->rescue(); }
bool App::animating() const { return impl_->animating; }
void App::drop_file(const std::filesystem::path& path) { impl_->open(path.string()); }
nlohmann::json App::state() const { return impl_->state(); }
void App::set_caption(std::string text) { impl_->caption = std::move(text); }
void App::set_pointed(std::string widget) { impl_->pointed = std::move(widget); }
bool App::fullscreen() const { return impl_->presenting; }
void App::take_pictures() { impl_->exporter.take_pictures(); }
const Settings& App::settings() const { return impl_->settings; }
Settings& App::settings() { return impl_->settings; }

}  // namespace nopeek
