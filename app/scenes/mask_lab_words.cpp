#include <algorithm>
#include <cmath>

#include "app/scenes/mask_lab.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr float kNothingToGain = 0.3f;  // nats: a text that the past alone predicts so well needs no peeking

Tone tone(const LaneSnapshot& lane) { return lane.masked ? Tone::kPast : Tone::kFuture; }
Words number(float loss, Tone tone) { return {loss_text(loss).chars, tone}; }
Words percent(float share, Tone tone) { return {percent_text(share).chars, tone}; }

/// Two digits that may differ in the last one are one number to a reader.
bool same(float a, float b) { return std::abs(a - b) < 0.05f; }

Paragraph honest_words(const std::string& name, float reported, float honest) {
  const Tone t = Tone::kPast;
  Paragraph p{{name, t},       {" reports "},     number(reported, t),
              {" and earns "}, number(honest, t), {" when it sees only the prefix."}};
  if (same(reported, honest)) p.push_back({" The same number: it is honest."});
  return p;
}

Paragraph lying_words(const std::string& name, float reported, float honest, float head_leak, float mean_leak) {
  const Tone t = Tone::kFuture;
  return {{name, t},
          {" reports "},
          number(reported, t),
          {", but with only the prefix it gets "},
          number(honest, t),
          {". This head spends "},
          percent(head_leak, t),
          {" of its attention on tokens not yet written; all heads, "},
          percent(mean_leak, t),
          {"."}};
}

Paragraph searching_words(const std::string& name, float reported, float honest) {
  const Tone t = Tone::kFuture;
  if (honest < kNothingToGain) {
    return {{name, t},
            {" may look at the very token that it has to predict, but reports "},
            number(reported, t),
            {" without it: this text can be predicted from the past alone."}};
  }
  return {{name, t},
          {" may look at the very token that it has to predict. It reports "},
          number(reported, t),
          {": it has not found the leak yet."}};
}

std::string count(int64_t step) { return grouped_text(step).chars; }

std::string twins_words(const Snapshot& s) {
  const std::string twins = "Twins: same weights at step 0, same batches. ";
  if (s.config.model.context == 1)
    return twins + "With a context of 1 there is no future to see, and so no difference.";
  const auto changed = [](const LaneSnapshot& lane) { return !lane.changes.empty(); };
  const bool any = std::any_of(s.lanes.begin(), s.lanes.end(), changed);
  return twins + (any ? "Only the masks that they trained with differ." : "Only the mask differs.");
}

}  // namespace

/// What one twin does now, in a sentence or two.
void MaskLab::describe_lane(const SceneInput& in, int lane_index, Explanation& out) const {
  const LaneSnapshot& lane = in.numbers.lanes[static_cast<size_t>(lane_index)];
  const StepStats& m = lane.measured;
  const std::string name = distinct_title(in.numbers, lane_index, true);
  const Tone t = tone(lane);
  if (!lane.stopped.empty()) {
    out.words.push_back({{name, t}, {" trains no more: " + lane.stopped}});
    return;
  }
  const int64_t since = lane.changes.empty() ? 0 : in.numbers.step - lane.changes.back().step;
  if (lane.masked && !lane.changes.empty() && !same(m.reported, m.honest)) {
    out.words.push_back({{name, t},
                         {(lane.mask_name == "causal" ? " has its mask back since step "
                                                      : " cannot peek (" + lane.mask_name + ") since step ") +
                          count(lane.changes.back().step) + ". It had learned to copy the answer: now it reports "},
                         number(m.reported, t),
                         {" and must learn to predict."}});
  } else if (lane.masked) {
    out.words.push_back(honest_words(name, m.reported, m.honest));
  } else if (m.honest - m.reported >= kSmallestLie) {
    const auto head = static_cast<size_t>(in.selection.layer * in.numbers.config.model.heads + in.selection.head);
    out.words.push_back(
        lying_words(name, m.reported, m.honest, head < lane.leak.size() ? lane.leak[head] : NAN, lane.mean_leak));
  } else if (!lane.changes.empty() && lane.mask_name != "full") {
    out.words.push_back(
        {{name, t},
         {" has been able to peek for " + count(since) + " steps (" + lane.mask_name + ") and reports "},
         number(m.reported, t),
         {"."}});
  } else if (!lane.changes.empty()) {
    out.words.push_back({{name, t},
                         {" lost its mask " + count(since) + " steps ago and reports "},
                         number(m.reported, t),
                         {". Watch it fall."}});
  } else {
    out.words.push_back(searching_words(name, m.reported, m.honest));
  }
}

