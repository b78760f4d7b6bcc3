#include <algorithm>
#include <cctype>
#include <cmath>

#include "app/scenes/generate.h"
#include "app/ui/in_quotes.h"

namespace nopeek {

using namespace ui;

namespace {

constexpr double kHighU = 0.9, kCold = 0.2;
constexpr const char* kNoBreak = "\xC2\xA0";

Tone tone(bool masked) { return masked ? Tone::kPast : Tone::kFuture; }
bool is_word(const std::string& s) {
  return std::any_of(s.begin(), s.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c < 0; });
}
/// In the flow of a sentence a full stop has to look like the token that it is.
std::string told(const std::string& word) { return is_word(word) ? word : in_quotes(word); }
std::string count(size_t n) { return grouped_text(static_cast<long long>(n)).chars; }

}  // namespace

Code Generate::code() const {
  return {"Sampling, six lines",
          {"z = logits[-1] / T", "p = softmax(z)", "p = keep_top(p, k, top_p)", "p = p / p.sum()", "i = draw(p, u)",
           "x = append(x, i)[-ctx:]"}};
}

/// The text's last two tokens, or as many characters as make a word.
std::string Generate::newest_words() const {
  const bool characters = tokenizer_->kind() == TokenizerKind::kCharacter;
  std::string words;
  for (size_t i = labels_.size() - std::min<size_t>(characters ? 6 : 2, labels_.size()); i < labels_.size(); ++i) {
    if (!characters && !words.empty()) words += is_word(labels_[i]) ? " " : kNoBreak;
    words += labels_[i];
  }
  return words;
}

/// Who writes, behind what, and among how many.
void Generate::explain_bet(Explanation& out) const {
  const Tone hue = tone(held().masked);
  const size_t all = distribution_.candidates().size(), kept = distribution_.kept(), k = distribution_.in_top_k();
  Paragraph p{{"The "},
              {voice_name(held_), hue},
              {opened_ ? " model writes" : " twin writes"},
              {" one token at a time. After "}};
  if (opened_) p = {{voice_name(held_), hue}, {" writes one token at a time. After "}};
  const std::string behind = newest_words();
  p.push_back({behind, Tone::kStrong});
  // A comma behind a full stop of the text would look like a part of it.
  const bool word = !labels_.empty() && is_word(labels_.back()) && labels_.back().back() != '>';
  const std::string comma = word ? "," : "";
  const std::string share = count(kept) + " of " + count(all);
  if (sampling_.temperature == 0) {
    p.push_back({comma + " greedy takes the likeliest: "});
    p.push_back({told(label(distribution_.best().id)), hue});
    p.push_back({"."});
  } else if (kept < all) {
    const bool by_p = kept < k;
    p.push_back({comma + (k < all && by_p ? " top-k and top-p keep " : by_p ? " top-p keeps " : " top-k keeps ")});
    p.push_back({share, hue});
    p.push_back({" tokens."});
  } else {
    p.push_back({comma + " all " + count(all) + " tokens may come."});
  }
  out.words.push_back(std::move(p));
}

void Generate::explain_draw(Explanation& out) const {
  if (sampling_.temperature == 0) {
    out.words.push_back({{"At temperature 0 chance has no say: every u writes the same token."}});
    return;
  }
  Paragraph p{{"The draw "},
              {std::string("u = ") + u_text(u_).chars, Tone::kStrong},
              {" lands on "},
              {told(label(drawn().id)), tone(held().masked)}};
  if (drawn_ != 0) {
    p.push_back({". Greedy would write "});
    p.push_back({told(label(distribution_.best().id)), Tone::kStrong});
  }
  p.push_back({"."});
  out.words.push_back(std::move(p));
}

