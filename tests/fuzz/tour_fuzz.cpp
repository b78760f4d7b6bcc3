// Tours, and their expressions over figures.
#include "app/tour/parser.h"
#include "tests/fuzz/fuzz.h"

namespace nopeek::fuzz {

namespace {

const nlohmann::json& figures() {
  static const nlohmann::json figures = {{"step", 7},
                                         {"scene", "Mask Lab"},
                                         {"paused", true},
                                         {"masked", {{"reported", 1.5}, {"honest", nullptr}, {"mask", "on"}}},
                                         {"speed", "60 steps/s"},
                                         {"earlier", {{{"steps", 3}}, {{"steps", 4}}}}};
  return figures;
}

/// Messages repeat words of the tour, however long.
template <class Action>
void attempt(Action&& action) {
  accepted(action, 1'000'000);
}

void ask(const tour::Expression& expression) {
  require(!expression.op.empty() && !expression.figure.empty(), "an expression has a figure and an operator");
  attempt([&] { tour::holds(expression, tour::find_figure(figures(), expression.figure)); });
  for (const nlohmann::json& value : figures()) attempt([&] { tour::holds(expression, value); });
}

void visit(const tour::Step& step) {
  require(step.line >= 1, "lines are counted from 1");
  if (const auto* wait = std::get_if<tour::WaitUntil>(&step.command)) ask(wait->expression);
  if (const auto* expect = std::get_if<tour::Expect>(&step.command)) ask(expect->expression);
}

}  // namespace

void run_input(std::string_view input) {
  attempt([&] {
    const std::vector<tour::Step> steps = tour::parse(input, "a.tour");
    for (const tour::Step& step : steps) visit(step);
    const std::vector<tour::Step> pictures = tour::with_pictures(steps, "out", "a");
    require(pictures.size() >= steps.size() || tour::ends_app(steps), "pictures only add");
    require(tour::ends_app(pictures), "a tour of pictures ends");
  });
}

}  // namespace nopeek::fuzz
