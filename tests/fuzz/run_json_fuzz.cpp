// run.json of a saved run.
#include "core/live/run_json.h"
#include "tests/fuzz/fuzz.h"

namespace nopeek::fuzz {

namespace {

SavedRun read(std::string_view name) { return read_run_json(folder() / name); }

void require_sound(const SavedRun& saved) {
  must("a configuration that opens can work", [&] { saved.run.config.validate(); });
  require(is_printable(saved.corpus_name) && is_printable(saved.corpus_source), "the text's names are printable");
  require(!saved.run.lanes.empty() && saved.run.lanes.size() <= RunState::kMostLanes, "there are 1 to 16 models");
  for (const LaneState& lane : saved.run.lanes) {
    require(is_lane_name(lane.name), "a model's name can be that of a folder");
    require(is_printable(lane.stopped), "the reason to stop is printable");
    for (const MaskChange& change : lane.changes) require(is_printable(change.mask), "a mask's name is printable");
  }
}

/// What was read may be spelled otherwise; what was written is written the same again.
std::string written(SavedRun saved) {
  auto corpus = std::make_shared<Corpus>();
  corpus->name = saved.corpus_name;
  corpus->source = saved.corpus_source;
  saved.run.corpus = std::move(corpus);
  return run_json(saved.run);
}

}  // namespace

void run_input(std::string_view input) {
  write_plain(folder() / "run.json", input);
  accepted([&] {
    const SavedRun saved = read("run.json");
    require_sound(saved);
    const std::string text = written(saved);
    write_plain(folder() / "again.json", text);
    must("what opens is saved and opens again",
         [&] { require(written(read("again.json")) == text, "run.json comes back as it was"); });
  });
}

}  // namespace nopeek::fuzz
