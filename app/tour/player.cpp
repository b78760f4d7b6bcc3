#include "app/tour/player.h"

#include <GLFW/glfw3.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/shown.h"
#include "core/text/utf8.h"

namespace nopeek::tour {

namespace {

using nlohmann::json;
using ui::registry::Item;

constexpr int kSettle = 2;  // frames until the interface shows what an input did: one acts on it, the next one draws it
constexpr double kGlideSeconds = 0.5;

bool overlaps(const Item& item) {
  return item.min.x < item.clip_max.x && item.max.x > item.clip_min.x && item.min.y < item.clip_max.y &&
         item.max.y > item.clip_min.y;
}

// A place of the part of the widget that can be seen.
ImVec2 point_in(const Item& item, Place place) {
  const ImVec2 min(std::max(item.min.x, item.clip_min.x), std::max(item.min.y, item.clip_min.y));
  const ImVec2 max(std::min(item.max.x, item.clip_max.x), std::min(item.max.y, item.clip_max.y));
  return {min.x + (max.x - min.x) * static_cast<float>(place.x), min.y + (max.y - min.y) * static_cast<float>(place.y)};
}

}  // namespace

// What each command does, as actions.
struct Player::Begin {
  Player& p;

  void operator()(const Scene& c) {
    p.on_widget("Rail/" + c.name, [this_ = &p](const Item& item) { this_->click(item); });
    p.then_wait_until(
        [&p = p, c] { return p.stage_.figures().value("scene", "") == c.name; },
        [&p = p, c] { return "the scene " + c.name + "; it is " + p.stage_.figures().value("scene", "unknown"); });
  }
  void operator()(const Say& c) { p.stage_.caption(c.text); }
  void operator()(const Point& c) {
    if (c.name.empty()) return p.stage_.point_at("");
    p.on_widget(
        c.name, [&p = p, c](const Item&) { p.stage_.point_at(c.name); }, /*any_state=*/true);
  }
  void operator()(const Click& c) {
    p.on_widget(c.name, [&p = p, c](const Item& item) { p.click(item, c.place); });
  }
  void operator()(const Hover& c) {
    p.on_widget(
        c.name,
        [&p = p, c](const Item& item) {
          p.then_move(point_in(item, c.place));
          p.then_frames(kSettle);
        },
        /*any_state=*/true);
  }
  void operator()(const Drag& c) {
    p.on_widget(c.name, [&p = p, c](const Item& item) {
      const ImVec2 from = point_in(item, c.from), to = point_in(item, c.to);
      p.then_move(from);
      p.then([&p] { return p.stage_.input().button(0, true), true; });
      constexpr int kMoves = 8;
      for (int i = 1; i <= kMoves; ++i) {
        const float t = static_cast<float>(i) / kMoves;
        const ImVec2 at(from.x + (to.x - from.x) * t, from.y + (to.y - from.y) * t);
        p.then([&p, at] { return p.stage_.input().move(at.x, at.y), true; });
      }
      p.then([&p] { return p.stage_.input().button(0, false), true; });
      p.then_frames(kSettle);
    });
  }
  void operator()(const Scroll& c) {
    p.on_widget(
        c.name,
        [&p = p, c](const Item& item) {
          p.then_move(point_in(item, c.place));
          p.then_frames(kSettle);
          for (int i = 0; i < std::abs(c.notches); ++i)
            p.then([&p, up = c.notches > 0] { return p.stage_.input().wheel(0, up ? 1.0f : -1.0f), true; });
          p.then_frames(kSettle);
        },
        /*any_state=*/true);
  }
  void operator()(const Set& c) {
    p.on_widget(c.name, [&p = p, c](const Item& item) { p.set(item, c.name, c.value); });
  }
  void operator()(const Type& c) {
    p.on_widget(c.name, [&p = p, c](const Item& item) { p.replace_text(item, c.text); });
  }
  void operator()(const PressKey& c) { p.then_chord(c.chord); }
  void operator()(const Drop& c) {
    p.stage_.input().drop(c.file);
    p.then_frames(kSettle);
  }
  void operator()(const Pause& c) {
    p.then([&p = p, end = p.now_ + c.seconds] {
      p.waiting_ = true;
      return p.now_ >= end;
    });
  }
  void operator()(const WaitSteps& c) {
    const auto step = [&p = p] { return p.stage_.figures().value("step", int64_t{0}); };
    const int64_t target = step() + c.steps;
    p.then_wait_until([=] { return step() >= target; },
                      [=] { return "step " + std::to_string(target) + "; it is " + std::to_string(step()); });
  }
  void operator()(const WaitUntil& c) {
    p.then_wait_until([&p = p, e = c.expression] { return holds(e, p.value_of(e)); },
                      [&p = p, e = c.expression] { return e.text() + "; it is " + p.value_of(e).dump(); });
  }
  void operator()(const Timeout& c) { p.limit_ = c.seconds; }
  void operator()(const Expect& c) {
    const json value = p.value_of(c.expression);
    if (!holds(c.expression, value)) throw Error("expected " + c.expression.text() + ", found " + value.dump());
  }
  void operator()(const Shot& c) { p.then_write_shot(c.file); }
  void operator()(const WriteState& c) {
    p.then_frames(kSettle);
    p.then([&p = p, c] { return p.write_state(c.file), true; });
  }
  void operator()(const Resize& c) {
    p.stage_.resize(c.width, c.height);
    const auto size = [] { return ImGui::GetIO().DisplaySize; };
    p.then_wait_until([=] { return static_cast<int>(size().x) == c.width && static_cast<int>(size().y) == c.height; },
                      [=] {
                        return "a window of " + std::to_string(c.width) + "x" + std::to_string(c.height) + "; it is " +
                               std::to_string(static_cast<int>(size().x)) + "x" +
                               std::to_string(static_cast<int>(size().y));
                      });
    p.then_frames(kSettle);
  }
  void operator()(const Theme& c) {
    const std::string wanted = c.dark ? "dark" : "light";
    if (p.stage_.figures().value("theme", "") == wanted) return;
    p.on_widget(c.dark ? "Rail/Dark" : "Rail/Light", [&p = p](const Item& item) { p.click(item); });
    p.then_wait_until([&p = p, wanted] { return p.stage_.figures().value("theme", "") == wanted; },
                      [wanted] { return "the theme " + wanted; });
  }
  void operator()(const Quit&) { p.status_ = Status::kQuit; }
};

Player::Player(std::string file, std::vector<Step> steps, Stage& stage, Options options)
    : file_(std::move(file)), steps_(std::move(steps)), stage_(stage), options_(options) {}
Player::~Player() = default;

void Player::stop() {
  stage_.caption("");
  stage_.point_at("");
  actions_.clear();
  waiting_ = false;
  if (status_ == Status::kPlaying) status_ = Status::kEnded;
}

void Player::tick(double now) {
  now_ = now;
  waiting_ = false;
  try {
    act();
  } catch (const std::exception& e) {
    failure_ = one_line(file_ + ":" + std::to_string(next_ ? steps_[next_ - 1].line : 0) + ": " + e.what());
    status_ = Status::kFailed;
  }
}

void Player::act() {
  // Each input is given a frame of its own, and so are its consequences before the next one.
  while (status_ == Status::kPlaying && stage_.input().empty()) {
    if (!actions_.empty()) {
      if (!act_once()) return;
    } else if (next_ < steps_.size()) {
      const Step& step = steps_[next_++];
      std::visit(Begin{*this}, step.command);
    } else {
      return stop();
    }
  }
}

bool Player::act_once() {
  Action action = std::move(actions_.front());
  actions_.pop_front();
  std::deque<Action> later = std::exchange(actions_, {});
  const bool done = action();  // what it adds comes next, before what was planned for later
  if (!done) actions_.push_front(std::move(action));
  std::move(later.begin(), later.end(), std::back_inserter(actions_));
  return done;
}

void Player::then_frames(int count) {
  then([count]() mutable { return count-- == 0; });
}

void Player::then_move(ImVec2 to) {
  if (!options_.watched) {
    return then([this, to] { return stage_.input().move(to.x, to.y), true; });
  }
  then([this, to, begun = -1.0, from = ImVec2()]() mutable {
    if (begun < 0) {
      begun = now_;
      from = stage_.input().pointer();
      const ImVec2 size = ImGui::GetIO().DisplaySize;
      if (!ImGui::IsMousePosValid(&from)) from = ImVec2(size.x / 2, size.y / 2);
    }
    const double t = std::min((now_ - begun) / kGlideSeconds, 1.0);
    const auto eased = static_cast<float>(t * t * (3 - 2 * t));
    stage_.input().move(from.x + (to.x - from.x) * eased, from.y + (to.y - from.y) * eased);
    return t >= 1;
  });
}

void Player::then_press(int button) {
  then([this, button] {
    // Two clicks are meant as two clicks: soon after the first one, the second would make a double click.
    if (pressed_at_ >= 0 && ImGui::GetTime() - pressed_at_ <= ImGui::GetIO().MouseDoubleClickTime) return false;
    stage_.input().button(button, true);
    return true;
  });
  // Counted from where ImGui counts: the frame that has the press, which on a busy machine comes late.
  then([this, button] {
    if (!ImGui::IsMouseDown(button)) return false;
    pressed_at_ = ImGui::GetTime();
    return true;
  });
  then([this, button] { return stage_.input().button(button, false), true; });
  then_frames(kSettle);
}

void Player::then_chord(const Chord& chord) {
  then([this, chord] {
    for (const int modifier : chord.modifiers) stage_.input().key(modifier, true);
    stage_.input().key(chord.code, true);
    if (chord.character) stage_.input().text(chord.character);
    return true;
  });
  then([this, chord] {
    stage_.input().key(chord.code, false);
    for (const int modifier : chord.modifiers) stage_.input().key(modifier, false);
    return true;
  });
  then_frames(kSettle);
}

void Player::then_type(const std::string& text) {
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(static_cast<size_t>(utf8::length(rest[0])))) {
    then([this, code_point = utf8::decode(rest)] {
      stage_.input().text(code_point);
      return true;
    });
  }
  then_frames(kSettle);
}

