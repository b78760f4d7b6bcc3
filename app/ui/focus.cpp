#include "app/ui/focus.h"

#include <algorithm>
#include <vector>

#include "app/ui/imgui_compat.h"

namespace nopeek::ui::focus {
namespace {

struct Entry {
  ImGuiID id;
  Rect rect;
  int layer;
  unsigned own_keys;
};

std::vector<Entry> last, now;  // of the last frame; being drawn
ImGuiID focused = 0;
bool shown = false;
bool enter = false, space = false;  // pressed this frame, for the focused widget
int depth = 0;

int top_layer() {
  int top = 0;
  for (const Entry& e : last) top = std::max(top, e.layer);
  return top;
}

const Entry* find(ImGuiID id) {
  for (const Entry& e : last) {
    if (e.id == id && e.layer == top_layer()) return &e;
  }
  return nullptr;
}

void walk(int direction) {
  std::vector<const Entry*> reachable;
  for (const Entry& e : last) {
    if (e.layer == top_layer()) reachable.push_back(&e);
  }
  if (reachable.empty()) return;
  const auto n = static_cast<int>(reachable.size());
  const auto at = std::find_if(reachable.begin(), reachable.end(), [](const Entry* e) { return e->id == focused; });
  const int i = at == reachable.end() ? (direction > 0 ? -1 : n) : static_cast<int>(at - reachable.begin());
  focused = reachable[static_cast<size_t>((i + direction + n) % n)]->id;
  shown = true;
}

/// How far `to` is from `from` going along (dx, dy); infinite if it lies elsewhere. Sideways distance counts double.
float cost(const Rect& from, const Rect& to, float dx, float dy) {
  const float gap_x = std::max({to.min.x - from.max.x, from.min.x - to.max.x, 0.0f});
  const float gap_y = std::max({to.min.y - from.max.y, from.min.y - to.max.y, 0.0f});
  const float ahead = dx != 0 ? (to.cx() - from.cx()) * dx : (to.cy() - from.cy()) * dy;
  if (ahead <= 1) return INFINITY;
  const float along = dx != 0 ? gap_x : gap_y, across = dx != 0 ? gap_y : gap_x;
  const float off_axis = dx != 0 ? std::abs(to.cy() - from.cy()) : std::abs(to.cx() - from.cx());
  return along + 2 * across + 0.1f * off_axis + 0.05f * ahead;
}

void go(float dx, float dy) {
  const Entry* from = find(focused);
  if (!from) return walk(+1);
  const Entry* best = nullptr;
  float best_cost = INFINITY;
  for (const Entry& e : last) {
    if (e.id == focused || e.layer != from->layer) continue;
    const float c = cost(from->rect, e.rect, dx, dy);
    if (c < best_cost) best = &e, best_cost = c;
  }
  if (best) focused = best->id;
}

void read_arrows() {
  const Entry* entry = find(focused);
  const unsigned own = entry ? entry->own_keys : kNone;
  if (!(own & kHorizontal)) {
    if (key_pressed(Key::kLeft)) go(-1, 0);
    if (key_pressed(Key::kRight)) go(+1, 0);
  }
  if (!(own & kVertical)) {
    if (key_pressed(Key::kUp)) go(0, -1);
    if (key_pressed(Key::kDown)) go(0, +1);
  }
}

}  // namespace

void begin_frame() {
  last.swap(now);
  now.clear();
  depth = 0;
  enter = space = false;
  const ImGuiIO& io = ImGui::GetIO();
  if (io.MouseClicked[0] || io.MouseClicked[1]) shown = false;
  if (key_pressed(Key::kTab) && !io.KeyCtrl && !io.KeyAlt) {
    if (active_item()) clear_active_item();
    return walk(io.KeyShift ? -1 : +1);
  }
  if (!letters_are_free()) return;
  const bool in_popup = top_layer() > 0;
  if (shown || in_popup) read_arrows();
  if (in_popup && (key_pressed(Key::kUp) || key_pressed(Key::kDown))) shown = true;
  if (!shown || !find(focused)) return;
  enter = key_pressed(Key::kEnter, false);
  space = key_pressed(Key::kSpace, false);
}

bool add(ImGuiID id, const Rect& rect, unsigned own_keys) {
  now.push_back({id, rect, depth, own_keys});
  return shown && focused == id;
}

bool activated(ImGuiID id) { return shown && focused == id && (enter || space); }
bool entered(ImGuiID id) { return shown && focused == id && enter; }
bool visible() { return shown && find(focused) != nullptr; }
ImGuiID current() { return focused; }
unsigned current_own_keys() {
  const Entry* entry = find(focused);
  return entry ? entry->own_keys : kNone;
}
void set(ImGuiID id, bool show) {
  focused = id;
  shown = show;
}
void hide() { shown = false; }
bool letters_are_free() { return !ImGui::GetIO().WantTextInput; }

Layer::Layer() { ++depth; }
Layer::~Layer() { --depth; }
bool in_layer() { return depth > 0; }
bool layer_open() { return top_layer() > 0; }

}  // namespace nopeek::ui::focus
