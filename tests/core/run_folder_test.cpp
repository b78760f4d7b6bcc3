// A run that is put down and taken up again: bit for bit as if nothing had happened, and never from damaged files.
#include "core/live/run_folder.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/io/file.h"
#include "core/io/model_folder.h"
#include "core/io/safetensors.h"
#include "core/io/state_folder.h"
#include "core/live/run_log.h"
#include "tests/core/run_states.h"
#include "tests/core/support.h"

namespace nopeek::test::run_folder_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

RunConfig with_dropout() {
  RunConfig config = small_run();
  config.model.dropout = 0.15;
  config.seed = 18446744073709551615u;  // more than a double can hold
  return config;
}

/// A run with everything in it: a change of mask, a painted one that is not yet trained with, a lane that stopped.
RunState rich_state() {
  Lab lab(with_dropout(), small_corpus(), Lab::twins(8));
  train(lab, 13);
  lab.set_mask(1, Mask::off_by_one(8));
  train(lab, 4);
  Mask mask = Mask::full(8);
  mask.set(0, 7, -0.3f);
  lab.set_mask(1, mask);
  lab.trainer(0).parameters().flat().setConstant(std::nanf(""));
  Lab stopped(lab.state());
  train(stopped, 6);
  stopped.set_mask(1, Mask::penalised_future(8, -1.1f));
  return stopped.state();
}

TEST_CASE("a run comes back from its folder with every bit of everything") {
  TemporaryFolder home;
  const RunState run = rich_state();
  REQUIRE(!run.lanes[0].stopped.empty());
  REQUIRE(run.lanes[1].changes.size() == 3);  // the painted one was trained with after the first resuming
  REQUIRE(run.mask_changed);
  save_run(home / "run", run);
  Progress progress;
  check_same(load_run(home / "run", &progress), run);
  CHECK(progress.fraction == 1.0f);
  save_run(home / "run", run);  // over the old one
  check_same(load_run(home / "run"), run);
  CHECK(std::distance(fs::directory_iterator(home.path()), {}) == 1);
}

TEST_CASE("the smallest runs come back too: no step made, one lane, a leak that was found") {
  TemporaryFolder home;
  const Lab fresh(small_run(), small_corpus(), Lab::twins(8));
  save_run(home / "fresh", fresh.state());
  check_same(load_run(home / "fresh"), fresh.state());
  Lab alone(small_run(), small_corpus(), {{"only-one", Mask::causal(8)}});
  train(alone, 3);
  save_run(home / "alone", alone.state());
  check_same(load_run(home / "alone"), alone.state());
  RunState leaking = fresh_state(5);
  leaking.leak_suspected = 2;
  leaking.leak_found = 2;
  leaking.lanes[0].changes = {{0, false, "full"}, {4, true, "causal"}, {4, false, "custom"}};
  save_run(home / "leaking", leaking);
  check_same(load_run(home / "leaking"), leaking);
}

TEST_CASE(
    "100 steps are 40, the disk, and 60: weights, moments, histories and log, with dropout and a change of mask") {
  TemporaryFolder home;
  for (const int change_at : {17, 40, 71}) {  // before, at and behind the break
    Lab straight(with_dropout(), small_corpus(), Lab::twins(8)), first(with_dropout(), small_corpus(), Lab::twins(8));
    const auto go = [&](Lab& lab, int to) {
      while (lab.steps() < to) {
        if (lab.steps() == change_at) lab.set_mask(1, Mask::causal(8));
        train(lab, 1);
      }
    };
    go(straight, 100);
    go(first, 40);
    if (change_at == 40) first.set_mask(1, Mask::causal(8));  // asked for, not yet trained with
    save_run(home / "run", first.state());
    Lab second(load_run(home / "run"));
    CHECK(second.steps() == 40);
    if (change_at == 40) {
      train(second, 60);
    } else {
      go(second, 100);
    }
    check_same(second.state(), straight.state());
    ThreadPool one(1);
    CHECK(run_log(second.snapshot(one)) == run_log(straight.snapshot(one)));
  }
}