Explanation MaskLab::explain(const SceneInput& in) {
  Explanation out;
  const Snapshot& s = in.numbers;
  if (in.in_the_past) {
    out.words.push_back({{"This is step " + count(s.step) + " again; training waits at step " + count(in.newest.step) +
                          ". Play goes on from there."}});
  } else {
    out.words.push_back({{twins_words(s)}});
  }
  const bool both_masked = s.lanes.size() == 2 && s.lanes[0].masked && s.lanes[1].masked;
  const bool both_peek = s.lanes.size() == 2 && !s.lanes[0].masked && !s.lanes[1].masked;
  if (s.step == 0) {
    const double guess = std::log(static_cast<double>(s.corpus->vocab_size()));
    out.words.push_back({{"Nothing is learned yet: guessing among " + std::to_string(s.corpus->vocab_size()) +
                          " tokens costs " + fmt("%.2f", guess).chars + " nats a token. Both start there."}});
  } else {
    for (int i = 0; i < static_cast<int>(s.lanes.size()); ++i) describe_lane(in, i, out);
  }
  if (both_masked) out.words.push_back({{"Both have the mask now: neither can peek."}});
  if (both_peek) out.words.push_back({{"Both peek now: two fine curves, and nobody who learns to predict."}});
  suggest(in, out);
  return out;
}

/// Three things to do next: first what shows the leak, then what makes one.
void MaskLab::suggest(const SceneInput& in, Explanation& out) {
  const Snapshot& s = in.newest;
  auto& list = out.suggestions;
  const int masked_lane = s.lanes[0].masked ? 0 : s.lanes.size() > 1 && s.lanes[1].masked ? 1 : -1;
  const auto done = [this](const char* what) { return done_.count(what) > 0; };
  const auto mask_suggestion = [&] {
    if (masked_lane >= 0) {
      return Suggestion{"Turn the masked twin's mask off", false, [this, &in, masked_lane] {
                          in.actions.hold(masked_lane);
                          in.actions.set_mask(masked_lane, false);
                          done_.insert("mask");
                        }};
    }
    return Suggestion{"Give the first twin its mask back", false, [&in] {
                        in.actions.hold(0);
                        in.actions.set_mask(0, true);
                      }};
  };
  if (in.in_the_past) {
    list.push_back({"Back to now", false, [&in] { in.actions.go_to_now(); }});
  } else if (s.step == 0 && s.paused) {
    list.push_back({"Start training", false, [&in] { in.actions.set_paused(false); }});
  } else if (s.leak_found) {
    list.push_back({"Go back to step " + count(*s.leak_found), done("back"),
                    [&in] { in.actions.go_to_step(*in.newest.leak_found); }});
  } else if (s.config.model.context > 1) {
    list.push_back(mask_suggestion());
  }
  if (labels_.size() >= 2) {
    list.push_back({"Point at the answer cell", done("answer"), [this] {
                      const int q = std::min<int>(2, static_cast<int>(labels_.size()) - 2);
                      pinned_ = {q, q + 1};
                    }});
  }
  if (s.config.model.layers >= 2 && !(done("answer") && done("layer 2") && s.leak_found && done("back"))) {
    list.push_back({"Pick a head of layer 2", done("layer 2"), [&in] { in.selection.layer = 1; }});
  } else if (s.config.model.context > 1 && (list.empty() || list.front().label != mask_suggestion().label)) {
    list.push_back(mask_suggestion());
  }
}

}  // namespace nopeek
