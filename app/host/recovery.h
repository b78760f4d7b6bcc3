#pragma once
#include <atomic>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "core/live/live_lab.h"

namespace nopeek {

/// Keeps a copy of the run that trains in the window, so that a crash, a power cut or a kill loses minutes, not hours.
/// Each process has a folder of its own below `home` (state_folder()), written every few minutes on the lab's thread,
/// and only if the run is older than a minute; a clean end removes it. What a process left that did not come to one is
/// found by the next: at most three such runs are kept, older ones are removed. UI thread.
class Recovery {
 public:
  /// `home` empty: nothing is kept and nothing found, as for tours and tests.
  explicit Recovery(const std::filesystem::path& home);
  /// Removes the copy, unless it was to be kept or an exception is on its way through. Only after the lab has ended.
  ~Recovery();
  Recovery(const Recovery&) = delete;

  /// Once a frame, `now` in seconds: keeps the run when it is time. Returns why it could not be kept, once; else empty.
  std::string tick(double now, const Snapshot& newest, LiveLab& lab);

  /// The newest run that was left.
  struct Found {
    std::filesystem::path folder;  // for load_run()
    int64_t step;
  };
  const std::optional<Found>& found() const { return found_; }
  /// After it was opened: it is this process's run now, and its copy until there is a newer one. It stays, also after a
  /// clean end, until it was written anew or saved().
  void take_over();
  /// The end is not a clean one: the copy stays for the next process.
  void keep() { kept_ = true; }
  /// The run was saved elsewhere: the copy is not the only one any more. Any thread.
  void saved() { kept_ = false; }

 private:
  class Folder;
  void look_for_others();

  std::filesystem::path home_;
  std::shared_ptr<Folder> own_, left_;  // left_: what found_ tells of
  std::optional<Found> found_;
  uint64_t run_ = 0;
  int64_t kept_step_ = 0;
  double due_ = 0;
  struct Outcome {
    std::string failure;  // empty: none
    double seconds;       // that it took
    const Folder* folder;
  };
  std::future<Outcome> keeping_;
  std::atomic<bool> kept_ = false;
  bool told_ = false;
  int exceptions_;
};

}  // namespace nopeek