TEST_CASE("a snapshot of a resumed lab is that of the lab that was saved") {
  Lab lab(small_run(), small_corpus(), Lab::twins(8));
  train(lab, 25);
  Lab resumed(lab.state());
  ThreadPool one(1);
  const Snapshot a = lab.snapshot(one), b = resumed.snapshot(one);
  CHECK(a.step == b.step);
  CHECK(a.probe == b.probe);
  CHECK(run_log(a) == run_log(b));
  for (size_t i = 0; i < 2; ++i) {
    CHECK(a.lanes[i].reported == b.lanes[i].reported);
    CHECK(a.lanes[i].measured.honest == b.lanes[i].measured.honest);
    CHECK(a.lanes[i].attention == b.lanes[i].attention);
    CHECK(a.lanes[i].written == b.lanes[i].written);
  }
}

TEST_CASE("weights that the last step ruined are kept for the run, and the model that opens is the last good one") {
  TemporaryFolder home;
  RunState run = fresh_state(5);
  run.lanes[0].trainer.weights.setConstant(INFINITY);
  save_run(home / "run", run);
  const RunState back = load_run(home / "run");
  check_same(back, run);
  const Model model = load_model(home / "run/masked");
  CHECK(same_bits(model.parameters->flat(), run.lanes[0].trainer.last_good));
  Lab lab(back);
  train(lab, 1);
  CHECK(contains(lab.state().lanes[0].stopped, "at step 6"));
}

TEST_CASE("each lane of a saved run is a model that opens, with its mask and step") {
  TemporaryFolder home;
  const RunState run = fresh_state(7);
  save_run(home / "run", run);
  for (const LaneState& lane : run.lanes) {
    const Model model = load_model(home / "run" / lane.name);
    CHECK(model.name == lane.name);
    CHECK(model.step == 7);
    CHECK(*model.mask == lane.mask);
    CHECK(same_bits(model.parameters->flat(), lane.trainer.weights));
  }
}

TEST_CASE("a lab is saved from where it lies, byte for byte as its state is, also with a history of several blocks") {
  TemporaryFolder home;
  Lab short_lab(with_dropout(), small_corpus(), Lab::twins(8));
  train(short_lab, 5);
  RunState state = short_lab.state();
  state.step = 2 * LaneHistory::kBlock + 3;
  for (LaneState& lane : state.lanes) {
    auto history = std::make_shared<LaneHistory>();
    Rng rng(4);
    while (history->size() < state.step) {
      const auto loss = static_cast<float>(rng.uniform());
      history->append({{loss, rng.below(3) == 0 ? loss + 1 : kNotMeasured, kNotMeasured}, rng.below(2) == 0});
    }
    lane.history = std::move(history);
    lane.history_size = lane.trainer.optimiser.t = state.step;
  }
  Lab lab(state);
  train(lab, 2);  // the saved state shares no record with it
  const RunState after = lab.state();
  save_run(home / "lab", lab.view());
  train(lab, 3);  // nor does its own grow with it
  save_run(home / "state", after);
  check_same(load_run(home / "lab"), after);
  for (const auto& entry : fs::recursive_directory_iterator(home / "lab")) {
    if (!entry.is_regular_file()) continue;
    const fs::path name = fs::relative(entry.path(), home / "lab");
    CAPTURE(name.string());
    CHECK(read_whole(entry.path()) == read_whole(home / "state" / name));
  }
  save_run(home / "before", state);
  check_same(load_run(home / "before"), state);
}

TEST_CASE("a lane that stopped before its first step was made is saved, comes back, and reports nothing") {
  TemporaryFolder home;
  Lab lab(small_run(), small_corpus(), Lab::twins(8));
  lab.trainer(0).parameters().flat().setConstant(std::nanf(""));
  train(lab, 2);
  REQUIRE(lab.history(0).size() == 0);
  CHECK(std::isnan(lab.reported(0)));
  save_run(home / "run", lab.view());
  Lab back(load_run(home / "run"));
  CHECK(std::isnan(back.reported(0)));
  CHECK(back.reported(1) == back.history(1).at_step(2).reported);
  train(back, 1), train(lab, 1);
  check_same(back.state(), lab.state());
}

TEST_CASE("a run whose place is refused goes beside it under a free name, and it is said where") {
  TemporaryFolder home;
  const RunState run = fresh_state(3);
  CHECK(save_run_somewhere(home / "run", run).warning().empty());
  fs::create_directories(home / "taken");
  write_plain(home / "taken/thesis.txt", "years");
  for (const char* expected : {"taken-2", "taken-3"}) {
    const SavedRunPlace place = save_run_somewhere(home / "taken/", run);
    CHECK(place.folder.filename().string() == expected);
    CHECK(contains(place.warning(), "is there already"));
    CHECK(contains(place.warning(), expected));
    check_same(load_run(place.folder), run);
  }
  CHECK(read_whole(home / "taken/thesis.txt") == "years");
}