void Player::then_write_shot(const std::filesystem::path& file) {
  const bool hovers = next_ >= 2 && std::holds_alternative<Hover>(steps_[next_ - 2].command);
  if (!hovers) {
    then([this] { return stage_.input().leave(), true; });  // no tooltip in the picture, unless it is what is shown
  }
  then_frames(kSettle);
  then([this, file] { return stage_.shoot(file), true; });
  then([this] {
    waiting_ = true;
    const auto result = stage_.shot_result();
    if (result && !result->empty()) throw Error(*result);
    return result.has_value();
  });
}

void Player::then_wait_until(std::function<bool()> reached, std::function<std::string()> what) {
  then([this, reached = std::move(reached), what = std::move(what), begun = -1.0]() mutable {
    if (begun < 0) begun = now_;
    if (reached()) return true;
    if (now_ - begun > limit_) {
      throw Error("waited " + std::to_string(std::lround(limit_)) + " s for " + what());
    }
    waiting_ = true;
    return false;
  });
}

/// Waits until the widget is there and can be used, scrolling to it if needed.
void Player::on_widget(const std::string& name, std::function<void(const Item&)> act, bool any_state) {
  then([this, name, act = std::move(act), any_state, frames = 0]() mutable {
    std::string why;
    const Item* item = ui::registry::find(name, &why);
    const bool usable = item && overlaps(*item) && item->visible && (item->enabled || any_state);
    if (usable) return act(*item), true;
    if (++frames > options_.patience) {
      if (!item) throw Error(why.empty() ? "there is no widget '" + name + "'" : why);
      throw Error("the widget '" + name + (item->enabled ? "' cannot be seen" : "' is disabled"));
    }
    if (item && !overlaps(*item) && item->max.y > item->min.y) {
      stage_.input().move((item->clip_min.x + item->clip_max.x) / 2, (item->clip_min.y + item->clip_max.y) / 2);
      stage_.input().wheel(0, item->min.y >= item->clip_max.y ? -1.0f : 1.0f);
    }
    return false;
  });
}

