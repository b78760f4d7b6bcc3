#include "core/text/byte_pair.h"

#include <algorithm>

#include "core/base/error.h"

namespace nopeek {

BytePair::BytePair(const std::vector<std::string>& tokens, const TokenIds& ids, std::span<const Merge> merges,
                   std::optional<TokenId> unknown)
    : unknown_(unknown) {
  for (int byte = 0; byte < 256; ++byte) {
    const auto found = ids.find(std::string(1, static_cast<char>(byte)));
    bytes_[static_cast<size_t>(byte)] = found == ids.end() ? kNone : found->second;
  }
  rules_.reserve(merges.size());
  ranks_.reserve(merges.size());
  const auto exists = [&](TokenId id) { return id >= 0 && static_cast<size_t>(id) < tokens.size(); };
  for (const Merge& merge : merges) {
    const std::string number = "Merge " + std::to_string(rules_.size() + 1);
    if (!exists(merge.first) || !exists(merge.second)) throw Error(number + " is of a token that does not exist.");
    const auto result = ids.find(tokens[static_cast<size_t>(merge.first)] + tokens[static_cast<size_t>(merge.second)]);
    if (result == ids.end()) throw Error(number + " makes a token that is not in the vocabulary.");
    ranks_[key(merge.first, merge.second)] = static_cast<uint32_t>(rules_.size());
    rules_.push_back({merge, result->second});
  }
}

/// Symbols in a list, and a heap of the merges that apply. An entry of the heap may be out of date: it is checked when
/// its turn comes, which is cheaper than finding it earlier.
struct BytePair::Merging {
  struct Node {
    Symbol symbol;
    int32_t previous, next;  // kEnd: none
  };
  static constexpr int32_t kEnd = -1, kGone = -2;

  void append(const Symbol& symbol) {
    const auto at = static_cast<int32_t>(nodes.size());
    const bool takes_part = symbol.id != kNone;
    nodes.push_back({symbol, takes_part ? last : kEnd, kEnd});
    if (!takes_part) return;
    if (last != kEnd) nodes[static_cast<size_t>(last)].next = at;
    last = at;
  }
  /// Puts the merge of the symbol at `left` and its neighbour on the heap, if there is one.
  void propose(int32_t left) {
    if (left == kEnd || node(left).next == kEnd) return;
    const auto rank = pair.ranks_.find(key(node(left).symbol.id, node(node(left).next).symbol.id));
    if (rank == pair.ranks_.end()) return;
    heap.push_back(uint64_t{rank->second} << 32 | static_cast<uint32_t>(left));  // lowest rank, then leftmost
    std::push_heap(heap.begin(), heap.end(), std::greater());
  }
  void apply(uint64_t entry) {
    const Rule& rule = pair.rules_[entry >> 32];
    const auto at = static_cast<int32_t>(entry & 0xFFFFFFFFu);
    Node& left = node(at);
    if (left.next < 0 || left.symbol.id != rule.parts.first || node(left.next).symbol.id != rule.parts.second) return;
    Node& right = node(left.next);
    left.symbol = {rule.result, left.symbol.begin, right.symbol.end, false};
    left.next = right.next;
    right.next = kGone;
    if (left.next != kEnd) node(left.next).previous = at;
    propose(left.previous);
    propose(at);
  }
  void run() {
    for (int32_t i = 0; i < static_cast<int32_t>(nodes.size()); ++i) {
      if (node(i).symbol.id != kNone) propose(i);
    }
    for (size_t turn = 0; !heap.empty(); ++turn) {
      if (turn % 65536 == 0) stop_if_asked(progress);
      std::pop_heap(heap.begin(), heap.end(), std::greater());
      const uint64_t entry = heap.back();
      heap.pop_back();
      apply(entry);
    }
  }
  Node& node(int32_t at) { return nodes[static_cast<size_t>(at)]; }

  const BytePair& pair;
  const Progress* progress;
  std::vector<Node> nodes{};
  std::vector<uint64_t> heap{};
  int32_t last = kEnd;
};

void BytePair::encode(std::string_view piece, std::vector<Symbol>& symbols, const Progress* progress) const {
  Merging merging{*this, progress};
  merging.nodes.reserve(piece.size());
  for (uint32_t i = 0; i < piece.size(); ++i) {
    const TokenId id = bytes_[static_cast<unsigned char>(piece[i])];
    merging.append({id == kNone ? unknown_.value_or(kNone) : id, i, i + 1, id == kNone});
  }
  merging.run();
  for (const auto& node : merging.nodes) {
    if (node.next != Merging::kGone) symbols.push_back(node.symbol);
  }
}

}  // namespace nopeek
