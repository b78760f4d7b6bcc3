#pragma once
#include <deque>
#include <mutex>
#include <string>

namespace nopeek {

/// Messages at the bottom of the window: each stays for some seconds, or until it is clicked away.
class Messages {
 public:
  void add(std::string text);  // any thread
  void draw();
  std::string newest() const;  // of those on the screen; empty if there is none

 private:
  struct Message {
    std::string text;
    double since = -1;  // on the clock of the UI; -1: not drawn yet
  };
  mutable std::mutex mutex_;
  std::deque<Message> messages_;
};

}  // namespace nopeek