TEST_CASE("where nothing can be written beside, a run goes to the folder of states, and then to the temporary files") {
  TemporaryFolder home;
  write_plain(home / "file", "no folder");
  const RunState run = fresh_state(3);
  const std::string before = std::getenv("XDG_STATE_HOME") != nullptr ? std::getenv("XDG_STATE_HOME") : "";
  setenv("XDG_STATE_HOME", (home / "state").c_str(), 1);
  CHECK(state_folder().string() == (home / "state/nopeek").string());
  const SavedRunPlace state = save_run_somewhere(home / "file/run", run);
  CHECK(state.folder.string() == (home / "state/nopeek/run").string());
  CHECK(contains(state.warning(), "file"));
  check_same(load_run(state.folder), run);
  setenv("XDG_STATE_HOME", (home / "file").c_str(), 1);
  const SavedRunPlace temporary = save_run_somewhere(home / "file/run", run);
  CHECK(temporary.folder.parent_path().string() == fs::temp_directory_path().string());
  check_same(load_run(temporary.folder), run);
  fs::remove_all(temporary.folder);
  setenv("XDG_STATE_HOME", "relative", 1);  // to be ignored
  CHECK(state_folder().is_absolute() == (std::getenv("HOME") != nullptr));
  before.empty() ? unsetenv("XDG_STATE_HOME") : setenv("XDG_STATE_HOME", before.c_str(), 1);
  RunState broken = fresh_state(3);
  --broken.lanes[0].history_size;
  CHECK(contains(error_of([&] { save_run_somewhere(home / "broken", broken); }), "history"));
}

// ------------------------------------------------------------------ states that do not fit together

TEST_CASE("a state that does not fit together is refused before anything begins, and is not saved") {
  struct Case {
    const char* says;
    std::function<void(RunState&)> spoil;
  };
  const Case cases[] = {
      {"no text", [](RunState& r) { r.corpus = nullptr; }},
      {"0 models", [](RunState& r) { r.lanes.clear(); }},
      {"17 models", [](RunState& r) { r.lanes.resize(17, r.lanes[0]); }},
      {"different names", [](RunState& r) { r.lanes[1].name = r.lanes[0].name; }},
      {"different names", [](RunState& r) { r.lanes[1].name = "../up"; }},
      {"different names", [](RunState& r) { r.lanes[1].name = ""; }},
      {"step is impossible", [](RunState& r) { r.step = -1; }},
      {"history is not as long", [](RunState& r) { r.step = 6; }},
      {"history is not as long", [](RunState& r) { --r.lanes[1].history_size; }},
      {"history is not as long", [](RunState& r) { r.lanes[1].stopped = "because"; }},
      {"optimiser is not at", [](RunState& r) { r.lanes[0].trainer.optimiser.t = 4; }},
      {"impossible losses",
       [](RunState& r) {
         replace_record(r.lanes[0], 3, {{std::nanf(""), 1, 0}, true});
       }},
      {"impossible losses",
       [](RunState& r) {
         replace_record(r.lanes[0], 3, {{1, INFINITY, 0}, true});
       }},
      {"measured losses", [](RunState& r) { r.lanes[0].measured.honest = INFINITY; }},
      {"leak", [](RunState& r) { r.leak_found = 6; }},
      {"leak", [](RunState& r) { r.leak_suspected = 0; }},
      {"mask was changed",
       [](RunState& r) {
         r.lanes[0].changes = {{6, true}};
       }},
      {"mask was changed",
       [](RunState& r) {
         r.lanes[0].changes = {{3, true}, {2, false}};
       }},
      {"mask is not as large", [](RunState& r) { r.lanes[0].mask = Mask::causal(7); }},
      {"forbids every key", [](RunState& r) { r.lanes[0].mask.set(0, 0, Mask::kForbidden); }},
      {"weights are not of", [](RunState& r) { r.lanes[0].trainer.weights.conservativeResize(5); }},
      {"weights are not of", [](RunState& r) { r.lanes[0].trainer.last_good.conservativeResize(5); }},
      {"weights are not of", [](RunState& r) { r.lanes[0].trainer.optimiser.m.resize(1, 5); }},
      {"last good weights", [](RunState& r) { r.lanes[0].trainer.last_good(3) = INFINITY; }},
      {"moments", [](RunState& r) { r.lanes[0].trainer.optimiser.m(3) = std::nanf(""); }},
      {"moments", [](RunState& r) { r.lanes[0].trainer.optimiser.v(3) = -1; }},
      {"vocabulary", [](RunState& r) { r.config.model.vocab += 1; }},
      {"heads", [](RunState& r) { r.config.model.heads = 3; }},
      {"Learning rate", [](RunState& r) { r.config.train.learning_rate = -1; }},
      {"GB", [](RunState& r) { r.config.model.channels = 4096, r.config.model.layers = 48; }},
      {"too few", [](RunState& r) { r.config.model.context = 1024; }},
  };
  TemporaryFolder home;
  for (const auto& [says, spoil] : cases) {
    RunState run = fresh_state(5);
    spoil(run);
    const std::string message = error_of([&] { Lab lab(run); });
    CAPTURE(message);
    CHECK(contains(message, says));
    CHECK(error_of([&] { save_run(home / "run", run); }) == message);
    CHECK(fs::is_empty(home.path()));
  }
}

