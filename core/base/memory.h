#pragma once

namespace nopeek {

/// Bytes that this process can still take without driving out others: what the machine has free or can free, and what
/// the limit of its address space (ulimit -v) leaves. Infinity where the system does not tell.
double available_memory();

}  // namespace nopeek
