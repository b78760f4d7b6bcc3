#include <algorithm>
#include <queue>

#include "core/base/error.h"
#include "core/text/byte_pair.h"

namespace nopeek {

namespace {

/// The pieces as token ids, how often each pair of neighbours is there, and in which pieces to look for it.
class PairCounts {
 public:
  PairCounts(std::span<const CountedPiece> pieces, TokenId first_byte) {
    pieces_.reserve(pieces.size());
    for (const CountedPiece& counted : pieces) {
      std::vector<TokenId> ids;
      for (const char byte : counted.piece) ids.push_back(first_byte + static_cast<unsigned char>(byte));
      for (size_t i = 0; i + 1 < ids.size(); ++i) {
        change({ids[i], ids[i + 1]}, static_cast<int64_t>(counted.times), pieces_.size());
      }
      pieces_.push_back({std::move(ids), static_cast<int64_t>(counted.times)});
    }
  }

  /// The most frequent pair that is there twice or more, of equally frequent ones the lower.
  std::optional<Merge> most_frequent() {
    std::sort(changed_.begin(), changed_.end());
    changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
    for (const Merge& pair : changed_) queue_.push({of(pair), pair});
    changed_.clear();
    while (!queue_.empty()) {
      const Entry top = queue_.top();
      const int64_t times = of(top.pair);
      if (times == top.times) return times >= 2 ? std::optional(top.pair) : std::nullopt;
      queue_.pop();  // out of date
      if (times > 0) queue_.push({times, top.pair});
    }
    return std::nullopt;
  }

  /// Puts `result` in place of the pair, everywhere.
  void merge(const Merge& pair, TokenId result) {
    std::vector<size_t> where = std::move(pairs_.at(pair).where);
    std::sort(where.begin(), where.end());
    where.erase(std::unique(where.begin(), where.end()), where.end());
    for (const size_t piece : where) merge_in(piece, pair, result);
    pairs_.erase(pair);
  }

 private:
  struct PairHash {
    size_t operator()(const Merge& pair) const {
      return std::hash<uint64_t>{}(static_cast<uint64_t>(pair.first) << 32 | static_cast<uint32_t>(pair.second));
    }
  };
  struct Pair {
    int64_t times = 0;
    std::vector<size_t> where;  // pieces; some twice, and some that no longer have it
  };
  struct Piece {
    std::vector<TokenId> ids;
    int64_t times;
  };
  struct Entry {
    int64_t times;
    Merge pair;
    bool operator<(const Entry& other) const { return times != other.times ? times < other.times : pair > other.pair; }
  };

  int64_t of(const Merge& pair) const {
    const auto found = pairs_.find(pair);
    return found == pairs_.end() ? 0 : found->second.times;
  }

  void change(const Merge& pair, int64_t by, size_t piece) {
    Pair& counted = pairs_[pair];
    counted.times += by;
    if (by < 0) return;  // what falls is noticed when its entry's turn comes
    if (counted.where.empty() || counted.where.back() != piece) counted.where.push_back(piece);
    if (changed_.empty() || changed_.back() != pair) changed_.push_back(pair);
  }

  void merge_in(size_t at, const Merge& pair, TokenId result) {
    auto& [ids, times] = pieces_[at];
    size_t kept = 0;  // ids[0, kept) are done
    for (size_t i = 0; i < ids.size(); ++i) {
      if (i + 1 == ids.size() || ids[i] != pair.first || ids[i + 1] != pair.second) {
        ids[kept++] = ids[i];
        continue;
      }
      if (kept > 0) {
        change({ids[kept - 1], pair.first}, -times, at);
        change({ids[kept - 1], result}, times, at);
      }
      if (i + 2 < ids.size()) {
        change({pair.second, ids[i + 2]}, -times, at);
        change({result, ids[i + 2]}, times, at);
      }
      ids[kept++] = result;
      ++i;
    }
    ids.resize(kept);
  }

  std::vector<Piece> pieces_;
  std::unordered_map<Merge, Pair, PairHash> pairs_;
  std::vector<Merge> changed_;  // pairs that have become more frequent since they were put into the queue
  std::priority_queue<Entry> queue_;
};

}  // namespace

BytePairVocabulary train_byte_pair(std::span<const CountedPiece> pieces, std::vector<std::string> first, int max_tokens,
                                   Progress* progress, float from, float to) {
  BytePairVocabulary vocabulary{std::move(first), {}};
  auto& [tokens, merges] = vocabulary;
  PairCounts counts(pieces, static_cast<TokenId>(tokens.size()));
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));

  const auto goal = static_cast<size_t>(max_tokens);
  while (tokens.size() < goal) {
    report_progress(progress, from + (to - from) * static_cast<float>(tokens.size()) / static_cast<float>(goal));
    const auto pair = counts.most_frequent();
    if (!pair) break;
    merges.push_back(*pair);
    // Always a new token: in a stretch of text that no merge has crossed, the same merges happen wherever it stands, so
    // no second way leads to what this one makes.
    counts.merge(*pair, static_cast<TokenId>(tokens.size()));
    tokens.push_back(tokens[static_cast<size_t>(pair->first)] + tokens[static_cast<size_t>(pair->second)]);
  }
  return vocabulary;
}

}  // namespace nopeek
