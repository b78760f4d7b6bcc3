// No text is clipped and nothing overlaps: at every size, in both themes, with an empty and with a trained lab.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "app/ui/registry.h"
#include "app_host.h"

namespace nopeek::test::layout_test {

namespace registry = nopeek::ui::registry;
using registry::Item;

namespace {

constexpr float kTolerance = 1;  // px: rounding of a text's width and of a rectangle's edges

std::string describe(const Item& item) {
  char rect[96];
  std::snprintf(rect, sizeof rect, " (%.1f,%.1f - %.1f,%.1f)", item.min.x, item.min.y, item.max.x, item.max.y);
  return item.kind + " '" + item.scope + "/" + item.label + "' = '" + item.value + "'" + rect;
}

bool is_text(const Item& item) { return item.kind == "text" && item.visible; }

// Charts and matrices take input as a whole.
bool is_control(const Item& item) {
  const auto controls = {"button", "switch", "slider", "combo", "option", "field", "toggle"};
  return item.id != 0 && item.visible &&
         std::any_of(controls.begin(), controls.end(), [&](const char* kind) { return item.kind == kind; });
}

bool inside_across(const Item& item, ImVec2 min, ImVec2 max) {
  return item.min.x >= min.x - kTolerance && item.max.x <= max.x + kTolerance;
}

bool inside_down(const Item& item, ImVec2 min, ImVec2 max) {
  return item.min.y >= min.y - kTolerance && item.max.y <= max.y + kTolerance;
}

// The explanation scrolls if there is more of it than room.
bool scrolls(const Item& item) { return item.scope == "Panel" || item.scope == "Try this"; }

bool is_cut(const Item& item) {
  return !inside_across(item, item.clip_min, item.clip_max) ||
         (!scrolls(item) && !inside_down(item, item.clip_min, item.clip_max));
}

bool leaves_window(const Item& item) {
  const ImVec2 size = ImGui::GetIO().DisplaySize;
  return !inside_across(item, {0, 0}, size) || (!scrolls(item) && !inside_down(item, {0, 0}, size));
}

bool overlap(const Item& a, const Item& b) {
  const float w = std::min(a.max.x, b.max.x) - std::max(a.min.x, b.min.x);
  const float h = std::min(a.max.y, b.max.y) - std::max(a.min.y, b.min.y);
  return w > kTolerance && h > kTolerance;
}

// A panel that can be clicked as a whole holds other controls.
bool holds(const Item& panel, const Item& item) {
  return panel.id != 0 && panel.min.x < item.min.x && panel.min.y < item.min.y && panel.max.x > item.max.x &&
         panel.max.y > item.max.y;
}

std::vector<std::string> pairs_that_overlap(bool (*wanted)(const Item&), std::string_view scope) {
  std::vector<const Item*> items;
  for (const Item& item : registry::items()) {
    if (wanted(item) && (scope.empty() || item.scope == scope)) items.push_back(&item);
  }
  std::vector<std::string> found;
  for (size_t i = 0; i < items.size(); ++i) {
    for (size_t j = i + 1; j < items.size(); ++j) {
      const Item &a = *items[i], &b = *items[j];
      if (overlap(a, b) && !holds(a, b) && !holds(b, a)) found.push_back(describe(a) + " and " + describe(b));
    }
  }
  return found;
}

/// Of the whole window, or of one scope in it: a dialog's, which lies above the rest.
std::vector<std::string> faults(std::string_view scope = {}) {
  std::vector<std::string> found;
  for (const Item& item : registry::items()) {
    if (!is_text(item) || (!scope.empty() && item.scope != scope)) continue;
    if (is_cut(item)) found.push_back("cut off: " + describe(item));
    if (leaves_window(item)) found.push_back("outside the window: " + describe(item));
  }
  for (const auto& pair : pairs_that_overlap(is_text, scope)) found.push_back("texts overlap: " + pair);
  for (const auto& pair : pairs_that_overlap(is_control, scope)) found.push_back("controls overlap: " + pair);
  return found;
}

std::vector<std::string> scenes() {
  std::vector<std::string> names;
  for (const Item& item : registry::items()) {
    const bool chosen_or_not = item.value == "on" || item.value == "off";  // the rail's other buttons have no value
    if (item.scope == "Rail" && chosen_or_not) names.push_back(item.label);
  }
  return names;
}

/// Colours make no difference to an address: there one theme is enough.
std::vector<const char*> themes() { return kSanitized ? std::vector{"dark"} : std::vector{"dark", "light"}; }

void check_scene(AppHost& host, const std::string& scene, std::initializer_list<const char*> sizes) {
  for (const char* size : sizes) {
    for (const char* theme : themes()) {
      REQUIRE_MESSAGE(host.play("scene \"" + scene + "\"\nresize " + size + "\ntheme " + theme), host.failure());
      host.input().leave();  // no tooltip
      host.frames(3);
      CAPTURE(scene);
      CAPTURE(std::string(size));
      CAPTURE(std::string(theme));
      CHECK(registry::items().size() > 20);
      for (const std::string& fault : faults()) CHECK_MESSAGE(false, fault);
    }
  }
}

void check_everywhere(AppHost& host, std::initializer_list<const char*> sizes) {
  REQUIRE_FALSE(scenes().empty());
  for (const std::string& scene : scenes()) check_scene(host, scene, sizes);
}

/// The scenes that can be brought into more states than a start and a trained lab.
void check_generate(AppHost& host, std::initializer_list<const char*> sizes) {
  const auto check = [&](const char* what, const std::string& tour) {
    CAPTURE(std::string(what));
    REQUIRE_MESSAGE(host.play("scene Generate\n" + tour + "\nwait until generate.ready == true"), host.failure());
    check_scene(host, "Generate", sizes);
  };
  check("both cuts", "set Temperature 1.8\nset Top-k 6\nset Top-p 0.9");
  check("a cut beyond the rows", "set Top-k 20\nset Top-p 0.99\nset Temperature 50");
  // Rows are 10 or 8.
  check("a cut right above the rest", "set Top-p 0.48");
  check("a cut right above the rest of a low window", "set Top-p 0.4");
  check("no causal mask", "click \"Causal mask\"\nwait until generate.cached == false");
  check("the causal mask again", "click \"Causal mask\"\nwait until generate.cached == true");
  check("few tokens", "key Right\nkey Right\nkey Right\nkey Left\nkey D\nkey Right");
  check("greedy", "set Temperature 0\nclick \"The draw\" 0.99,0.5");
  check("u at the ends", "set Temperature 2\nset Top-k max\nset Top-p 1\nclick \"The draw\" 0.001,0.5");
  std::string many;
  for (int i = 0; i < 12; ++i) many += "key Right\nkey Left\nkey D\nkey Right\nkey Right\nkey Right\n";
  check("a long text with forks", many);
  check("frozen", "click Freeze");
  check("editing", "key E\ntype Prompt \"the zorp opened blub and a wide review of the pull request for review\"");
  REQUIRE_MESSAGE(host.play("key Enter\nwait until generate.ready == true"), host.failure());
  std::string longest = "the agent opened a ticket";
  for (int i = 0; i < 12; ++i) longest += " the reviewer opened a pull request .";
  check("more than the window holds", "type Prompt \"" + longest + "\"\nkey Enter\nwait until generate.tokens > 60");
  check("the history's tab", "");
  for (const char* size : sizes) {
    REQUIRE_MESSAGE(host.play(std::string("resize ") + size), host.failure());
    if (!registry::find("Generate/History")) continue;
    REQUIRE_MESSAGE(host.play("click Generate/History\nkey Right\nkey Left\nkey D\nkey Right"), host.failure());
    check_scene(host, "Generate", {size});
  }
}

/// The Microscope's pages about masks, in the states that they do not begin with.
void check_masks(AppHost& host, std::initializer_list<const char*> sizes) {
  const auto check = [&](const char* size, const std::string& page, const std::string& tour) {
    CAPTURE(page);
    const bool listed = registry::find("Microscope/Page") != nullptr;
    const std::string go = listed ? "set Page \"" + page + "\"\n" : "click \"Microscope/" + page + "\"\n";
    REQUIRE_MESSAGE(host.play(go + "wait until microscope.page == \"" + page + "\"\n" + tour), host.failure());
    check_scene(host, "Microscope", {size});
  };
  for (const char* size : sizes) {
    REQUIRE_MESSAGE(
        host.play(std::string("resize ") + size + "\nscene Microscope\nwait until microscope.ready == true"),
        host.failure());
    check(size, "Mask", "click \"Mask cells\" 0.2292,0.1042\nclick \"Mask cells\" 0.0208,0.0208");
    check(size, "Mask", "drag \"Mask cells\" 0.0208,0.9792 0.9792,0.9792\nexpect microscope.refused_row == 23");
    check(size, "Leak test", "wait until microscope.leaks > 0\nclick \"Leak test cells\" 0.46,0.21");
    check(size, "Leak test", "click Gradient");
    check(size, "What if", "wait until microscope.what_if.ready == true");
    check(size, "Mask", "click Microscope/Random\nset Strength -5");
    check(size, "Mask", "click \"Back to its own mask\"");
    check(size, "Leak test", "wait until microscope.leaks == 0\nclick \"Changed token\"");
    const auto text = [](const std::string& words) {
      return "key E\ntype Text \"" + words + "\"\nkey Enter\nwait until microscope.ready == true\n";
    };
    check(size, "Mask", text("the"));
    check(size, "What if", "wait until microscope.what_if.ready == true");
    check(size, "Leak test", "wait until microscope.leak_error contains tokens");
    std::string longest = "the agent opened a pull request";
    for (int i = 0; i < 3; ++i) longest += " and the reviewer read it .";
    check(size, "Leak test", text(longest) + "wait until microscope.leaks == 0");
    check(size, "Mask", "");
    check(size, "What if", "wait until microscope.what_if.ready == true");
    REQUIRE_MESSAGE(host.play(text("")), host.failure());
  }
}

/// All pages of the Microscope. Their names are tabs, or a list where they have no room.
void check_microscope(AppHost& host, std::initializer_list<const char*> sizes) {
  const auto check = [&](const char* what, const std::string& tour, std::initializer_list<const char*> pages) {
    CAPTURE(std::string(what));
    REQUIRE_MESSAGE(host.play("scene Microscope\n" + tour + "\nwait until microscope.ready == true"), host.failure());
    for (const char* size : sizes) {
      for (const char* page : pages) {
        CAPTURE(std::string(page));
        REQUIRE_MESSAGE(host.play(std::string("resize ") + size), host.failure());
        const std::string name(page),
            go = registry::find("Microscope/Page") ? "set Page \"" + name + "\"" : "click \"Microscope/" + name + "\"";
        REQUIRE_MESSAGE(host.play(go + "\nwait until microscope.page == \"" + name + "\""), host.failure());
        check_scene(host, "Microscope", {size});
      }
    }
  };
  const auto text = [](const std::string& words) { return "key E\ntype Text \"" + words + "\"\nkey Enter"; };
  check("its own sentence", text(""), {"Q K V", "Heads", "Twins"});
  check("one token", text("the"), {"Q K V", "Heads", "Twins"});
  check("unknown words", text("zorp blub zorp"), {"Q K V", "Heads", "Twins"});
  std::string longest = "the agent opened a pull request";
  for (int i = 0; i < 3; ++i) longest += " and the reviewer read it .";
  check("as long as the context", text(longest), {"Q K V", "Heads", "Twins"});
  REQUIRE_MESSAGE(host.play("key E\ntype Text \"" + longest + " zorp " + longest + "\""), host.failure());
  for (const char* size : sizes) {  // the dialog keeps the rest of the window from all clicks
    REQUIRE_MESSAGE(host.play(std::string("resize ") + size), host.failure());
    host.frames(3);
    CHECK(registry::find("The text/Text") != nullptr);
    for (const std::string& fault : faults("The text")) CHECK_MESSAGE(false, fault);
  }
  REQUIRE_MESSAGE(host.play("key Escape"), host.failure());
}

void check_steps_page(AppHost& host, std::initializer_list<const char*> sizes) {
  const auto check = [&](const char* what, const std::string& tour) {
    CAPTURE(std::string(what));
    REQUIRE_MESSAGE(host.play("scene Microscope\nwait until microscope.ready == true\n" + tour), host.failure());
    check_scene(host, "Microscope", sizes);
  };
  const std::string settle = "\nwait until microscope.ready == true";
  check("scores", "click scores");
  check("weights", "click weights");
  check("output", "click output");
  check("term by term", "click scores\nclick \"dot product\"");
  check("the lesson's row", "key Escape\nclick \"Worksheet values\"");
  check("a refusal", "type \"Score 1\" \"much\"\nkey Enter");
  check("a typed row", "click \"Back to the model\"\nclick \"Type over this row\"");
  check("no mask", "click \"Back to the model\"\nclick \"Causal mask\"" + settle);
  check("no mask, output", "click output");
  check("the mask again", "click masked\nclick \"Causal mask\"" + settle);
  check("one token", "key E\ntype Text \"the\"\nkey Enter\nwait until microscope.tokens == 1" + settle);
  check("one token, output", "click output");
  std::string longest = "the";
  for (int i = 0; i < 23; ++i) longest += " reviewer";  // 24 tokens: a longer text is refused
  check("a full context", "click masked\nkey E\ntype Text \"" + longest +
                              "\"\nkey Enter\nwait until microscope.tokens > 20" + settle + "\nclick Matrix 0.01,0.99");
  check("a full context, typed", "click \"Type over this row\"");
  check("a full context, output", "click \"Back to the model\"\nclick output");
  REQUIRE_MESSAGE(host.play("click masked\nkey E\ntype Text \"\"\nkey Enter" + settle), host.failure());
}

void check_layout(double text_size, bool trained, std::initializer_list<const char*> sizes) {
  Settings settings;
  settings.text_size = text_size;
  settings.rate = 0;
  AppHost host({.settings = settings, .paused = !trained});
  if (trained) {
    REQUIRE_MESSAGE(host.play(std::string(kWaitUntilTrained) + "set Play off\nwait until paused == true"),
                    host.failure());
  }
  check_everywhere(host, sizes);
  check_generate(host, sizes);
  check_steps_page(host, sizes);  // the page that the scene begins with
  check_masks(host, sizes);
  check_microscope(host, sizes);
}

}  // namespace

TEST_CASE("layout of a trained lab") { check_layout(1.0, true, {"1600x900"}); }

// Where every access to memory is watched, the other sizes and states before training would only take time.
TEST_CASE("layout of a trained lab at other sizes" * doctest::skip(kSanitized)) {
  check_layout(1.0, true, {"1280x720", "1920x1080"});
}
TEST_CASE("layout of a trained lab with large text" * doctest::skip(kSanitized)) {
  check_layout(1.5, true, {"1600x900"});
}
TEST_CASE("layout of an untrained lab" * doctest::skip(kSanitized)) {
  check_layout(1.0, false, {"1280x720", "1600x900", "1920x1080"});
}
TEST_CASE("layout of an untrained lab with large text" * doctest::skip(kSanitized)) {
  check_layout(1.5, false, {"1600x900"});
}

}  // namespace nopeek::test::layout_test
