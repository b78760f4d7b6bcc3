#pragma once

namespace nopeek {

/// The instructions that this core was compiled for: "native" (all of the machine that built it), "baseline" (what
/// every processor of its kind has), or in a portable build the level that the loader chose: "x86-64-v2",
/// "x86-64-v3" or "x86-64-v4".
const char* instruction_level();

}  // namespace nopeek