// ------------------------------------------------------------------ damaged files

/// A saved run whose files can be spoilt.
struct Saved {
  Saved() { save_run(path, run); }
  void set(const std::string& key, const json& value) {
    json changed = json_of(read_whole(path / "run.json"));
    changed[json::json_pointer(key)] = value;
    write_plain(path / "run.json", changed.dump());
  }
  std::string error() const {
    return error_of([&] { load_run(path); });
  }

  TemporaryFolder home;
  fs::path path = home / "run";
  RunState run = fresh_state(5);
};

TEST_CASE("run.json is checked field by field") {
  struct Case {
    const char* key;
    json value;
    const char* says;
  };
  const Case cases[] = {
      {"/version", 2, "newer NoPeek"},
      {"/version", "1", "version"},
      {"/step", -1, "step"},
      {"/step", 6, "history is not as long"},
      {"/step", 100'000'000, "history is not as long"},  // weeks of training, which a run may have
      {"/step", 5.5, "step"},
      {"/step", int64_t{1} << 60, "step"},
      {"/config", nullptr, "config"},
      {"/config/seed", 1, "seed"},
      {"/config/seed", "-1", "seed"},
      {"/config/seed", "18446744073709551616", "seed"},
      {"/config/seed", "", "seed"},
      {"/config/model/channels", 32, "other settings"},
      {"/config/model/channels", 4294967312, "channels"},  // 16, to 32 bits
      {"/config/model/layers", 1, "other settings"},
      {"/config/model/dropout", 0.5, "other settings"},
      {"/config/model/heads", 3, "heads"},
      {"/config/train/batch", 0, "Batch"},
      {"/config/train/learning_rate", 0, "Learning rate"},
      {"/config/train/learning_rate", "fast", "learning_rate"},
      {"/config/train/beta1", 1, "betas"},
      {"/config/train/measure_every", 0, "honest loss"},
      {"/corpus", 1, "corpus"},
      {"/corpus/name", nullptr, "name"},
      {"/corpus/source", 5, "source"},
      {"/batcher_rng", "12x", "batcher_rng"},
      {"/batcher_rng", nullptr, "batcher_rng"},
      {"/mask_changed", 0, "mask_changed"},
      {"/leak_found", 6, "leak"},
      {"/leak_found", "no", "leak_found"},
      {"/lanes", nullptr, "lanes"},
      {"/lanes", json::object(), "lanes"},
      {"/lanes", json::array(), "lanes"},
      {"/lanes/0", 1, "lanes"},
      {"/lanes/0/name", "../masked", "name"},
      {"/lanes/0/name", "unmasked", "different names"},
      {"/lanes/0/name", "third", "third"},
      {"/lanes/0/updates", 4, "optimiser is not at"},
      {"/lanes/0/mask_changes", 1, "mask_changes"},
      {"/lanes/0/mask_changes", {{{"step", 6}, {"masked", true}}}, "impossible step"},
      {"/lanes/0/mask_changes", {{{"step", 1}}}, "masked"},
      {"/lanes/0/mask_changes", {{{"step", 1}, {"masked", true}, {"mask", 5}}}, "mask"},
      {"/lanes/0/measured/honest", 1e300, "honest"},
      {"/lanes/0/measured", nullptr, "measured"},
      {"/lanes/0/stopped", "because", "history is not as long"},
  };
  for (const auto& [key, value, says] : cases) {
    Saved saved;
    saved.set(key, value);
    const std::string message = saved.error();
    CAPTURE(key);
    CAPTURE(message);
    CHECK(contains(message, says));
    CHECK_FALSE(contains(message, "\n"));
  }
}

