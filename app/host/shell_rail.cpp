#include <cmath>

#include "app/host/app_impl.h"
#include "app/ui/registry.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr float kTopBar = 56;

const char* text_size_name(double size) {
  return size < 0.9 ? "80 %" : size < 1.1 ? "100 %" : size < 1.4 ? "125 %" : "150 %";
}

}  // namespace

float App::Impl::rail_width() const { return presenting ? 0 : theme().wide() ? 200 : theme().small() ? 56 : 64; }

float App::Impl::panel_width() const {
  if (presenting) return 0;
  if (theme().wide() && settings.panel_open) return 300;
  return theme().small() ? 24 : 32;
}

Rect App::Impl::content_rect() const {
  const float m = theme().small() ? 12 : 16, x = rail_width() + m, y = kTopBar + m;
  return {{x, y}, {theme().logical_w() - panel_width() - m, theme().logical_h() - m}};
}

void App::Impl::draw_rail() {
  const registry::Scope scope("Rail");
  const float w = rail_width(), h = theme().logical_h();
  fill(theme().rect(0, 0, w, h), colors().panel);
  canvas()->AddRectFilled(theme().at(w - 1, 0), theme().at(w, h), colors().sep);
  if (theme().wide()) {
    logo(theme().at(17, 15));
    text(theme().at(54, 28), "NoPeek", Font::kTitle, colors().text);
  } else {
    logo(theme().at(w * 0.5f - 13.5f, 15));
  }
  draw_nav(w);
  if (theme().wide()) {
    draw_rail_foot(h);
  } else {
    draw_narrow_rail_foot(w, h);
  }
}

void App::Impl::draw_rail_foot(float h) {
  separator(px(16), px(184), px(h - 112));
  const double smaller = next_text_size(-1), larger = next_text_size(+1);
  if (button("A\xE2\x88\x92", theme().rect(16, h - 96, 48, 36), smaller != settings.text_size)) set_text_size(smaller);
  text(theme().at(100, h - 78), text_size_name(settings.text_size), Font::kLabel, colors().secondary, Align::kCentre);
  if (button("A+", theme().rect(136, h - 96, 48, 36), larger != settings.text_size)) set_text_size(larger);
  if (button(settings.dark ? "Light" : "Dark", theme().rect(16, h - 52, 80, 36), true, Look::kRaised, Icon::kTheme))
    set_dark(!settings.dark);
  if (icon_button("Present", theme().rect(104, h - 52, 80, 36), Icon::kPresent, "Present (F11)")) presenting = true;
}

void App::Impl::draw_narrow_rail_foot(float w, float h) {
  const float x = w * 0.5f - 20;
  std::vector<Option> sizes;
  for (double size : kTextSizes) {
    const bool fits = size <= 1 || wished_scale(theme().window, size) <= greatest_scale(theme().window) + 0.01f;
    if (fits)
      sizes.push_back({.label = text_size_name(size),
                       .detail = {},
                       .chosen = size == settings.text_size,
                       .heading = {},
                       .shown = {}});
  }
  const int picked = icon_menu("Text size", theme().rect(x, h - 130, 40, 36), Icon::kTextSize,
                               "Text size (Ctrl +, Ctrl \xE2\x88\x92)", sizes, Look::kPlain);
  if (picked >= 0) set_text_size(kTextSizes[static_cast<size_t>(picked)]);
  const char* other = settings.dark ? "Light" : "Dark";
  if (icon_button(other, theme().rect(x, h - 94, 40, 36), Icon::kTheme,
                  settings.dark ? "Light theme (T)" : "Dark theme (T)", true, Look::kPlain)) {
    set_dark(!settings.dark);
  }
  if (icon_button("Present", theme().rect(x, h - 54, 40, 36), Icon::kPresent, "Present (F11)", true, Look::kPlain))
    presenting = true;
}

}  // namespace nopeek
