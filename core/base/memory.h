#pragma once

namespace nopeek {

/// Bytes that this process can still take without driving out others: what the machine has free or can free, and what
/// the limits of its control groups (version 2: a container, a service) and of its address space (ulimit -v) leave.
/// Infinity where the system does not tell.
double available_memory();

}  // namespace nopeek