/// A file of tensors as data, to be changed and written again.
struct Tensors {
  explicit Tensors(const fs::path& path_) : path(path_) {
    SafetensorsReader file(path);
    for (const auto& [name, tensor] : file.tensors()) {
      if (tensor.dtype == "F32") file.read_floats(name, floats[name] = std::vector<float>(tensor.elements));
      if (tensor.dtype == "U16") file.read_integers(name, ids[name] = std::vector<uint16_t>(tensor.elements));
      if (tensor.dtype == "U8") file.read_integers(name, flags[name] = std::vector<uint8_t>(tensor.elements));
      shapes[name] = tensor.shape;
    }
  }
  void write() {
    std::vector<TensorToWrite> all;
    for (auto& [name, values] : floats) all.push_back({name, shapes[name], std::span(std::as_const(values))});
    for (auto& [name, values] : ids) all.push_back({name, shapes[name], std::span(std::as_const(values))});
    for (auto& [name, values] : flags) all.push_back({name, shapes[name], std::span(std::as_const(values))});
    write_safetensors(path, all);
  }
  /// As many elements, one dimension.
  void resize(const std::string& name, size_t size) {
    if (floats.contains(name)) floats[name].resize(size);
    if (ids.contains(name)) ids[name].resize(size);
    if (flags.contains(name)) flags[name].resize(size);
    shapes[name] = {size};
  }
  fs::path path;
  std::map<std::string, std::vector<float>> floats;
  std::map<std::string, std::vector<uint16_t>> ids;
  std::map<std::string, std::vector<uint8_t>> flags;
  std::map<std::string, SafetensorsReader::Shape> shapes;
};

TEST_CASE("training.safetensors and corpus.safetensors are checked against each other and against the model") {
  struct Case {
    const char* file;
    const char* says;
    std::function<void(Tensors&)> spoil;
  };
  const char* training = "masked/training.safetensors";
  const char* corpus = "corpus.safetensors";
  const Case cases[] = {
      {training, "\"m.wte.weight\"", [](Tensors& t) { t.floats.erase("m.wte.weight"); }},
      {training, "\"v.ln_f.bias\"", [](Tensors& t) { t.floats.erase("v.ln_f.bias"); }},
      {training, "\"last_good.h.0.ln_1.bias\"", [](Tensors& t) { t.resize("last_good.h.0.ln_1.bias", 17); }},
      {training, "\"history.honest\"", [](Tensors& t) { t.resize("history.honest", 4); }},
      {training, "\"history.masked\"", [](Tensors& t) { t.resize("history.masked", 6); }},
      {training, "\"history.reported\"", [](Tensors& t) { t.floats.erase("history.reported"); }},
      {training, "last good weights", [](Tensors& t) { t.floats["last_good.wte.weight"][0] = std::nanf(""); }},
      {training, "moments", [](Tensors& t) { t.floats["v.wte.weight"][0] = -1; }},
      {training, "impossible losses", [](Tensors& t) { t.floats["history.reported"][0] = INFINITY; }},
      {training, "not as long",
       [](Tensors& t) {
         for (const char* name : {"reported", "honest", "future_attention", "masked"}) {
           t.resize(std::string("history.") + name, 4);
         }
       }},
      {corpus, "the token 13", [](Tensors& t) { t.ids["validation"][3] = 13; }},
      {corpus, "\"train\"", [](Tensors& t) { t.ids.erase("train"); }},
      {corpus, "too few", [](Tensors& t) { t.resize("validation", 3); }},
      {corpus, "too few", [](Tensors& t) { t.resize("train", 0); }},
  };
  for (const auto& [file, says, spoil] : cases) {
    Saved saved;
    Tensors tensors(saved.path / file);
    spoil(tensors);
    tensors.write();
    const std::string message = saved.error();
    CAPTURE(message);
    CHECK(contains(message, says));
    CHECK(contains(message, saved.path.string()));
  }
}

