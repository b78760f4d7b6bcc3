#pragma once
#include <deque>
#include <exception>
#include <mutex>
#include <string>

namespace nopeek {

/// What went wrong, as people say it: an Error has words of its own, the standard library's exceptions have none.
std::string words_of(const std::exception& error);

/// Messages at the bottom of the window: each stays for some seconds, or until it is clicked away.
class Messages {
 public:
  void add(std::string text);  // any thread
  /// The same, once: not again while it is on the screen.
  void add_once(std::string text);
  void draw();
  std::string newest() const;  // of those on the screen; empty if there is none

 private:
  struct Message {
    std::string text;
    double since = -1;  // on the clock of the UI; -1: not drawn yet
  };
  void push(std::string text);

  mutable std::mutex mutex_;
  std::deque<Message> messages_;
};

}  // namespace nopeek
