#include "app/ui/registry.h"

#include <algorithm>
#include <utility>

#include "app/ui/imgui_compat.h"
#include "app/ui/text.h"

namespace nopeek::ui::registry {
namespace {

bool on = false;
std::vector<Item> drawn;  // of the frame that is being built, and until the next one begins
std::vector<std::string> scopes;

bool overlaps(const Item& item) {
  return std::max(item.min.x, item.clip_min.x) < std::min(item.max.x, item.clip_max.x) &&
         std::max(item.min.y, item.clip_min.y) < std::min(item.max.y, item.clip_max.y);
}

void append(Item item) {
  item.scope = scopes.empty() ? std::string() : scopes.back();
  const ImDrawList* list = canvas();
  item.clip_min = list->GetClipRectMin();
  item.clip_max = list->GetClipRectMax();
  item.visible = overlaps(item);
  drawn.push_back(std::move(item));
}

Item make_item(std::string_view label, std::string_view kind, std::string_view value, ImVec2 min, ImVec2 max) {
  Item item;
  item.label = label;
  item.kind = kind;
  item.value = value;
  item.min = min;
  item.max = max;
  return item;
}

bool takes_input(const Item& item) { return item.id != 0; }

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string full_name(const Item& item) { return item.scope.empty() ? item.label : item.scope + "/" + item.label; }

void explain_missing(std::string_view name, std::string& why) {
  std::vector<std::pair<size_t, std::string>> near;
  for (const Item& item : drawn) {
    if (takes_input(item))
      near.emplace_back(std::min(distance(name, item.label), distance(name, full_name(item))), full_name(item));
  }
  std::sort(near.begin(), near.end());
  why = "there is no '" + std::string(name) + "' on the screen";
  for (size_t i = 0; i < std::min<size_t>(3, near.size()); ++i)
    why += (i ? ", '" : "; near it: '") + near[i].second + "'";
}

bool answers(const Item& item, std::string_view name) {
  return item.label == name || (!item.scope.empty() && full_name(item) == name);
}

}  // namespace

void set_enabled(bool enable) {
  on = enable;
  drawn.clear();
}
bool enabled() { return on; }

Pause::Pause() : before_(std::exchange(on, false)) {}
Pause::~Pause() { on = before_; }

void new_frame() {
  drawn.clear();
  scopes.clear();
}

void push_scope(std::string_view scope) {
  if (on) scopes.emplace_back(scope);
}
void pop_scope() {
  if (on && !scopes.empty()) scopes.pop_back();
}

void add(std::string_view label, std::string_view kind, std::string_view value, ImVec2 min, ImVec2 max) {
  if (!on) return;
  Item item = make_item(label, kind, value, min, max);
  item.id = last_item_id();
  item.enabled = !last_item_disabled();
  append(std::move(item));
  [[maybe_unused]] const Item& added = drawn.back();
  IM_ASSERT(std::none_of(drawn.begin(), drawn.end() - 1,
                         [&](const Item& other) {
                           return takes_input(other) && other.label == added.label && other.scope == added.scope &&
                                  other.kind == added.kind;
                         }) &&
            "two widgets of one name in one scope");
}

void add_drawn(std::string_view label, std::string_view kind, std::string_view value, ImVec2 min, ImVec2 max) {
  if (!on) return;
  append(make_item(label, kind, value, min, max));
}

const Item* find(std::string_view name, std::string* why) {
  const Item* found = nullptr;
  bool ambiguous = false;
  for (const Item& item : drawn) {
    if (!answers(item, name)) continue;
    // What takes input goes before the text that labels it.
    if (found && takes_input(*found) == takes_input(item)) {
      ambiguous |= found->scope != item.scope || takes_input(item);
    } else if (!found || takes_input(item)) {
      found = &item;
      ambiguous = false;
    }
  }
  if (found && !ambiguous) return found;
  if (!why) return nullptr;
  if (ambiguous) {
    *why = "'" + std::string(name) + "' is in several places; say which:";
    for (const Item& item : drawn) {
      if (answers(item, name) && takes_input(item) == takes_input(*found)) *why += " '" + full_name(item) + "'";
    }
  } else {
    explain_missing(name, *why);
  }
  return nullptr;
}

const std::vector<Item>& items() { return drawn; }

}  // namespace nopeek::ui::registry