TEST_CASE("what is no saved run, or has lost a file, is told in one line") {
  TemporaryFolder home;
  CHECK(contains(error_of([&] { load_run(home / "none"); }), "There is no folder"));
  CHECK(contains(error_of([&] { load_run(home.path()); }), "no saved run"));
  Saved saved;
  CHECK(contains(error_of([&] { load_run(saved.path / "masked"); }), "the folder above it"));
  CHECK(contains(error_of([&] { load_run(saved.path / "run.json"); }), "not a folder"));
  for (const char* file : {"corpus.safetensors", "masked/training.safetensors", "unmasked/model.safetensors",
                           "unmasked/config.json", "masked/tokenizer.json"}) {
    Saved broken;
    fs::remove(broken.path / file);
    CAPTURE(file);
    CHECK_FALSE(broken.error().empty());
  }
  Progress progress;
  progress.cancelled = true;
  CHECK_THROWS_AS(load_run(saved.path, &progress), Cancelled);
}

TEST_CASE("the lanes must be those that run.json names, and read the same tokens") {
  Saved saved;
  json config = json_of(read_whole(saved.path / "masked/config.json"));
  config["nopeek"]["name"] = "other";
  write_plain(saved.path / "masked/config.json", config.dump());
  CHECK(contains(saved.error(), "names the model \"other\", and run.json \"masked\""));

  Saved swapped;  // two words have each other's ids, so that one lane would read another text
  json tokens = json_of(read_whole(swapped.path / "unmasked/tokenizer.json"));
  for (auto& [word, id] : tokens["model"]["vocab"].items()) id = id == 3 ? json(4) : id == 4 ? json(3) : id;
  write_plain(swapped.path / "unmasked/tokenizer.json", tokens.dump());
  CHECK(contains(swapped.error(), "different tokenizers"));
}

TEST_CASE("a run of before masks had names opens: they were on or off") {
  Saved saved;
  saved.set("/lanes/0/mask_changes", {{{"step", 2}, {"masked", false}}, {{"step", 4}, {"masked", true}}});
  const std::vector<MaskChange> changes = {{2, false, "full"}, {4, true, "causal"}};
  CHECK(load_run(saved.path).lanes[0].changes == changes);
}

TEST_CASE("texts of run.json are shown, and so are one line") {
  Saved saved;
  saved.set("/lanes/0/mask_changes", {{{"step", 2}, {"masked", false}, {"mask", "a\n\x1b[2J"}}});
  saved.set("/corpus/name", "a b\n\x1b[2J");
  saved.set("/corpus/source", "a\nb");
  const RunState run = load_run(saved.path);
  CHECK(run.corpus->name == "a b\u21B5<U+001B>[2J");
  CHECK(run.corpus->source == "a\u21B5b");
  CHECK(run.lanes[0].changes[0].mask == "a\u21B5<U+001B>[2J");
}

TEST_CASE("saving again does not delete a model of somebody else's that was put into the run") {
  Saved saved;
  write_file(saved.path / "gpt2/config.json", R"({"model_type": "gpt2"})");
  write_file(saved.path / "gpt2/model.safetensors", "a day of fetching");
  CHECK(contains(error_of([&] { save_run(saved.path, saved.run); }), "would delete"));
  CHECK(read_whole(saved.path / "gpt2/model.safetensors") == "a day of fetching");
  CHECK(saved.error().empty());
}

TEST_CASE("fuzz: flipped bytes and cut files give an Error or a run that goes on") {
  const Saved saved;
  Rng rng(21);
  int opened = 0, refused = 0;
  ThreadPool one(1);
  for (const char* name : {"run.json", "corpus.safetensors", "masked/training.safetensors", "unmasked/config.json"}) {
    const std::string whole = read_whole(saved.path / name);
    for (int round = 0; round < 60; ++round) {
      std::string bytes = whole;
      for (uint64_t flips = rng.below(3); flips-- > 0;) {
        const uint64_t reach = rng.below(2) == 0 ? bytes.size() : std::min<uint64_t>(bytes.size(), 3000);
        bytes[rng.below(reach)] = static_cast<char>(rng.below(256));
      }
      if (rng.below(3) == 0) bytes.resize(rng.below(bytes.size()));
      write_plain(saved.path / name, bytes);
      try {
        Lab lab(load_run(saved.path));
        lab.step(one);
        lab.snapshot(one);
        ++opened;
      } catch (const Error& error) {
        REQUIRE_FALSE(contains(error.what(), "\n"));
        ++refused;
      }
    }
    write_plain(saved.path / name, whole);
  }
  CHECK(opened > 20);
  CHECK(refused > 60);
}

}  // namespace
}  // namespace nopeek::test::run_folder_test
