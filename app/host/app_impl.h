#pragma once
#include <future>
#include <nlohmann/json.hpp>

#include "app/host/app.h"
#include "app/host/export.h"
#include "app/host/failing.h"
#include "app/host/file_dialog.h"
#include "app/host/messages.h"
#include "app/host/opener.h"
#include "app/host/recovery.h"
#include "app/scenes/scene.h"
#include "app/ui/widgets.h"

namespace nopeek {

/// Options of a combo, each with what it does.
struct Menu {
  std::vector<ui::Option> options;
  std::vector<std::function<void()>> acts;
  std::string next_heading;

  void heading(std::string name) { next_heading = std::move(name); }
  void add(ui::Option option, std::function<void()> act) {
    option.heading = std::exchange(next_heading, {});
    options.push_back(std::move(option));
    acts.push_back(std::move(act));
  }
  void pick(int index) const {
    if (index >= 0) acts[static_cast<size_t>(index)]();
  }
};

/// Whose words and numbers the window shows. One value, which changes at one place of the frame, its head: what is
/// asked for while a frame is built is remembered (App::Impl::wish) until the next one begins. So all that is drawn in
/// a frame is of one model, and nobody sees voices that have gone.
struct Held {
  bool opened = false;        // a model folder, else the twins of the step shown
  size_t place = 0;           // of the held one among the voices
  std::vector<Voice> voices;  // never empty once the first frame has begun

  const Voice& voice() const { return voices[place]; }
};

/// The shell around the scenes. Its parts are in files of their own: app.cpp (frame), app_actions.cpp (what can be
/// done), app_state.cpp (what tours read), shell_*.cpp (rail, top bar, panel, keys) and dialogs.cpp.
struct App::Impl final : Actions {
  Impl(Options options, gl::HeatmapRenderer* heatmaps);
  ~Impl();

  // app.cpp
  bool prepare_frame(ImVec2 size);
  void frame();
  void build_frame();
  void draw_root();
  SceneInput scene_input();
  void take_snapshot();
  Held held_now() const;
  void draw_message_layer();  // messages, and what is being read
  void draw_tour_marks();
  void draw_nav(float rail_width);
  const char* scene_title() const;
  Scene& scene_now();
  static size_t scene_named(std::string_view title);

  // app_failure.cpp
  bool guarded(const std::function<void()>& part);
  void fail(const std::exception& error) noexcept;
  void tell(const std::exception& error, std::string_view consequence) noexcept;
  std::string rescue();

  // app_actions.cpp
  void hold(int lane) override;
  void set_mask(int lane, bool on) override;
  void use_mask(Mask mask) override;
  void set_paused(bool paused) override;
  void go_to_step(int64_t step) override;
  void go_to_now() override;
  void export_run() override;
  void export_window() override;
  void export_table(std::string name, std::function<std::string()> csv) override;
  void export_pictures(Pictures pictures) override;
  void step_once();
  void set_rate(double steps_per_second);
  void reset(uint64_t seed);
  void use_size(const std::string& preset_name);
  bool restart(RunConfig config, std::shared_ptr<const Corpus> corpus);  // false: refused, and said why
  void open(const std::string& corpus_or_path);
  void take(const std::string& from, std::shared_ptr<const Corpus> corpus);
  void take(const std::string& from, Model model);
  void take(const std::string& from, std::shared_ptr<const RunState> run);
  void greet_awaited_run();
  void hold_opened();
  void open_save_dialog();
  void save(const std::filesystem::path& folder, const std::optional<Model>& model);
  std::function<std::string()> saving_twins(const std::filesystem::path& folder);
  void poll_background();
  void set_text_size(double size);
  double next_text_size(int direction) const;  // the present one where there is none
  void set_dark(bool dark);
  template <class Action>
  bool attempt(Action&& action);

  // app_state.cpp
  nlohmann::json state() const;

  // shell_*.cpp
  void draw_rail();
  void draw_rail_foot(float logical_h);
  void draw_narrow_rail_foot(float logical_w, float logical_h);
  void draw_top_bar();
  void draw_transport(float x);
  void draw_setup(float x);
  void offer_corpora(Menu& menu);
  void offer_sizes(Menu& menu);
  void offer_models(Menu& menu);
  void draw_figures();
  void draw_panel();
  void draw_panel_tab();
  void draw_panel_content(ui::Rect area);  // logical px
  void draw_panel_words(ui::Rect area);
  void draw_code(ui::Rect area);
  void draw_attention_code(ui::Rect area);
  void read_shortcuts();
  void read_escape();
  ui::Rect content_rect() const;  // logical px
  float rail_width() const;
  float panel_width() const;  // what it takes of the window: docked panel, tab or nothing

  // dialogs.cpp
  void draw_dialogs();
  void draw_size_dialog();
  void draw_seed_dialog();
  void draw_help();
  void open_size_dialog();
  RunConfig typed_config() const;

  /// The model that the mask switch, the code and single-model scenes belong to.
  const Voice& held_voice() const { return held.voice(); }
  bool held_is_masked() const;
  void toggle_mask();
  void train_with(int lane, Mask mask);
  bool playing() const { return !newest->paused && !newest->finished; }

  Options options;
  Settings settings;
  gl::HeatmapRenderer* heatmaps;
  std::vector<std::unique_ptr<Scene>> scenes;
  size_t scene = 0;
  Selection selection;
  Held held;  // of this frame
  struct Wish {
    int lane = 0;  // of the twins; kept while a model is held
    bool opened = false;
  } wish;                                   // what is to be held from the next frame on
  std::optional<Voice> opened;              // a model folder; the lab is still there behind it
  std::shared_ptr<const Mask> opened_mask;  // its own, that the switch comes back to

  std::shared_ptr<const Snapshot> newest, shown, numbers;
  std::shared_ptr<const Snapshot> past;  // the checkpoint that the user has gone back to
  double numbers_since = 0;

  Opener opener;
  double opening_since = 0;
  struct Awaited {
    uint64_t run_before;
    int64_t step;
    std::string from;
  };
  std::optional<Awaited> awaited;  // a saved run that the lab was given and has not begun yet
  Messages messages;
  Exporter exporter;

  std::shared_ptr<const Tokenizer> scanned_tokenizer;  // whose characters the fonts hold
  std::u32string extra_characters;
  bool fonts_built = false;  // and the host does not know yet

  bool presenting = false;
  bool overlay_open = false;  // the panel, where it is not docked
  bool animating = false;
  float panel_scroll = 0;
  std::string caption, pointed;

  FileDialog file_dialog;
  std::optional<Model> to_save;       // what the dialog for saving was opened for; none: the twins
  std::filesystem::path newest_save;  // perhaps still being written
  struct SizeDialog {
    bool open = false;
    std::string layers, heads, width, context, batch, learning_rate, dropout, error;
  } size_dialog;
  struct SeedDialog {
    bool open = false;
    std::string seed, error;
  } seed_dialog;
  bool help_open = false;

  Recovery recovery;
  std::optional<size_t> scene_at_work;  // whose code runs: if something fails, it was there
  Failing failing;

  std::unique_ptr<LiveLab> lab;  // last: its threads call options.wake until they have ended
};

}  // namespace nopeek