/// What the twin would rather write.
void Generate::explain_other(const SceneInput& in, Explanation& out) const {
  if (!has_other_ || !other()) return;
  const Voice& twin = voices_[*other()];
  const Candidate& bet = other_distribution_.best();
  Paragraph p{{"The "},
              {voice_name(*other()), tone(twin.masked)},
              {" twin bets "},
              {percent_text(static_cast<float>(bet.p_temperature)).chars, tone(twin.masked)},
              {" on " + in_quotes(label(bet.id))}};
  // A copy is of what it can see.
  const auto begin = text_.begin() + static_cast<std::ptrdiff_t>(window_start());
  const bool copies = !twin.masked && held().masked && in.newest.leak_found &&
                      twin.model.step >= *in.newest.leak_found && std::find(begin, text_.end(), bet.id) != text_.end();
  p.push_back({!copies || bet.id == distribution_.best().id ? "." : ": it learnt to copy, not to predict."});
  out.words.push_back(std::move(p));
}

/// What is out of the ordinary: one sentence, the most important one.
void Generate::explain_state(const SceneInput& in, Explanation& out) const {
  const size_t start = window_start();
  if (frozen_) {
    const std::string step = grouped_text(voices_.front().model.step).chars;
    out.words.push_back({{"Frozen: the weights of step " + step + " write, whatever training does to them."}});
  } else if (in.in_the_past) {
    out.words.push_back({{"These are the weights of step " + std::string(grouped_text(held().model.step).chars) +
                          ". The same text, an earlier mind."}});
  } else if (start > 0) {
    out.words.push_back({{"The window is full: "},
                         {count(start), Tone::kStrong},
                         {start == 1 ? " token has left it. The model does not know it any more."
                                     : " tokens have left it. The model does not know them any more."}});
  } else if (!text_.empty() && !path_.empty() && text_.back() == tokenizer_->eos()) {
    out.words.push_back({{"<eos> ends a text; what comes after it is another one."}});
  } else if (held().model.step == 0 && !opened_) {
    out.words.push_back({{"Nothing is learned yet: all tokens are nearly alike. Let it train."}});
  }
}

Explanation Generate::explain(const SceneInput& in) {
  Explanation out;
  if (!error_.empty()) {
    out.words.push_back({{"This model gives no next token. " + error_}});
    return out;
  }
  if (rows_.empty() || !shown_ || !ready()) {
    out.words.push_back({{"The model reads the text."}});
    return out;
  }
  explain_bet(out);
  explain_draw(out);
  explain_other(in, out);
  explain_state(in, out);
  suggest(in, out);
  return out;
}

void Generate::suggest(const SceneInput& in, Explanation& out) {
  auto& list = out.suggestions;
  const auto done = [this](const char* what) { return done_.count(what) > 0; };
  if (in.newest.step == 0 && in.newest.paused && !opened_) {
    list.push_back({"Start training", false, [&in] { in.actions.set_paused(false); }});
  }
  const bool cold = std::abs(sampling_.temperature - kCold) < 1e-9;
  if (cold && done("cold")) {
    list.push_back({"Temperature back to 1", done("warm"), [this] {
                      sampling_.temperature = 1;
                      rows_due_ = true;
                      done_.insert("warm");
                    }});
  } else {
    list.push_back({"Temperature to 0.2", done("cold"), [this] {
                      sampling_.temperature = kCold;
                      rows_due_ = true;
                      done_.insert("cold");
                    }});
  }
  list.push_back({"Redraw with u = 0.9", done("u"), [this] {
                    keep_for_undo();
                    set_u(kHighU);
                    done_.insert("u");
                  }});
  if (path_.empty()) {
    list.push_back({"Write a few tokens", done("write"), [this] {
                      play(true);
                      done_.insert("write");
                    }});
    return;
  }
  // The newest token that chance chose against the model's own first choice, or any other way not taken.
  const WrittenToken& last = draft_.tree.node(path_.back()).token;
  if (last.greedy != last.id) {
    list.push_back({"Go back, take " + in_quotes(label(last.greedy)), done("fork"), [this, id = last.greedy] {
                      step_back();
                      force(id);
                      done_.insert("fork");
                    }});
  } else if (rows_.size() > 1) {
    const Row& row = rows_[drawn_ == 0 ? 1 : 0];
    const TokenId id = distribution_.candidates()[row.place].id;
    list.push_back({"Take " + in_quotes(row.label) + " instead", done("fork"), [this, id] {
                      force(id);
                      done_.insert("fork");
                    }});
  }
}

}  // namespace nopeek
