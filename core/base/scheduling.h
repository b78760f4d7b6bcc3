#pragma once

namespace nopeek {

/// The calling thread works in the background from now on: where another thread of the program wants its core, such as
/// the window's or the graphics driver's, that one is served first. Alone it is as fast as before. On Linux; elsewhere
/// it does nothing.
void give_way();

/// Seconds for which the calling thread was ready to run but had no core, since it began. 0 where the system does not
/// tell.
double waited_for_core();

}  // namespace nopeek
