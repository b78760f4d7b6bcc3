#include "app/host/messages.h"

#include <algorithm>
#include <future>
#include <new>
#include <system_error>

#include "app/ui/registry.h"
#include "app/ui/widgets.h"
#include "app/ui/wrapped_text.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr double kSeconds = 8;
constexpr size_t kMost = 3;
constexpr float kMessagesWidth = 560, kMessagesLine = 24;

/// True if it was clicked away. `bottom` moves up by its height.
bool draw_message(const std::string& message, int index, float& bottom) {
  const float width = std::min(px(kMessagesWidth), theme().window.x - px(32));
  const auto lines = wrapped(message, width - px(72), Font::kLabel);
  const float height = px(kMessagesLine) * static_cast<float>(lines.size()) + px(20);
  const ImVec2 at{std::floor((theme().window.x - width) * 0.5f), bottom - height};
  bottom = at.y - px(8);
  ImGui::SetNextWindowPos(at);
  ImGui::SetNextWindowSize({width, height});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {0, 0});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, px(10));
  ImGui::PushStyleColor(ImGuiCol_WindowBg, colors().raised);
  ImGui::PushStyleColor(ImGuiCol_Border, colors().secondary);
  const Number name = fmt("##message%d", index);
  ImGui::Begin(name.chars, nullptr,
               ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoSavedSettings |
                   ImGuiWindowFlags_NoNav | ImGuiWindowFlags_NoFocusOnAppearing);
  const registry::Scope scope(fmt("Message %d", index + 1));
  float y = at.y + px(10) + px(kMessagesLine) * 0.5f;
  for (const std::string& line : lines) {
    text({at.x + px(16), y}, line, Font::kLabel, colors().text);
    y += px(kMessagesLine);
  }
  const float side = px(32);
  const bool closed =
      icon_button("Dismiss", {{at.x + width - side - px(6), at.y + px(6)}, {at.x + width - px(6), at.y + px(6) + side}},
                  Icon::kClose, "", true, Look::kPlain);
  ImGui::End();
  ImGui::PopStyleColor(2);
  ImGui::PopStyleVar(2);
  return closed;
}

}  // namespace

std::string words_of(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error)) return "There is not enough memory.";
  if (dynamic_cast<const std::future_error*>(&error)) return "The task was cancelled before it finished.";
  if (const auto* system = dynamic_cast<const std::system_error*>(&error))
    return "The system refused: " + system->code().message() + ".";
  return error.what();
}

void Messages::add(std::string text) {
  const std::lock_guard lock(mutex_);
  push(std::move(text));
}

void Messages::add_once(std::string text) {
  const std::lock_guard lock(mutex_);
  const auto same = std::find_if(messages_.begin(), messages_.end(), [&](const Message& m) { return m.text == text; });
  if (same == messages_.end()) return push(std::move(text));
  same->since = -1;  // it stays for as long as if it were new
}

void Messages::push(std::string text) {
  messages_.push_back({std::move(text), -1});
  while (messages_.size() > kMost) messages_.pop_front();
}

void Messages::draw() {
  const std::lock_guard lock(mutex_);
  float bottom = theme().window.y - px(24);
  for (size_t i = messages_.size(); i-- > 0;) {
    Message& message = messages_[i];
    if (message.since < 0) message.since = clock_now();
    const bool closed = draw_message(message.text, static_cast<int>(i), bottom);
    if (closed || clock_now() - message.since > kSeconds)
      messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (!messages_.empty()) keep_moving();
}

std::string Messages::newest() const {
  const std::lock_guard lock(mutex_);
  return messages_.empty() ? std::string() : messages_.back().text;
}

}  // namespace nopeek
