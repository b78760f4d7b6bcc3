// config.json of a model.
#include "core/io/model_config.h"
#include "tests/fuzz/fuzz.h"

namespace nopeek::fuzz {

namespace {

void require_sound(const SavedConfig& saved) {
  must("a configuration that opens can work", [&] {
    saved.model.validate();
    saved.mask.validate();
  });
  require(saved.mask.size() == saved.model.context, "the mask is as large as the context");
  require(is_printable(saved.name), "a name is printable");
  require(saved.step >= 0 && (!saved.eos || *saved.eos >= 0), "step and end token are not negative");
}

/// config.json is written of a whole model; only of a small one, for speed.
void require_round_trip(const SavedConfig& saved) {
  const auto& table = parameter_table(saved.model);
  if (table.back().offset + table.back().size() > 10'000) return;
  const Model model{saved.name, std::make_shared<const Tokenizer>(),
                    std::make_shared<const Parameters<float>>(saved.model), std::make_shared<const Mask>(saved.mask),
                    saved.step};
  write_plain(folder() / "again.json", model_config_json(model));
  must("what opens is saved and opens again", [&] {
    const SavedConfig again = read_model_config(folder() / "again.json");
    require(again.model == saved.model && again.mask == saved.mask, "shape and mask come back");
    require(again.name == saved.name && again.step == saved.step, "name and step come back");
  });
}

}  // namespace

void run_input(std::string_view input) {
  write_plain(folder() / "config.json", input);
  accepted([&] {
    const SavedConfig saved = read_model_config(folder() / "config.json");
    require_sound(saved);
    require_round_trip(saved);
  });
}

}  // namespace nopeek::fuzz