void Player::click(const Item& item, Place place) {
  then_move(point_in(item, place));
  then_press(0);
}

void Player::set(const Item& item, const std::string& name, const std::string& value) {
  if (item.kind == "slider") return set_slider(item, value);
  if (item.kind == "field") return replace_text(item, value);
  if (item.kind == "switch" || item.kind == "toggle") {
    if (value != "on" && value != "off") throw Error("the switch '" + name + "' is set on or off, not '" + value + "'");
    if (item.value != value) click(item);
    return;
  }
  if (item.kind == "combo") {
    click(item);
    return on_widget(item.label + "/" + value, [this](const Item& option) { click(option); });
  }
  throw Error("'" + name + "' is a " + item.kind + ", which has no value that could be set");
}

void Player::set_slider(const Item& item, const std::string& value) {
  if (value == "min" || value == "max") {
    click(item);
    return then_chord(*parse_chord(value == "min" ? "Home" : "End"));
  }
  double number = 0;
  if (!parse_number(value, number)) throw Error("a slider is set to a number, min or max, not '" + value + "'");
  then_move(point_in(item, {}));
  then([this] { return stage_.input().key(GLFW_KEY_LEFT_CONTROL, true), true; });
  then_press(0);
  then([this] { return stage_.input().key(GLFW_KEY_LEFT_CONTROL, false), true; });
  then_chord(*parse_chord("Ctrl+A"));
  then_type(value);
  then_chord(*parse_chord("Enter"));
}

void Player::replace_text(const Item& item, const std::string& text) {
  click(item);
  then_chord(*parse_chord("Ctrl+A"));
  if (text.empty()) return then_chord(*parse_chord("Delete"));
  then_type(text);
}

json Player::value_of(const Expression& e) {
  if (e.widget.empty()) return find_figure(stage_.figures(), e.figure);
  std::string why;
  const Item* item = ui::registry::find(e.widget, &why);
  if (!item) throw Error(why.empty() ? "there is no widget '" + e.widget + "'" : why);
  if (e.figure == "enabled") return item->enabled;
  if (e.figure == "visible") return item->visible;
  return e.figure == "kind" ? item->kind : item->value;
}

void Player::write_state(const std::filesystem::path& file) {
  json state = stage_.figures();
  json& widgets = state["widgets"] = json::array();
  for (const Item& item : ui::registry::items()) {
    widgets.push_back(
        {{"scope", item.scope},
         {"name", item.label},
         {"kind", item.kind},
         {"value", item.value},
         {"rect", {item.min.x, item.min.y, item.max.x - item.min.x, item.max.y - item.min.y}},
         {"clip",
          {item.clip_min.x, item.clip_min.y, item.clip_max.x - item.clip_min.x, item.clip_max.y - item.clip_min.y}},
         {"enabled", item.enabled},
         {"visible", item.visible}});
  }
  write_file(file, state.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

}  // namespace nopeek::tour
