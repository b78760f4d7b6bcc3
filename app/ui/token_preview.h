#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/text/tokenizer.h"

namespace nopeek::ui {

/// What a tokenizer makes of a text that is being typed, in a line below its field. The text is read anew only when it
/// or the tokenizer is another one: call read() each frame.
class TokenPreview {
 public:
  void read(const std::shared_ptr<const Tokenizer>& tokenizer, std::string_view text);
  /// The count of the tokens, of `most` if there is such a limit, and the tokens; what the vocabulary lacks, and what
  /// is used instead, stands out and comes alone. From x0 to x1, centre line y, px.
  void draw(float x0, float x1, float y, int most = 0) const;

  /// As many as encode() gives.
  int tokens() const { return tokens_; }
  int lacking() const { return lacking_; }

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::string text_;
  std::vector<Tokenizer::Piece> pieces_;
  int tokens_ = 0, lacking_ = 0;
};

}  // namespace nopeek::ui
