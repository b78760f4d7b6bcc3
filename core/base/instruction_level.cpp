#include "core/base/instruction_level.h"

namespace nopeek {

const char* instruction_level() { return NOPEEK_LEVEL; }

}  // namespace nopeek
