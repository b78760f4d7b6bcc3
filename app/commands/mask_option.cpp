#include "app/commands/mask_option.h"

namespace nopeek {

MaskOption mask_option(const std::string& word, const Model& model) {
  const Mask on = Mask::causal(model.config().context), off = Mask::full(model.config().context);
  if (word == "on" || (word.empty() && *model.mask == on)) return {on, "on"};
  if (word == "off" || (word.empty() && *model.mask == off)) return {off, "off"};
  return {*model.mask, "custom"};
}

}  // namespace nopeek
