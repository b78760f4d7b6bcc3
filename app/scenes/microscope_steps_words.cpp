#include <algorithm>
#include <cmath>

#include "app/scenes/microscope_parts.h"
#include "app/scenes/microscope_steps.h"
#include "app/ui/motion.h"

namespace nopeek {

using namespace ui;

namespace {

Tone tone_of(int query, int key) { return key <= query ? Tone::kPast : Tone::kFuture; }

std::string percent(double share) { return percent_text(static_cast<float>(share)).chars; }

}  // namespace

void StepsPage::explain(const Lens& lens, const SceneInput& in, Explanation& out) {
  if (!lens.ready()) {
    const bool failed = lens.answer && lens.held < lens.answer->voices.size() && !lens.voice().error.empty();
    out.words.push_back({{failed ? lens.voice().error : "The model reads the text."}});
    return;
  }
  update(lens);
  const Tone tone = in.voices[in.held_voice].masked ? Tone::kPast : Tone::kFuture;
  const std::string name = voice_name(in.voices, in.held_voice, in.opened);
  const std::string under = lens.draft ? " under a draft mask (" + lens.draft_name + ")" : "";
  if (in.opened) {
    out.words.push_back({{"One head of "}, {name, Tone::kStrong}, {under + ", split into its five steps."}});
  } else {
    out.words.push_back({{"One head of the "}, {name, tone}, {" twin" + under + ", split into its five steps."}});
  }
  explain_row(lens, out);
  explain_stopped(in, out);
  if (typed_.row()) explain_typed(out);
  suggest(lens, in, out);
}

/// What the chosen row does, by what its mask leaves it.
void StepsPage::explain_row(const Lens& lens, Explanation& out) const {
  const int q = cell_.row, T = lens.T(), best = largest_.front();
  const auto weights = lens.stages().weights.row(q);
  const std::string& query = labels_[static_cast<size_t>(q)];
  const auto label = [&](int key) { return labels_[static_cast<size_t>(key)]; };
  const Words top{percent(static_cast<double>(weights(best))), tone_of(q, best)};
  const Words top_label{label(best), tone_of(q, best)};
  if (std::isnan(weights(best))) {
    out.words.push_back({{"The weights of this row are n/a: this model\xE2\x80\x99s numbers grew beyond all bounds."}});
    return;
  }
  if (T == 1) {
    out.words.push_back({{"A text of one token: it can only look at itself, and gives itself all of its weight."}});
    return;
  }
  if (visible_ < T) {
    Paragraph p{{"The query "}, {query, Tone::kStrong}, {" scores every token"}};
    if (q + 1 < T) p.insert(p.end(), {{", also those "}, {"in its future", Tone::kFuture}});
    p.push_back({q + 1 < T && lens.matrices.masked()
                     ? ". The mask turns these scores into \xE2\x88\x92\xE2\x88\x9E, and softmax turns "
                       "\xE2\x88\x92\xE2\x88\x9E into exactly 0."
                     : ". The mask turns some of the scores into \xE2\x88\x92\xE2\x88\x9E, and softmax turns "
                       "\xE2\x88\x92\xE2\x88\x9E into exactly 0."});
    out.words.push_back(std::move(p));
    out.words.push_back(
        {{"Of the " + std::to_string(visible_) + (visible_ == 1 ? " token" : " tokens") + " it may see, "},
         top_label,
         {" gets "},
         top,
         {"."}});
  } else {
    const auto& stages = lens.stages();
    const bool lowered = (stages.masked.row(q).array() < stages.scaled.row(q).array()).any();
    out.words.push_back({{"The query "},
                         {query, Tone::kStrong},
                         {lowered ? " scores every token. The mask lowers some scores, but a finite penalty takes none "
                                    "away: softmax leaves each a weight. "
                                  : " scores every token, and no mask takes one away. "},
                         top_label,
                         {" gets "},
                         top,
                         {"."}});
  }
  if (q + 1 >= T || lens.stages().masked(q, q + 1) == Mask::kForbidden) return;
  const double answer = static_cast<double>(weights(q + 1));
  const double future = static_cast<double>(weights.tail(T - 1 - q).sum());
  out.words.push_back({{"It may read "},
                       {label(q + 1), Tone::kFuture},
                       {", the very token that it has to predict: "},
                       {percent(answer), Tone::kFuture},
                       {" of its attention goes there, "},
                       {percent(future), Tone::kFuture},
                       {" to the future in all."}});
}

void StepsPage::explain_typed(Explanation& out) const {
  const ScoreRow& row = *typed_.row();
  if (typed_.is_lesson() && !typed_.changed()) {
    out.words.push_back({{"The worked row: "},
                         {"I", Tone::kStrong},
                         {" has to predict "},
                         {"love", Tone::kFuture},
                         {", the mask is off, and "},
                         {percent(row.steps().weights[1]), Tone::kFuture},
                         {" of its attention lies on "},
                         {"love", Tone::kFuture},
                         {". Forbid that key and see what is left."}});
    return;
  }
  out.words.push_back({{"The worksheet holds "},
                       {"typed values", Tone::kStrong},
                       {": subtract the largest, take exp, divide by the sum. The model is as it was."}});
}

/// Each does what it says; what changes the lens waits for the next frame.
void StepsPage::suggest(const Lens& lens, const SceneInput& in, Explanation& out) {
  auto& list = out.suggestions;
  const bool masked = in.voices[in.held_voice].masked;
  const int context = in.voices[in.held_voice].model.config().context;
  list.push_back({masked ? "Switch the mask off" : "Switch the mask on", false, [this, masked, context, &in] {
                    in.actions.use_mask(masked ? Mask::full(context) : Mask::causal(context));
                    wishes_.push_back([](Lens& l) { l.edited->drop(); });  // which would hide it
                  }});
  if (typed_.row() && typed_.is_lesson()) {
    list.push_back({"Back to the model's row", false, [this] { typed_.close(); }});
  } else {
    list.push_back({"Load the worksheet row", done_.count("lesson") > 0, [this] {
                      open_row(lesson_row());
                      done_.insert("lesson");
                    }});
  }
  if (lens.T() < 2) return;
  list.push_back({"Point at another cell", done_.count("cell") > 0, [this] {
                    // The next query's answer: the cell that matters most.
                    wishes_.push_back([](Lens& l) {
                      const int row = (l.cell.row + 1) % std::max(1, l.T() - 1);  // a shorter text, perhaps
                      l.cell = {row, row + 1};
                    });
                    done_.insert("cell");
                    keep_moving();
                  }});
}

}  // namespace nopeek
