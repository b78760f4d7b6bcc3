#include "app/ui/token_preview.h"

#include <algorithm>
#include <cmath>

#include "app/ui/interact.h"
#include "app/ui/stroke.h"

namespace nopeek::ui {

void TokenPreview::read(const std::shared_ptr<const Tokenizer>& tokenizer, std::string_view text) {
  if (tokenizer == tokenizer_ && text == text_) return;
  tokenizer_ = tokenizer;
  text_ = text;
  pieces_ = tokenizer->pieces(text);
  const auto count = [&](auto&& wanted) {
    return static_cast<int>(std::count_if(pieces_.begin(), pieces_.end(), wanted));
  };
  tokens_ = count([](const Tokenizer::Piece& p) { return p.id.has_value(); });
  lacking_ = count([](const Tokenizer::Piece& p) { return p.lacking; });
}

void TokenPreview::draw(float x0, float x1, float y, int most) const {
  const Palette& c = colors();
  const bool too_many = most > 0 && tokens_ > most;
  const Number all = most > 0 ? fmt("%d of %d tokens", tokens_, most) : fmt("%d tokens", tokens_);
  const std::string count =
      all.chars + (too_many ? std::string(": ") + fmt("%d", tokens_ - most).chars + " too many" : "");
  const Font count_face = too_many ? Font::kLabelBold : Font::kLabel;
  text({x0, y}, count, count_face, too_many ? c.text : c.secondary);
  float x = x0 + text_width(count_face, count) + px(16);
  for (const Tokenizer::Piece& p : pieces_) {
    if (lacking_ > 0 && !p.lacking) continue;  // what is wrong is what needs to be read
    const std::string word = text_.substr(p.begin, p.end - p.begin);
    const std::string read = p.id ? tokenizer_->label(*p.id) : word;
    const std::string line = p.lacking ? word + " \xE2\x86\x92 " + (p.id ? read : std::string("left out")) : read;
    const Font face = p.lacking ? Font::kLabelBold : Font::kLabel;
    const float w = std::ceil(text_width(face, line)) + px(16);
    if (x + w > x1 - px(24)) {
      text({x, y}, "\xE2\x80\xA6", Font::kLabel, c.secondary);
      return;
    }
    const Rect box{{x, y - px(11)}, {x + w, y + px(11)}};
    if (p.lacking) {
      dashed_outline(box, c.text);
    } else {
      fill(box, c.raised, 6);
    }
    text({x + px(8), y}, line, face, p.lacking ? c.text : c.secondary);
    x += w + px(6);
  }
  if (lacking_ > 0) text_elided({x + px(6), y}, "not in the vocabulary", x1 - x - px(6), Font::kLabel, c.secondary);
}

}  // namespace nopeek::ui
